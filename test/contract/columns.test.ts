import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ENTERED } from "../../src/domain/import-columns.js";
import { AlphaError } from "../../src/errors.js";
import {
  BOOK,
  columnsOf,
  IMPORT,
  operationsOf,
  type PlainRecord,
  plainRecord,
  plainRecords,
} from "../support/import-columns.js";
import { ask, change, newUser, populate, record, T0, type TestDatabase } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const NAMES = ["ada", "ada@example.com", "bob", "gone", "ghost"];
const BY = { at: T0, importId: IMPORT, book: BOOK };

async function withTesters(database: TestDatabase): Promise<TestDatabase> {
  const { store } = database;
  await populate(store, "bob", "gone");
  await change(store, async (tx) => {
    await tx.settings.set("time_zone", "Europe/Berlin", T0);
    await tx.users.add(newUser("ada", { email: "ada@example.com" }), T0);
    const gone = await tx.users.find("gone");
    await tx.users.setMembership(gone!.id, { tier: "free", status: "removed" }, T0);
    const rates = { input: 5_000_000_000, output: null, image: null, request: null };
    const price = { provider: "openai", model: "other", startsAt: 0 };
    await tx.prices.add({ ...price, rates: { ...rates, cacheRead: null, cacheWrite: null } }, T0);
  });
  return database;
}

/** Enters all, slice by slice, or one by one where a store wants that, and says what became of each record. */
async function enterAll(database: TestDatabase, records: readonly PlainRecord[]): Promise<string[]> {
  const columns = columnsOf(records);
  const outcomes: string[] = [];
  while (outcomes.length < records.length) {
    const entered = await database.store.meter.enterColumns(columns, outcomes.length, BY);
    if (entered === null) {
      return [...outcomes, ...(await enterByBatches(database, records.slice(outcomes.length)))];
    }
    outcomes.push(...[...entered.outcome].map((outcome) => ENTERED[outcome]!));
    expect(entered.to).toBe(outcomes.length);
  }
  return outcomes;
}

/** As an import does, in batches; one that is refused, one by one. */
async function enterByBatches(database: TestDatabase, records: readonly PlainRecord[]): Promise<string[]> {
  const outcomes: string[] = [];
  for (let from = 0; from < records.length; from += 500) {
    const some = records.slice(from, from + 500);
    try {
      const entered = await database.store.meter.commit(operationsOf(some, T0));
      outcomes.push(...entered.map((outcome) => (outcome.op === "record" ? outcome.status : "")));
    } catch (error) {
      if (!(error instanceof AlphaError)) throw error;
      outcomes.push(...(await enterOneByOne(database, some)));
    }
  }
  return outcomes;
}

async function enterOneByOne({ store }: TestDatabase, records: readonly PlainRecord[]): Promise<string[]> {
  const outcomes: string[] = [];
  for (const operation of operationsOf(records, T0)) {
    try {
      const [outcome] = await store.meter.commit([operation]);
      outcomes.push(outcome?.op === "record" ? outcome.status : "");
    } catch (error) {
      if (!(error instanceof AlphaError)) throw error;
      outcomes.push("refused");
    }
  }
  return outcomes;
}

/** All that metering writes, without the numbers of kinds, which are given out in the order of their use. */
async function written(database: TestDatabase) {
  const kinds = new Map(
    (await database.rows("call_kind")).map(({ id, ...kind }) => [id, JSON.stringify(kind)]),
  );
  const table = async (name: string) =>
    (await database.rows(name))
      .map(({ call_kind_id, ...row }) => ({ ...row, kind: kinds.get(call_kind_id) }))
      .map((row) => JSON.stringify(row));
  const alerts = (await database.rows("alert")).map(({ id: _, ...alert }) => JSON.stringify(alert));
  return {
    events: await table("usage_event"),
    keys: await table("event_key"),
    windows: await table("usage_window"),
    days: (await table("usage_day")).sort(),
    sources: await table("event_source"),
    alerts: alerts.sort(),
  };
}

everyStore((fresh) => {
  describe("records entered in columns", () => {
    test("are in the database as if they had been entered one by one", async () => {
      await fc.assert(
        fc.asyncProperty(plainRecords(T0, NAMES), plainRecords(T0, NAMES), async (first, second) => {
          const expected = await withTesters(await fresh());
          const actual = await withTesters(await fresh());
          for (const records of [first, second]) {
            expect(await enterAll(actual, records)).toEqual(await enterOneByOne(expected, records));
            expect(await written(actual)).toEqual(await written(expected));
          }
        }),
        { numRuns: 12 },
      );
    });

    test("are known again, in any order, with ids near each other and far apart", async () => {
      const database = await withTesters(await fresh());
      const records = Array.from({ length: 3_000 }, (_, n) => plainRecord(String(n).padStart(4, "0")));
      expect(new Set(await enterAll(database, records))).toEqual(new Set(["inserted"]));
      const before = await written(database);
      expect(new Set(await enterAll(database, records))).toEqual(new Set(["duplicate"]));
      expect(new Set(await enterAll(database, [...records].reverse()))).toEqual(new Set(["duplicate"]));
      // All between the least and the greatest would be many times as many as are asked for.
      const scattered = records.filter((_, n) => n % 100 === 7 || n % 100 === 93);
      expect(new Set(await enterAll(database, scattered))).toEqual(new Set(["duplicate"]));
      expect(
        await enterAll(database, [plainRecord("0007", { hash: 2 }), plainRecord("2993", { user: "bob" })]),
      ).toEqual(["conflict", "conflict"]);
      expect(await written(database)).toEqual(before);
    });

    test("count at once for whoever decides", async () => {
      const database = await withTesters(await fresh());
      const { store } = database;
      // Free Alpha has 1,000 tokens a day.
      expect((await store.meter.check("ada", ask({ tokens: 500 }), T0)).outcome).toBe("allow");
      expect(await enterAll(database, [plainRecord("a", { input: 600, output: 0 })])).toEqual(["inserted"]);
      expect((await store.meter.check("ada", ask({ tokens: 500 }), T0)).code).toBe("request-too-large");
    });

    test("go one by one under a guardrail, and nothing is written", async () => {
      const database = await withTesters(await fresh());
      await change(database.store, (tx) =>
        tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit: 5, action: "stop" }, T0),
      );
      expect(await database.store.meter.enterColumns(columnsOf([plainRecord("a")]), 0, BY)).toBeNull();
      expect(await database.rows("usage_event")).toEqual([]);
      expect(await database.rows("event_source")).toEqual([]);
    });

    test("go one by one where a total comes to more than can be counted", async () => {
      const database = await withTesters(await fresh());
      const dear = { cost: 6_000_000_000_000_000 };
      await database.store.meter.commit([record("live", { ...dear, occurredAt: T0 })]);
      expect(await database.store.meter.enterColumns(columnsOf([plainRecord("a", dear)]), 0, BY)).toBeNull();
      expect(await database.rows("usage_event")).toHaveLength(1);
    });
  });
});
