// Finds the browser in which tests look at a report's page, and installs it from Debian's packages where it is missing.
// Prints its path. CHROMIUM names one that is elsewhere.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

const path = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!existsSync(path)) install();
console.log(path);

function install() {
  if (process.env.CHROMIUM !== undefined) fail(`CHROMIUM names ${path}, where nothing is.`);
  if (!existsSync("/usr/bin/apt-get") || process.getuid?.() !== 0) {
    fail(
      `There is no browser at ${path}. Install Debian's package chromium, or name another one with CHROMIUM.`,
    );
  }
  const apt = (...args) =>
    execFileSync("apt-get", args, {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "ignore", "inherit"],
    });
  apt("update");
  apt("install", "-y", "--no-install-recommends", "chromium");
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
