import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

const INSTALL = fileURLToPath(new URL("../../scripts/install-chromium.mjs", import.meta.url));

/** How long installing the browser may take, where it is missing. */
export const INSTALL_MS = 300_000;

/** Starts Chromium, which is installed first where it is missing: no test is left out for want of it. */
export async function startBrowser(): Promise<Browser> {
  const { stdout } = await promisify(execFile)(process.execPath, [INSTALL]);
  return chromium.launch({
    executablePath: stdout.trim(),
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
