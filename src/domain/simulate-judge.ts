import { type Ask, decide, type WindowUsage } from "./decide.js";
import type { EffectiveQuota } from "./entitlement.js";
import type { Amounts } from "./meter.js";
import { METERS } from "./meter.js";
import { blocksFrom, quotaStates, touches } from "./quota-state.js";
import type { Settings } from "./settings.js";
import type { Reason } from "./simulate-tally.js";
import type { CallKind } from "./usage.js";
import type { Instant } from "./window.js";

/** What a decision is made from: the windows that run, and what is held. */
export interface Seen {
  readonly day: WindowUsage;
  readonly month: WindowUsage;
  readonly held: Readonly<Amounts>;
}

/** How much more, or less where negative, a simulation has than there really was. */
export interface Shift {
  readonly day: Readonly<Amounts>;
  readonly month: Readonly<Amounts>;
  readonly held: Readonly<Amounts>;
}

/** A call to be judged by quotas alone: whatever else decides is not simulated. */
export interface Judged {
  readonly userId: number;
  readonly tier: string;
  readonly kind: CallKind;
  readonly amounts: Readonly<Amounts>;
  readonly statesAmounts: boolean;
  /** Where it asks for at most so many tokens, and takes fewer when fewer are left. */
  readonly maxTokens: number | null;
  readonly seen: Seen;
  readonly quotas: readonly EffectiveQuota[];
  /** The ceiling of one call; `null`: none. */
  readonly callTokens: number | null;
  readonly settings: Settings;
  readonly at: Instant;
}

export interface Judgement {
  /** Why the call is refused; `null`: it is let through. */
  readonly refused: Reason | null;
  /** What it asks for: fewer tokens where it takes fewer. */
  readonly amounts: Readonly<Amounts>;
}

/** Judges a call by the rule that decides about all calls. */
export function judge(call: Judged): Judgement {
  const { userId, tier, kind, statesAmounts, maxTokens, seen, quotas, callTokens, settings, at } = call;
  const user = {
    id: userId,
    tier,
    tierLabel: tier,
    status: "active" as const,
    entitlement: { quotas, allows: () => true },
    day: seen.day,
    month: seen.month,
    held: seen.held,
    callTokens,
  };
  let ask: Ask = { ...kind, amounts: { ...call.amounts }, statesAmounts, unpriced: false };
  if (maxTokens !== null) {
    const states = quotaStates(ask, user, [], settings, at);
    const left = states.filter(({ meter, remaining }) => meter === "tokens" && remaining > 0);
    ask = { ...ask, amounts: atMost(ask.amounts, Math.min(...left.map(({ remaining }) => remaining))) };
  }
  const { outcome, code, meter } = decide({ ask, user, stops: [], settings, at });
  return { refused: outcome === "block" ? { code, meter: meter ?? "" } : null, amounts: ask.amounts };
}

/** Amounts with no more than so many tokens, and as much less of the cost. */
function atMost(amounts: Amounts, tokens: number): Amounts {
  if (amounts.tokens <= tokens) return amounts;
  return { ...amounts, tokens, cost: Math.ceil((amounts.cost / amounts.tokens) * tokens) };
}

/**
 * What a call that was let through can have seen at most, under the quotas that applied. What was recorded before it tells
 * less than that: the clocks of several processes differ, and reservations that were released left no trace.
 * @returns `impossible`: quotas that would have refused it whatever it saw, so that they cannot have applied
 */
export function boundedBy(
  quotas: readonly EffectiveQuota[],
  { seen, amounts, statesAmounts }: Pick<Judged, "seen" | "amounts" | "statesAmounts">,
  settings: Settings,
): { readonly seen: Seen; readonly impossible: readonly EffectiveQuota[] } {
  const held = { ...seen.held };
  const used = { day: { ...seen.day.used }, month: { ...seen.month.used } };
  const impossible: EffectiveQuota[] = [];
  for (const quota of quotas) {
    const { meter, period, limit, source } = quota;
    if (!touches(meter, { amounts, statesAmounts })) continue;
    const most = Math.min(blocksFrom(quota, settings) - 1, limit - amounts[meter]);
    if (most < 0) {
      impossible.push(quota);
      continue;
    }
    const forgiven = source === "emergency" ? 0 : seen[period].forgiven[meter];
    const over = Math.max(0, used[period][meter] - forgiven) + held[meter] - most;
    if (over <= 0) continue;
    const fromHeld = Math.min(held[meter], over);
    held[meter] -= fromHeld;
    used[period][meter] -= over - fromHeld;
  }
  const { day, month } = seen;
  return {
    seen: {
      day: { used: used.day, forgiven: day.forgiven },
      month: { used: used.month, forgiven: month.forgiven },
      held,
    },
    impossible,
  };
}

/** What a call would have seen in the simulation. */
export function shifted({ day, month, held }: Seen, shift: Shift): Seen {
  return {
    day: { used: plus(day.used, shift.day), forgiven: day.forgiven },
    month: { used: plus(month.used, shift.month), forgiven: month.forgiven },
    held: plus(held, shift.held),
  };
}

function plus(amounts: Readonly<Amounts>, shift: Readonly<Amounts>): Amounts {
  const sum = { ...amounts };
  for (const meter of METERS) sum[meter] = Math.max(0, amounts[meter] + shift[meter]);
  return sum;
}
