import { AlphaError } from "../errors.js";
import type { Meter, Period, Quota } from "./meter.js";
import { NANOS_PER_USD } from "./money.js";

/** A feature that stands for every feature. */
export const ALL_FEATURES = "all_features";

/** What the testers on it may use. Tiers are ordered by `rank`; promote and demote move along it. */
export interface Tier {
  /** Lower-case letters, digits, `_` and `-`; what commands and logs call it. */
  readonly key: string;
  readonly label: string;
  /** A positive integer, unique among the tiers. */
  readonly rank: number;
  readonly quotas: readonly Quota[];
  readonly features: readonly string[];
  /** Tokens that one call may use; `null`: unlimited; left out: what the setting `call_tokens` says. */
  readonly callTokens?: number | null;
}

function threeQuotas(tokensPerDay: number, imagesPerDay: number, usdPerMonth: number): Quota[] {
  return [
    { meter: "tokens", period: "day", limit: tokensPerDay },
    { meter: "images", period: "day", limit: imagesPerDay },
    { meter: "cost", period: "month", limit: usdPerMonth * NANOS_PER_USD },
  ];
}

/** The tiers that a new database starts with. */
export const INITIAL_TIERS: readonly Tier[] = [
  {
    key: "free",
    label: "Free Alpha",
    rank: 1,
    quotas: threeQuotas(1_000, 5, 10),
    features: ["blog_writer", "basic_seo"],
  },
  {
    key: "basic",
    label: "Basic Alpha",
    rank: 2,
    quotas: threeQuotas(10_000, 50, 100),
    features: ["blog_writer", "seo_analysis", "content_planning"],
  },
  {
    key: "pro",
    label: "Pro Alpha",
    rank: 3,
    quotas: threeQuotas(50_000, 200, 500),
    features: [ALL_FEATURES, "advanced_analytics"],
  },
];

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Refuses a tier key or feature name that could not be typed or stored safely. */
export function requireName(what: "tier" | "feature", name: string): string {
  if (!NAME.test(name)) {
    throw new AlphaError("usage", `"${name}" cannot be the name of a ${what}`, {
      hint: "use lower-case letters, digits, _ and -, starting with a letter or digit, at most 64 characters",
    });
  }
  return name;
}

/** Refuses a limit that is negative, fractional or beyond exact integers. */
export function requireLimit(limit: number, what: string): number {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new AlphaError("usage", `${what} must be a whole number of 0 or more, not ${limit}`, {
      hint: "0 disables it; the word unlimited removes the limit",
    });
  }
  return limit;
}

/** Refuses a ceiling that no call could stay below. */
function requireCallTokens(ceiling: number): void {
  if (Number.isSafeInteger(ceiling) && ceiling >= 1) return;
  throw new AlphaError("usage", `tokens per call must be a whole number of 1 or more, not ${ceiling}`, {
    hint: "the word unlimited removes the ceiling",
  });
}

export function requireTier(tier: Tier): Tier {
  requireName("tier", tier.key);
  if (tier.label.trim() === "") throw new AlphaError("usage", "a tier needs a label");
  if (!Number.isSafeInteger(tier.rank) || tier.rank < 1) {
    throw new AlphaError("usage", `rank must be a whole number of 1 or more, not ${tier.rank}`);
  }
  for (const quota of tier.quotas) requireLimit(quota.limit, `the ${quota.meter} limit per ${quota.period}`);
  for (const feature of tier.features) requireName("feature", feature);
  if (tier.callTokens != null) requireCallTokens(tier.callTokens);
  return tier;
}

export function byRank(tiers: readonly Tier[]): Tier[] {
  return [...tiers].sort((a, b) => a.rank - b.rank);
}

/** The neighbour one step up or down the rank, or `undefined` at the end of the ladder. */
export function neighbour(tiers: readonly Tier[], key: string, step: "up" | "down"): Tier | undefined {
  const ladder = byRank(tiers);
  const at = ladder.findIndex((tier) => tier.key === key);
  return at < 0 ? undefined : ladder[step === "up" ? at + 1 : at - 1];
}

export function allowsFeature(features: readonly string[], feature: string): boolean {
  return features.includes(feature) || features.includes(ALL_FEATURES);
}

/** The quota for a meter and period, or `undefined`: unlimited. */
export function quotaFor(quotas: readonly Quota[], meter: Meter, period: Period): Quota | undefined {
  return quotas.find((quota) => quota.meter === meter && quota.period === period);
}

/** `quotas` with one of them replaced, added, or (with `limit: null`) removed. */
export function withQuota(
  quotas: readonly Quota[],
  change: { meter: Meter; period: Period; limit: number | null },
): Quota[] {
  const rest = quotas.filter((quota) => quota.meter !== change.meter || quota.period !== change.period);
  return change.limit === null ? rest : [...rest, { ...change, limit: change.limit }];
}
