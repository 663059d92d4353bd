import Sqlite from "better-sqlite3";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { verifyTotals } from "../../src/engine/verify.js";
import { engineOn, type TestEngine } from "../support/engine-on.js";
import { change, DAY, openFreshSqlite, populate, record, T0, type TestDatabase } from "../support/store.js";

let database: TestDatabase;
let engine: TestEngine;

beforeEach(async () => {
  database = await openFreshSqlite();
  await populate(database.store, "ada", "ben", "cleo");
  engine = engineOn(database.store);
  await change(database.store, (tx) =>
    tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit: 1e6, action: "alert" }, T0),
  );
});
afterEach(() => database.drop());

/** Usage of three testers on five days of two months, some of it unpriced. */
const usage = () =>
  database.store.meter.commit(
    Array.from({ length: 60 }, (_, n) =>
      record(`e${n}`, {
        user: ["ada", "ben", "cleo"][n % 3] as string,
        model: ["a", "b"][n % 2] as string,
        occurredAt: T0 - (n % 5) * 8 * DAY,
        cost: n % 4 === 0 ? null : 100 + n,
        images: n % 2,
      }),
    ),
  );

/** Changes the database behind the program's back. */
function tamper(text: string): void {
  const raw = new Sqlite(database.store.location);
  raw.exec(text);
  raw.close();
}

it("says that all is equal, and how much was compared", async () => {
  expect(await verifyTotals(engine)).toEqual({
    rows: 0,
    windows: 0,
    days: 0,
    guardrails: 0,
    sealedMonths: 0,
    differenceCount: 0,
    differences: [],
  });
  await usage();
  expect(await verifyTotals(engine)).toEqual({
    rows: 60,
    // Three testers on five days, which are in October and November; each day in two models.
    windows: 3 * 5 + 3 * 2,
    days: 3 * 5 * 2,
    guardrails: 1,
    sealedMonths: 0,
    differenceCount: 0,
    differences: [],
  });
});

it.each([
  [
    "a total that is too high",
    "update usage_window set tokens = tokens + 1 where user_id = 1 and period = 'month' and window_index = 24322",
    // 2026 * 12 + 10: ada's calls number 0, 3, 6 … are on day n % 5; of the 20, 12 fall into November.
    {
      total: "window",
      user: "ada",
      window: "2026-11",
      of: null,
      field: "tokens",
      stored: 181n,
      computed: 180n,
    },
  ],
  [
    "a daily total that is too low",
    "update usage_day set cost = cost - 7 where user_id = 2 and day = 20779 and call_kind_id = 2",
    { total: "day", user: "ben", window: "2026-11-22", of: "openai / b / blog_writer", field: "cost" },
  ],
  [
    "a total that is missing",
    "delete from usage_window where user_id = 3 and period = 'day' and window_index = 20779",
    { total: "window", user: "cleo", window: "2026-11-22", field: "requests", stored: 0n, computed: 4n },
  ],
  [
    "a total of nobody",
    "insert into usage_day values (20779, 77, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
    { total: "day", user: "number 77, who is nobody", field: "input_tokens", stored: 5n, computed: 0n },
  ],
  [
    "a guardrail's total",
    "update guardrail_total set used = 9",
    { total: "guardrail", user: null, window: "2026-11-22", of: "tokens/day", field: "tokens", stored: 9n },
  ],
  [
    "a total beyond what a double holds exactly",
    "update usage_window set cost = 9007199254740993 where user_id = 1 and period = 'day' and window_index = 20779",
    { field: "cost", stored: 9_007_199_254_740_993n },
  ],
  [
    "a row of the ledger that nobody counted",
    `insert into usage_event (user_id, call_kind_id, occurred_at, recorded_at, input, cache_read, cache_write, output,
      reasoning, images, requests, cost, assumed, priced_by)
      select user_id, call_kind_id, occurred_at, recorded_at, 4, 0, 0, 0, 0, 0, 0, 0, 0, 'log' from usage_event where id = 1`,
    { total: "day", user: "ada", field: "input_tokens" },
  ],
])("names %s", async (_, text, difference) => {
  await usage();
  tamper(text);
  const { differenceCount, differences } = await verifyTotals(engine);
  expect(differenceCount).toBeGreaterThan(0);
  expect(differences).toContainEqual(expect.objectContaining(difference));
});

it("finds the same however few sums it holds at a time", async () => {
  await usage();
  tamper(
    "update usage_window set images = 99 where user_id in (1, 3); delete from usage_day where user_id = 2",
  );
  const byText = ({ differences, ...rest }: Awaited<ReturnType<typeof verifyTotals>>) => ({
    ...rest,
    differences: differences
      .map(({ stored, computed, ...rest }) =>
        JSON.stringify({ ...rest, stored: `${stored}`, computed: `${computed}` }),
      )
      .sort(),
  });
  const whole = byText(await verifyTotals(engine));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 30 }), async (sumsAtOnce) => {
      expect(byText(await verifyTotals(engine, { sumsAtOnce }))).toEqual(whole);
    }),
    { numRuns: 8 },
  );
});

it("names the first thousand and counts them all", async () => {
  await database.store.meter.commit(
    Array.from({ length: 1_500 }, (_, n) => record(`e${n}`, { occurredAt: T0 - n * DAY })),
  );
  tamper("update usage_window set requests = 0 where period = 'day'");
  const { differenceCount, differences } = await verifyTotals(engine);
  expect([differenceCount, differences.length]).toEqual([1_500, 1_000]);
});

it("stops when it is told to", async () => {
  await usage();
  await expect(verifyTotals(engine, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: "interrupted",
  });
});
