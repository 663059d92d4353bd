import { expect, test } from "vitest";
import { ENTERED } from "../../src/domain/import-columns.js";
import type { Period } from "../../src/domain/meter.js";
import { calendar, parseDay, parseMonth } from "../../src/domain/window.js";
import { changeTimeZone } from "../../src/engine/change-zone.js";
import { exportUsage } from "../../src/engine/export.js";
import { NO_DAY_AMOUNTS } from "../../src/engine/ledger-sums.js";
import type { Store } from "../../src/engine/ports.js";
import { pruneLedger } from "../../src/engine/prune.js";
import { rebuildTotals } from "../../src/engine/rebuild.js";
import { undoImport } from "../../src/engine/undo-import.js";
import { listEvents } from "../../src/engine/usage-events.js";
import { verifyTotals } from "../../src/engine/verify.js";
import { engineOn } from "../support/engine-on.js";
import { columnsOf, plainRecord } from "../support/import-columns.js";
import { change, DAY, populate, record, T0, type TestDatabase } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const at = (day: string, time = "10:00:00") => Date.parse(`${day}T${time}Z`);
const JUNE = at("2026-06-01", "00:00:00");
const NOVEMBER_22 = { period: "day", index: Date.UTC(2026, 10, 22) / DAY } as const;

/** Two testers with four calls of 15 tokens at $0.000001, three of them in March and May, all from one import. */
async function withOldUsage(database: TestDatabase) {
  const { store } = database;
  await populate(store, "ada", "ben");
  await change(store, (tx) =>
    tx.emergency.setGuardrail({ meter: "tokens", period: "month", limit: 1e6, action: "alert" }, T0),
  );
  const start = { at: T0, actor: "olga", file: "old.jsonl", format: "alpha", options: "{}" };
  const importId = await store.write((tx) => tx.records.startImport(start));
  await store.meter.commit([
    record("1", { importId, occurredAt: at("2026-03-05") }),
    record("2", { importId, occurredAt: at("2026-05-31", "23:59:59.999"), user: "ben", images: 2 }),
    record("3", { importId, occurredAt: at("2026-05-01"), cost: null }),
    record("4", { importId, occurredAt: at("2026-06-01", "00:00:00") }),
  ]);
  const tally = { inserted: 4, superseded: 0, duplicate: 0, rejected: 0, skipped: 0 };
  await store.write((tx) => tx.records.finishImport(importId, { at: T0, ...tally }));
  const ended = { holdsEnded: 0, overridesEnded: 0, stopsEnded: 0 };
  const yesterday = { day: dayOf("2026-11-21"), ranAt: T0, actor: "cron", ...ended };
  await store.write((tx) => tx.records.saveReset(yesterday));
  return { store, engine: engineOn(store), importId };
}

const dayOf = (text: string) => parseDay(text) ?? 0;
const monthOf = (text: string) => parseMonth(text) ?? 0;

/** Makes a total of tokens wrong. */
const addTokens = (store: Store, window: { period: Period; index: number }, tokens: bigint) =>
  store.write((tx) =>
    tx.totals.addToWindows([{ userId: 1, ...window, tokens, images: 0n, cost: 0n, requests: 0n }]),
  );

const equal = { differenceCount: 0, differences: [] };

