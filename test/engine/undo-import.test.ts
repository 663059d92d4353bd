import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listImports } from "../../src/engine/imports.js";
import { importUsage } from "../../src/engine/ingest.js";
import { undoImport } from "../../src/engine/undo-import.js";
import type { LoggedUsage } from "../../src/engine/usage-log.js";
import { verifyTotals } from "../../src/engine/verify.js";
import { engineOn, type TestEngine } from "../support/engine-on.js";
import { logged, logOf } from "../support/logs.js";
import { openFreshSqlite, populate, type Row, record, T0, type TestDatabase } from "../support/store.js";

let database: TestDatabase;
let engine: TestEngine;

beforeEach(async () => {
  database = await openFreshSqlite();
  await populate(database.store, "ada", "ben");
  engine = engineOn(database.store);
});
afterEach(() => database.drop());

/** Records with a cost of a thousand nanos and 15 tokens each. */
const records = (count: number, draft: Partial<LoggedUsage["draft"]> = {}): LoggedUsage[] =>
  Array.from({ length: count }, (_, n) => logged(`e${n}`, { cost: 1_000, ...draft }));

const run = async (all: readonly LoggedUsage[], user?: string, on = engine) => {
  const done = await importUsage(on, [logOf(all)], user === undefined ? {} : { user });
  expect(done.logs[0]?.error ?? null).toBeNull();
  return done;
};

const used = async (key = "ada") => {
  const rows = await database.rows("usage_window");
  const users = new Map((await database.rows("users")).map((row) => [row.id, row.key]));
  const of = (row: Row) => row.period === "day" && users.get(row.user_id) === key;
  return rows.filter(of).reduce((sum, row) => sum + Number(row.tokens), 0);
};

const isProven = async () => {
  expect(await verifyTotals(engine)).toMatchObject({ differenceCount: 0, differences: [] });
};

