import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type EstimateInput,
  estimate,
  modelPricing,
  planningPricing,
  proRata,
  tokenSplit,
} from "../../src/domain/estimate.js";
import { fitsOf, personaFit, tierFit } from "../../src/domain/estimate-fit.js";
import { PERSONA_KEYS } from "../../src/domain/persona.js";
import type { Rates } from "../../src/domain/price.js";
import { INITIAL_SETTINGS, planningRates } from "../../src/domain/settings.js";
import { INITIAL_TIERS, type Tier } from "../../src/domain/tier.js";
import { firstDayOfMonth, parseDay } from "../../src/domain/window.js";

const USD = 1_000_000_000;
const planned = planningPricing(planningRates(INITIAL_SETTINGS));
const day = (text: string) => parseDay(text)!;
const range = (from: string, to: string) => ({ from: day(from), to: day(to) });
const NOVEMBER = range("2026-11-01", "2026-12-01");
const [FREE, BASIC, PRO] = INITIAL_TIERS as [Tier, Tier, Tier];

function input(change: Partial<EstimateInput> = {}): EstimateInput {
  return {
    persona: "casual",
    inferred: false,
    range: NOVEMBER,
    start: day("2026-10-01"),
    left: null,
    today: day("2026-11-22"),
    monthEnd: day("2026-12-01"),
    actual: 0n,
    ...change,
  };
}

describe("an amount for a month, pro rata", () => {
  it.each([
    ["2026-11-01", "2026-12-01", 15],
    ["2026-11-01", "2026-11-02", 0.5],
    ["2026-02-01", "2026-02-15", 7.5],
    ["2028-02-01", "2028-03-01", 15],
    ["2026-10-31", "2026-11-02", 15 / 31 + 0.5],
    ["2026-12-17", "2027-02-01", (15 * 15) / 31 + 15],
    ["2026-11-05", "2026-11-05", 0],
  ])("from %s to %s is %d dollars of 15", (from, to, dollars) => {
    expect(proRata(15 * USD, range(from, to))).toBe(Math.round(dollars * USD));
  });

  it("is the whole amount for each whole month, and additive to a nano a month", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 24_000, max: 24_600 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 0, max: 900 }),
        fc.integer({ min: 0, max: 900 }),
        (month, months, first, second) => {
          const from = firstDayOfMonth(month);
          expect(proRata(15 * USD, { from, to: firstDayOfMonth(month + months) })).toBe(15 * USD * months);
          const parts =
            proRata(15 * USD, { from, to: from + first }) +
            proRata(15 * USD, { from: from + first, to: from + first + second });
          expect(
            Math.abs(parts - proRata(15 * USD, { from, to: from + first + second })),
          ).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe("an estimate", () => {
  it("counts the running day, and computes the stated use at the planning rates", () => {
    expect(estimate(input({ actual: 11n * BigInt(USD) }), planned)).toEqual({
      persona: "casual",
      inferred: false,
      days: 22,
      tokens: 11_000,
      images: 44,
      stated: 11 * USD,
      computed: 3.3 * USD,
      actual: 11n * BigInt(USD),
      projected: 15n * BigInt(USD),
    });
  });

  it.each([
    ["casual", 15, 4.5],
    ["active", 60, 21],
    ["power", 150, 52.5],
  ] as const)(
    "of a whole month of 30 days for %s is stated $%d, computed $%d",
    (persona, stated, computed) => {
      const whole = estimate(
        input({ persona, today: day("2026-12-05"), monthEnd: day("2027-01-01") }),
        planned,
      );
      expect(whole).toMatchObject({ days: 30, stated: stated * USD, computed: computed * USD });
    },
  );

  it("begins on the onboarding day, as a whole one", () => {
    const from20th = input({ start: day("2026-11-20"), actual: 300n });
    expect(estimate(from20th, planned)).toMatchObject({
      days: 3,
      tokens: 1_500,
      stated: 1.5 * USD,
      projected: 1_100n,
    });
  });

  it("says nothing for whoever has no persona but what was spent and will be", () => {
    const nobody = estimate(input({ persona: null, actual: 22n }), planned);
    expect(nobody).toMatchObject({ tokens: null, images: null, stated: null, computed: null });
    expect(nobody).toMatchObject({ actual: 22n, projected: 30n });
  });

  it.each([
    ["2026-11-22", 1, null],
    ["2026-11-21", 2, null],
    ["2026-11-20", 3, 11n],
    ["2026-11-19", 4, 9n],
  ])("projects for a tester of %s, day %i: %s", (start, days, projected) => {
    // 3 nanos over 3 of 11 days, and over 4 of 12.
    const made = estimate(input({ start: day(start), actual: 3n }), planned);
    expect(made).toMatchObject({ days, projected });
  });

  it.each([
    ["a finished month", range("2026-10-01", "2026-11-01"), 100n],
    ["days of this month that are over", range("2026-11-01", "2026-11-22"), 100n],
    ["days up to today", range("2026-11-01", "2026-11-23"), null],
    ["days that end before the month does", range("2026-11-01", "2026-11-30"), null],
    ["the rest of the month", range("2026-11-13", "2026-12-01"), 180n],
    ["last month and this one", range("2026-10-01", "2026-12-01"), 115n],
    ["more than the running month", range("2026-11-01", "2027-06-01"), 136n],
    ["what has not begun", range("2026-12-01", "2027-01-01"), null],
  ])("of %s", (_, days, projected) => {
    expect(estimate(input({ range: days, actual: 100n }), planned).projected).toBe(projected);
  });

  it("ends on the day on which the tester was removed: nothing more will be spent", () => {
    const gone = input({ left: day("2026-11-10"), actual: 100n });
    expect(estimate(gone, planned)).toMatchObject({ days: 10, stated: 5 * USD, projected: 100n });
  });

  it("is never negative, and a projection never below what was spent", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -60, max: 60 }),
        fc.integer({ min: -60, max: 60 }),
        fc.integer({ min: 1, max: 120 }),
        fc.bigInt({ min: 0n, max: 10n ** 20n }),
        fc.constantFrom(...PERSONA_KEYS),
        (start, from, length, actual, persona) => {
          const origin = day("2026-11-22");
          const days = { from: origin + from, to: origin + from + length };
          const made = estimate(input({ start: origin + start, range: days, actual, persona }), planned);
          expect(made.days).toBeGreaterThanOrEqual(0);
          expect(made.days).toBeLessThanOrEqual(length);
          expect(made.stated).toBeGreaterThanOrEqual(0);
          if (made.projected !== null) expect(made.projected >= actual).toBe(true);
        },
      ),
    );
  });
});

