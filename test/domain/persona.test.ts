import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inferPersona, PERSONAS } from "../../src/domain/persona.js";
import { planningCost } from "../../src/domain/price.js";
import { INITIAL_SETTINGS, planningRates } from "../../src/domain/settings.js";

const USD = 1_000_000_000;

describe("the personas", () => {
  it.each([
    ["casual", 500, 2, 15, 4.5],
    ["active", 2_000, 10, 60, 21],
    ["power", 5_000, 25, 150, 52.5],
  ] as const)(
    "%s: %i tokens and %i images a day, stated $%d and computed $%d",
    (key, tokens, images, stated, computed) => {
      expect(PERSONAS[key]).toEqual({
        tokensPerDay: tokens,
        imagesPerDay: images,
        statedPerMonth: stated * USD,
      });
      const month = { tokens: 30 * tokens, images: 30 * images };
      expect(planningCost(month, planningRates(INITIAL_SETTINGS))).toBe(computed * USD);
    },
  );
});

describe("a persona inferred", () => {
  it.each([
    // Halfway on a log scale is the geometric mean: 1,000 and about 3,162 tokens a day.
    [1, "casual"],
    [500, "casual"],
    [999, "casual"],
    [1_001, "active"],
    [2_000, "active"],
    [3_162, "active"],
    [3_163, "power"],
    [5_000, "power"],
    [90_000, "power"],
  ])("from %i tokens a day is %s", (perDay, key) => {
    for (const days of [3, 10]) expect(inferPersona(perDay * days, days)).toBe(key);
  });

  it("needs three active days, and tokens", () => {
    expect(inferPersona(6_000, 2)).toBeNull();
    expect(inferPersona(6_000, 3)).toBe("active");
    expect(inferPersona(0, 30)).toBeNull();
    expect(inferPersona(0, 0)).toBeNull();
  });

  it("never falls as usage grows", () => {
    const rank = ["casual", "active", "power"];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 0, max: 1e6 }), (less, more) => {
        const [a, b] = [inferPersona(less, 7), inferPersona(less + more, 7)];
        expect(rank.indexOf(a ?? "")).toBeLessThanOrEqual(rank.indexOf(b ?? ""));
      }),
    );
  });
});
