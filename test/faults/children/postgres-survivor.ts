import { writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { openLimits } from "../../../src/index.js";
import { victimCall } from "./engine-calls.js";

/*
 * A product that goes on whatever happens to the server: `survivor URL NOW NAME WAIT_MS`. It prints what was confirmed, as
 * a victim does, and does again under the same id what was not. Told anything, it ends what it has begun, and says how
 * often the database could not be reached.
 */

const [database = "", now = "", name = "", waitMs = ""] = process.argv.slice(2);
const CALLERS = 4;
const at = Number(now);
const limits = await openLimits({ database, now: () => at, waitMs: Number(waitMs) });
let isOver = false;
let unreachable = 0;

const say = (line: string) => writeSync(1, `${line}\n`);
const pause = () => delay(5);

/** What fails was not done, or nobody knows. */
async function untilDone<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch {
      unreachable += 1;
      await pause();
    }
  }
}

async function call(n: number): Promise<void> {
  const id = `${name}-${n}`;
  const { user, kind, usage, how } = victimCall(n, at);
  if (how === "record") {
    await untilDone(() => limits.record(user, { ...kind, ...usage }, { id }));
    say(`counted ${id}`);
    return;
  }
  for (;;) {
    const { decision, reservation } = await limits.reserve(
      { user, ...kind, tokens: 20, images: 1, cost: 50 },
      { id },
    );
    if (reservation !== null) {
      say(`held ${id}`);
      if (how === "abandon") return;
      if (how === "extend") await untilDone(() => limits.extend(reservation.handle));
      await untilDone(() => limits.settle(reservation.handle, usage));
      say(`counted ${id}`);
      return;
    }
    if (decision.code !== "store-unavailable") throw new Error(`${id} was refused: ${decision.code}`);
    unreachable += 1;
    await pause();
  }
}

process.on("message", () => {
  isOver = true;
});
let next = 0;
await Promise.all(
  Array.from({ length: CALLERS }, async () => {
    while (!isOver) await call(next++);
  }),
);
await limits.close();
say(`unreachable ${unreachable}`);
process.disconnect();
