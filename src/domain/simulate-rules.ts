import { isThrottled } from "./emergency.js";
import { type EffectiveQuota, entitlementOf, type Override } from "./entitlement.js";
import { windowKey } from "./ledger-model.js";
import { type Amounts, METERS, noAmounts, PERIODS, type Period, type Quota } from "./meter.js";
import { emergencyLimits, type Settings } from "./settings.js";
import type { From, LimitChange, RulesHistory } from "./simulate-model.js";
import { type Tier, withQuota } from "./tier.js";
import type { CallKind } from "./usage.js";
import type { Instant } from "./window.js";

/** What decided about a call of one user at an instant, and what would have. */
export interface RulesThen {
  readonly settings: Settings;
  /** The key of the tier that they were on. */
  readonly tier: string;
  readonly tierLabel: string;
  /** The quotas that applied, emergency limits among them. */
  readonly quotas: readonly EffectiveQuota[];
  /** Those that would have applied. */
  readonly changed: readonly EffectiveQuota[];
  /** The ceiling of one call; `null`: none. */
  readonly callTokens: number | null;
  readonly changedCallTokens: number | null;
}

interface UserHistory {
  readonly memberships: From<string>[];
  readonly overrides: RulesHistory["overrides"][number][];
  readonly forgiveness: RulesHistory["forgiveness"][number][];
}

/**
 * The rules as they were at any instant, and as they would have been. Before the first of a kind its first is taken: a
 * log may tell of usage from before its tester was onboarded.
 */
export class RulesOverTime {
  readonly #users = new Map<number, UserHistory>();
  readonly #changedTiers = new WeakMap<Tier, Tier>();

  constructor(
    private readonly history: RulesHistory,
    private readonly change: LimitChange,
  ) {
    for (const { userId, tier, from } of history.memberships) {
      this.#user(userId).memberships.push({ from, value: tier });
    }
    for (const override of history.overrides) this.#user(override.userId).overrides.push(override);
    for (const forgiven of history.forgiveness) this.#user(forgiven.userId).forgiveness.push(forgiven);
  }

