#!/usr/bin/env node
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`alpha needs Node 20.19 or newer, and this is ${process.versions.node}.\n`);
  process.exitCode = 3;
} else {
  const { main } = await import("../dist/cli.js");
  process.exitCode = await main(process);
}
