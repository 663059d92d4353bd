import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { openSqlite } from "../../src/store/sqlite/open.js";
import { type Child, program, type Spawn } from "../support/processes.js";
import { auditEntry, freshSqliteFile, populate, record, T0, tempFolder } from "../support/store.js";

const writer = program(new URL("../store/children/writer.ts", import.meta.url));

const ready = async (child: Child) => child.line((line) => line === "ready");

async function populated(folder: string): Promise<string> {
  const path = await freshSqliteFile(join(folder, "alpha.db"));
  const store = await openSqlite({ path, waitMs: 5_000 });
  await populate(store, "ada", "bob");
  await store.close();
  return path;
}

/** Sums that must agree: the ledger's, and what is kept beside it. */
const SUMS = {
  ledger: `select count(*) as requests, sum(input + cache_read + cache_write + output) as tokens,
    sum(images) as images, sum(cost) as cost from usage_event`,
  days: `select sum(requests) as requests, sum(input + cache_read + cache_write + output) as tokens,
    sum(images) as images, sum(cost) as cost from usage_day`,
  windows: `select sum(requests) as requests, sum(tokens) as tokens, sum(images) as images, sum(cost) as cost
    from usage_window where period = 'day'`,
  months: `select sum(requests) as requests, sum(tokens) as tokens, sum(images) as images, sum(cost) as cost
    from usage_window where period = 'month'`,
};

function expectWhole(path: string, acknowledged: ReadonlySet<string>): void {
  const raw = new Sqlite(path);
  try {
    expect(raw.pragma("integrity_check", { simple: true })).toBe("ok");
    const ledger = raw.prepare(SUMS.ledger).get();
    expect(raw.prepare(SUMS.days).get()).toEqual(ledger);
    expect(raw.prepare(SUMS.windows).get()).toEqual(ledger);
    expect(raw.prepare(SUMS.months).get()).toEqual(ledger);
    const ids = new Set(raw.prepare<[], string>("select id from event_key").pluck().all());
    expect([...acknowledged].filter((id) => !ids.has(id))).toEqual([]);
    expect(raw.prepare("select count(*) from usage_event").pluck().get()).toBe(ids.size);
    // A batch is five entries, and all of it or none.
    expect(ids.size % 5).toBe(0);
    const audits = raw.prepare("select count(*) from audit_entry").pluck().get();
    expect(raw.prepare("select config - 1 from generation").pluck().get()).toBe(audits);
  } finally {
    raw.close();
  }
}

async function killManyTimes(spawn: Spawn, path: string, rounds: number): Promise<number> {
  const acknowledged = new Set<string>();
  let next = spawn("commit", path, "0");
  for (let round = 0; round < rounds; round++) {
    const child = next;
    await ready(child);
    child.say("go");
    if (round + 1 < rounds) next = spawn("commit", path, String(round + 1));
    const batches = 1 + ((round * 7) % 23);
    await child.line(() => child.lines.length > batches);
    child.kill();
    await child.ended;
    for (const line of child.lines.slice(1)) for (const id of line.split(" ")) acknowledged.add(id);
    expectWhole(path, acknowledged);
  }
  return acknowledged.size;
}

test("killed in the middle of commits 50 times, the database is whole and keeps what was acknowledged", async () => {
  const spawn = await writer.start();
  const paths = [await populated(tempFolder()), await populated(tempFolder())];
  const sizes = await Promise.all(paths.map((path) => killManyTimes(spawn, path, 25)));
  for (const size of sizes) expect(size).toBeGreaterThan(1_000);
}, 60_000);

test("what is locked by another process is reported within the wait, and nothing else stops meanwhile", async () => {
  const path = await populated(tempFolder());
  const waitMs = 300;
  const store = await openSqlite({ path, waitMs });
  await store.meter.commit([record("before")]);
  const spawn = await writer.start();
  const locker = spawn("lock", path);
  await ready(locker);
  locker.say("go");
  await locker.line((line) => line === "locked");

  const locked = {
    name: "AlphaError",
    code: "database",
    message: expect.stringContaining("locked by another"),
  };
  for (const attempt of [
    () => store.write((tx) => tx.records.audited(auditEntry())),
    () => store.meter.commit([record("during")]),
  ]) {
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 5);
    const began = performance.now();
    await expect(attempt()).rejects.toMatchObject(locked);
    const took = performance.now() - began;
    clearInterval(ticking);
    expect(took).toBeGreaterThanOrEqual(waitMs - 1);
    expect(took).toBeLessThan(waitMs + 2_000);
    // 60 turns fit; a blocked event loop has none.
    expect(ticks).toBeGreaterThan(5);
  }

  const at = T0;
  const request = { provider: "", model: "", feature: "", tokens: 1, images: 0, cost: 0, dearest: null };
  expect(await store.meter.check("ada", request, at)).toMatchObject({ code: "ok", used: 15 });
  expect(await store.read((tx) => tx.usage.events({ limit: 9 }))).toHaveLength(1);

  locker.kill();
  await locker.ended;
  expect(await store.meter.commit([record("during")])).toMatchObject([{ status: "inserted" }]);
  await store.write((tx) => tx.records.audited(auditEntry()));
  await store.close();
}, 30_000);

test("whoever waits for the lock gets it when it is free", async () => {
  const path = await populated(tempFolder());
  const store = await openSqlite({ path, waitMs: 20_000 });
  const spawn = await writer.start();
  const locker = spawn("lock", path);
  await ready(locker);
  locker.say("go");
  await locker.line((line) => line === "locked");
  const waiting = Promise.all([
    store.meter.commit([record("1")]),
    store.write((tx) => tx.records.audited(auditEntry())),
  ]);
  locker.kill();
  expect((await waiting)[0]).toMatchObject([{ status: "inserted" }]);
  await store.close();
}, 30_000);
