import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { effectiveRates } from "../../src/domain/own-prices.js";
import type { Rates } from "../../src/domain/price.js";
import { amountsWanted, priceUsage, type QuotedRates } from "../../src/domain/price-rule.js";
import { INITIAL_SETTINGS, type Settings, UNPRICED_RULES } from "../../src/domain/settings.js";
import { NO_USAGE, type Usage } from "../../src/domain/usage.js";

/** $3 and $15 per million tokens, cache at $0.30 and $3.75, an image at $0.04. */
const BOOK: QuotedRates = {
  from: "book",
  rates: {
    input: 3_000_000_000,
    cacheRead: 300_000_000,
    cacheWrite: 3_750_000_000,
    output: 15_000_000_000,
    image: 40_000_000,
    request: null,
  },
};
const NOTHING: Rates = {
  input: null,
  cacheRead: null,
  cacheWrite: null,
  output: null,
  image: null,
  request: null,
};
const NO_IMAGES: QuotedRates = { ...BOOK, rates: { ...BOOK.rates, image: null } };
const USED: Usage = { ...NO_USAGE, input: 700, cacheRead: 200, output: 100, reasoning: 60, images: 2 };
const quotedBy = (from: QuotedRates["from"], rates: Rates): QuotedRates => ({ from, rates });
const ruled = (unpriced: Settings["unpriced"]): Settings => ({ ...INITIAL_SETTINGS, unpriced });

describe("the price of usage", () => {
  it.each(UNPRICED_RULES)("is what the log states, before all rates, under %s", (rule) => {
    expect(priceUsage(USED, 123, null, BOOK, ruled(rule))).toEqual({
      cost: 123,
      assumed: 0,
      pricedBy: "log",
    });
    expect(priceUsage(USED, 0, null, null, ruled(rule))).toEqual({ cost: 0, assumed: 0, pricedBy: "log" });
  });

  it.each(UNPRICED_RULES)("is by the rates where none is stated, under %s", (rule) => {
    // 2,100,000 + 60,000 + 1,500,000 for tokens, 80,000,000 for images.
    const price = { cost: 83_660_000, assumed: 0, pricedBy: "book" };
    expect(priceUsage(USED, null, null, BOOK, ruled(rule))).toEqual(price);
  });

  it.each([
    ["no price", null],
    ["no rate for a unit", NO_IMAGES],
  ])("is assumed at the planning rates where there is %s", (_, quoted) => {
    // 1,000 tokens at $0.10 per 1,000 and two images at $0.05.
    const assumed = { cost: 0, assumed: 200_000_000, pricedBy: "none" };
    expect(priceUsage(USED, null, null, quoted, ruled("assume"))).toEqual(assumed);
    expect(priceUsage(USED, null, null, quoted, ruled("block"))).toEqual(assumed);
    expect(priceUsage(USED, null, null, quoted, ruled("ignore"))).toEqual({ ...assumed, assumed: 0 });
  });

  it("is by the operator's own rates before the book's", () => {
    const own: QuotedRates = { from: "own", rates: { ...BOOK.rates, input: 1_000_000_000, image: 0 } };
    // 700,000 + 60,000 + 1,500,000 for tokens, images free.
    const price = { cost: 2_260_000, assumed: 0, pricedBy: "own" };
    for (const rule of UNPRICED_RULES) {
      expect(priceUsage(USED, null, own, BOOK, ruled(rule))).toEqual(price);
      expect(priceUsage(USED, null, own, null, ruled(rule))).toEqual(price);
      expect(priceUsage(USED, 123, own, BOOK, ruled(rule))).toMatchObject({ cost: 123, pricedBy: "log" });
    }
  });

  it("is wholly by the first rates that cover every unit, never by both", () => {
    const imagesOnly: QuotedRates = { from: "own", rates: { ...NOTHING, image: 90_000_000 } };
    const images = { ...NO_USAGE, images: 2 };
    expect(priceUsage(images, null, imagesOnly, BOOK, INITIAL_SETTINGS)).toEqual({
      cost: 180_000_000,
      assumed: 0,
      pricedBy: "own",
    });
    // Tokens, too: the own price has no rate for them, so the book prices the images as well.
    expect(priceUsage(USED, null, imagesOnly, BOOK, INITIAL_SETTINGS)).toEqual({
      cost: 83_660_000,
      assumed: 0,
      pricedBy: "book",
    });
    // Neither covers both units.
    expect(priceUsage(USED, null, imagesOnly, NO_IMAGES, INITIAL_SETTINGS)).toEqual({
      cost: 0,
      assumed: 200_000_000,
      pricedBy: "none",
    });
  });

  it("is a free one only where the rates say so", () => {
    const free = { ...BOOK, rates: { ...BOOK.rates, input: 0, cacheRead: 0, output: 0, image: 0 } };
    expect(priceUsage(USED, null, null, free, ruled("assume"))).toEqual({
      cost: 0,
      assumed: 0,
      pricedBy: "book",
    });
  });
});

