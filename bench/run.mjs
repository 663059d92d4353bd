// npm run bench [-- NAME] [--json]: every figure is a ratio against a named peer in the same run. Exit 1 when one is short.
import { parseArgs } from "node:util";

const BENCHES = {
  cli: () => import("./cli.mjs"),
  engine: () => import("./engine.mjs"),
  import: () => import("./import.mjs"),
  postgres: () => import("./postgres.mjs"),
};

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" } } });
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.find((name) => !(name in BENCHES));
if (unknown !== undefined) {
  console.error(`no benchmark "${unknown}"; there are: ${Object.keys(BENCHES).join(", ")}`);
  process.exit(2);
}

let short = 0;
for (const name of names) {
  const { default: bench } = await BENCHES[name]();
  for await (const figure of bench()) {
    if (!figure.ok) short += 1;
    console.log(values.json ? JSON.stringify(figure) : line(figure));
  }
}
process.exitCode = short > 0 ? 1 : 0;

function line({ name, unit, ours, peer, ratio, bound, ok }) {
  const amount = (value) => `${value >= 100 ? Math.round(value) : value.toFixed(2)} ${unit}`;
  return [
    name.padEnd(58),
    amount(ours).padStart(12),
    amount(peer).padStart(12),
    `${ratio.toFixed(2)}x`.padStart(8),
    bound.padStart(8),
    ok ? "ok" : "short",
  ].join("  ");
}
