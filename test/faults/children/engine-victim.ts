import { writeSync } from "node:fs";
import { openLimits } from "../../../src/index.js";
import { victimCall } from "./engine-calls.js";

/*
 * A product that works until it is killed: `victim PATH NOW PREFIX FIRST RETRIED_PREFIX RETRIED_FIRST`. It prints what was
 * confirmed, each line after the answer. First it does again what an earlier victim may have left undone.
 */

const [database = "", now = "", prefix = "", retriedPrefix = "", retriedFirst = ""] = process.argv.slice(2);
const CALLERS = 4;
const RETRIED = 8;
const at = Number(now);
const limits = await openLimits({ database, now: () => at, waitMs: 20_000 });

function say(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      // The pipe is full until the parent has read on.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

async function call(name: string, n: number): Promise<void> {
  const id = `${name}-${n}`;
  const { user, kind, usage, how } = victimCall(n, at);
  if (how === "record") {
    await limits.record(user, { ...kind, ...usage }, { id });
    say(`counted ${id}`);
    return;
  }
  const asked = { user, ...kind, tokens: 20, images: 1, cost: 50 };
  const { decision, reservation } = await limits.reserve(asked, { id });
  if (decision.code === "already-settled") {
    // Who was told nothing of it settles again.
    await limits.settle({ user, id, ...kind }, usage);
    say(`counted ${id}`);
    return;
  }
  if (reservation === null) throw new Error(`${id} was not admitted`);
  say(`held ${id}`);
  if (how === "abandon") return;
  if (how === "extend") await limits.extend(reservation.handle);
  await limits.settle(reservation.handle, usage);
  say(`counted ${id}`);
}

say("ready");
if (retriedPrefix !== "") {
  for (let n = 0; n < RETRIED; n++) await call(retriedPrefix, Number(retriedFirst) + n);
}
let next = 0;
await Promise.all(
  Array.from({ length: CALLERS }, async () => {
    for (;;) await call(prefix, next++);
  }),
);
