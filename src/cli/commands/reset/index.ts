import type { Command } from "commander";
import type { Run } from "../../run.js";

export function declareReset(_program: Command, _run: Run): void {}
