import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NO_RATES } from "../../src/domain/own-price-rules.js";
import {
  bySpecificity,
  effectiveRates,
  matchesGlob,
  type OwnPrice,
  OwnPrices,
} from "../../src/domain/own-prices.js";

/** A price that is told by its input rate. */
function price(provider: string, model: string, input: number, startsAt = 0): OwnPrice {
  return { id: input, provider, model, startsAt, rates: { ...NO_RATES, input } };
}

const inputAt = (prices: readonly OwnPrice[], provider: string, model: string, at = 100) =>
  new OwnPrices(prices).at({ provider, model }, at)?.rates.input ?? null;

describe("a glob", () => {
  it.each([
    ["gpt-4o", "gpt-4o", true],
    ["gpt-4o", "GPT-4o", true],
    ["gpt-4o", "gpt-4o-mini", false],
    ["gpt-4o*", "gpt-4o", true],
    ["gpt-4o*", "gpt-4o-mini", true],
    ["*", "", true],
    ["*", "anything", true],
    ["?", "", false],
    ["gpt-?", "gpt-4", true],
    ["gpt-?", "gpt-4o", false],
    ["*-mini", "gpt-4o-mini", true],
    ["*-mini", "gpt-4o-mini-2024", false],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["", "", true],
    ["", "x", false],
    // What is special in a regular expression is nothing but itself.
    ["gpt-3.5", "gpt-3x5", false],
    ["[ab]", "a", false],
    ["[ab]", "[ab]", true],
  ])("%s is for %s: %s", (glob, text, matches) => {
    expect(matchesGlob(glob, text)).toBe(matches);
  });

  it("matches what the regular expression of the same meaning does", () => {
    const letters = fc
      .array(fc.constantFrom("a", "b", "*", "?"), { maxLength: 8 })
      .map((all) => all.join(""));
    const texts = fc.array(fc.constantFrom("a", "b"), { maxLength: 10 }).map((all) => all.join(""));
    fc.assert(
      fc.property(letters, texts, (glob, text) => {
        const pattern = new RegExp(`^${glob.replaceAll("*", ".*").replaceAll("?", ".")}$`);
        expect(matchesGlob(glob, text)).toBe(pattern.test(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it("takes no longer than the lengths multiplied, however it is made", () => {
    const glob = `${"*a".repeat(100)}b`;
    expect(matchesGlob(glob, "a".repeat(10_000))).toBe(false);
  });
});

describe("of several prices", () => {
  it.each<[string, OwnPrice[], string, string, number | null]>([
    ["a model by name goes before a glob", [price("", "gpt-*", 1), price("", "gpt-4o", 2)], "", "gpt-4o", 2],
    ["a longer glob before a shorter", [price("", "gpt-*", 1), price("", "gpt-4*", 2)], "", "gpt-4o", 2],
    ["letters count, not wildcards", [price("", "gp??????*", 1), price("", "gpt*", 2)], "", "gpt-4o-x", 2],
    ["a named provider before any", [price("", "m", 1), price("azure", "m", 2)], "azure", "m", 2],
    ["any where the named is another", [price("", "m", 1), price("azure", "m", 2)], "openai", "m", 1],
    ["a provider before a glob of them", [price("a*", "m", 1), price("azure", "m", 2)], "azure", "m", 2],
    ["a glob of providers before any", [price("", "m", 1), price("a*", "m", 2)], "azure", "m", 2],
    ["the model counts before the provider", [price("azure", "m*", 1), price("", "m1", 2)], "azure", "m1", 2],
    ["a provider that is not stated is for any only", [price("azure", "m", 1)], "", "m", null],
    ["what no price is for has none", [price("", "gpt-*", 1)], "", "claude", null],
    ["every model, and calls that name none", [price("", "*", 1)], "", "", 1],
  ])("%s", (_, prices, provider, model, input) => {
    expect(inputAt(prices, provider, model)).toBe(input);
    expect(inputAt([...prices].reverse(), provider, model)).toBe(input);
  });

  it("the latest that has begun decides, to the millisecond", () => {
    const prices = [price("", "m", 1, 10), price("", "m", 2, 20), price("", "m", 3, 30)];
    expect([9, 10, 19, 20, 29, 30, 99].map((at) => inputAt(prices, "", "m", at))).toEqual([
      null,
      1,
      1,
      2,
      2,
      3,
      3,
    ]);
  });

  it("a specific one that has not begun leaves it to the others", () => {
    const prices = [price("", "m*", 1, 0), price("", "m1", 2, 50)];
    expect(inputAt(prices, "", "m1", 49)).toBe(1);
    expect(inputAt(prices, "", "m1", 50)).toBe(2);
  });
});

const scopes = fc.record({
  provider: fc.constantFrom("", "a*", "azure", "openai", "*"),
  model: fc.constantFrom("*", "gpt-*", "gpt-4*", "gpt-4o", "*4o", "????4o", "gpt-4o-mini"),
  startsAt: fc.constantFrom(0, 10, 20, 30),
});
/** No two of the same scope, as in the database. */
const priceLists = fc
  .uniqueArray(scopes, { selector: (scope) => JSON.stringify(scope), maxLength: 12 })
  .map((all) => all.map((scope, index) => price(scope.provider, scope.model, index + 1, scope.startsAt)));
const kinds = fc.record({
  provider: fc.constantFrom("", "azure", "openai", "aws"),
  model: fc.constantFrom("", "gpt-4o", "gpt-4o-mini", "gpt-5", "claude"),
});

describe("whatever the prices", () => {
  it("the order of their entry decides nothing", () => {
    const shuffled = priceLists.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, kinds, fc.nat(40), ([list, other], kind, at) => {
        expect(new OwnPrices(other).priceAt(kind, at)).toEqual(new OwnPrices(list).priceAt(kind, at));
      }),
      { numRuns: 500 },
    );
  });

  it("the one that decides has begun, is for the call, and none of those goes before it", () => {
    fc.assert(
      fc.property(priceLists, kinds, fc.nat(40), (list, kind, at) => {
        const eligible = list.filter(
          ({ provider, model, startsAt }) =>
            startsAt <= at &&
            (provider === "" || matchesGlob(provider, kind.provider)) &&
            matchesGlob(model, kind.model),
        );
        const decides = new OwnPrices(list).priceAt(kind, at);
        expect(decides === null).toBe(eligible.length === 0);
        for (const each of eligible) {
          if (each.id !== decides?.id) expect(bySpecificity(decides as OwnPrice, each)).toBeLessThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("what was asked before changes no answer", () => {
    fc.assert(
      fc.property(priceLists, fc.array(fc.tuple(kinds, fc.nat(40)), { maxLength: 10 }), (list, asked) => {
        const warm = new OwnPrices(list);
        for (const [kind, at] of [...asked, ...asked]) {
          expect(warm.at(kind, at)).toEqual(new OwnPrices(list).at(kind, at));
        }
      }),
    );
  });
});

describe("a lookup", () => {
  it("fills in the rates of caches, and says that they are one's own", () => {
    const rates = { ...NO_RATES, input: 2_000, output: 8_000 };
    const prices = new OwnPrices([{ ...price("", "m", 1), rates }]);
    expect(prices.at({ provider: "", model: "m" }, 1)).toEqual({
      from: "own",
      rates: { ...rates, cacheRead: 2_000, cacheWrite: 2_000 },
    });
    expect(prices.priceAt({ provider: "", model: "m" }, 1)?.rates).toEqual(rates);
    expect(effectiveRates({ ...rates, cacheRead: 0, cacheWrite: 5 })).toMatchObject({
      cacheRead: 0,
      cacheWrite: 5,
    });
  });

  it("survives more models than it remembers", () => {
    const prices = new OwnPrices([price("", "m*", 1)]);
    for (let n = 0; n < 10_001; n += 1) prices.at({ provider: `p${n % 7}`, model: `m${n}` }, 1);
    expect(prices.at({ provider: "p0", model: "m0" }, 1)?.rates.input).toBe(1);
    expect(prices.at({ provider: "p0", model: "x" }, 1)).toBeNull();
  });
});
