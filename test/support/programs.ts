import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const INSTALL = fileURLToPath(new URL("../../scripts/install-for-tests.mjs", import.meta.url));

/** How long installing may take, where something is missing. */
export const INSTALL_MS = 300_000;

/** Installs programs that are missing: no test is left out for want of them. Rejects where that cannot be done. */
export async function requirePrograms(...programs: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [INSTALL, ...programs]);
}
