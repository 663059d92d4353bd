import { isThrottled, type Stop, type StopSubject, stopFor } from "./emergency.js";
import type { EffectiveQuota, Entitlement, UserStatus } from "./entitlement.js";
import { decisionMessage } from "./message.js";
import { type Amounts, type Meter, noAmounts, type Period } from "./meter.js";
import { emergencyLimits, type Settings } from "./settings.js";
import type { CallKind } from "./usage.js";
import { type Calendar, calendar, type Instant } from "./window.js";

/** Why a decision is what it is. These words are stable: code may depend on them. */
export const DECISION_CODES = [
  "ok",
  "near-limit",
  "quota-exhausted",
  "quota-disabled",
  "request-too-large",
  "emergency-stop",
  "emergency-limit",
  "user-unknown",
  "user-suspended",
  "feature-not-in-tier",
  "unpriced",
  "store-unavailable",
] as const;
export type DecisionCode = (typeof DECISION_CODES)[number];

export type Outcome = "allow" | "warn" | "block";

/** How full one quota is, and what it says to the request. */
export interface QuotaState {
  readonly meter: Meter;
  readonly period: Period;
  readonly limit: number;
  /** Settled usage in the running window, less what was forgiven. */
  readonly used: number;
  /** What live reservations hold. */
  readonly held: number;
  /** What this request asks for. */
  readonly requested: number;
  /** What may still be asked for; 0 once blocked. */
  readonly remaining: number;
  /** Start of the next window; `null` for a disabled quota, which no window brings back. */
  readonly resetsAt: Instant | null;
  readonly source: EffectiveQuota["source"];
  /** Whether the request uses this meter; a quota that is not touched is reported and never binds. */
  readonly touched: boolean;
  readonly outcome: Outcome;
  readonly code: DecisionCode;
}

/**
 * The answer to "may this call be made?". A value, never an exception. The fields from `meter` to `resetsAt`
 * describe the quota that binds most, and are `null` (amounts 0) where no quota decided.
 */
export interface Decision {
  readonly outcome: Outcome;
  readonly code: DecisionCode;
  /** A sentence that a tester can read. */
  readonly message: string;
  readonly meter: Meter | null;
  readonly period: Period | null;
  readonly limit: number | null;
  readonly used: number;
  readonly held: number;
  readonly requested: number;
  /** What the reservation holds of `meter`: what was requested, or 0 when blocked. */
  readonly granted: number;
  /** `null`: unlimited. */
  readonly remaining: number | null;
  readonly resetsAt: Instant | null;
  readonly quotas: readonly QuotaState[];
}

/** A request as the rules see it: amounts known, cost stated or estimated. */
export interface Ask extends CallKind {
  /** `cost` in nanos; `requests` is 1. */
  readonly amounts: Amounts;
  /** Whether tokens and images were stated at all: a request that states neither touches both. */
  readonly statesAmounts: boolean;
  /** The cost is not known and the rule for such calls is to block them. */
  readonly unpriced: boolean;
}

/** Usage of one window, as limits count it. */
export interface WindowUsage {
  readonly used: Readonly<Amounts>;
  readonly forgiven: Readonly<Amounts>;
}

/** One user as a decision sees them. */
export interface DecidedUser {
  readonly id: number;
  readonly tier: string;
  readonly tierLabel: string;
  readonly status: UserStatus;
  readonly entitlement: Entitlement;
  readonly day: WindowUsage;
  readonly month: WindowUsage;
  readonly held: Readonly<Amounts>;
}

export interface DecisionInput {
  readonly ask: Ask;
  /** `null`: nobody of that name. */
  readonly user: DecidedUser | null;
  readonly stops: readonly Stop[];
  readonly settings: Settings;
  readonly at: Instant;
}

const NOT_DECIDED = {
  meter: null,
  period: null,
  limit: null,
  used: 0,
  held: 0,
  requested: 0,
  granted: 0,
  remaining: null,
  resetsAt: null,
} as const;

