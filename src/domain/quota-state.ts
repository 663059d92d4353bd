import type { Ask, DecidedUser, DecisionCode, Outcome, QuotaState } from "./decide.js";
import { isThrottled, type Stop, type StopSubject } from "./emergency.js";
import type { EffectiveQuota } from "./entitlement.js";
import type { Meter } from "./meter.js";
import { emergencyLimits, type Settings } from "./settings.js";
import { type Calendar, calendar, type Instant } from "./window.js";

/** How full every quota of a user is, and what it says to what is asked for. */
export function quotaStates(
  ask: Ask,
  user: DecidedUser,
  stops: readonly Stop[],
  settings: Settings,
  at: Instant,
): QuotaState[] {
  const zoned = calendar(settings.time_zone);
  const states: QuotaState[] = [];
  for (const quota of user.entitlement.quotas) states.push(judge(quota, ask, user, settings, zoned, at));
  if (stops.length > 0 && isThrottled(stops, subjectOf(ask, user), at)) {
    for (const limit of emergencyLimits(settings)) {
      states.push(judge({ ...limit, source: "emergency" }, ask, user, settings, zoned, at));
    }
  }
  return states;
}

/** The part of a limit, in whole units, from which a threshold in basis points is reached. Exact for every limit. */
export function thresholdOf(limit: number, basisPoints: number): number {
  const whole = Math.floor(limit / 10_000);
  return whole * basisPoints + Math.ceil(((limit - whole * 10_000) * basisPoints) / 10_000);
}

/** Whether a request uses a meter, so that quotas for it may bind. */
export function touches(meter: Meter, ask: Pick<Ask, "amounts" | "statesAmounts">): boolean {
  if (meter === "cost" || meter === "requests") return true;
  return ask.amounts[meter] > 0 || !ask.statesAmounts;
}

/** From how much, used and held together, a quota blocks. */
export function blocksFrom({ limit, source }: EffectiveQuota, settings: Pick<Settings, "block_at">): number {
  return source === "emergency" ? limit : thresholdOf(limit, settings.block_at);
}

function judge(
  quota: EffectiveQuota,
  ask: Ask,
  user: DecidedUser,
  settings: Settings,
  zoned: Calendar,
  at: Instant,
): QuotaState {
  const { meter, period, limit, source } = quota;
  const emergency = source === "emergency";
  const window = user[period];
  // Emergency limits know no forgiveness: whoever was forgiven in the morning is still held by the throttle.
  const used = emergency ? window.used[meter] : Math.max(0, window.used[meter] - window.forgiven[meter]);
  const held = user.held[meter];
  const requested = ask.amounts[meter];
  const taken = used + held;
  const blockFrom = blocksFrom(quota, settings);

  let outcome: Outcome = "allow";
  let code: DecisionCode = "ok";
  if (limit === 0) {
    outcome = "block";
    code = emergency ? "emergency-limit" : "quota-disabled";
  } else if (taken >= blockFrom) {
    outcome = "block";
    code = emergency ? "emergency-limit" : "quota-exhausted";
  } else if (taken + requested > limit) {
    outcome = "block";
    code = emergency ? "emergency-limit" : "request-too-large";
  } else if (taken + requested >= thresholdOf(limit, settings.warn_at)) {
    outcome = "warn";
    code = "near-limit";
  }
  return {
    meter,
    period,
    limit,
    used,
    held,
    requested,
    remaining: limit === 0 || taken >= blockFrom ? 0 : limit - taken,
    resetsAt: limit === 0 ? null : zoned.windowAt(period, at).end,
    source,
    touched: touches(meter, ask),
    outcome,
    code,
  };
}

/** Whom and what a request concerns, for the stops. */
export function subjectOf({ provider, model, feature }: Ask, user: DecidedUser | null): StopSubject {
  return { provider, model, feature, userId: user?.id ?? null, tier: user?.tier ?? null };
}
