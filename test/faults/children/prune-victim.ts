import { writeSync } from "node:fs";
import type { Store } from "../../../src/engine/ports.js";
import { pruneLedger } from "../../../src/engine/prune.js";
import { createIds } from "../../../src/ids.js";
import { openStore } from "../../../src/store/open-store.js";

/**
 * Prunes a ledger, and kills itself at one of its steps, 0 for none: `prune-victim DATABASE BEFORE NOW STEP`. A step is
 * in each transaction that writes, when all is written, and after it; and before and after partitions are dropped.
 */
const [database = "", before = "", now = "", killAt = ""] = process.argv.slice(2);
const at = Number(now);

let steps = 0;
function step(): void {
  steps += 1;
  if (steps === Number(killAt)) process.kill(process.pid, "SIGKILL");
}

const real = await openStore({ database, waitMs: 5_000 });
const write: Store["write"] = async (work, options) => {
  const done = await real.write(async (tx) => {
    const result = await work(tx);
    step();
    return result;
  }, options);
  step();
  return done;
};
const drop = async (until: number) => {
  step();
  const rows = (await real.months?.drop(until)) ?? 0;
  step();
  return rows;
};
const store: Store = {
  location: real.location,
  meter: real.meter,
  size: () => real.size(),
  read: (work) => real.read(work),
  close: () => real.close(),
  write,
  ...(real.months === undefined
    ? {}
    : {
        months: {
          prepare: (months) => real.months?.prepare(months) ?? Promise.resolve(),
          before: (until) => real.months?.before(until) ?? Promise.resolve([]),
          drop,
        },
      }),
};
const engine = {
  store,
  now: () => at,
  ids: createIds(() => at),
  actor: "olga",
  prices: () => Promise.reject(new Error("no price was to be asked for")),
};
const { months, rows, refusedCalls } = await pruneLedger(engine, before);
writeSync(1, `done ${steps} ${JSON.stringify({ months: months.length, rows, refusedCalls })}\n`);
await store.close();
process.disconnect();
