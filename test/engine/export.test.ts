import { afterEach, beforeEach, expect, test } from "vitest";
import type { UsageRecord } from "../../src/domain/usage.js";
import { type ExportWanted, exportUsage } from "../../src/engine/export.js";
import { engineOn } from "../support/engine-on.js";
import { change, openFreshSqlite, populate, record, T0, type TestDatabase } from "../support/store.js";

let database: TestDatabase;
beforeEach(async () => {
  database = await openFreshSqlite();
  await populate(database.store, "ada", "bob");
});
afterEach(() => database.drop());

async function exported(wanted: ExportWanted = {}, pages = Number.POSITIVE_INFINITY) {
  const records: UsageRecord[] = [];
  let asked = 0;
  const said = await exportUsage(engineOn(database.store), wanted, async (page) => {
    records.push(...page);
    asked += 1;
    return asked < pages;
  });
  return { ...said, records, asked };
}

const many = (count: number) =>
  Array.from({ length: count }, (_, n) => record(`n${String(n).padStart(5, "0")}`, { cost: n }));

test("hands out page after page, each call once, and adds up what they cost", async () => {
  await database.store.meter.commit(many(2_500));
  const all = await exported();
  expect(all.records.map(({ id }) => id)).toEqual(
    many(2_500).map((operation) => (operation.op === "record" ? operation.entry.id : "")),
  );
  // 0 + 1 + … + 2,499.
  expect(all).toMatchObject({ events: 2_500, cost: 3_123_750n, assumed: 0n, sealedThrough: null });
  expect(all.asked).toBeGreaterThan(1);
});

test("stops when no more is wanted, and when it is interrupted", async () => {
  await database.store.meter.commit(many(2_500));
  expect((await exported({}, 1)).events).toBeLessThan(2_500);
  const interrupt = new AbortController();
  interrupt.abort();
  await expect(exported({ signal: interrupt.signal })).rejects.toMatchObject({ code: "interrupted" });
});

test("is one snapshot, whatever is written meanwhile", async () => {
  await database.store.meter.commit(many(2_500));
  const other = await database.open();
  let events = 0;
  await exportUsage(engineOn(database.store), {}, async (page) => {
    events += page.length;
    await other.meter.commit([record(`z${events}`)]);
    return true;
  });
  expect(events).toBe(2_500);
});

test("asks when a call occurred as it stands, and days by the accounting zone", async () => {
  await change(database.store, (tx) => tx.settings.set("time_zone", "Europe/Berlin", T0));
  const at = (iso: string) => Date.parse(iso);
  const snapshot = (input: number, occurredAt: number) =>
    record("moved", { source: "snapshots", supersedes: true, hash: input, input, occurredAt });
  await database.store.meter.commit([
    record("before", { occurredAt: at("2026-11-20T22:59:59Z") }),
    record("first", { occurredAt: at("2026-11-20T23:00:00Z") }),
    snapshot(1, at("2026-11-20T12:00:00Z")),
  ]);
  await database.store.meter.commit([snapshot(2, at("2026-11-21T12:00:00Z"))]);
  const ids = async (wanted: ExportWanted) => (await exported(wanted)).records.map(({ id }) => id);
  expect(await ids({ since: "2026-11-21" })).toEqual(["moved", "first"]);
  expect(await ids({ until: "2026-11-21" })).toEqual(["before"]);
  expect(await ids({ since: "2026-11-21", until: "2026-11-21T12:00:00Z" })).toEqual(["first"]);
});

test("says which of the months asked for it has no calls of any more", async () => {
  // June 2026, as the database counts months.
  const june = 2026 * 12 + 5;
  const sums = { events: 9, requests: 9, tokens: 9, images: 0, cost: 9, assumed: 0 };
  await database.insert("sealed_month", { month: june, sealed_at: T0, actor: "olga", ...sums });
  expect((await exported()).sealedThrough).toBe(june);
  expect((await exported({ since: "2026-06-30" })).sealedThrough).toBe(june);
  expect((await exported({ since: "2026-07-01" })).sealedThrough).toBeNull();
});