describe("the amounts that a request asks for", () => {
  const wanted = { tokens: 1_000, images: 2, cost: null, namesModel: true };
  const costOf = (
    change: Partial<typeof wanted | { cost: number }>,
    quoted: QuotedRates | null,
    rule: Settings["unpriced"],
  ) => {
    const { amounts, unpriced } = amountsWanted({ ...wanted, ...change }, null, quoted, ruled(rule));
    return [amounts.cost, unpriced];
  };

  it("are its own, and one request", () => {
    expect(amountsWanted(wanted, null, BOOK, INITIAL_SETTINGS).amounts).toMatchObject({
      tokens: 1_000,
      images: 2,
      requests: 1,
    });
  });

  it.each(UNPRICED_RULES)("hold the cost that is stated, under %s", (rule) => {
    expect(costOf({ cost: 7 }, BOOK, rule)).toEqual([7, false]);
    expect(costOf({ cost: 0 }, null, rule)).toEqual([0, false]);
  });

  it.each(UNPRICED_RULES)("hold the dearest cost of the model else, under %s", (rule) => {
    expect(costOf({}, BOOK, rule)).toEqual([15_000_000 + 80_000_000, false]);
  });

  it.each([null, NO_IMAGES])("hold the planning rates where there is no price", (quoted) => {
    expect(costOf({}, quoted, "assume")).toEqual([200_000_000, false]);
    expect(costOf({}, quoted, "block")).toEqual([200_000_000, true]);
    expect(costOf({}, quoted, "ignore")).toEqual([0, false]);
  });

  it("hold by the own price, where it covers all that the call may use", () => {
    const own = (rates: Partial<Rates>): QuotedRates => ({ from: "own", rates: { ...NOTHING, ...rates } });
    const all = { input: 1_000_000_000, cacheRead: 1_000_000_000, cacheWrite: 1_000_000_000 };
    const cheap = own({ ...all, output: 2_000_000_000, image: 10_000_000 });
    const held = (its: QuotedRates, book: QuotedRates | null, change: Partial<typeof wanted> = {}) =>
      amountsWanted({ ...wanted, ...change }, its, book, INITIAL_SETTINGS).amounts.cost;
    // 1,000 tokens at $2 a million and two images at $0.01; the dearer book plays no part.
    expect(held(cheap, BOOK)).toBe(2_000_000 + 20_000_000);
    expect(held(cheap, null)).toBe(2_000_000 + 20_000_000);
    // No rate for output: the book may price the call in the end, so the dearer of the two is held.
    expect(held(own({ ...all, image: 10_000_000 }), BOOK)).toBe(15_000_000 + 80_000_000);
    expect(held(own({ ...all, image: 10_000_000 }), null)).toBe(1_000_000 + 20_000_000);
    // Without tokens it does not matter what they cost.
    expect(held(own({ image: 10_000_000 }), BOOK, { tokens: 0 })).toBe(20_000_000);
    expect(held(own({ image: 10_000_000 }), null)).toBe(200_000_000);
  });

  it("miss no price where no model is named and nothing is asked for", () => {
    const nothing = { tokens: 0, images: 0, namesModel: false };
    for (const rule of UNPRICED_RULES) expect(costOf(nothing, null, rule)).toEqual([0, false]);
    expect(costOf({ ...nothing, namesModel: true }, null, "block")).toEqual([0, true]);
  });

  it("are never below what the call then costs under both sources, whatever the own price lacks", () => {
    const n = fc.integer({ min: 0, max: 100_000 });
    const rate = fc.integer({ min: 0, max: 1e11 });
    const known = fc.record({
      input: rate,
      cacheRead: rate,
      cacheWrite: rate,
      output: rate,
      image: fc.integer({ min: 0, max: 1e9 }),
      request: fc.option(rate, { nil: null }),
    });
    const partly = fc
      .tuple(known, fc.subarray(["input", "output", "image"] as const))
      .map(([rates, missing]) =>
        effectiveRates({ ...rates, ...Object.fromEntries(missing.map((u) => [u, null])) }),
      );
    fc.assert(
      fc.property(partly, known, n, n, n, (own, book, input, output, images) => {
        const [ownRates, bookRates] = [quotedBy("own", own), quotedBy("book", book)];
        const asked = { tokens: input + output, images, cost: null, namesModel: true };
        const { amounts } = amountsWanted(asked, ownRates, bookRates, INITIAL_SETTINGS);
        const used = { ...NO_USAGE, input, output, images };
        const { cost, pricedBy } = priceUsage(used, null, ownRates, bookRates, INITIAL_SETTINGS);
        expect(["own", "book"]).toContain(pricedBy);
        expect(amounts.cost).toBeGreaterThanOrEqual(cost);
      }),
      { numRuns: 500 },
    );
  });

  it("are never below what the call then costs, however its tokens fall", () => {
    const n = fc.integer({ min: 0, max: 100_000 });
    const rate = fc.integer({ min: 0, max: 1e11 });
    const rates = fc.record({
      input: rate,
      cacheRead: rate,
      cacheWrite: rate,
      output: rate,
      image: fc.integer({ min: 0, max: 1e9 }),
      request: fc.option(rate, { nil: null }),
    });
    fc.assert(
      fc.property(rates, n, n, n, n, n, (its, input, cacheRead, cacheWrite, output, images) => {
        const quoted: QuotedRates = { from: "own", rates: its };
        const tokens = input + cacheRead + cacheWrite + output;
        const { amounts } = amountsWanted(
          { tokens, images, cost: null, namesModel: true },
          null,
          quoted,
          INITIAL_SETTINGS,
        );
        const used = { input, cacheRead, cacheWrite, output, reasoning: 0, images };
        const { cost } = priceUsage(used, null, null, quoted, INITIAL_SETTINGS);
        expect(amounts.cost).toBeGreaterThanOrEqual(cost);
      }),
    );
  });
});
