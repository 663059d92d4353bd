import {
  type Ask,
  callCeiling,
  type Decision,
  type DecisionCode,
  mostBinding,
  type QuotaState,
} from "./decide.js";
import { covers, type Stop, stopFor } from "./emergency.js";
import type { Override } from "./entitlement.js";
import { type JudgedRequest, judgeRequest } from "./ledger.js";
import type { Hold, LedgerRequest, LedgerState, LedgerUser } from "./ledger-model.js";
import { quotaName } from "./meter.js";
import { dearestCost } from "./price.js";
import { subjectOf, thresholdOf } from "./quota-state.js";
import type { Settings } from "./settings.js";
import { ALL_FEATURES } from "./tier.js";
import { calendar, type Instant } from "./window.js";
import { decidedUser } from "./working-user.js";

/** What a decision asks, in its order. The first that blocks is final, except that the ceiling of a call is asked too. */
export const EXPLAINED_STEPS = ["emergency", "user", "feature", "price", "quotas", "call"] as const;
export type ExplainedStep = (typeof EXPLAINED_STEPS)[number];

/** `not-reached`: an earlier step had decided. */
export type Verdict = "passes" | "warns" | "blocks" | "not-reached";

/** What allows a feature or denies it: an override, the tier by its name, or what allows all; `null`: nothing allows it. */
export type FeatureBy = "override" | "tier" | "all" | null;

/** What the cost of a request was taken from. `nothing`: it asks for nothing that costs. */
export type CostBasis = "stated" | "own" | "book" | "planning" | "ignored" | "nothing";

/** A quota with what moves it. */
export interface ExplainedQuota extends QuotaState {
  /** Used and held together, from which calls are warned. */
  readonly warnFrom: number;
  /** And from which they are refused. */
  readonly blockFrom: number;
  /** What the tier says where an override says something else; `null`: unlimited. */
  readonly tierLimit?: number | null;
}

/** Why a request is decided as it is. */
export interface Explanation {
  readonly ask: Ask;
  readonly decision: Decision;
  readonly verdicts: Readonly<Record<ExplainedStep, Verdict>>;
  /** The stop that covers the request. */
  readonly stop: Stop | null;
  /** Everything that is on and may cover calls of this user. */
  readonly stops: readonly Stop[];
  /** Guardrails that the request would trip. */
  readonly trips: JudgedRequest["trips"];
  readonly featureBy: FeatureBy;
  readonly costBasis: CostBasis;
  readonly quotas: readonly ExplainedQuota[];
  /** The quota that binds first, whatever decided; `null`: none is touched. */
  readonly binding: ExplainedQuota | null;
  /** Tokens that one call may use; `null`: unlimited. */
  readonly ceiling: number | null;
  /** Live at that instant. */
  readonly holds: readonly Hold[];
  /** Live at that instant. */
  readonly overrides: readonly Override[];
}

/** Explains by the very functions that decide. The state must hold the user under `user.key`. */
export function explain(
  state: LedgerState,
  user: LedgerUser,
  request: LedgerRequest,
  at: Instant,
): Explanation {
  const { settings, stops, ownPrices } = state;
  const { ask, decision, trips } = judgeRequest(state, user.key, request, at);
  const decided = decidedUser(user, at, calendar(settings.time_zone));
  const subject = subjectOf(ask, decided);
  const overrides = user.overrides.filter(({ until }) => until === null || at < until);
  const quotas = decision.quotas.map((quota) => explained(quota, user, settings));
  const binding = mostBinding(decision.quotas);
  const own = request.cost === null ? (ownPrices?.at(request, at) ?? null) : null;
  return {
    ask,
    decision,
    verdicts: verdictsOf(decision, binding),
    stop: stopFor(stops, subject, at) ?? null,
    stops: stops.filter((stop) => covers(stop, { userId: user.id, tier: user.tier.key }, at)),
    trips,
    featureBy: featureBy(ask.feature, user, overrides),
    costBasis: costBasis(
      request,
      ask,
      own !== null && dearestCost(ask.amounts, own.rates) !== null,
      settings,
    ),
    quotas,
    binding: binding === undefined ? null : (quotas[decision.quotas.indexOf(binding)] ?? null),
    ceiling: callCeiling(decided, settings),
    holds: [...user.holds.values()].filter((hold) => hold.expiresAt > at),
    overrides,
  };
}

function explained(quota: QuotaState, { tier }: LedgerUser, settings: Settings): ExplainedQuota {
  const { limit, source } = quota;
  const thresholds = {
    warnFrom: thresholdOf(limit, settings.warn_at),
    blockFrom: source === "emergency" ? limit : thresholdOf(limit, settings.block_at),
  };
  if (source !== "override") return { ...quota, ...thresholds };
  const own = tier.quotas.find((each) => quotaName(each) === quotaName(quota));
  return { ...quota, ...thresholds, tierLimit: own?.limit ?? null };
}

const DECIDED_BY: Readonly<Record<Exclude<DecisionCode, "ok" | "near-limit">, ExplainedStep>> = {
  "emergency-stop": "emergency",
  // Neither is the answer to a request that is only looked at; they are listed for the sake of all codes.
  "store-unavailable": "emergency",
  "already-settled": "emergency",
  "user-unknown": "user",
  "user-suspended": "user",
  "feature-not-in-tier": "feature",
  unpriced: "price",
  "quota-exhausted": "quotas",
  "quota-disabled": "quotas",
  "emergency-limit": "quotas",
  "request-too-large": "quotas",
};

const QUOTA_VERDICT = { allow: "passes", warn: "warns", block: "blocks" } as const;

function verdictsOf(
  { code, period }: Decision,
  binding: QuotaState | undefined,
): Record<ExplainedStep, Verdict> {
  const final = code === "ok" || code === "near-limit" ? null : DECIDED_BY[code];
  // A limit without a window is that of one call. It is named rather than a quota in which the call does not fit either.
  const decider = code === "request-too-large" && period === null ? "call" : final;
  const at = decider === null ? EXPLAINED_STEPS.length : EXPLAINED_STEPS.indexOf(decider);
  const verdict = (step: ExplainedStep, index: number): Verdict => {
    if (index > at) return "not-reached";
    if (index === at) return "blocks";
    return step === "quotas" ? QUOTA_VERDICT[binding?.outcome ?? "allow"] : "passes";
  };
  return Object.fromEntries(EXPLAINED_STEPS.map((step, index) => [step, verdict(step, index)])) as Record<
    ExplainedStep,
    Verdict
  >;
}

function featureBy(feature: string, { tier }: LedgerUser, overrides: readonly Override[]): FeatureBy {
  const overridden = (name: string) =>
    overrides.findLast((each) => each.kind === "feature" && each.feature === name);
  if (overridden(feature) !== undefined) return "override";
  if (tier.features.includes(feature)) return "tier";
  const every = overridden(ALL_FEATURES);
  const allowsAll = every?.kind === "feature" ? every.granted : tier.features.includes(ALL_FEATURES);
  return allowsAll ? "all" : null;
}

function costBasis(request: LedgerRequest, ask: Ask, pricedByOwn: boolean, settings: Settings): CostBasis {
  const { tokens, images, cost } = ask.amounts;
  if (request.cost !== null) return "stated";
  if (tokens === 0 && images === 0 && cost === 0 && !ask.unpriced) return "nothing";
  if (pricedByOwn) return "own";
  if (request.dearest !== null && dearestCost(ask.amounts, request.dearest.rates) !== null) return "book";
  return settings.unpriced === "ignore" && ask.model !== "" ? "ignored" : "planning";
}
