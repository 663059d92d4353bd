import { type Browser, chromium } from "playwright-core";
import { requirePrograms } from "./programs.js";

/** Starts Chromium. */
export async function startBrowser(): Promise<Browser> {
  await requirePrograms("chromium");
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
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
