import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ColumnsEntered, ENTERED } from "../../src/domain/import-columns.js";
import { BulkPace } from "../../src/store/sqlite/bulk-pace.js";
import { columnsOf, type PlainRecord, plainRecord } from "../support/import-columns.js";
import { openFreshSqlite, populate, T0, type TestDatabase, TODAY } from "../support/store.js";

const BY = { at: T0, importId: 7, book: null };

let database: TestDatabase;
beforeEach(async () => {
  database = await openFreshSqlite();
  await populate(database.store, "ada", "bob");
});
afterEach(() => database.drop());

async function enter(...records: PlainRecord[]): Promise<ColumnsEntered> {
  const entered = await database.store.meter.enterColumns(columnsOf(records), 0, BY);
  if (entered === null) throw new Error("the records have to go one by one");
  return entered;
}

test("what was entered is summed up", async () => {
  const first = { input: 600, cacheRead: 20, output: 3, images: 2, user: "bob" };
  // At $100 a million, the planning rate: 100,000 nanos for each of 7 tokens.
  const unpriced = { input: 7, output: 0, cost: null, model: "unheard-of", requests: 4 };
  const entered = await enter(
    plainRecord("a", first),
    plainRecord("b", { occurredAt: T0 - 86_400_000 }),
    plainRecord("b"),
    plainRecord("c", unpriced),
    plainRecord("d", { user: "ghost" }),
  );
  expect([...entered.outcome].map((outcome) => ENTERED[outcome])).toEqual([
    "inserted",
    "inserted",
    // Who used it and its hash are the same.
    "duplicate",
    "inserted",
    "user-unknown",
  ]);
  expect(entered).toMatchObject({
    to: 5,
    inserted: {
      count: 3,
      unpriced: 1,
      input: 727n,
      output: 13n,
      images: 2n,
      cost: 2_000n,
      assumed: 700_000n,
    },
    brought: [
      { userId: 1, day: TODAY - 1, requests: 1 },
      { userId: 1, day: TODAY, requests: 4 },
      { userId: 2, day: TODAY, requests: 1 },
    ],
  });
});

test("a slice begins where it is told to, and its length is the store's choice", async () => {
  const records = Array.from({ length: 5_000 }, (_, n) => plainRecord(`${n}`));
  const columns = columnsOf(records);
  const sizes: number[] = [];
  for (let from = 2; from < columns.count; ) {
    const entered = await database.store.meter.enterColumns(columns, from, BY);
    sizes.push(entered!.to - from);
    expect(entered!.outcome).toHaveLength(entered!.to - from);
    from = entered!.to;
  }
  expect(sizes.length).toBeGreaterThan(1);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(4_998);
  const ids = (await database.rows("event_key")).map(({ id }) => id);
  expect(new Set(ids)).toEqual(new Set(records.slice(2).map(({ id }) => id)));
});

test("each key names its own event, also where some records between are not inserted", async () => {
  await enter(plainRecord("old"));
  await enter(
    ...Array.from({ length: 200 }, (_, n) =>
      n % 7 === 3
        ? plainRecord("old")
        : plainRecord(`${1000 - n}`, { input: n, user: n % 5 ? "ada" : "ghost" }),
    ),
  );
  const inputs = new Map((await database.rows("usage_event")).map(({ id, input }) => [id, input]));
  const keys = (await database.rows("event_key")).filter(({ id }) => id !== "old");
  expect(keys).toHaveLength(inputs.size - 1);
  for (const { id, event_id } of keys) expect(inputs.get(event_id)).toBe(1000 - Number(id));
});

test("an import waits for whoever holds the lock", async () => {
  const path = database.store.location;
  const other = new Sqlite(path);
  other.exec("begin immediate");
  const entering = enter(plainRecord("a"));
  await new Promise((resolve) => setImmediate(resolve));
  other.exec("rollback");
  other.close();
  expect((await entering).inserted.count).toBe(1);
});

test("an import's own bookkeeping does not make its slices short, another connection's does", async () => {
  const paces: BulkPace[] = [];
  const entered = vi.spyOn(BulkPace.prototype, "entered").mockImplementation(function (this: BulkPace) {
    paces.push(this);
  });
  await enter(plainRecord("a"));
  await populate(database.store, "eve");
  await enter(plainRecord("b"));
  expect(paces.at(-1)?.isContended).toBe(false);
  await database.insert("event_source", { name: "elsewhere" });
  await enter(plainRecord("c"));
  expect(paces.at(-1)?.isContended).toBe(true);
  entered.mockRestore();
});
