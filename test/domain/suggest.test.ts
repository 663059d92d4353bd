import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Amounts, noAmounts, type Quota } from "../../src/domain/meter.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { type SuggestFrame, type Suggestion, suggestMove, type TesterUse } from "../../src/domain/suggest.js";
import { suggestionInWords } from "../../src/domain/suggest-words.js";
import { INITIAL_TIERS, type Tier } from "../../src/domain/tier.js";
import { NOON, tierNamed } from "../support/decision.js";

const TODAY = 20_779;
const frame: SuggestFrame = {
  range: { from: TODAY - 13, to: TODAY + 1 },
  daysLeft: 8,
  at: NOON,
  tiers: INITIAL_TIERS,
  settings: INITIAL_SETTINGS,
};

const startingOn = (tier: string): SuggestFrame => ({
  ...frame,
  settings: { ...INITIAL_SETTINGS, default_tier: tier },
});

const DOLLAR = 1_000_000_000;

/** Days up to today, the last one first. */
function daysOf(...used: Partial<Amounts>[]): TesterUse["days"] {
  return used.map((amounts, index) => ({ day: TODAY - index, used: { ...noAmounts(), ...amounts } }));
}

function useOn(tier: string, more: Partial<TesterUse> = {}): TesterUse {
  return {
    tier: tierNamed(tier),
    overrides: [],
    onTierSince: { day: TODAY - 60, fromStart: true },
    days: [],
    month: noAmounts(),
    refusals: [],
    refusedAgain: [],
    refusedFeatures: [],
    usedFeatures: [],
    ...more,
  };
}

function told(move: Suggestion | null): string | null {
  return move === null ? null : `${move.direction} to ${move.to.key}: ${suggestionInWords(move)}`;
}

const busy = { tokens: 950, cost: 95_000_000 };

describe("a promotion is suggested", () => {
  it("where a limit of a day was reached on three days, and not on two", () => {
    const three = useOn("free", { days: daysOf(busy, busy, { tokens: 949 }, busy) });
    expect(told(suggestMove(three, frame))).toBe(
      "promote to basic: the limit of 1,000 tokens a day was in the way on 3 of 14 days",
    );
    expect(suggestMove(useOn("free", { days: daysOf(busy, { tokens: 949 }, busy) }), frame)).toBeNull();
  });

  it("where calls were refused on three days; a day that was full, too, is one day", () => {
    const again = [0, 1, 2].map((ago) => {
      return { day: TODAY - ago, meter: "tokens" as const, period: "day" as const, count: 4 };
    });
    const use = useOn("free", { days: daysOf(busy), refusedAgain: again });
    expect(told(suggestMove(use, frame))).toBe(
      "promote to basic: the limit of 1,000 tokens a day was in the way on 3 of 14 days (12 calls refused)",
    );
    // A month's limit is another one.
    const ofMonth = again.map((each) => ({ ...each, period: "month" as const }));
    expect(suggestMove({ ...use, refusedAgain: ofMonth }, frame)).toBeNull();
  });

  it("where a month's limit is used up while enough of the month is left", () => {
    const use = useOn("free", { month: { ...noAmounts(), cost: 9.5 * DOLLAR } });
    expect(told(suggestMove(use, frame))).toContain(
      "promote to basic: the limit of $10.00 a month is used up, with 8 days of the month left",
    );
    expect(suggestMove(use, { ...frame, daysLeft: 3 })?.direction).toBe("promote");
    expect(suggestMove(use, { ...frame, daysLeft: 2 })).toBeNull();
  });

  it("where a feature was refused on three days, to the lowest tier that has it", () => {
    const asked = (feature: string, days = 3) =>
      useOn("free", { refusedFeatures: [{ feature, days, calls: 7 }] });
    expect(told(suggestMove(asked("seo_analysis"), frame))).toBe(
      "promote to basic: asked for seo_analysis 7 times on 3 days, which free has not",
    );
    expect(suggestMove(asked("advanced_analytics"), frame)?.to.key).toBe("pro");
    // Two days are not enough, and what the tier has was refused by another one.
    expect(suggestMove(asked("seo_analysis", 2), frame)).toBeNull();
    expect(suggestMove(asked("blog_writer"), frame)).toBeNull();
  });

  it("to the tier that relieves most, and says which features in use would be lost", () => {
    const use = useOn("free", {
      days: daysOf(busy, busy, busy),
      refusedFeatures: [{ feature: "labs", days: 5, calls: 9 }],
      usedFeatures: [{ feature: "basic_seo", days: 3, calls: 3 }],
    });
    expect(suggestMove(use, frame)).toMatchObject({ to: { key: "pro" }, losesUsed: [] });
    expect(suggestMove({ ...use, refusedFeatures: [] }, frame)).toMatchObject({
      to: { key: "basic" },
      losesUsed: ["basic_seo"],
    });
  });

  it("not where it would change nothing: on the highest tier, or under an override that stays", () => {
    const full = daysOf({ tokens: 50_000 }, { tokens: 50_000 }, { tokens: 50_000 });
    expect(suggestMove(useOn("pro", { days: full }), frame)).toBeNull();
    const tokens = { meter: "tokens", period: "day" } as const;
    const override = {
      id: 1,
      reason: null,
      since: 0,
      until: null,
      kind: "quota",
      ...tokens,
      limit: 900,
    } as const;
    const under = useOn("free", { days: daysOf(busy, busy, busy), overrides: [override] });
    expect(suggestMove(under, frame)).toBeNull();
    expect(suggestMove({ ...under, overrides: [{ ...override, until: NOON }] }, frame)?.to.key).toBe("basic");
  });

  it("not for days on another tier, nor for refusals that its limits would not make again", () => {
    const days = daysOf(busy, busy, busy);
    expect(
      suggestMove(useOn("free", { days, onTierSince: { day: TODAY - 2, fromStart: true } }), frame)?.to.key,
    ).toBe("basic");
    expect(
      suggestMove(useOn("free", { days, onTierSince: { day: TODAY - 2, fromStart: false } }), frame),
    ).toBeNull();
    const refusals = [0, 1, 2, 3].map((ago) => {
      return { day: TODAY - ago, code: "quota-exhausted" as const, meter: "tokens" as const, count: 9 };
    });
    expect(suggestMove(useOn("free", { refusals }), frame)).toBeNull();
  });
});

