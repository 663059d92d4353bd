import { expect, inject, onTestFinished, test } from "vitest";
import { calendar } from "../../src/domain/window.js";
import { initialise } from "../../src/engine/init.js";
import { prepareMonths } from "../../src/engine/ledger-months.js";
import { pruneLedger } from "../../src/engine/prune.js";
import { resetDaily } from "../../src/engine/reset.js";
import { verifyTotals } from "../../src/engine/verify.js";
import { openPostgres } from "../../src/store/postgres/open.js";
import { engineOn } from "../support/engine-on.js";
import { connectRaw, createDatabase, dropDatabase } from "../support/postgres.js";
import { socketUrl } from "../support/postgres-server.js";
import { change, DAY, newUser, record, T0 } from "../support/store.js";

/** An initialised database with ada; its clock stands at noon of 22 November 2026. */
async function initialised(timeZone = "UTC") {
  const name = await createDatabase();
  const store = await openPostgres({ url: socketUrl(inject("postgres"), name), waitMs: 5_000 });
  const raw = await connectRaw(name);
  onTestFinished(async () => {
    await raw.end();
    await store.close();
    dropDatabase(name);
  });
  const engine = engineOn(store);
  await initialise(engine, { timeZone });
  await change(store, (tx) => tx.users.add(newUser("ada"), T0 - 400 * DAY));
  const months = async () =>
    (await raw.query("select name, starts, ends from usage_months()")).rows.map(
      ({ name: part, starts, ends }) => `${part.slice(-7)} ${iso(starts)} ${iso(ends)}`,
    );
  /** How many rows lie in which part. */
  const rows = async () =>
    Object.fromEntries(
      (
        await raw.query(
          "select substr(tableoid::regclass::text, 13) as part, count(*) as rows from usage_event group by 1",
        )
      ).rows.map(({ part, rows: count }) => [part, count]),
    );
  const use = (id: string, occurredAt: number, background = false) =>
    store.meter.commit([record(id, { occurredAt, cost: 1 }, T0)], { background });
  return { name, store, raw, engine, months, rows, use };
}

const iso = (at: number) => new Date(at).toISOString().slice(0, 16);
const utc = (year: number, month: number, day = 1, hour = 0) => Date.UTC(year, month - 1, day, hour);

test("months begin where the accounting zone says, and are made ahead: at first, by the reset, once each", async () => {
  // Midnight in Auckland is 11:00 UTC the day before, in summer, and 12:00 in winter.
  const { engine, months } = await initialised("Pacific/Auckland");
  const first = [
    "2026_11 2026-10-31T11:00 2026-11-30T11:00",
    "2026_12 2026-11-30T11:00 2026-12-31T11:00",
    "2027_01 2026-12-31T11:00 2027-01-31T11:00",
    "2027_02 2027-01-31T11:00 2027-02-28T11:00",
  ];
  expect(await months()).toEqual(first);
  await initialise(engine, {});
  expect(await months()).toEqual(first);
  engine.at = utc(2027, 3, 31, 12);
  await resetDaily(engine, {}, { dryRun: true });
  expect(await months()).toEqual(first);
  await Promise.all([1, 2, 3].map(() => prepareMonths(engine)));
  await resetDaily(engine, {});
  expect((await months()).slice(4)).toEqual([
    "2027_04 2027-03-31T11:00 2027-04-30T12:00",
    "2027_05 2027-04-30T12:00 2027-05-31T12:00",
    "2027_06 2027-05-31T12:00 2027-06-30T12:00",
    "2027_07 2027-06-30T12:00 2027-07-31T12:00",
  ]);
});

