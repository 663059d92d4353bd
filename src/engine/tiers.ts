import type { Meter, Period } from "../domain/meter.js";
import { type Promotion, promotionBetween } from "../domain/promotion.js";
import { requireTier, type Tier, withQuota } from "../domain/tier.js";
import type { Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { requireTierKey } from "./find.js";
import type { Reading } from "./ports.js";
import { type UsedUp, usedUpBy } from "./standing.js";

export interface TierWithUsers extends Tier {
  /** Users on it, removed ones not counted. */
  readonly users: number;
  /** Whether new testers start on it. */
  readonly isDefault: boolean;
}

export function listTiers(engine: Engine): Promise<TierWithUsers[]> {
  return engine.store.read(async (tx) => {
    const counts = await tx.tiers.userCounts();
    const { default_tier } = await tx.settings.current();
    return (await tx.tiers.list()).map((tier) => ({
      ...tier,
      users: counts.get(tier.key) ?? 0,
      isDefault: tier.key === default_tier,
    }));
  });
}

export async function showTier(engine: Engine, key: string): Promise<TierWithUsers> {
  await engine.store.read((tx) => requireTierKey(tx, key));
  return (await listTiers(engine)).find((tier) => tier.key === key) as TierWithUsers;
}

/** What is to be different about a tier; what is left out stays. */
export interface TierChange {
  readonly label?: string;
  readonly rank?: number;
  /** `limit: null` removes the quota: unlimited. */
  readonly quotas?: readonly {
    readonly meter: Meter;
    readonly period: Period;
    readonly limit: number | null;
  }[];
  /** Tokens that one call may use: `unlimited`, or what the `setting` says. */
  readonly callTokens?: number | "unlimited" | "setting";
  /** Replaces all features. */
  readonly features?: readonly string[];
  readonly addFeatures?: readonly string[];
  readonly removeFeatures?: readonly string[];
  readonly reason?: string;
}

function changed(tier: Tier, change: TierChange): Tier {
  let quotas = tier.quotas;
  for (const quota of change.quotas ?? []) quotas = withQuota(quotas, quota);
  const wanted = [...(change.features ?? tier.features), ...(change.addFeatures ?? [])];
  const unwanted = change.removeFeatures ?? [];
  for (const feature of unwanted) {
    if (!wanted.includes(feature)) {
      throw new AlphaError("not-found", `${tier.key} has no feature "${feature}"`, {
        hint: tier.features.length === 0 ? "it has none at all" : `it has: ${tier.features.join(", ")}`,
      });
    }
  }
  return requireTier({
    key: tier.key,
    label: change.label ?? tier.label,
    rank: change.rank ?? tier.rank,
    quotas,
    features: [...new Set(wanted)].filter((feature) => !unwanted.includes(feature)).sort(),
    ...ceilingOf(tier, change),
  });
}

function ceilingOf(tier: Tier, { callTokens }: TierChange): Pick<Tier, "callTokens"> {
  if (callTokens === "setting") return {};
  if (callTokens !== undefined) return { callTokens: callTokens === "unlimited" ? null : callTokens };
  return tier.callTokens === undefined ? {} : { callTokens: tier.callTokens };
}

/** Refuses a rank that another tier has. */
export async function requireFreeRank(tx: Reading, tier: Tier): Promise<void> {
  const other = (await tx.tiers.list()).find((each) => each.rank === tier.rank && each.key !== tier.key);
  if (other !== undefined) {
    throw new AlphaError("conflict", `rank ${tier.rank} is taken by ${other.key}`, {
      hint: "ranks order the tiers, so each has its own; see them with: alpha tiers list",
    });
  }
}

/** Adds a tier; without a rank it goes to the top. */
export function addTier(
  engine: Engine,
  key: string,
  change: TierChange,
  options: ChangeOptions = {},
): Promise<Tier> {
  return engine.store.write(async (tx) => {
    const tiers = await tx.tiers.list();
    if (tiers.some((each) => each.key === key)) {
      throw new AlphaError("conflict", `there is already a tier "${key}"`, {
        hint: `change it with: alpha tiers set ${key}`,
      });
    }
    const top = Math.max(0, ...tiers.map((each) => each.rank));
    const tier = changed({ key, label: key, rank: top + 1, quotas: [], features: [] }, change);
    await requireFreeRank(tx, tier);
    const at = engine.now();
    await tx.tiers.save(tier, at);
    await audit(engine, tx, at, {
      action: "tiers.add",
      subject: `tier:${key}`,
      after: tier,
      reason: change.reason ?? null,
    });
    return tier;
  }, options);
}

export interface TierSet {
  readonly before: Tier;
  readonly after: Tier;
  readonly change: Promotion;
  /** Users to whom the new limits apply from the next decision on. */
  readonly users: number;
  readonly from: number;
  /** Lowered limits that users have already used up in the running window, and how many users. */
  readonly usedUp: readonly UsedUp[];
}

/** Changes a tier for everybody on it, at once. */
export function setTier(
  engine: Engine,
  key: string,
  change: TierChange,
  options: ChangeOptions = {},
): Promise<TierSet> {
  return engine.store.write(async (tx) => {
    const before = await requireTierKey(tx, key);
    const after = changed(before, change);
    if (sameTier(before, after)) {
      throw new AlphaError("conflict", `${key} already is as you want it`, {
        hint: `see it with: alpha tiers show ${key}`,
      });
    }
    await requireFreeRank(tx, after);
    const at = engine.now();
    await tx.tiers.save(after, at);
    await audit(engine, tx, at, {
      action: "tiers.set",
      subject: `tier:${key}`,
      before,
      after,
      reason: change.reason ?? null,
    });
    const users = (await tx.tiers.userCounts()).get(key) ?? 0;
    const promotion = promotionBetween(before, after);
    const usedUp = await usedUpBy(tx, before, after, promotion.quotas, at);
    return { before, after, change: promotion, users, from: at, usedUp };
  }, options);
}

function sameTier(a: Tier, b: Tier): boolean {
  const { quotas, gained, lost } = promotionBetween(a, b);
  const sameFeatures =
    gained.length + lost.length === 0 && [...a.features].sort().join() === [...b.features].sort().join();
  const sameWords = a.label === b.label && a.rank === b.rank;
  return sameWords && a.callTokens === b.callTokens && quotas.length === 0 && sameFeatures;
}

/** Removes a tier that nobody is on and nobody starts on. */
export function removeTier(
  engine: Engine,
  key: string,
  input: { readonly reason?: string } = {},
  options: ChangeOptions = {},
): Promise<Tier> {
  return engine.store.write(async (tx) => {
    const tier = await requireTierKey(tx, key);
    const at = engine.now();
    await requireUnused(tx, key, at);
    await tx.tiers.remove(key, at);
    await audit(engine, tx, at, {
      action: "tiers.remove",
      subject: `tier:${key}`,
      before: tier,
      reason: input.reason ?? null,
    });
    return tier;
  }, options);
}

/** Refuses to let a tier go that something depends on. */
export async function requireUnused(tx: Reading, key: string, at: Instant): Promise<void> {
  if ((await tx.settings.current()).default_tier === key) {
    throw new AlphaError("conflict", `${key} cannot be removed: it is the tier on which new testers start`);
  }
  const users = (await tx.tiers.userCounts()).get(key) ?? 0;
  if (users > 0) {
    throw new AlphaError("conflict", `${users} ${users === 1 ? "user is" : "users are"} on ${key}`, {
      hint: `move them first; see them with: alpha users list --tier ${key}`,
    });
  }
  const stops = await tx.emergency.active(at);
  if (stops.some((stop) => stop.scope.tier === key)) {
    throw new AlphaError("conflict", `an emergency stop is limited to ${key}`, {
      hint: `lift it first: alpha emergency-stop off --tier ${key}`,
    });
  }
}