describe("a demotion is suggested", () => {
  const calm = { tokens: 500, images: 2, cost: 20_000_000 };

  it("to the lowest tier of which half would do", () => {
    const use = useOn("pro", { days: daysOf(calm, calm), month: { ...noAmounts(), cost: 2 * DOLLAR } });
    expect(told(suggestMove(use, frame))).toBe(
      "demote to free: used at most 500 tokens a day in 14 days, and free allows 1,000 tokens a day",
    );
    // One token more than half of free's.
    expect(suggestMove({ ...use, days: daysOf({ ...calm, tokens: 501 }) }, frame)?.to.key).toBe("basic");
    expect(suggestMove({ ...use, month: { ...noAmounts(), cost: 5 * DOLLAR + 1 } }, frame)?.to.key).toBe(
      "basic",
    );
  });

  it("of somebody who makes no calls", () => {
    expect(told(suggestMove(useOn("pro"), frame))).toBe("demote to free: no calls in 14 days");
  });

  it("not below the tier on which testers start", () => {
    expect(suggestMove(useOn("pro"), startingOn("basic"))?.to.key).toBe("basic");
    expect(suggestMove(useOn("basic"), startingOn("basic"))).toBeNull();
  });

  it("not to a tier without a feature in use, after a refusal, or when the tier is new", () => {
    const used = (feature: string) => useOn("pro", { usedFeatures: [{ feature, days: 1, calls: 1 }] });
    expect(suggestMove(used("seo_analysis"), frame)?.to.key).toBe("basic");
    expect(suggestMove(used("advanced_analytics"), frame)).toBeNull();
    const refused = { day: TODAY - 5, code: "request-too-large", meter: "tokens", count: 1 } as const;
    expect(suggestMove(useOn("pro", { refusals: [refused] }), frame)).toBeNull();
    const since = (day: number, fromStart: boolean) =>
      suggestMove(useOn("pro", { onTierSince: { day, fromStart } }), frame)?.to.key;
    expect(since(frame.range.from, true)).toBe("free");
    expect(since(frame.range.from, false)).toBeUndefined();
    expect(since(frame.range.from - 1, false)).toBe("free");
  });
});

