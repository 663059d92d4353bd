import { alpha } from "./alpha.js";
import type { Importer } from "./importer.js";

/** Every log format, in the order in which detection tries them. */
export const IMPORTERS: readonly Importer[] = [alpha];