describe("the price of a model", () => {
  const rates: Rates = {
    input: 2.5 * USD,
    cacheRead: 1.25 * USD,
    cacheWrite: null,
    output: 10 * USD,
    image: null,
    request: 5,
  };
  const planning = planningRates(INITIAL_SETTINGS);

  it("splits tokens as they were used, or half and half", () => {
    expect(tokenSplit({ input: 0, output: 0 })).toEqual({ input: 1, output: 1, from: "half" });
    const price = (split: { input: number; output: number }) =>
      modelPricing(rates, tokenSplit(split), planning)!({ tokens: 1_000, images: 0 });
    expect(price({ input: 0, output: 0 })).toBe(500 * 2_500 + 500 * 10_000);
    expect(price({ input: 900, output: 100 })).toBe(900 * 2_500 + 100 * 10_000);
    expect(price({ input: 0, output: 7 })).toBe(1_000 * 10_000);
  });

  it("keeps the planning rate for images that the model has no price for, 0 being none", () => {
    const images = (image: number | null) =>
      modelPricing({ ...rates, image }, tokenSplit({ input: 1, output: 1 }), planning)!({
        tokens: 0,
        images: 2,
      });
    expect(images(null)).toBe(USD / 10);
    expect(images(0)).toBe(USD / 10);
    expect(images(7)).toBe(14);
  });

  it("is none without a price for tokens", () => {
    expect(
      modelPricing({ ...rates, output: null }, tokenSplit({ input: 1, output: 1 }), planning),
    ).toBeNull();
    expect(modelPricing({ ...rates, input: null }, tokenSplit({ input: 1, output: 1 }), planning)).toBeNull();
  });
});

describe("how personas fit tiers", () => {
  const fit = (persona: (typeof PERSONA_KEYS)[number], tier: Tier) => {
    const { stated, costLimit, first } = personaFit(persona, tier, planned, 9_500);
    const above = stated > costLimit!;
    return [
      above,
      `${first!.quota.meter}/${first!.quota.period}`,
      Math.round(first!.ratio * 1000) / 10,
      first!.reached,
    ];
  };

  it.each([
    ["casual", FREE, true, "tokens/day", 50, false],
    // Every limit of Free is too small for an active tester: a day's is reached on the first day.
    ["active", FREE, true, "tokens/day", 200, true],
    ["power", FREE, true, "tokens/day", 500, true],
    ["casual", BASIC, false, "tokens/day", 5, false],
    ["active", BASIC, false, "cost/month", 21, false],
    ["power", BASIC, true, "cost/month", 52.5, false],
    ["power", PRO, false, "images/day", 12.5, false],
  ] as const)("%s on %o: stated above the limit %s, first %s at %d%%", (persona, tier, ...expected) => {
    expect(fit(persona, tier)).toEqual(expected);
  });

  it("names a disabled quota first, and none where there is none", () => {
    const off: Tier = { ...FREE, quotas: [...FREE.quotas, { meter: "images", period: "month", limit: 0 }] };
    expect(personaFit("casual", off, planned, 9_500).first).toMatchObject({
      quota: { meter: "images", period: "month" },
      reached: true,
    });
    expect(personaFit("casual", { ...FREE, quotas: [] }, planned, 9_500).first).toBeNull();
  });

  it("finds the tiers whose full use costs more than they let through", () => {
    expect(tierFit(FREE, planned)).toEqual({ tier: "free", fullUse: 10.5 * USD, costLimit: 10 * USD });
    expect(tierFit(BASIC, planned)).toEqual({ tier: "basic", fullUse: 105 * USD, costLimit: 100 * USD });
    expect(tierFit(PRO, planned)).toBeNull();
    expect(tierFit({ ...FREE, quotas: FREE.quotas.slice(1) }, planned)).toBeNull();
  });

  it("looks only at the pairs that occur", () => {
    const pairs = [
      { persona: "power", tier: "pro" },
      { persona: null, tier: "basic" },
      { persona: "casual", tier: "free" },
      { persona: "casual", tier: "free" },
    ] as const;
    const { personas, tiers } = fitsOf(pairs, INITIAL_TIERS, planned, 9_500);
    expect(personas.map((each) => `${each.persona}/${each.tier}`)).toEqual(["casual/free", "power/pro"]);
    expect(tiers.map((each) => each.tier)).toEqual(["free"]);
  });
});
