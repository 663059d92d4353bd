import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  costOf,
  dearestCost,
  type PlanningRates,
  planningCost,
  type Rates,
  totalInput,
} from "../../src/domain/price.js";
import { NO_USAGE, type Usage } from "../../src/domain/usage.js";
import { AlphaError } from "../../src/errors.js";

const NO_RATES: Rates = {
  input: null,
  cacheRead: null,
  cacheWrite: null,
  output: null,
  image: null,
  request: null,
};
/** $3 and $15 per million tokens, cache at $0.30 and $3.75, an image at $0.04, a call at $0.012. */
const RATES: Rates = {
  input: 3_000_000_000,
  cacheRead: 300_000_000,
  cacheWrite: 3_750_000_000,
  output: 15_000_000_000,
  image: 40_000_000,
  request: 12_000_000,
};

const usageOf = (usage: Partial<Usage>): Usage => ({ ...NO_USAGE, ...usage });

describe("costOf", () => {
  it("adds up every unit at its own rate", () => {
    const usage = usageOf({
      input: 100,
      cacheRead: 2_000,
      cacheWrite: 40,
      output: 7,
      reasoning: 5,
      images: 2,
    });
    // 300,000 + 600,000 + 150,000 + 105,000 for tokens, 80,000,000 for images, 12,000,000 for the call.
    expect(costOf(usage, RATES)).toBe(93_155_000);
  });

  it("costs 0 without usage, even where a call has a fee", () => {
    expect(costOf(NO_USAGE, RATES)).toBe(0);
    expect(costOf(NO_USAGE, NO_RATES)).toBe(0);
  });

  it("charges reasoning as the output it is part of, not on top", () => {
    const plain = costOf(usageOf({ output: 1_000 }), RATES);
    expect(costOf(usageOf({ output: 1_000, reasoning: 900 }), RATES)).toBe(plain);
  });

  it("rounds once, half up", () => {
    const rates = { ...NO_RATES, input: 500_000, output: 499_999 };
    expect(costOf(usageOf({ input: 1 }), rates)).toBe(1);
    expect(costOf(usageOf({ output: 1 }), rates)).toBe(0);
    expect(costOf(usageOf({ input: 3, output: 1 }), rates)).toBe(2);
  });

  it.each(["input", "cacheRead", "cacheWrite", "output"] as const)(
    "is unpriced when %s was used without a rate",
    (unit) => {
      expect(costOf(usageOf({ [unit]: 1 }), { ...RATES, [unit]: null })).toBeNull();
      expect(costOf(usageOf({ [unit]: 1 }), { ...RATES, [unit]: 0, request: null })).toBe(0);
    },
  );

  it("is unpriced when images have no rate, however the tokens are priced", () => {
    expect(costOf(usageOf({ input: 10, images: 1 }), { ...RATES, image: null })).toBeNull();
    expect(costOf(usageOf({ images: 1 }), NO_RATES)).toBeNull();
  });

  it("has a fee for each call of a record, and none for the later parts of one", () => {
    const rates = { ...NO_RATES, input: 1_000_000, request: 7 };
    expect([0, 1, 3].map((calls) => costOf(usageOf({ input: 10 }), rates, calls))).toEqual([10, 17, 31]);
    expect(costOf(usageOf({}), rates, 3)).toBe(0);
    // Beyond 2^53 millionths.
    const dear = { ...rates, input: 900_000_000_000 };
    expect(costOf(usageOf({ input: 20_000 }), dear, 3)).toBe(18_000_000_021);
  });

  it("needs no rate for a unit that was not used", () => {
    expect(costOf(usageOf({ input: 10 }), { ...NO_RATES, input: 20_000_000 })).toBe(200);
  });

  it("is exact beyond 2^53", () => {
    // In millionths 9,007,200,000,499,999, whose nearest double ends in 500,000 and would round up.
    const usage = usageOf({ input: 9_007_200_000, output: 499_999 });
    expect(costOf(usage, { ...NO_RATES, input: 1_000_000, output: 1 })).toBe(9_007_200_000);
    // 2,000,000,003 × 4,500,000,500 = 9,000,001,013,500,001,500 millionths
    expect(costOf(usageOf({ input: 2_000_000_003 }), { ...NO_RATES, input: 4_500_000_500 })).toBe(
      9_000_001_013_500,
    );
  });

  it("refuses a cost that the safe integers cannot hold", () => {
    const rates = { ...NO_RATES, input: 1_000_000_000_000, image: 1_000_000_000 };
    expect(() => costOf(usageOf({ input: 9_100_000_000 }), rates)).toThrow(AlphaError);
    expect(() => costOf(usageOf({ images: 9_100_000 }), rates)).toThrow(AlphaError);
    expect(() => costOf(usageOf({ input: 8_900_000_000, images: 200_000 }), rates)).toThrow(AlphaError);
  });
});