test("a month of another zone begins where the one before it ends", async () => {
  const { store, months } = await initialised("Pacific/Auckland");
  const zone = calendar("America/Los_Angeles");
  const span = (month: number) => ({
    label: `2027-0${month}`,
    ...zone.window("month", 2027 * 12 + month - 1),
  });
  // March begins there 21 hours after Auckland's February has ended, and is not made to begin earlier.
  await store.months!.prepare([span(3)]);
  expect((await months()).slice(3)).toEqual([
    "2027_02 2027-01-31T11:00 2027-02-28T11:00",
    "2027_03 2027-03-01T08:00 2027-04-01T07:00",
  ]);
  // And Kiritimati's April begins before Los Angeles' March has ended.
  await store.months!.prepare([
    { label: "2027-04", ...calendar("Pacific/Kiritimati").window("month", 2027 * 12 + 3) },
  ]);
  expect((await months()).at(-1)).toBe("2027_04 2027-04-01T07:00 2027-04-30T10:00");
});

test("usage lies in its month; of a month that was not made in time, and of what is recorded late, with the rest", async () => {
  const { use, rows, store, months } = await initialised();
  await use("now", T0);
  await use("last instant", utc(2026, 12) - 1);
  await use("late", utc(2026, 9, 3));
  expect(await rows()).toEqual({ "2026_11": 2, rest: 1 });
  // What an import brings has a month made for it, unless there is usage of it already.
  await use("imported", utc(2026, 3, 3), true);
  await use("imported later", utc(2026, 9, 4), true);
  await use("imported again", utc(2026, 3, 4), true);
  expect(await rows()).toEqual({ "2026_03": 2, "2026_11": 2, rest: 2 });
  expect((await months())[0]).toBe("2026_03 2026-03-01T00:00 2026-04-01T00:00");
  const events = await store.read((tx) => tx.usage.events({ limit: 9 }));
  expect(events.map(({ id }) => id)).toEqual([
    "imported again",
    "imported later",
    "imported",
    "late",
    "last instant",
    "now",
  ]);
});

test("months that are let go of are dropped, those with the rest are deleted, and totals stay", async () => {
  const { engine, use, rows, months, store } = await initialised();
  for (const [id, at] of [
    ["march", utc(2026, 3, 3)],
    ["april", utc(2026, 4, 30, 23)],
    ["june", utc(2026, 6, 1)],
  ] as const) {
    await use(id, at, true);
  }
  await use("late", utc(2026, 2, 3));
  await use("now", T0);
  engine.at = T0;
  await store.write((tx) =>
    tx.records.saveReset({
      day: Math.floor(T0 / DAY) - 1,
      ranAt: T0,
      actor: "cron",
      holdsEnded: 0,
      overridesEnded: 0,
      stopsEnded: 0,
    }),
  );
  const pruned = await pruneLedger(engine, "2026-06-01");
  expect(pruned).toMatchObject({ rows: 3 });
  expect(await rows()).toEqual({ "2026_06": 1, "2026_11": 1 });
  expect((await months()).map((month) => month.slice(0, 7))).toEqual([
    "2026_06",
    "2026_11",
    "2026_12",
    "2027_01",
    "2027_02",
  ]);
  expect((await verifyTotals(engine)).differences).toEqual([]);
  // Their identities are still known.
  expect(await use("march", utc(2026, 3, 3))).toMatchObject([{ status: "duplicate" }]);
});

test("a month that is read meanwhile is not waited for long, and nobody waits behind it", async () => {
  const { store, use, raw, rows } = await initialised();
  await use("old", utc(2026, 3, 3), true);
  await raw.query("begin; select from usage_event");
  const dropping = store.months!.drop(utc(2026, 4));
  const started = performance.now();
  for (const id of ["1", "2", "3"]) await use(id, T0);
  expect(performance.now() - started).toBeLessThan(4_000);
  // Nor is a month added while somebody reads, and that is no failure.
  await store.months!.prepare([{ label: "2025-01", start: utc(2025, 1), end: utc(2025, 2) }]);
  await raw.query("commit");
  expect(await dropping).toBe(1);
  expect(await rows()).toEqual({ "2026_11": 3 });
});
