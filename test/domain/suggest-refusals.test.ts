import { describe, expect, it } from "vitest";
import type { Override } from "../../src/domain/entitlement.js";
import { type Amounts, noAmounts, type Quota } from "../../src/domain/meter.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { refusedAgain } from "../../src/domain/suggest.js";
import type { RefusalCount, RefusedByLimit } from "../../src/domain/suggest-refusals.js";
import { type Tier, withQuota } from "../../src/domain/tier.js";
import { NOON, tierNamed } from "../support/decision.js";

const TODAY = 20_779;
const A_DAY: Quota = { meter: "tokens", period: "day", limit: 1_000 };

const amounts = (some: Partial<Amounts>): Amounts => ({ ...noAmounts(), requests: 1, ...some });

/** A call for tokens that free's limit of a day refused when so many were used. */
function refused(used: number, tokens: number, more: Partial<RefusedByLimit> = {}): RefusedByLimit {
  const window = { used: { ...noAmounts(), tokens: used }, forgiven: noAmounts() };
  return {
    userId: 1,
    day: TODAY,
    at: NOON,
    amounts: amounts({ tokens, cost: tokens }),
    statesAmounts: true,
    code: used >= 950 ? "quota-exhausted" : "request-too-large",
    meter: "tokens",
    period: "day",
    seen: {
      tier: "free",
      quotas: [{ ...A_DAY, source: "tier" }],
      day: window,
      month: window,
      held: noAmounts(),
      blockAt: 9_500,
      callTokens: null,
      maxTokens: null,
    },
    ...more,
  };
}

interface Now {
  readonly tier?: Tier;
  readonly overrides?: readonly Override[];
  /** The first day on the tier. */
  readonly since?: number;
  readonly used?: readonly Amounts[];
  readonly callTokens?: number;
  readonly counts?: readonly RefusalCount[];
}

/** What would be refused again by the limits as they are now; free's unless others are given. */
function again(calls: readonly RefusedByLimit[], now: Now = {}) {
  const { tier = tierNamed("free"), overrides = [], since = TODAY - 60, used = [], callTokens = null } = now;
  const use = {
    tier,
    overrides,
    onTierSince: { day: since, fromStart: true },
    days: used.map((each, ago) => ({ day: TODAY - ago, used: each })),
    month: noAmounts(),
    refusals: [],
    refusedFeatures: [],
    usedFeatures: [],
  };
  const judging = refusedAgain(use, {
    range: { from: TODAY - 13, to: TODAY + 1 },
    daysLeft: 8,
    at: NOON,
    tiers: [tier],
    settings: { ...INITIAL_SETTINGS, call_tokens: callTokens },
  });
  for (const call of calls) judging.take(call);
  return judging.days(now.counts ?? []);
}

const free = (limit: number | null, quota: Pick<Quota, "meter" | "period"> = A_DAY): Tier => {
  const tier = tierNamed("free");
  return { ...tier, quotas: withQuota(tier.quotas, { ...quota, limit }) };
};

const byDay = (count: number, day = TODAY) => ({ day, meter: "tokens", period: "day", count });

const OVERRIDE = { id: 1, kind: "quota", ...A_DAY, limit: 100, reason: null, since: 0, until: NOON } as const;

describe("a refusal is made again", () => {
  it("by the limit that made it, as long as that is as it was or lower", () => {
    // Told by code.
    const calls = [refused(900, 450), refused(960, 1)];
    expect(again(calls)).toEqual([byDay(1), byDay(1)]);
    expect(again(calls, { tier: free(900) })).toEqual([byDay(1), byDay(1)]);
  });

  it("not by one that was raised or given up, nor one that an override raises", () => {
    const calls = [refused(900, 450), refused(900, 450)];
    expect(again(calls, { tier: free(5_000) })).toEqual([]);
    expect(again(calls, { tier: free(null) })).toEqual([]);
    const raised = { ...OVERRIDE, limit: 5_000, until: null };
    expect(again(calls, { overrides: [raised] })).toEqual([]);
    expect(again(calls, { overrides: [{ ...raised, until: NOON }] })).toEqual([byDay(2)]);
  });

  it("not where it was an override that ended", () => {
    const calls = [refused(60, 60), refused(60, 60)];
    expect(again(calls, { overrides: [OVERRIDE] })).toEqual([]);
    expect(again(calls, { overrides: [{ ...OVERRIDE, until: null }] })).toEqual([byDay(2)]);
  });

  it("by a raised limit that is used up by what it would have let through before", () => {
    // Of 1,500, which block from 1,425, a third call of 450 fits and a fourth does not; the next day begins anew.
    const day = (ago: number) => [900, 900].map((used) => refused(used, 450, { day: TODAY - ago }));
    expect(again([...day(1), ...day(0)], { tier: free(1_500) })).toEqual([
      byDay(1, TODAY - 1),
      byDay(1, TODAY),
    ]);
    // Where a call did not say for how much it was, it is an average one: of 2,000 in 4 calls, 500.
    const silent = [refused(960, 0), refused(960, 0)].map((call) => ({ ...call, statesAmounts: false }));
    const used = [{ ...noAmounts(), tokens: 2_000, requests: 4 }];
    expect(again(silent, { tier: free(1_500), used })).toEqual([byDay(1)]);
    // Of a month nothing begins anew on the next day.
    const ofMonth = { meter: "tokens", period: "month" } as const;
    const month = (ago: number) => day(ago).map((call) => ({ ...call, ...ofMonth }));
    const tier = { ...free(null), quotas: [{ ...ofMonth, limit: 1_500 }] };
    expect(again([...month(1), ...month(0)], { tier })).toEqual([
      { ...byDay(1, TODAY - 1), period: "month" },
      { ...byDay(2), period: "month" },
    ]);
  });

  it("not by the limit of another period, nor for a ceiling of one call", () => {
    const ofMonth = refused(960, 10, { period: "month" });
    expect(again([ofMonth])).toEqual([]);
    const ceiling = refused(960, 2_000, { code: "request-too-large", period: "" });
    expect(again([ceiling])).toEqual([]);
    // A ceiling that there is now may refuse it, but did not then.
    const large = refused(0, 1_200);
    expect(again([large], { tier: free(5_000), callTokens: 1_100 })).toEqual([]);
  });

  it("not on a day on which they were on another tier", () => {
    const calls = [refused(960, 1, { day: TODAY - 1 }), refused(960, 1)];
    expect(again(calls, { since: TODAY })).toEqual([byDay(1)]);
  });

  it("where it was not kept, as the last of its kind on that day", () => {
    const calls = [refused(960, 1), refused(960, 1)];
    const count = { day: TODAY, code: "quota-exhausted", meter: "tokens", count: 1_500 } as const;
    expect(again(calls, { counts: [count] })).toEqual([byDay(1_500)]);
    expect(again(calls, { counts: [count], tier: free(5_000) })).toEqual([]);
    // None was kept of that code, or of that day.
    const others = [
      { ...count, code: "quota-disabled" as const },
      { ...count, day: TODAY - 1 },
    ];
    expect(again(calls, { counts: others })).toEqual([byDay(2)]);
    // The last was the ceiling's, and is one of those that were counted.
    const large = { ...count, code: "request-too-large", count: 3 } as const;
    const mixed = [refused(900, 120), refused(900, 120), refused(900, 5_000, { period: "" })];
    expect(again(mixed, { counts: [large] })).toEqual([byDay(2)]);
  });
});