/** A blocking decision that no quota made. */
export function refusal(
  code: DecisionCode,
  quotas: readonly QuotaState[],
  context: RefusalContext = {},
): Decision {
  return {
    ...NOT_DECIDED,
    outcome: "block",
    code,
    get message() {
      return decisionMessage({ code, ...context });
    },
    remaining: 0,
    resetsAt: context.resetsAt ?? null,
    quotas,
  };
}

interface RefusalContext {
  readonly feature?: string;
  readonly tierLabel?: string;
  readonly resetsAt?: Instant | null;
  readonly zone?: string;
  readonly at?: Instant;
}

/**
 * Decides one request. The order is: emergency stop, user known, user active, feature, price, quotas; the first that
 * blocks is final. Among quotas the most binding is named: block before warn before allow, then the fullest.
 */
export function decide({ ask, user, stops, settings, at }: DecisionInput): Decision {
  const states = user === null ? [] : quotaStates(ask, user, stops, settings, at);
  const zone = settings.time_zone;

  const stop = stops.length === 0 ? undefined : stopFor(stops, subjectOf(ask, user), at);
  if (stop !== undefined) return refusal("emergency-stop", states, { resetsAt: stop.until, zone, at });
  if (user === null || user.status === "removed") return refusal("user-unknown", states);
  if (user.status === "suspended") return refusal("user-suspended", states);
  if (ask.feature !== "" && !user.entitlement.allows(ask.feature)) {
    return refusal("feature-not-in-tier", states, { feature: ask.feature, tierLabel: user.tierLabel });
  }
  if (ask.unpriced) return refusal("unpriced", states);
  return fromQuotas(states, zone, at);
}

function subjectOf({ provider, model, feature }: Ask, user: DecidedUser | null): StopSubject {
  const kind = { provider, model, feature };
  return user === null ? kind : { ...kind, userId: user.id, tier: user.tier };
}

function fromQuotas(states: readonly QuotaState[], zone: string, at: Instant): Decision {
  let binding: QuotaState | undefined;
  for (const state of states) {
    if (state.touched && (binding === undefined || bindsMore(state, binding))) binding = state;
  }
  if (binding === undefined) {
    return {
      ...NOT_DECIDED,
      outcome: "allow",
      code: "ok",
      message: decisionMessage({ code: "ok" }),
      quotas: states,
    };
  }
  const { outcome, code, meter, period, limit, used, held, requested, remaining, resetsAt } = binding;
  return {
    outcome,
    code,
    // Most decisions are to go ahead, and nobody reads their sentence: it is made when it is asked for.
    get message() {
      return decisionMessage({ code, quota: binding, zone, at });
    },
    meter,
    period,
    limit,
    used,
    held,
    requested,
    granted: outcome === "block" ? 0 : requested,
    remaining,
    resetsAt,
    quotas: states,
  };
}

const WEIGHT: Readonly<Record<Outcome, number>> = { allow: 0, warn: 1, block: 2 };

function bindsMore(a: QuotaState, b: QuotaState): boolean {
  if (WEIGHT[a.outcome] !== WEIGHT[b.outcome]) return WEIGHT[a.outcome] > WEIGHT[b.outcome];
  return fullness(a) > fullness(b);
}

function fullness(state: QuotaState): number {
  const asked = state.used + state.held + state.requested;
  return state.limit === 0 ? Number.POSITIVE_INFINITY : asked / state.limit;
}

function quotaStates(
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

function touches(meter: Meter, ask: Ask): boolean {
  if (meter === "cost" || meter === "requests") return true;
  return ask.amounts[meter] > 0 || !ask.statesAmounts;
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
  const blockFrom = emergency ? limit : thresholdOf(limit, settings.block_at);

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

export const NO_WINDOW_USAGE: WindowUsage = { used: noAmounts(), forgiven: noAmounts() };
