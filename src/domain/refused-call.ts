import { type Ask, callCeiling, type DecidedUser, type Decision, type WindowUsage } from "./decide.js";
import type { EffectiveQuota } from "./entitlement.js";
import type { Amounts, Meter, Period } from "./meter.js";
import type { Settings } from "./settings.js";
import type { CallKind } from "./usage.js";
import type { Instant } from "./window.js";

/** How many refused calls of one user and day are kept one by one; of a runaway loop the first tell enough. */
export const MOST_REFUSED_CALLS = 1_000;

/** A reservation that was refused, with all that it takes to judge it again under other limits. */
export interface RefusedCall {
  readonly userId: number;
  readonly day: number;
  readonly at: Instant;
  readonly kind: CallKind;
  readonly amounts: Readonly<Amounts>;
  /** Whether it said how many tokens and images it was for. */
  readonly statesAmounts: boolean;
  readonly code: Decision["code"];
  /** The meter and period that bound; empty where no quota decided. */
  readonly meter: Meter | "";
  readonly period: Period | "";
  readonly seen: SeenByRefusal;
  /** How often the batch refused the same user on the same day before. */
  readonly before: number;
}

/** What a refusal was decided from. */
export interface SeenByRefusal {
  readonly tier: string;
  /** The quotas that applied, emergency limits among them. */
  readonly quotas: readonly EffectiveQuota[];
  readonly day: WindowUsage;
  readonly month: WindowUsage;
  readonly held: Readonly<Amounts>;
  /** The threshold in force, in basis points. */
  readonly blockAt: number;
  /** The ceiling of one call; `null`: none. */
  readonly callTokens: number | null;
  /** Where it asked for at most so many tokens, of which `amounts` are those that might have been granted. */
  readonly maxTokens: number | null;
}

/** One refusal, and what it was decided from. */
export interface Refused {
  readonly user: DecidedUser;
  readonly ask: Ask;
  readonly decision: Decision;
  readonly settings: Settings;
  readonly day: number;
  readonly at: Instant;
}

/** @param before how often the batch refused the same user on the same day before */
export function refusedCall(refused: Refused, before: number): RefusedCall {
  const { user, ask, decision, day, at } = refused;
  const { provider, model, feature, amounts, statesAmounts } = ask;
  const { code, meter, period } = decision;
  return {
    userId: user.id,
    day,
    at,
    kind: { provider, model, feature },
    amounts,
    statesAmounts,
    code,
    meter: meter ?? "",
    period: period ?? "",
    seen: seenBy(refused),
    before,
  };
}

function seenBy({ user, ask, decision, settings }: Refused): SeenByRefusal {
  return {
    tier: user.tier,
    quotas: decision.quotas.map(({ meter, period, limit, source }) => ({ meter, period, limit, source })),
    day: user.day,
    month: user.month,
    // What is held goes on changing.
    held: { ...user.held },
    blockAt: settings.block_at,
    callTokens: callCeiling(user, settings),
    maxTokens: ask.maxTokens ?? null,
  };
}
