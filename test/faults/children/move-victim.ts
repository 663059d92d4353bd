import { writeSync } from "node:fs";
import { moveDatabase } from "../../../src/engine/move.js";
import { createIds } from "../../../src/ids.js";
import { openMove } from "../../../src/store/move.js";
import { openStore } from "../../../src/store/open-store.js";

/** Moves a database, and kills itself after so many chunks, 0 for never: `move-victim FROM TO NOW CHUNKS`. */
const [from = "", to = "", now = "", chunks = ""] = process.argv.slice(2);
const at = Number(now);
const waitMs = 5_000;
const store = await openStore({ database: from, waitMs });
const move = await openMove({ database: from, waitMs }, { database: to, waitMs });
const engine = {
  store,
  now: () => at,
  ids: createIds(() => at),
  actor: "olga",
  prices: () => Promise.reject(new Error("no price was to be asked for")),
};
let left = Number(chunks);
const progress = {
  report() {
    left -= 1;
    if (left === 0) process.kill(process.pid, "SIGKILL");
  },
};
const { resumed } = await moveDatabase(engine, move, { progress, rowsAtOnce: 3 });
writeSync(1, `done ${resumed}\n`);
await move.close();
await store.close();
process.disconnect();
