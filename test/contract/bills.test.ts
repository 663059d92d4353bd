import { expect, test } from "vitest";
import type { LedgerDay } from "../../src/domain/bill.js";
import { DAY, HOUR, populate, record, T0, type TestDatabase, TODAY } from "../support/store.js";
import { everyStore } from "./describe-store.js";

/** Forty events of two users, around the clock of four days, of two models and two features. */
async function forty({ store }: TestDatabase): Promise<void> {
  await populate(store, "ada", "bob");
  const operations = Array.from({ length: 40 }, (_, n) =>
    record(`e${n}`, {
      user: ["ada", "bob"][n % 2]!,
      occurredAt: T0 - n * 2 * HOUR,
      model: ["gpt-4o", "o3"][n % 3] ?? "o3",
      provider: n % 7 === 0 ? "" : "openai",
      feature: n % 2 === 0 ? "" : "blog_writer",
      input: n,
      cacheRead: 2 * n,
      cacheWrite: 3 * n,
      output: 4 * n,
      reasoning: 0,
      cost: n % 5 === 0 ? null : 1_000 * n,
    }),
  );
  await store.meter.commit(operations);
}

function byText(days: readonly LedgerDay[]): string[] {
  return days
    .map((day) => JSON.stringify(day, (_, value) => (typeof value === "bigint" ? String(value) : value)))
    .sort();
}

everyStore((fresh) => {
  test("in UTC the daily totals and the ledger say the same, in any range", async () => {
    const database = await fresh();
    await forty(database);
    for (const [from, to] of [
      [TODAY - 9, TODAY + 1],
      [TODAY - 2, TODAY],
      [TODAY, TODAY],
    ] as const) {
      await database.store.read(async ({ usage }) => {
        const fromLedger = await usage.utcDays({ from, to }, false);
        expect(byText(fromLedger)).toEqual(byText(await usage.utcDays({ from, to }, true)));
        expect(fromLedger.every(({ day }) => day >= from && day < to)).toBe(true);
        expect(fromLedger.length > 0).toBe(from < to);
      });
    }
  });

  test("a day of UTC begins at its midnight and ends before the next", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    const midnight = TODAY * DAY;
    await store.meter.commit([
      record("last of yesterday", { occurredAt: midnight - 1, input: 1, output: 0 }),
      record("first of today", {
        occurredAt: midnight,
        input: 10,
        output: 0,
        provider: "google",
        model: "gemini",
      }),
    ]);
    const days = await store.read(({ usage }) => usage.utcDays({ from: TODAY - 1, to: TODAY + 1 }, false));
    expect(days.sort((a, b) => a.day - b.day)).toEqual([
      expect.objectContaining({
        day: TODAY - 1,
        provider: "openai",
        model: "gpt-4o",
        requests: 1n,
        cost: 1_000n,
      }),
      {
        day: TODAY,
        provider: "google",
        model: "gemini",
        tokens: { input: 10n, cacheRead: 0n, cacheWrite: 0n, output: 0n },
        requests: 1n,
        cost: 1_000n,
        assumed: 0n,
        unpriced: 0n,
      },
    ]);
  });

  test("corrections add up, and what they say of unpriced events counts", async () => {
    const database = await fresh();
    await populate(database.store, "ada");
    await database.store.meter.commit([record("1", { input: 100, output: 20, cost: null })]);
    const [event] = await database.rows("usage_event");
    await database.insert("usage_event", {
      ...event,
      id: 2,
      input: -40,
      output: 0,
      requests: 0,
      cost: 700,
      assumed: -(event!.assumed as number),
      priced_by: "own",
      corrects: 1,
      unpriced: -1,
    });
    const days = await database.store.read(({ usage }) =>
      usage.utcDays({ from: TODAY, to: TODAY + 1 }, false),
    );
    expect(days).toEqual([
      {
        day: TODAY,
        provider: "openai",
        model: "gpt-4o",
        tokens: { input: 60n, cacheRead: 0n, cacheWrite: 0n, output: 20n },
        requests: 1n,
        cost: 700n,
        assumed: 0n,
        unpriced: 0n,
      },
    ]);
  });

  test("sums stay exact beyond the safe integers", async () => {
    const { store } = await fresh();
    await populate(store, "ada", "bob");
    const cost = Number.MAX_SAFE_INTEGER;
    await store.meter.commit([record("1", { cost }), record("2", { user: "bob", cost })]);
    for (const asAccounted of [true, false]) {
      const [day] = await store.read(({ usage }) =>
        usage.utcDays({ from: TODAY, to: TODAY + 1 }, asAccounted),
      );
      expect(day!.cost).toBe(2n * BigInt(cost));
    }
  });
});