  #user(userId: number): UserHistory {
    let user = this.#users.get(userId);
    if (user === undefined) {
      user = { memberships: [], overrides: [], forgiveness: [] };
      this.#users.set(userId, user);
    }
    return user;
  }

  /** Those who were on the tier at some time from `from` on and before `to`. */
  concerned(from: Instant, to: Instant): Set<number> {
    const concerned = new Set<number>();
    for (const [userId, { memberships }] of this.#users) {
      const isOn = memberships.some(({ from: since, value }, index) => {
        const until = memberships[index + 1]?.from ?? Number.POSITIVE_INFINITY;
        return value === this.change.tier && until > from && (index === 0 || since < to);
      });
      if (isOn) concerned.add(userId);
    }
    return concerned;
  }

  /** Whether somebody was on the tier at an instant. */
  isOn(userId: number, at: Instant): boolean {
    return inForce(this.#user(userId).memberships, at) === this.change.tier;
  }

  settingsAt(at: Instant): Settings {
    return inForce(this.history.settings, at) as Settings;
  }

  /** `null`: the user, or their tier, is not known. */
  of(userId: number, kind: CallKind, at: Instant): RulesThen | null {
    const key = inForce(this.#user(userId).memberships, at);
    const tier = key === undefined ? undefined : inForce(this.history.tiers, at)?.get(key);
    if (tier === undefined) return null;
    const settings = this.settingsAt(at);
    const changed = this.#changed(tier);
    const overrides = this.#overridesAt(userId, at);
    const emergency = this.#emergencyAt(userId, tier.key, kind, settings, at);
    return {
      settings,
      tier: tier.key,
      tierLabel: tier.label,
      quotas: [...entitlementOf(tier, overrides, at).quotas, ...emergency],
      changed: [...entitlementOf(changed, overrides, at).quotas, ...emergency],
      callTokens: ceilingOf(tier, settings),
      changedCallTokens: ceilingOf(changed, settings),
    };
  }

  /** What was forgiven of a window by then. */
  forgiven(userId: number, period: Period, index: number, at: Instant): Amounts {
    const amounts = noAmounts();
    for (const each of this.#user(userId).forgiveness) {
      if (windowKey(each.period, each.index) === windowKey(period, index) && each.at <= at) {
        amounts[each.meter] += each.amount;
      }
    }
    return amounts;
  }

  /** The quotas by which a refused call would have been judged, instead of those by which it was. */
  insteadOf(quotas: readonly EffectiveQuota[], userId: number, at: Instant): readonly EffectiveQuota[] {
    const overridden = this.#overridesAt(userId, at).filter((override) => override.kind === "quota");
    let instead = [...quotas];
    for (const change of this.change.quotas) {
      const place = instead.findIndex((quota) => quota.source !== "emergency" && isSame(quota, change));
      if (instead[place]?.source === "override" || overridden.some((each) => isSame(each, change))) continue;
      if (change.limit === null) instead = instead.filter((_, index) => index !== place);
      else if (place >= 0) instead[place] = { ...change, limit: change.limit, source: "tier" };
      else instead = inOrder([...instead, { ...change, limit: change.limit, source: "tier" }]);
    }
    return instead;
  }

  /** The ceiling under which a refused call would have been judged, instead of that under which it was. */
  ceilingInsteadOf(ceiling: number | null, at: Instant): number | null {
    const { callTokens } = this.change;
    if (callTokens === undefined) return ceiling;
    if (callTokens === "unlimited") return null;
    return callTokens === "setting" ? this.settingsAt(at).call_tokens : callTokens;
  }

  changes({ tier }: { readonly tier: string }): boolean {
    return tier === this.change.tier;
  }

  #overridesAt(userId: number, at: Instant): Override[] {
    return this.#user(userId)
      .overrides.filter(({ override, ended }) => override.since <= at && (ended === null || at < ended))
      .map(({ override }) => override)
      .filter(({ until }) => until === null || at < until);
  }

  #emergencyAt(
    userId: number,
    tier: string,
    kind: CallKind,
    settings: Settings,
    at: Instant,
  ): EffectiveQuota[] {
    const throttles = latest(this.history.throttles, at)?.value ?? [];
    if (throttles.length === 0 || !isThrottled(throttles, { ...kind, userId, tier }, at)) return [];
    return emergencyLimits(settings).map((limit) => ({ ...limit, source: "emergency" }));
  }

  #changed(tier: Tier): Tier {
    if (!this.changes({ tier: tier.key })) return tier;
    let changed = this.#changedTiers.get(tier);
    if (changed === undefined) {
      changed = changedTier(tier, this.change);
      this.#changedTiers.set(tier, changed);
    }
    return changed;
  }
}

/** A tier with other limits. */
export function changedTier(tier: Tier, { quotas, callTokens }: LimitChange): Tier {
  const { callTokens: before, ...rest } = tier;
  let limits = tier.quotas;
  for (const quota of quotas) limits = withQuota(limits, quota);
  const ceiling = callTokens === undefined ? before : callTokens === "unlimited" ? null : callTokens;
  return {
    ...rest,
    quotas: inOrder(limits),
    ...(ceiling === undefined || ceiling === "setting" ? {} : { callTokens: ceiling }),
  };
}

function ceilingOf({ callTokens }: Tier, settings: Settings): number | null {
  return callTokens === undefined ? settings.call_tokens : callTokens;
}

function isSame(a: Pick<Quota, "meter" | "period">, b: Pick<Quota, "meter" | "period">): boolean {
  return a.meter === b.meter && a.period === b.period;
}

/** In the order in which a store keeps them, which decides between two that bind alike. Emergency limits come last. */
function inOrder<Q extends Quota & { readonly source?: EffectiveQuota["source"] }>(
  quotas: readonly Q[],
): Q[] {
  const place = ({ meter, period, source }: Q) =>
    (source === "emergency" ? METERS.length * PERIODS.length : 0) +
    METERS.indexOf(meter) * PERIODS.length +
    PERIODS.indexOf(period);
  return [...quotas].sort((a, b) => place(a) - place(b));
}

function latest<T>(versions: readonly From<T>[], at: Instant): From<T> | undefined {
  return versions.findLast(({ from }) => from <= at);
}

/** What was in force at an instant; before all of them, the first. */
function inForce<T>(versions: readonly From<T>[], at: Instant): T | undefined {
  return (latest(versions, at) ?? versions[0])?.value;
}
