import { writeSync } from "node:fs";
import { type Limits, openLimits, type ReservationHandle } from "../../../src/index.js";
import { randomFrom } from "./engine-calls.js";

/*
 * A product of which every batch concerns many users, in any order, and brings names and identities that others bring at
 * the same time: `mixture URL NOW SEED TURNS`. It says `done` and ends.
 */

const [database = "", now = "", seed = "", turns = ""] = process.argv.slice(2);
const at = Number(now);
const USERS = 10;
const HOUR = 3_600_000;

const limits = await openLimits({ database, now: () => at, waitMs: 20_000 });
const random = randomFrom(Number(seed));
const below = (bound: number) => Math.floor(random() * bound);
const held: ReservationHandle[] = [];

/** The n-th call of all processes together: the same usage of the same tester, whoever brings it first. */
function shared(n: number) {
  const kind = { provider: `p${n % 3}`, model: `m${n % 40}`, feature: "" };
  const usage = {
    input: n,
    output: 1,
    cost: n,
    occurredAt: at - (n % 80) * 13 * HOUR,
    providerId: `call-${n}`,
  };
  return { user: `u${n % USERS}`, usage: { ...kind, ...usage } };
}

async function act(turn: number): Promise<unknown> {
  const which = below(10);
  if (which < 4) {
    const n = turn * 4 + below(8);
    const { user, usage } = shared(n);
    return limits.record(user, usage, { id: `shared-${n}` });
  }
  const handle = which < 7 ? held.shift() : undefined;
  if (handle !== undefined) {
    return which < 6 ? limits.settle(handle, { output: 1, cost: 1 }) : limits.release(handle);
  }
  return reserve(limits, `u${below(USERS)}`, `r${turn}`);
}

async function reserve(from: Limits, user: string, model: string): Promise<void> {
  const { decision, reservation } = await from.reserve({ user, model, tokens: 5, cost: 1 });
  if (reservation !== null) held.push(reservation.handle);
  else if (decision.code === "store-unavailable") throw new Error(decision.cause ?? decision.code);
}

for (let turn = 0; turn < Number(turns); turn++) {
  await Promise.all(Array.from({ length: 12 }, () => act(turn)));
}
await limits.close();
writeSync(1, "done\n");
process.disconnect();