everyStore((fresh) => {
  test("pruned months leave their totals, and what they came to is proven from then on", async () => {
    const database = await fresh();
    const { store, engine } = await withOldUsage(database);
    const totals = async () => [await database.rows("usage_day"), await database.rows("usage_window")];
    const before = await totals();

    const pruned = await pruneLedger(engine, "2026-06-01");
    expect(pruned).toMatchObject({ before: "2026-06", rows: 3, refusedCalls: 0 });
    // 10 input and 5 output each; of the unpriced one $0.0015 is assumed: 15 tokens at $0.10 per thousand.
    const nothing = { events: 0, requests: 0n, tokens: 0n, images: 0n, cost: 0n, assumed: 0n };
    const by = { sealedAt: T0, actor: "olga" };
    const march = { events: 1, requests: 1n, tokens: 15n, cost: 1_000n };
    const may = { events: 2, requests: 2n, tokens: 30n, images: 2n, cost: 1_000n, assumed: 1_500_000n };
    expect(pruned.months).toEqual([
      { month: monthOf("2026-03"), ...by, ...nothing, ...march },
      { month: monthOf("2026-04"), ...by, ...nothing },
      { month: monthOf("2026-05"), ...by, ...may },
    ]);
    expect((await database.rows("usage_event")).map(({ occurred_at }) => occurred_at)).toEqual([JUNE]);
    expect(await database.rows("event_key")).toHaveLength(4);
    expect(await totals()).toEqual(before);
    expect(await verifyTotals(engine)).toMatchObject({ rows: 1, sealedMonths: 3, ...equal });
    expect(await store.read((tx) => tx.records.audit({ action: "db.prune" }))).toMatchObject([
      { subject: "month:2026-05", actor: "olga", after: { events: 2, tokens: 30, assumed_usd: "0.0015" } },
      { subject: "month:2026-04" },
      { subject: "month:2026-03" },
    ]);
    expect(await pruneLedger(engine, "2026-06")).toMatchObject({ months: [], rows: 0 });
  });

  test("nothing is entered into a sealed month, by whichever process and whichever way", async () => {
    const database = await fresh();
    const { store, engine, importId } = await withOldUsage(database);
    const other = await database.open();
    await other.meter.commit([record("5", { occurredAt: T0 })]);
    await pruneLedger(engine, "2026-06-01");

    const old = (id: string) => record(id, { occurredAt: at("2026-05-20") });
    for (const { meter } of [store, other]) {
      const outcomes = await meter.commit([old("1"), old("6"), record("7", { occurredAt: JUNE })]);
      expect(outcomes).toMatchObject([{ status: "duplicate" }, { status: "sealed" }, {}]);
      expect(await meter.preview([old("8")])).toMatchObject([{ status: "sealed" }]);
    }
    // Under a guardrail records go one by one.
    await change(store, async (tx) => {
      for (const { id } of await tx.emergency.guardrails()) await tx.emergency.clearGuardrail(id, T0);
    });
    const columns = columnsOf([plainRecord("c1", { occurredAt: at("2026-04-30") }), plainRecord("c2")]);
    const entered = await store.meter.enterColumns(columns, 0, { at: T0, importId, book: null });
    if (entered !== null) {
      expect([...entered.outcome].map((outcome) => ENTERED[outcome])).toEqual(["sealed", "inserted"]);
    }
    await expect(undoImport(engine, importId)).rejects.toMatchObject({
      code: "conflict",
      message: "import 1 (old.jsonl) cannot be undone any more",
    });
    expect(await verifyTotals(engine)).toMatchObject({ sealedMonths: 3, ...equal });
  });

  test("the last row of the ledger stays until there is a later one, since its number would be given again", async () => {
    const database = await fresh();
    const { store, engine } = await withOldUsage(database);
    await store.meter.commit([record("late", { occurredAt: at("2026-05-02") })]);
    const expected = { rows: 3, kept: 1 };
    expect(await pruneLedger(engine, "2026-06-01", { dryRun: true })).toMatchObject(expected);
    expect(await pruneLedger(engine, "2026-06-01")).toMatchObject(expected);
    expect(await verifyTotals(engine)).toMatchObject({ rows: 1, ...equal });
    const nothingMore = { months: [], rows: 0, kept: 1 };
    expect(await pruneLedger(engine, "2026-06-01", { dryRun: true })).toMatchObject(nothingMore);
    expect(await pruneLedger(engine, "2026-06-01")).toMatchObject(nothingMore);
    await store.meter.commit([record("now")]);
    expect(await pruneLedger(engine, "2026-06-01", { dryRun: true })).toMatchObject({ rows: 1, kept: 0 });
    const numbers = (await database.rows("usage_event")).map(({ id }) => Number(id));
    expect(new Set([...numbers, 1, 2, 3]).size).toBe(numbers.length + 3);
    expect(await pruneLedger(engine, "2026-06-01")).toMatchObject({ months: [], rows: 1, kept: 0 });
  });

  test("what is sealed and has not gone yet is neither listed nor exported", async () => {
    const { store, engine } = await withOldUsage(await fresh());
    const listed = async (wanted = {}) =>
      (await listEvents(engine, { limit: 10, ...wanted })).events.map(({ id }) => id);
    const exported = async (wanted = {}) => {
      const ids: string[] = [];
      const { events, cost, sealedThrough } = await exportUsage(engine, wanted, async (records) => {
        ids.push(...records.map(({ id }) => id ?? ""));
        return true;
      });
      expect(events).toBe(ids.length);
      return { ids, cost, sealedThrough };
    };
    expect(await listed()).toEqual(["4", "3", "2", "1"]);
    const may = monthOf("2026-05");
    const sums = { requests: 3n, tokens: 45n, images: 2n, cost: 2_000n, assumed: 1_500_000n };
    const sealed = { month: may, sealedAt: T0, actor: "olga", events: 3, ...sums };
    await store.write((tx) => tx.sealing.seal(sealed));
    expect(await listed()).toEqual(["4"]);
    expect(await listed({ since: "2026-03-01" })).toEqual(["4"]);
    expect(await listed({ until: "2026-06-01" })).toEqual([]);
    expect(await listed({ since: "2026-06-02" })).toEqual([]);
    expect(await exported()).toEqual({ ids: ["4"], cost: 1_000n, sealedThrough: may });
    expect(await exported({ until: "2026-06-01" })).toEqual({ ids: [], cost: 0n, sealedThrough: may });
  });

  test("months that are kept by themselves go at once, and come to the same", async () => {
    const database = await fresh();
    const spans = ["2026-03", "2026-05", "2026-06"].map((label) => {
      const { start, end } = calendar("UTC").window("month", monthOf(label));
      return { label, start, end };
    });
    await database.store.months?.prepare(spans);
    const { engine } = await withOldUsage(database);
    await database.store.meter.commit([record("late", { occurredAt: at("2026-05-02") })]);
    // With its month the last row goes, too.
    const expected = database.store.months === undefined ? { rows: 3, kept: 1 } : { rows: 4, kept: 0 };
    expect(await pruneLedger(engine, "2026-06-01", { dryRun: true })).toMatchObject(expected);
    expect(await pruneLedger(engine, "2026-06-01")).toMatchObject(expected);
    await database.store.meter.commit([record("now")]);
    await pruneLedger(engine, "2026-06-01");
    expect(await database.rows("usage_event")).toHaveLength(2);
    expect(await verifyTotals(engine)).toMatchObject({ rows: 2, ...equal });
  });

  test("is refused while a day is open, a month runs or a total differs, and changes nothing then", async () => {
    const database = await fresh();
    const { store, engine } = await withOldUsage(database);
    const refused = (before: string) => expect(pruneLedger(engine, before)).rejects;
    await refused("2026-12-01").toMatchObject({ code: "conflict", message: "2026-11 is not over yet" });
    await refused("2026-06-02").toMatchObject({ code: "usage" });
    await refused("soon").toMatchObject({ code: "usage" });
    await addTokens(store, NOVEMBER_22, 1n);
    await refused("2026-06-01").toMatchObject({
      code: "conflict",
      message: "1 total is not what the ledger adds up to; nothing was pruned",
    });
    expect(await database.rows("sealed_month")).toEqual([]);
    expect(await database.rows("usage_event")).toHaveLength(4);
    expect(await database.rows("job_lease")).toEqual([]);
  });

  test("a dry run says what would go, and nothing goes", async () => {
    const database = await fresh();
    const { engine } = await withOldUsage(database);
    const tried = await pruneLedger(engine, "2026-06-01", { dryRun: true });
    expect(tried).toMatchObject({ rows: 3, kept: 0, months: [{ events: 1 }, { events: 0 }, { events: 2 }] });
    expect(await database.rows("sealed_month")).toEqual([]);
    expect(await database.rows("usage_event")).toHaveLength(4);
  });

  test("what was interrupted is sealed, and goes with the next run", async () => {
    const database = await fresh();
    const { engine } = await withOldUsage(database);
    const stopped = new AbortController();
    // Four rows are added up first; three of them are deleted.
    const progress = { report: ({ done }: { done: number }) => void (done === 3 && stopped.abort()) };
    await expect(
      pruneLedger(engine, "2026-06-01", { signal: stopped.signal, progress }),
    ).rejects.toMatchObject({
      code: "interrupted",
    });
    expect(await verifyTotals(engine)).toMatchObject({ sealedMonths: 3, ...equal });
    expect(await pruneLedger(engine, "2026-06-01")).toMatchObject({ months: [], rows: 0 });
  });

  test("rebuilding mends every total, whatever is metered meanwhile", async () => {
    const database = await fresh();
    const { store, engine } = await withOldUsage(database);
    await store.meter.commit([record("now")]);
    await addTokens(store, { period: "month", index: monthOf("2026-11") }, -9n);
    await store.write(async (tx) => {
      const wrong = { ...NO_DAY_AMOUNTS, day: NOVEMBER_22.index, kindId: 1, requests: 3n, cost: -7n };
      await tx.totals.addToDays([
        { userId: 1, ...wrong },
        { userId: 2, ...wrong },
      ]);
      const [guardrail] = await tx.ledger.guardrailTotals();
      if (guardrail === undefined) throw new Error("the guardrail has no total yet");
      await tx.totals.addToGuardrail(guardrail.guardrail.id, guardrail.index, 100n);
    });
    // Two fields of two daily totals, one of a window, and the guardrail.
    const differences = 2 + 2 + 1 + 1;
    expect(await verifyTotals(engine)).toMatchObject({ differenceCount: differences });
    expect(await rebuildTotals(engine, { dryRun: true })).toMatchObject({ differenceCount: differences });

    expect(await rebuildTotals(engine)).toMatchObject({ differenceCount: differences, lost: [] });
    expect(await verifyTotals(engine)).toMatchObject(equal);
    expect(await store.read((tx) => tx.records.audit({ action: "db.rebuild" }))).toMatchObject([
      { subject: "database:totals", after: { differences: 1 } },
      { subject: "database:totals", after: { differences: 5 } },
    ]);
  });

  test("what a metered call adds while a difference is mended is not lost", async () => {
    const database = await fresh();
    const { store, engine } = await withOldUsage(database);
    await store.meter.commit([record("before")]);
    await addTokens(store, NOVEMBER_22, 5n);
    const other = await database.open();
    let calls = 0;
    const metering: Store = {
      location: store.location,
      meter: store.meter,
      size: () => store.size(),
      write: (work, options) => store.write(work, options),
      close: () => store.close(),
      // Each comparison is out of date as soon as it is made.
      async read(work) {
        const result = await store.read(work);
        await other.meter.commit([record(`meanwhile-${++calls}`)]);
        return result;
      },
    };
    expect(await rebuildTotals({ ...engine, store: metering })).toMatchObject({ differenceCount: 1 });
    expect(await verifyTotals(engine)).toMatchObject(equal);
    const used = await store.read((tx) => tx.users.windowUsage(1, "day", NOVEMBER_22.index));
    expect(used.tokens).toBe(15 * (1 + calls));
  });

  test("a sealed month is not mended by totals that are not what was kept of it", async () => {
    const { store, engine } = await withOldUsage(await fresh());
    await pruneLedger(engine, "2026-06-01");
    await store.meter.commit([record("now")]);
    await addTokens(store, { period: "day", index: dayOf("2026-05-01") }, 4n);
    // The daily totals are what was kept, so that the window can be mended by them.
    expect(await rebuildTotals(engine)).toMatchObject({ differenceCount: 1, lost: [] });
    const amounts = { ...NO_DAY_AMOUNTS, input: 7n };
    await store.write((tx) =>
      tx.totals.addToDays([{ userId: 1, day: dayOf("2026-05-01"), kindId: 1, ...amounts }]),
    );
    const differing = { stored: 30n, computed: 37n, total: "sealed", window: "2026-05", field: "tokens" };
    const verified = await verifyTotals(engine);
    expect(verified.differences).toContainEqual({ ...differing, user: null, of: null });
    for (const dryRun of [true, false]) {
      const { differenceCount, lost } = await rebuildTotals(engine, { dryRun });
      expect(differenceCount).toBe(0);
      expect(lost.map(({ total, window, field }) => `${total} ${window} ${field}`).sort()).toEqual([
        "sealed 2026-05 tokens",
        "window 2026-05 tokens",
        "window 2026-05-01 tokens",
      ]);
    }
    expect(await verifyTotals(engine)).toEqual(verified);
  });

  test("another zone counts everything anew, until a month is sealed", async () => {
    const database = await fresh();
    const { store, engine } = await withOldUsage(database);
    const changed = await changeTimeZone(engine, "europe/berlin");
    // Berlin's June begins two hours before: ben's call of May is in June.
    expect(changed).toEqual({ before: "UTC", after: "Europe/Berlin", rows: 4, windows: 4 + 3 + 1, days: 4 });
    const june = monthOf("2026-06");
    const used = (user: number) => store.read((tx) => tx.users.windowUsage(user, "month", june));
    expect([await used(1), await used(2)]).toMatchObject([{ tokens: 15 }, { tokens: 15, images: 2 }]);
    expect(await verifyTotals(engine)).toMatchObject(equal);
    const [outcome] = await store.meter.commit([record("5", { occurredAt: at("2026-05-31", "22:00:00") })]);
    expect(outcome).toMatchObject({ status: "inserted" });
    expect(await used(1)).toMatchObject({ tokens: 30 });
    await expect(changeTimeZone(engine, "Europe/Berlin")).rejects.toMatchObject({ code: "conflict" });

    expect(await changeTimeZone(engine, "UTC", { dryRun: true })).toMatchObject({ after: "UTC" });
    await pruneLedger(engine, "2026-06-01");
    await expect(changeTimeZone(engine, "UTC")).rejects.toMatchObject({
      code: "conflict",
      message: "the time zone cannot be changed any more: what occurred before 2026-06 is sealed",
    });
    expect(await store.read((tx) => tx.settings.current())).toMatchObject({ time_zone: "Europe/Berlin" });
  });

  test("a prune and a rebuild do not run at once", async () => {
    const database = await fresh();
    const { store, engine } = await withOldUsage(database);
    await store.write((tx) => tx.records.takeLease("ledger", "2026-11-22T11:59:00Z x", T0, T0 + 60_000));
    const busy = {
      code: "busy",
      message: "another rebuild, prune or move is running (since 2026-11-22T11:59:00Z)",
    };
    await expect(rebuildTotals(engine)).rejects.toMatchObject(busy);
    await expect(pruneLedger(engine, "2026-06-01")).rejects.toMatchObject(busy);
    await expect(changeTimeZone(engine, "Europe/Berlin")).rejects.toMatchObject(busy);
  });
});
