import { type Stop, stopFor } from "./emergency.js";
import type { EffectiveQuota, Entitlement, UserStatus } from "./entitlement.js";
import { boundMessage, decisionMessage, type MessageInput } from "./message.js";
import { type Amounts, type Meter, noAmounts, type Period } from "./meter.js";
import { quotaStates, subjectOf } from "./quota-state.js";
import type { Settings } from "./settings.js";
import type { CallKind } from "./usage.js";
import type { Instant } from "./window.js";

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
  "already-settled",
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
  /** Where the request says `maxTokens`: how many of them are granted, to be handed to the model. Absent when blocked. */
  readonly maxTokens?: number;
  /** With `store-unavailable` only: what is wrong with the store. For a log, not for a tester. */
  readonly cause?: string;
}

/** A request as the rules see it: amounts known, cost stated or estimated. */
export interface Ask extends CallKind {
  /** `cost` in nanos; `requests` is 1. */
  readonly amounts: Amounts;
  /** Whether tokens and images were stated at all: a request that states neither touches both. */
  readonly statesAmounts: boolean;
  /** The cost is not known and the rule for such calls is to block them. */
  readonly unpriced: boolean;
  /** Where `amounts.tokens` is what was granted of it. */
  readonly maxTokens?: number;
  /** The time zone of the message; the accounting zone unless given. */
  readonly zone?: string | undefined;
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
  /** The tier's own ceiling for one call; see `Tier`. */
  readonly callTokens?: number | null | undefined;
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
    message: decisionMessage({ code, ...context }),
    remaining: 0,
    resetsAt: context.resetsAt ?? null,
    quotas,
  };
}

type RefusalContext = Omit<MessageInput, "code" | "quota">;

/**
 * Decides one request. The order is: emergency stop, user known, user active, feature, price, quotas; the first that
 * blocks is final. Among quotas the most binding is named: block before warn before allow, then the fullest.
 */
export function decide({ ask, user, stops, settings, at }: DecisionInput): Decision {
  const states = user === null ? [] : quotaStates(ask, user, stops, settings, at);
  const zone = ask.zone ?? settings.time_zone;

  const stop = stops.length === 0 ? undefined : stopFor(stops, subjectOf(ask, user), at);
  if (stop !== undefined) return refusal("emergency-stop", states, { resetsAt: stop.until, zone });
  if (user === null || user.status === "removed") return refusal("user-unknown", states);
  if (user.status === "suspended") return refusal("user-suspended", states);
  if (ask.feature !== "" && !user.entitlement.allows(ask.feature)) {
    return refusal("feature-not-in-tier", states, { feature: ask.feature, tierLabel: user.tierLabel });
  }
  if (ask.unpriced) return refusal("unpriced", states);
  const decision = fromQuotas(states, ask, zone);
  const ceiling = callCeiling(user, settings);
  // A quota that is used up is named first: a smaller call would not pass it either.
  if (ceiling === null || ask.amounts.tokens <= ceiling || isFinal(decision)) return decision;
  return beyondCeiling(ask, ceiling, states);
}

/** Tokens that one call of this user may use; `null`: unlimited. */
export function callCeiling(
  { callTokens }: Pick<DecidedUser, "callTokens">,
  settings: Settings,
): number | null {
  return callTokens === undefined ? settings.call_tokens : callTokens;
}

function isFinal({ outcome, code }: Decision): boolean {
  return outcome === "block" && code !== "request-too-large";
}

/** The refusal of a request for more tokens than one call may use. */
export function beyondCeiling(ask: Ask, ceiling: number, states: readonly QuotaState[]): Decision {
  const requested = ask.amounts.tokens;
  const left = states.filter((state) => state.meter === "tokens").map((state) => state.remaining);
  return {
    ...refusal("request-too-large", states, { ceiling, requested }),
    meter: "tokens",
    limit: ceiling,
    requested,
    remaining: Math.min(ceiling, ...left),
  };
}

function fromQuotas(states: readonly QuotaState[], ask: Ask, zone: string): Decision {
  const binding = mostBinding(states);
  const { maxTokens, amounts } = ask;
  const clampedTo = maxTokens !== undefined && maxTokens > amounts.tokens ? amounts.tokens : undefined;
  const decision =
    binding === undefined ? unlimited(states, clampedTo) : bound(binding, states, zone, clampedTo);
  return maxTokens === undefined || decision.outcome === "block"
    ? decision
    : Object.assign(decision, { maxTokens: amounts.tokens });
}

function unlimited(states: readonly QuotaState[], clampedTo: number | undefined): Decision {
  return {
    ...NOT_DECIDED,
    outcome: "allow",
    code: "ok",
    message: decisionMessage({ code: "ok", clampedTo }),
    quotas: states,
  };
}

function bound(
  binding: QuotaState,
  states: readonly QuotaState[],
  zone: string,
  clampedTo: number | undefined,
): Decision {
  const { outcome, code, meter, period, limit, used, held, requested, remaining, resetsAt } = binding;
  return {
    outcome,
    code,
    message: boundMessage(binding, zone, clampedTo),
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

/** Of the quotas that a request touches: block before warn before allow, then the fullest, then the first. */
export function mostBinding(states: readonly QuotaState[]): QuotaState | undefined {
  let binding: QuotaState | undefined;
  let most = -1;
  let fullest = -1;
  for (const state of states) {
    if (!state.touched) continue;
    const weight = state.outcome === "allow" ? 0 : state.outcome === "warn" ? 1 : 2;
    if (weight < most) continue;
    const fullness = fullnessOf(state);
    if (weight === most && !(fullness > fullest)) continue;
    binding = state;
    most = weight;
    fullest = fullness;
  }
  return binding;
}

function fullnessOf({ used, held, requested, limit }: QuotaState): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : (used + held + requested) / limit;
}

export const NO_WINDOW_USAGE: WindowUsage = { used: noAmounts(), forgiven: noAmounts() };
