import type { Meter, Period, Quota } from "./meter.js";
import { ALL_FEATURES, type Tier } from "./tier.js";
import type { Instant } from "./window.js";

/** Whether a tester may make calls at all. */
export type UserStatus = "active" | "suspended" | "removed";

/** Replaces one quota of one user, or grants or denies one feature, until it expires or is revoked. */
export type Override = {
  readonly id: number;
  readonly reason: string | null;
  readonly since: Instant;
  /** Exclusive; `null`: until revoked. */
  readonly until: Instant | null;
} & (
  | { readonly kind: "quota"; readonly meter: Meter; readonly period: Period; readonly limit: number | null }
  | { readonly kind: "feature"; readonly feature: string; readonly granted: boolean }
);

/** A quota as it applies to one user, and where it comes from. */
export interface EffectiveQuota extends Quota {
  readonly source: "tier" | "override" | "emergency";
}

/** What one user may use at an instant: the tier with the live overrides laid over it. */
export interface Entitlement {
  readonly quotas: readonly EffectiveQuota[];
  allows(feature: string): boolean;
}

// When it began plays no part: the clock of who asks may be behind the clock of who granted it.
function isLive(override: Override, at: Instant): boolean {
  return override.until === null || at < override.until;
}

export function entitlementOf(tier: Tier, overrides: readonly Override[], at: Instant): Entitlement {
  if (overrides.length > 0) return laidOver(tier, overrides, at);
  // Most users have no override, and a tier is asked about at every decision.
  let plain = withoutOverrides.get(tier);
  if (plain === undefined) {
    plain = laidOver(tier, overrides, at);
    withoutOverrides.set(tier, plain);
  }
  return plain;
}

const withoutOverrides = new WeakMap<Tier, Entitlement>();

function laidOver(tier: Tier, overrides: readonly Override[], at: Instant): Entitlement {
  const live = overrides.filter((override) => isLive(override, at));
  const features = new Map<string, boolean>();
  const replaced = new Map<string, EffectiveQuota | null>();
  for (const override of live) {
    if (override.kind === "feature") {
      features.set(override.feature, override.granted);
    } else {
      const { meter, period, limit } = override;
      replaced.set(
        `${meter}/${period}`,
        limit === null ? null : { meter, period, limit, source: "override" },
      );
    }
  }
  const quotas: EffectiveQuota[] = [];
  for (const quota of tier.quotas) {
    const key = `${quota.meter}/${quota.period}`;
    const override = replaced.get(key);
    if (override === undefined) quotas.push({ ...quota, source: "tier" });
    else if (override !== null) quotas.push(override);
    replaced.delete(key);
  }
  for (const added of replaced.values()) if (added !== null) quotas.push(added);
  return {
    quotas,
    // A denial of one feature holds even where the tier, or another grant, allows all of them. A denial of
    // `all_features` leaves what the tier names one by one.
    allows: (feature) =>
      features.get(feature) ??
      (tier.features.includes(feature) ||
        (features.get(ALL_FEATURES) ?? tier.features.includes(ALL_FEATURES))),
  };
}
