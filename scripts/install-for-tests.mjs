// Installs, from Debian's packages, the programs that tests need and this machine lacks: a browser, shells.
// node scripts/install-for-tests.mjs chromium zsh fish
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const missing = process.argv.slice(2).filter((program) => !isThere(program));
if (missing.length > 0) install();

function isThere(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}

function install() {
  const names = missing.join(", ");
  if (!isThere("apt-get") || process.getuid?.() !== 0) {
    fail(`These programs are missing, and no test is left out for want of them: ${names}. Install them.`);
  }
  // One installation at a time: several test files may want one at once.
  const apt = `flock /tmp/alpha-install.lock sh -c 'apt-get update && apt-get install -y --no-install-recommends "$@"' sh`;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status } = spawnSync("sh", ["-c", `${apt} "$@"`, "sh", ...missing], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) fail(`Installing failed: ${names}.`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