describe("what a move costs", () => {
  it("is the pace of 30 days, and what limits let through with the same mix of calls", () => {
    // Three days of 950 tokens at $0.095: 14 days cost $0.285, 30 such days $0.61; a token costs 100,000 nanos. Free
    // lets 30,000 tokens a month through, which cost $3; basic 300,000, which cost $30; both below their cost limits.
    const use = useOn("free", { days: daysOf(busy, busy, busy) });
    expect(suggestMove(use, frame)?.cost).toEqual({
      pace: 610_714_286,
      mostNow: 3 * DOLLAR,
      mostThen: 30 * DOLLAR,
    });
  });

  it("is bounded by cost limits where calls are dear, and by nothing where nothing is limited", () => {
    const dear = { tokens: 950, cost: 4 * DOLLAR };
    const use = useOn("free", { days: daysOf(dear, dear, dear) });
    expect(suggestMove(use, frame)?.cost).toMatchObject({ mostNow: 10 * DOLLAR, mostThen: 100 * DOLLAR });
    const open: Tier = { ...tierNamed("pro"), key: "open", rank: 4, quotas: [] };
    const full = { tokens: 50_000, cost: 1 };
    const onPro = useOn("pro", { days: daysOf(full, full, full) });
    expect(suggestMove(onPro, { ...frame, tiers: [...INITIAL_TIERS, open] })?.cost.mostThen).toBeNull();
  });
});

/** Tiers whose limits and features grow with their rank. */
const ladders = fc
  .array(fc.record({ tokens: fc.integer({ min: 1, max: 9 }), cost: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 2,
    maxLength: 4,
  })
  .map((steps) => {
    let tokens = 10;
    let cost = 100;
    return steps.map((step, index): Tier => {
      tokens *= step.tokens + 1;
      cost *= step.cost + 1;
      const quotas: Quota[] = [
        { meter: "tokens", period: "day", limit: tokens },
        { meter: "cost", period: "month", limit: cost },
      ];
      const features = ["one", "two", "three", "four"].slice(0, index + 1);
      return { key: `t${index}`, label: `T${index}`, rank: index + 1, quotas, features };
    });
  });

const uses = fc.record({
  days: fc
    .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 30_000 })), {
      selector: ([ago]) => ago,
      maxLength: 14,
    })
    .map((days) =>
      days.map(([ago, tokens]) => ({ day: TODAY - ago, used: { ...noAmounts(), tokens, cost: tokens } })),
    ),
  cost: fc.integer({ min: 0, max: 20_000 }),
  refused: fc.array(fc.integer({ min: 0, max: 13 }), { maxLength: 4 }),
  features: fc.subarray(["one", "two", "three", "four"]),
});

it("a move that was made is not taken back by what supported it", () => {
  fc.assert(
    fc.property(ladders, uses, fc.nat(), (tiers, { days, cost, refused, features }, on) => {
      const tier = tiers[on % tiers.length] as Tier;
      const calls = features.map((feature) => ({ feature, days: 3, calls: 3 }));
      const refusedFeatures = calls.filter(({ feature }) => !tier.features.includes(feature));
      const exhausted = { code: "quota-exhausted", meter: "tokens", count: 1 } as const;
      const notInTier = { day: TODAY, code: "feature-not-in-tier", meter: "", count: 3 } as const;
      const use: TesterUse = {
        ...useOn("free"),
        tier,
        days,
        month: { ...noAmounts(), cost },
        refusals: [
          ...refused.map((ago) => ({ ...exhausted, day: TODAY - ago })),
          ...refusedFeatures.map(() => notInTier),
        ],
        refusedAgain: refused.map((ago) => ({ day: TODAY - ago, meter: "tokens", period: "day", count: 1 })),
        refusedFeatures,
        usedFeatures: calls.filter(({ feature }) => tier.features.includes(feature)),
      };
      const on14 = { ...startingOn("t0"), tiers };
      const move = suggestMove(use, on14);
      if (move === null) return;
      expect(move.to.rank > tier.rank).toBe(move.direction === "promote");
      // Judged as if they had always been there, which is harder than life: whoever was moved is let alone for a while.
      const next = suggestMove({ ...use, tier: move.to }, on14);
      expect(next === null || next.direction === move.direction).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
