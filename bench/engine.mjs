// How fast the limits engine decides and meters, against rate-limiter-flexible's SQLite store on the same better-sqlite3
// with the same pragmas. A pair (reserve + settle) is compared with two of its `consume` calls.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLimits } from "../dist/index.js";
import { barePairs, bareVersion } from "./engine-floor.mjs";
import { besideImport, growth } from "./engine-growth.mjs";
import { freshDatabase, openPeer, PRO_USER, pointLookup, REQUEST, USAGE } from "./engine-setup.mjs";
import { startWorkers } from "./engine-workers.mjs";
import { figure, inTurn, perSecond, perSecondAtOnce } from "./harness.mjs";

const ROUNDS = 5;

export default async function* engineBench() {
  const folder = mkdtempSync(join(tmpdir(), "alpha-bench-"));
  try {
    yield* single(folder);
    yield* processes(folder);
    yield* growth(folder);
    yield* besideImport(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function* single(folder) {
  const database = await freshDatabase(join(folder, "ours.db"));
  const limits = await openLimits({ database });
  const peer = await openPeer(join(folder, "peer.db"));
  const lookup = pointLookup(database);

  const pair = async () => {
    const { reservation } = await limits.reserve(REQUEST);
    await limits.settle(reservation.handle, USAGE);
  };
  const peerPair = async () => {
    await peer.consume(PRO_USER, 1);
    await peer.consume(PRO_USER, 1);
  };

  yield figure({
    name: "check : consume, no other writer",
    unit: "/s",
    bound: ">= 12",
    ...(await inTurn(
      ROUNDS,
      () => perSecond(20_000, () => limits.check(REQUEST)),
      () => perSecond(3_000, () => peer.consume(PRO_USER, 1)),
    )),
  });
  yield figure({
    name: "point lookup : check",
    unit: "/s",
    bound: "<= 2",
    ...(await inTurn(
      ROUNDS,
      () => perSecond(50_000, lookup),
      () => perSecond(20_000, () => limits.check(REQUEST)),
    )),
  });
  yield figure({
    name: "reserve + settle, one after the other : 2 consumes",
    unit: "/s",
    bound: ">= 1.2",
    ...(await inTurn(
      ROUNDS,
      () => perSecond(3_000, pair),
      () => perSecond(3_000, peerPair),
    )),
  });
  yield figure({
    name: "reserve + settle, 64 callers at once : 2 consumes",
    unit: "/s",
    bound: ">= 6",
    ...(await inTurn(
      ROUNDS,
      () => perSecondAtOnce(64, 12_800, pair),
      () => perSecondAtOnce(64, 3_200, peerPair),
    )),
  });
  yield* floors(folder, limits, pair, database);
  const writer = await startWorkers("ours", database, 1);
  writer.keepGoing();
  yield figure({
    name: "check : consume, while another process writes",
    unit: "/s",
    bound: ">= 3",
    ...(await inTurn(
      ROUNDS,
      () => perSecond(5_000, () => limits.check(REQUEST)),
      () => perSecond(3_000, () => peer.consume(PRO_USER, 1)),
    )),
  });
  writer.stop();
  await limits.close();
}

/** How close we come to what cannot be done without: bounds that no check or pair could pass, whoever wrote it. */
async function* floors(folder, limits, pair, database) {
  const version = bareVersion(database);
  yield figure({
    name: "floor: bare data_version : check",
    unit: "/s",
    bound: "<= 2.5",
    ...(await inTurn(
      ROUNDS,
      () => perSecond(40_000, version),
      () => perSecond(20_000, () => limits.check(REQUEST)),
    )),
  });
  const bare = barePairs(await freshDatabase(join(folder, "bare.db")), 1);
  yield figure({
    name: "floor: bare statements of a pair : reserve + settle",
    unit: "/s",
    bound: "<= 2.5",
    ...(await inTurn(
      ROUNDS,
      () => perSecond(3_000, bare),
      () => perSecond(3_000, pair),
    )),
  });
  const bare64 = barePairs(await freshDatabase(join(folder, "bare64.db")), 64);
  yield figure({
    name: "floor: bare statements of 64 pairs : 64 callers",
    unit: "/s",
    bound: "<= 2.5",
    ...(await inTurn(
      ROUNDS,
      async () => 64 * (await perSecond(200, bare64)),
      () => perSecondAtOnce(64, 12_800, pair),
    )),
  });
}

async function* processes(folder) {
  const ours = await startWorkers("ours", await freshDatabase(join(folder, "shared.db")), 4);
  const peer = await startWorkers("peer", join(folder, "shared-peer.db"), 4);
  const rates = { ours: [], peer: [] };
  const fairness = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const mine = await ours.round();
    const theirs = await peer.round();
    if (round === 0) continue;
    rates.ours.push(mine.total);
    rates.peer.push(theirs.total);
    fairness.push(mine.slowest / mine.fastest);
  }
  ours.stop();
  peer.stop();
  yield figure({
    name: "reserve + settle, 4 processes on one file : 2 consumes",
    unit: "/s",
    bound: ">= 3",
    ...rates,
  });
  yield figure({
    name: "fairness: slowest : fastest of the 4 processes",
    unit: "",
    bound: ">= 0.6",
    ours: fairness,
    peer: fairness.map(() => 1),
  });
}