describe("undoing an import", () => {
  it("takes back all that it brought, and the same log counts again, for another user too", async () => {
    const log = records(1_000);
    await run(log);
    expect((await run(log)).total).toMatchObject({ inserted: 0, duplicate: 1_000 });
    expect(await used()).toBe(15_000);

    engine.at += 1;
    expect(await undoImport(engine, 1)).toMatchObject({
      import: { number: 1, inserted: 1_000, undoneAt: null },
      events: 1_000,
      kept: 0,
      restored: 0,
      requests: 1_000n,
      tokens: 15_000n,
      images: 0n,
      cost: 1_000_000n,
      assumed: 0n,
    });
    expect(await used()).toBe(0);
    await isProven();
    const { imports } = await listImports(engine, { limit: 5 });
    expect(imports.map(({ number, undoneAt }) => [number, undoneAt])).toEqual([
      [2, null],
      [1, T0 + 1],
    ]);

    expect((await run(log, "ben")).total).toMatchObject({ inserted: 1_000, conflict: 0 });
    expect([await used(), await used("ben")]).toEqual([0, 15_000]);
    await isProven();
  });

  it("leaves one entry in the audit", async () => {
    await run(records(3));
    await undoImport(engine, 1);
    const audit = await database.store.read((tx) => tx.records.audit({ limit: 9, subject: "import:1" }));
    expect(audit).toMatchObject([
      {
        action: "usage.undo-import",
        actor: "olga",
        before: { file: "a.jsonl", inserted: 3 },
        after: { events: 3, kept: 0, restored: 0, cost_usd: "0.000003" },
      },
      { action: "usage.import" },
    ]);
  });

  it("tried, says what it would take back, and changes nothing", async () => {
    await run(records(900));
    const all = async () =>
      Promise.all(
        ["usage_event", "event_key", "usage_window", "usage_day", "import", "audit_entry"].map(database.rows),
      );
    const before = await all();
    const tried = await undoImport(engine, 1, { dryRun: true });
    expect(await all()).toEqual(before);
    expect(await undoImport(engine, 1)).toEqual(tried);
  });

  it("refuses what was never imported, and what was undone", async () => {
    await run(records(1));
    await undoImport(engine, 1);
    await expect(undoImport(engine, 1)).rejects.toMatchObject({
      code: "conflict",
      message: "import 1 (a.jsonl) was undone already",
    });
    await expect(undoImport(engine, 2)).rejects.toMatchObject({ code: "not-found" });
  });

  it("stopped after any slice and run again, it ends the same", async () => {
    await run(records(1_000));
    const stopping = new AbortController();
    const progress = { report: () => stopping.abort() };
    await expect(undoImport(engine, 1, { signal: stopping.signal, progress })).rejects.toMatchObject({
      code: "interrupted",
    });
    // One slice of 400 was taken back.
    expect(await used()).toBe(600 * 15);
    await isProven();
    expect((await listImports(engine, { limit: 1 })).imports).toMatchObject([
      { undoneAt: null, isHalfUndone: true },
    ]);
    expect(await undoImport(engine, 1)).toMatchObject({ events: 600 });
    expect(await used()).toBe(0);
    expect(await database.rows("event_key")).toEqual([]);
    await isProven();
  });

  it("by two at once takes everything back once", async () => {
    await run(records(2_000));
    const other = engineOn(await database.open());
    const both = await Promise.all([undoImport(engine, 1), undoImport(other, 1)]);
    expect(both.reduce((sum, { events }) => sum + events, 0)).toBe(2_000);
    expect(await used()).toBe(0);
    await isProven();
    const audit = await database.store.read((tx) => tx.records.audit({ limit: 9 }));
    expect(audit.filter(({ action }) => action === "usage.undo-import")).toHaveLength(1);
  });

  it("takes back an import that was cut off, whatever of it was written", async () => {
    const log = logOf(records(500), {
      size: 100,
      end: () => Promise.reject(new Error("the power went")),
    });
    await expect(importUsage(engine, [log])).rejects.toThrow("the power went");
    expect((await listImports(engine, { limit: 1 })).imports).toMatchObject([
      { finishedAt: null, inserted: 500, duplicate: null, rejected: null },
    ]);
    expect(await undoImport(engine, 1)).toMatchObject({ events: 500 });
    expect(await used()).toBe(0);
  });

  it("leaves what others brought: before it, after it and between", async () => {
    await run(records(3));
    await database.store.meter.commit([record("live")]);
    await run([...records(5), logged("own", { cost: 1_000 })]);
    await database.store.meter.commit([record("live2")]);
    expect(await undoImport(engine, 2)).toMatchObject({ events: 3 });
    // Three records of the first import and two calls of 15 tokens.
    expect(await used()).toBe(5 * 15);
    expect(await undoImport(engine, 1)).toMatchObject({ events: 3 });
    expect(await used()).toBe(2 * 15);
    await isProven();
  });

  it("keeps a call that was metered live too, whichever came first, and counts it once", async () => {
    const call = logged("g1", { cost: 1_000, providerId: "resp-1" });
    const other = logged("g2", { cost: 1_000, providerId: "resp-2" });
    await database.store.meter.commit([record("live-1", { providerId: "resp-1" })]);
    await run([call, other]);
    await database.store.meter.commit([record("live-2", { providerId: "resp-2" })]);
    expect(await used()).toBe(30);
    expect(await undoImport(engine, 1)).toMatchObject({ events: 0, kept: 1 });
    expect(await used()).toBe(30);
    expect((await run([call, other])).total).toMatchObject({ inserted: 0, duplicate: 2 });
    expect(await used()).toBe(30);
    await isProven();
  });

  it("names the imports that have met some of the same records since, which do not count either now", async () => {
    const record = (n: number) => logged(`e${n}`, { cost: 1_000, providerId: `p${n}` });
    await run([record(1), record(2)]);
    await run([record(2), record(3)]);
    await run([record(4)]);
    await run([record(1)]);
    await undoImport(engine, 4);
    const tried = await undoImport(engine, 1, { dryRun: true });
    // The ledger does not keep which records of an import were duplicates, only how many.
    expect(tried).toMatchObject({ events: 2, metSince: [{ number: 2, file: "a.jsonl", duplicate: 1 }] });
    expect(await undoImport(engine, 1)).toEqual(tried);
    expect((await run([record(2), record(3)])).total).toMatchObject({ inserted: 1, duplicate: 1 });
    expect(await used()).toBe(45);
    expect(await undoImport(engine, 3)).toMatchObject({ metSince: [{ number: 5 }] });
  });

  it("names no import where it takes no call back", async () => {
    const call = logged("g1", { cost: 1_000, providerId: "resp-1" });
    await database.store.meter.commit([record("live-1", { providerId: "resp-1" })]);
    await run([call]);
    await run([call]);
    expect(await undoImport(engine, 1)).toMatchObject({ events: 0, metSince: [] });
  });

  it("lets usage that it superseded stand as before, and supersede again", async () => {
    const at = (output: number) =>
      logged(
        "m",
        { cost: output, output, occurredAt: T0 + output },
        { source: "snapshots", supersedes: true },
      );
    await run([at(5)]);
    await run([at(100), at(50)]);
    expect(await used()).toBe(110);
    expect(await undoImport(engine, 2)).toMatchObject({ events: 0, restored: 1, tokens: 95n, requests: 0n });
    expect(await used()).toBe(15);
    await isProven();
    expect((await run([at(5)])).total).toMatchObject({ inserted: 0, duplicate: 1, superseded: 0 });
    expect((await run([at(100)])).total).toMatchObject({ inserted: 0, superseded: 1 });
    expect(await used()).toBe(110);
    await isProven();
  });

  it("takes assumed cost back, and images", async () => {
    await run(records(2, { model: "", cost: null, images: 2, input: 0, output: 0 }));
    const undone = await undoImport(engine, 1);
    // An image is planned at $0.05.
    expect(undone).toMatchObject({ images: 4n, cost: 0n, assumed: 200_000_000n });
    expect(await database.rows("usage_day")).toMatchObject([
      { images: 0, assumed: 0, unpriced: 0, requests: 0 },
    ]);
  });
});
