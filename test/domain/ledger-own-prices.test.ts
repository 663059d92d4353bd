import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { storeUnavailable } from "../../src/domain/ledger.js";
import type { Operation } from "../../src/domain/ledger-model.js";
import type { Quota } from "../../src/domain/meter.js";
import { NO_RATES } from "../../src/domain/own-price-rules.js";
import { type OwnPrice, OwnPrices } from "../../src/domain/own-prices.js";
import type { Rates } from "../../src/domain/price.js";
import type { QuotedRates } from "../../src/domain/price-rule.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { tierWith } from "../support/decision.js";
import { type ModelConfig, ModelStore } from "../support/ledger-model.js";
import { entryOf, requestOf } from "../support/ledger-stream.js";

const AT = Date.UTC(2026, 10, 22, 12);
const KIND = { provider: "google", model: "flash", feature: "" };

function own(rates: Partial<Rates>, more: Partial<OwnPrice> = {}): OwnPrice {
  return { id: 1, provider: "", model: "flash", startsAt: 0, rates: { ...NO_RATES, ...rates }, ...more };
}

/** $1 and $2 per million tokens. */
const BOOK: QuotedRates = {
  from: "book",
  rates: { ...NO_RATES, input: 1e9, cacheRead: 1e9, cacheWrite: 1e9, output: 2e9 },
};

function storeWith(ownPrices: readonly OwnPrice[], ...quotas: Quota[]): ModelStore {
  const config: ModelConfig = {
    settings: INITIAL_SETTINGS,
    stops: [],
    users: [{ id: 1, names: ["ada"], status: "active", tier: tierWith(...quotas), overrides: [] }],
    ownPrices: new OwnPrices(ownPrices),
  };
  return new ModelStore(config);
}

const record = (id: string, entry: Partial<Parameters<typeof entryOf>[0]>): Operation => ({
  op: "record",
  entry: entryOf({ id, occurredAt: AT, cost: null, rates: BOOK, ...KIND, ...entry }),
  at: AT,
});

const reserve = (id: string, request: Partial<Parameters<typeof requestOf>[0]>): Operation => ({
  op: "reserve",
  user: "ada",
  id,
  request: requestOf({ cost: null, dearest: BOOK, ...KIND, ...request }),
  at: AT,
  holdFor: null,
});

