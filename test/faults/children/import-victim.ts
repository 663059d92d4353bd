import { writeSync } from "node:fs";
import { NO_RATES } from "../../../src/domain/own-price-rules.js";
import type { Engine } from "../../../src/engine/engine.js";
import { importUsage } from "../../../src/engine/ingest.js";
import { undoImport } from "../../../src/engine/undo-import.js";
import { createIds } from "../../../src/ids.js";
import { readUsage } from "../../../src/input/read-usage.js";
import { openSqlite } from "../../../src/store/sqlite/open.js";

/*
 * Imports a log for ada, or undoes an import, until it is done or killed: `import-victim import|undo DATABASE FILE|NUMBER NOW`.
 * It says `ready` once it is loaded, begins when it is told anything, and prints a line for each slice.
 */

const [task, path = "", what = "", now = ""] = process.argv.slice(2);
const at = Number(now);
const say = (line: string) => writeSync(1, `${line}\n`);
const told = new Promise((resolve) => process.once("message", resolve));

const store = await openSqlite({ path, waitMs: 20_000 });
const engine: Engine = {
  store,
  now: () => at,
  ids: createIds(() => at),
  actor: "olga",
  prices: async () => ({
    name: "test",
    version: "1",
    describe: () => null,
    rates: () => ({ ...NO_RATES, input: 1_000_000, output: 3_000_000 }),
    dearest: () => null,
  }),
};
const progress = { report: () => say("slice") };

say("ready");
await told;
if (task === "import") {
  const log = { name: what, bytes: null, read: () => readUsage(what, { now: at }) };
  const { total } = await importUsage(engine, [log], { user: "ada", progress });
  say(`done ${JSON.stringify({ inserted: total.inserted, superseded: total.superseded, bad: total.bad })}`);
} else {
  const { events } = await undoImport(engine, Number(what), { progress });
  say(`done ${JSON.stringify({ events })}`);
}
await store.close();
process.disconnect();
