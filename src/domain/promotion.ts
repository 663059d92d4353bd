import type { Meter, Period } from "./meter.js";
import { ALL_FEATURES, allowsFeature, quotaFor, type Tier } from "./tier.js";

/** One quota before and after; `null`: unlimited. */
export interface QuotaChange {
  readonly meter: Meter;
  readonly period: Period;
  readonly from: number | null;
  readonly to: number | null;
}

/** What moving from one tier to another changes for a tester. */
export interface Promotion {
  readonly quotas: readonly QuotaChange[];
  readonly gained: readonly string[];
  /** Features of the old tier that the new one does not have: a higher tier need not contain a lower one. */
  readonly lost: readonly string[];
}

export function promotionBetween(from: Tier, to: Tier): Promotion {
  const quotas: QuotaChange[] = [];
  for (const quota of [...from.quotas, ...to.quotas]) {
    const { meter, period } = quota;
    if (quotas.some((each) => each.meter === meter && each.period === period)) continue;
    const before = quotaFor(from.quotas, meter, period)?.limit ?? null;
    const after = quotaFor(to.quotas, meter, period)?.limit ?? null;
    if (before !== after) quotas.push({ meter, period, from: before, to: after });
  }
  return {
    quotas,
    gained: to.features.filter((feature) => !allowsFeature(from.features, feature)),
    lost: from.features
      .filter((feature) => feature !== ALL_FEATURES && !allowsFeature(to.features, feature))
      .concat(
        from.features.includes(ALL_FEATURES) && !to.features.includes(ALL_FEATURES) ? [ALL_FEATURES] : [],
      ),
  };
}
