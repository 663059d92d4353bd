import { type Decision, decide, type QuotaState, type WindowUsage } from "../domain/decide.js";
import type { Stop } from "../domain/emergency.js";
import { entitlementOf, type Override } from "../domain/entitlement.js";
import { type Amounts, type Meter, noAmounts, type Period } from "../domain/meter.js";
import type { QuotaChange } from "../domain/promotion.js";
import { thresholdOf } from "../domain/quota-state.js";
import type { Settings } from "../domain/settings.js";
import type { Tier } from "../domain/tier.js";
import type { User } from "../domain/user.js";
import { calendar, type Instant } from "../domain/window.js";
import type { Engine } from "./engine.js";
import { requireTierKey, requireUser } from "./find.js";
import { liveOverrides } from "./overrides.js";
import type { Reading } from "./ports.js";

/** What decides about a user besides the tier: what the running windows hold, and what is laid over the tier. */
export interface Standing {
  readonly user: User;
  readonly at: Instant;
  readonly settings: Settings;
  readonly stops: readonly Stop[];
  /** The live ones. */
  readonly overrides: readonly Override[];
  readonly day: WindowUsage;
  readonly month: WindowUsage;
  readonly held: Readonly<Amounts>;
}

export async function standingOf(tx: Reading, user: User, at: Instant): Promise<Standing> {
  const settings = await tx.settings.current();
  const zone = calendar(settings.time_zone);
  const window = async (period: Period): Promise<WindowUsage> => {
    const { index } = zone.windowAt(period, at);
    return {
      used: await tx.users.windowUsage(user.id, period, index),
      forgiven: await tx.users.forgiven(user.id, period, index),
    };
  };
  return {
    user,
    at,
    settings,
    stops: await tx.emergency.active(at),
    overrides: await liveOverrides(tx, user.id, at),
    day: await window("day"),
    month: await window("month"),
    held: await tx.users.held(user.id, at),
  };
}

/** How full each quota is, were the user on this tier: by the very rule that decides about calls. */
export function quotasUnder(standing: Standing, tier: Tier): readonly QuotaState[] {
  return decisionUnder(standing, tier).quotas;
}

/** The decision about a call that asks for nothing yet and names nothing, were the user on this tier. */
export function decisionUnder(standing: Standing, tier: Tier): Decision {
  const { user, at, settings, stops, overrides, day, month, held } = standing;
  const decided = {
    id: user.id,
    tier: tier.key,
    tierLabel: tier.label,
    status: user.status,
    entitlement: entitlementOf(tier, overrides, at),
    day,
    month,
    held,
  };
  const nothing = {
    provider: "",
    model: "",
    feature: "",
    amounts: noAmounts(),
    statesAmounts: false,
    unpriced: false,
  };
  return decide({ ask: nothing, user: decided, stops, settings, at });
}

/** Everything about one user. */
export interface ShownUser {
  readonly user: User;
  readonly tier: Tier;
  readonly since: { readonly tier: Instant; readonly status: Instant };
  readonly quotas: readonly QuotaState[];
  readonly overrides: readonly Override[];
  /** Features that the tier and the overrides allow, and those that an override denies. */
  readonly features: readonly string[];
  readonly deniedFeatures: readonly string[];
  readonly timeZone: string;
}

export function showUser(engine: Engine, name: string): Promise<ShownUser> {
  return engine.store.read(async (tx) => {
    const user = await requireUser(tx, name);
    const tier = await tierOf(tx, user);
    const at = engine.now();
    const standing = await standingOf(tx, user, at);
    const { overrides } = standing;
    return {
      user,
      tier,
      since: await tx.users.since(user.id),
      quotas: quotasUnder(standing, tier),
      overrides,
      ...featuresUnder(overrides, tier),
      timeZone: standing.settings.time_zone,
    };
  });
}

/** What the tier and live overrides allow, and what an override denies. */
export function featuresUnder(
  overrides: readonly Override[],
  tier: Tier,
): Pick<ShownUser, "features" | "deniedFeatures"> {
  const ofFeatures = overrides.filter((each) => each.kind === "feature");
  const denied = ofFeatures.filter((each) => !each.granted).map((each) => each.feature);
  const granted = ofFeatures.filter((each) => each.granted).map((each) => each.feature);
  return {
    features: [...new Set([...tier.features, ...granted])].filter((each) => !denied.includes(each)),
    deniedFeatures: denied,
  };
}

/** Nothing keeps a tier from being removed that only removed users are on. */
async function tierOf(tx: Reading, user: User): Promise<Tier> {
  const tier = await tx.tiers.find(user.tier);
  if (tier === undefined && user.status === "removed") {
    return { key: user.tier, label: "removed since", rank: 1, quotas: [], features: [] };
  }
  return tier ?? requireTierKey(tx, user.tier);
}

/** A lowered limit that users have already used up. */
export interface UsedUp {
  readonly meter: Meter;
  readonly period: Period;
  /** The new limit. */
  readonly limit: number;
  readonly users: number;
}

/** Whom lowered limits block at once: users who were not blocked before, and have no override of that quota. */
export async function usedUpBy(
  tx: Reading,
  before: Tier,
  after: Tier,
  changes: readonly QuotaChange[],
  at: Instant,
): Promise<UsedUp[]> {
  const settings = await tx.settings.current();
  const zone = calendar(settings.time_zone);
  const found: UsedUp[] = [];
  for (const { meter, period, from, to } of changes) {
    if (to === null || (from !== null && to >= from)) continue;
    const usages = await tx.users.windowUsages(after.key, period, zone.windowAt(period, at).index);
    const least = Math.max(1, thresholdOf(to, settings.block_at));
    const heavy = new Set([...usages].filter(([, used]) => used[meter] >= least).map(([id]) => id));
    if (heavy.size === 0) continue;
    const users = await tx.users.list({ tier: after.key });
    let blocked = 0;
    for (const user of users.filter((each) => heavy.has(each.id))) {
      const standing = await standingOf(tx, user, at);
      const blockedUnder = (tier: Tier) =>
        quotasUnder(standing, tier).some(
          (quota) =>
            quota.meter === meter &&
            quota.period === period &&
            quota.source === "tier" &&
            quota.outcome === "block",
        );
      if (blockedUnder(after) && !blockedUnder(before)) blocked += 1;
    }
    if (blocked > 0) found.push({ meter, period, limit: to, users: blocked });
  }
  return found;
}
