// What must not grow: the time of a check and of a pair with the number of events and of users; and what an import in
// another process may cost a product.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openLimits } from "../dist/index.js";
import { writeUsage } from "./data.mjs";
import { alpha, BIN, freshDatabase, REQUEST, USAGE } from "./engine-setup.mjs";
import { figure, inTurn, perSecond } from "./harness.mjs";

const ROUNDS = 5;
const EVENTS = 1_000_000;

export async function* growth(folder) {
  const small = await grown(join(folder, "events-few.db"), 1_000, 1_000);
  const large = await grown(join(folder, "events-many.db"), EVENTS, 1_000);
  yield* compared("events, 1,000,000 : 1,000", large, small, "<= 1.25", () => REQUEST);
  const crowd = await grown(join(folder, "users-many.db"), 1_000, 20_000);
  yield* compared("users, 20,000 : 1,000", crowd, small, "<= 1.5", (n, users) => ({
    ...REQUEST,
    user: `user${n % users}`,
  }));
}

/** A database with so many users, and so many events of the first thousand of them in the last month. */
async function grown(path, events, users) {
  await freshDatabase(path);
  const list = `${path}.users.csv`;
  const lines = Array.from({ length: users }, (_, n) => `user${n}@example.com,user${n},pro`);
  writeFileSync(list, ["email,id,tier", ...lines].join("\n"));
  alpha(path, ["users", "add", "--from", list]);
  const log = `${path}.jsonl`;
  writeUsage(log, { events, users: 1_000, days: 30, month: lastMonth() });
  alpha(path, ["usage", "import", log]);
  return { path, users, log };
}

function lastMonth() {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
}

async function* compared(what, ours, peer, bound, request) {
  const limits = await openLimits({ database: ours.path });
  const others = await openLimits({ database: peer.path });
  const pair = async (on, n, users) => {
    const { reservation } = await on.reserve(request(n, users));
    await on.settle(reservation.handle, USAGE);
  };
  // Ours and the peer change places in the ratio: both are rates, and a rate that sinks is a time that grows.
  yield figure({
    name: `time of a check with ${what}`,
    unit: "/s",
    bound,
    ...(await inTurn(
      ROUNDS,
      () => perSecond(40_000, (n) => others.check(request(n, peer.users))),
      () => perSecond(40_000, (n) => limits.check(request(n, ours.users))),
    )),
  });
  yield figure({
    name: `time of reserve + settle with ${what}`,
    unit: "/s",
    bound,
    ...(await inTurn(
      ROUNDS,
      () => perSecond(3_000, (n) => pair(others, n, peer.users)),
      () => perSecond(3_000, (n) => pair(limits, n, ours.users)),
    )),
  });
  await limits.close();
  await others.close();
}

/** Latencies of reservations in this process, without and with an import of many records in another. */
export async function* besideImport(folder) {
  const { path } = await grown(join(folder, "import.db"), 1_000, 1_000);
  const log = join(folder, "import.jsonl");
  writeUsage(log, { events: 300_000, users: 1_000, days: 29, month: lastMonth() });
  const limits = await openLimits({ database: path });
  const started = performance.now();
  const alone = await latencies(limits, () => performance.now() - started < 3_000);
  let done = false;
  const began = performance.now();
  const child = spawn(process.execPath, [BIN, "usage", "import", log], {
    env: { ...process.env, ALPHA_DATABASE: path },
    stdio: "ignore",
  });
  const ended = new Promise((resolve, reject) => {
    child.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`the import exited with ${code}`)),
    );
  }).finally(() => {
    done = true;
  });
  const beside = await latencies(limits, () => !done);
  await ended;
  const seconds = (performance.now() - began) / 1000;
  await limits.close();
  const p99 = quantile(beside, 0.99);
  yield figure({
    name: "p99 of reserve beside an import : without (or 15 ms)",
    unit: "ms",
    bound: "<= 1",
    ours: [p99],
    peer: [Math.max(15, 10 * quantile(alone, 0.99))],
  });
  yield figure({
    name: "worst reserve beside an import : 150 ms",
    unit: "ms",
    bound: "<= 1",
    ours: [beside.at(-1)],
    peer: [150],
  });
  yield figure({
    name: "records imported beside it : 8,000",
    unit: "/s",
    bound: ">= 1",
    ours: [300_000 / seconds],
    peer: [8_000],
  });
}

/** Sorted latencies in milliseconds of one reserve + settle after the other. */
async function latencies(limits, goesOn) {
  const times = [];
  while (goesOn()) {
    const before = performance.now();
    const { reservation } = await limits.reserve(REQUEST);
    times.push(performance.now() - before);
    await limits.settle(reservation.handle, USAGE);
  }
  return times.sort((a, b) => a - b);
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