const quantity = fc.oneof(fc.nat(20), fc.nat(2_000_000), fc.nat(200_000_000));
const rate = fc.oneof(fc.nat(2_000_000), fc.integer({ min: 1_000_000, max: 600_000_000_000 }));
const anyUsage: fc.Arbitrary<Usage> = fc.record({
  input: quantity,
  cacheRead: quantity,
  cacheWrite: quantity,
  output: quantity,
  reasoning: fc.constant(0),
  images: fc.nat(1_000),
});
const anyRates: fc.Arbitrary<Rates> = fc.record({
  input: rate,
  cacheRead: rate,
  cacheWrite: rate,
  output: rate,
  image: fc.nat(1_000_000_000),
  request: fc.option(fc.nat(1_000_000_000)),
});

function reference(usage: Usage, rates: Rates): number {
  const units = ["input", "cacheRead", "cacheWrite", "output"] as const;
  let millionths = 0n;
  for (const unit of units) millionths += BigInt(usage[unit]) * BigInt(rates[unit] ?? 0);
  millionths += BigInt(usage.images) * BigInt(rates.image ?? 0) * 1_000_000n;
  const used = units.some((unit) => usage[unit] > 0) || usage.images > 0;
  if (used) millionths += BigInt(rates.request ?? 0) * 1_000_000n;
  return Number((millionths * 2n + 1_000_000n) / 2_000_000n);
}

describe("costOf, for any usage", () => {
  it("equals exact rational arithmetic", () => {
    fc.assert(
      fc.property(anyUsage, anyRates, (usage, rates) => {
        expect(costOf(usage, rates)).toBe(reference(usage, rates));
      }),
      { numRuns: 1_000 },
    );
  });

  it("is additive to within one nano", () => {
    fc.assert(
      fc.property(anyUsage, anyUsage, anyRates, (a, b, withFee) => {
        const rates = { ...withFee, request: null };
        const sum: Usage = {
          input: a.input + b.input,
          cacheRead: a.cacheRead + b.cacheRead,
          cacheWrite: a.cacheWrite + b.cacheWrite,
          output: a.output + b.output,
          reasoning: 0,
          images: a.images + b.images,
        };
        const apart = costOf(a, rates)! + costOf(b, rates)!;
        expect(Math.abs(costOf(sum, rates)! - apart)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("never falls when usage grows", () => {
    const unit = fc.constantFrom("input", "cacheRead", "cacheWrite", "output", "images");
    fc.assert(
      fc.property(anyUsage, anyRates, unit, fc.nat(1_000), (usage, rates, key, more) => {
        const grown = { ...usage, [key]: usage[key as keyof Usage] + more };
        expect(costOf(grown, rates)!).toBeGreaterThanOrEqual(costOf(usage, rates)!);
      }),
    );
  });
});

describe("planningCost", () => {
  /** The plan's own: $0.10 per 1,000 tokens, $0.05 per image. */
  const PLAN: PlanningRates = { perMillionTokens: 100_000_000_000, perImage: 50_000_000 };

  it("prices a persona's day", () => {
    expect(planningCost({ tokens: 500, images: 2 }, PLAN)).toBe(150_000_000);
    expect(planningCost({ tokens: 0, images: 0 }, PLAN)).toBe(0);
  });

  it("is exact for a system's month", () => {
    expect(planningCost({ tokens: 1_000_000_001, images: 0 }, PLAN)).toBe(100_000_000_100_000);
  });
});

describe("dearestCost", () => {
  it("takes every token at the dearest rate, and adds images and the fee", () => {
    expect(dearestCost({ tokens: 1_000, images: 1 }, RATES)).toBe(15_000_000 + 40_000_000 + 12_000_000);
    expect(dearestCost({ tokens: 10, images: 0 }, { ...NO_RATES, cacheWrite: 9_000_000 })).toBe(90);
  });

  it("still costs the fee when nothing is asked for", () => {
    expect(dearestCost({ tokens: 0, images: 0 }, RATES)).toBe(12_000_000);
    expect(dearestCost({ tokens: 0, images: 0 }, NO_RATES)).toBe(0);
  });

  it("is unknown when a unit asked for has no rate", () => {
    expect(dearestCost({ tokens: 1, images: 0 }, { ...NO_RATES, image: 1 })).toBeNull();
    expect(dearestCost({ tokens: 0, images: 1 }, { ...RATES, image: null })).toBeNull();
    expect(dearestCost({ tokens: 0, images: 2 }, { ...NO_RATES, image: 7 })).toBe(14);
  });

  it("is never below the cost of the same tokens however they split", () => {
    fc.assert(
      fc.property(anyUsage, anyRates, (usage, rates) => {
        const asked = { tokens: totalInput(usage) + usage.output, images: usage.images };
        expect(dearestCost(asked, rates)!).toBeGreaterThanOrEqual(costOf(usage, rates)!);
      }),
    );
  });
});

describe("totalInput", () => {
  it("counts cached input, and no output", () => {
    expect(totalInput(usageOf({ input: 1, cacheRead: 20, cacheWrite: 300, output: 4_000 }))).toBe(321);
  });
});