describe("usage is priced", () => {
  it("by the own price that was in force when it occurred, whenever it is entered", () => {
    const store = storeWith([
      own({ input: 5e9 }, { startsAt: AT - 1_000 }),
      own({ input: 7e9 }, { startsAt: AT }),
    ]);
    store.apply([
      record("before", { input: 1_000, occurredAt: AT - 1_001 }),
      record("first", { input: 1_000, occurredAt: AT - 1 }),
      record("second", { input: 1_000, occurredAt: AT }),
      record("stated", { input: 1_000, cost: 3 }),
    ]);
    expect(store.events.map(({ cost, pricedBy }) => [cost, pricedBy])).toEqual([
      [1_000_000, "book"],
      [5_000_000, "own"],
      [7_000_000, "own"],
      [3, "log"],
    ]);
  });

  it("exactly, as whole numbers of any size say", () => {
    const rate = fc.option(fc.integer({ min: 0, max: 900_000_000_000 }), { nil: null });
    const rates = fc.record({
      input: rate,
      cacheRead: rate,
      cacheWrite: rate,
      output: rate,
      image: fc.option(fc.integer({ min: 0, max: 1_000_000_000 }), { nil: null }),
      request: fc.option(fc.integer({ min: 0, max: 1_000_000_000 }), { nil: null }),
    });
    const n = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000_000 }));
    const usage = fc.record({ input: n, cacheRead: n, cacheWrite: n, output: n, images: fc.nat(500) });
    fc.assert(
      fc.property(rates, usage, (stated, used) => {
        const store = storeWith([own(stated)]);
        store.apply([record("a", { ...used, rates: null })]);
        const [event] = store.events;
        // Worked out without a float: millionths of a nano, rounded half up once.
        const perToken = {
          input: stated.input,
          cacheRead: stated.cacheRead ?? stated.input,
          cacheWrite: stated.cacheWrite ?? stated.input,
          output: stated.output,
        };
        const units = ["input", "cacheRead", "cacheWrite", "output"] as const;
        const lacks =
          units.some((unit) => used[unit] > 0 && perToken[unit] === null) ||
          (used.images > 0 && stated.image === null);
        let millionths = 0n;
        for (const unit of units) millionths += BigInt(used[unit]) * BigInt(perToken[unit] ?? 0);
        millionths += BigInt(used.images) * BigInt(stated.image ?? 0) * 1_000_000n;
        const isUsed = units.some((unit) => used[unit] > 0) || used.images > 0;
        if (isUsed) millionths += BigInt(stated.request ?? 0) * 1_000_000n;
        const cost = (millionths + 500_000n) / 1_000_000n;
        expect(event?.pricedBy).toBe(lacks ? "none" : "own");
        expect(BigInt(event?.cost ?? -1)).toBe(lacks ? 0n : cost);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a cap on cost", () => {
  it("is as hard under an own price: a hundred calls at once do not pass it", () => {
    // $100 per million tokens in and out: 1,000 tokens cost $0.10. The tenth call is asked for at 90 % of the cap of $1
    // and reaches it; the eleventh is asked for at 100 %.
    const store = storeWith([own({ input: 100e9, output: 100e9 })], {
      meter: "cost",
      period: "day",
      limit: 1e9,
    });
    const calls = Array.from({ length: 100 }, (_, n) => reserve(`r${n}`, { tokens: 1_000 }));
    const admitted = store
      .apply(calls)
      .filter((outcome) => outcome.op === "reserve" && outcome.hold !== null);
    expect(admitted).toHaveLength(10);
    expect([...store.holds.values()].reduce((sum, hold) => sum + hold.amounts.cost, 0)).toBe(1e9);
    // By the book, a fiftieth as dear, all of them would have been let through.
    const byBook = storeWith([], { meter: "cost", period: "day", limit: 1e9 });
    byBook.apply(calls);
    expect(byBook.holds.size).toBe(100);
  });

  it("is never passed by what is reserved and then used, whatever the rates", () => {
    const rate = fc.integer({ min: 0, max: 200e9 });
    const calls = fc.array(fc.record({ input: fc.nat(3_000), output: fc.nat(3_000), images: fc.nat(3) }), {
      minLength: 1,
      maxLength: 25,
    });
    const rates = fc.record({ input: rate, output: rate, image: fc.nat(1e8), request: fc.nat(1e7) });
    fc.assert(
      fc.property(rates, calls, fc.integer({ min: 0, max: 3e9 }), (stated, used, limit) => {
        const store = storeWith([own(stated)], { meter: "cost", period: "day", limit });
        for (const [n, { input, output, images }] of used.entries()) {
          const [outcome] = store.apply([reserve(`r${n}`, { tokens: input + output, images })]);
          if (outcome?.op !== "reserve" || outcome.hold === null) continue;
          const entry = entryOf({ id: `r${n}`, occurredAt: AT, cost: null, rates: BOOK, ...KIND });
          store.apply([{ op: "settle", entry: { ...entry, input, output, images }, at: AT }]);
        }
        const spent = store.events.reduce((sum, { cost, assumed }) => sum + cost + assumed, 0);
        expect(spent).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 300 },
    );
  });

  it("clamps the tokens that may be written to what they cost by the own price", () => {
    const store = storeWith([own({ input: 100e9, output: 100e9 })], {
      meter: "cost",
      period: "day",
      limit: 1e9,
    });
    const [outcome] = store.apply([reserve("r", { maxTokens: 1_000_000 })]);
    expect(outcome?.op === "reserve" && outcome.decision.maxTokens).toBe(10_000);
  });
});

describe("a call without a price", () => {
  const blocking = (ownPrices: readonly OwnPrice[]) => {
    const store = storeWith(ownPrices);
    return new ModelStore({ ...store.config, settings: { ...INITIAL_SETTINGS, unpriced: "block" } });
  };
  const code = (store: ModelStore, request: Parameters<typeof reserve>[1]) => {
    const [outcome] = store.apply([reserve("r", request)]);
    return outcome?.op === "reserve" ? outcome.decision.code : storeUnavailable().code;
  };

  it("is blocked where the rule says so, until an own price covers what it asks for", () => {
    const request = { images: 1, tokens: 0, dearest: null };
    expect(code(blocking([]), request)).toBe("unpriced");
    expect(code(blocking([own({ input: 1e9, output: 1e9 })]), request)).toBe("unpriced");
    expect(code(blocking([own({ image: 4e7 })]), request)).toBe("ok");
  });
});
