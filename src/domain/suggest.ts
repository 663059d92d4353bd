import type { DayRange } from "./day-range.js";
import { callCeiling, type DecisionCode } from "./decide.js";
import { type Entitlement, entitlementOf, type Override } from "./entitlement.js";
import { PLAN_MONTH_DAYS } from "./estimate-fit.js";
import { type Amounts, addAmounts, METERS, noAmounts, type Quota } from "./meter.js";
import type { Nanos } from "./money.js";
import { thresholdOf } from "./quota-state.js";
import type { Settings } from "./settings.js";
import { BY_A_LIMIT, type RefusalCount, RefusedAgain, type RefusedDay } from "./suggest-refusals.js";
import { byRank, quotaFor, type Tier } from "./tier.js";
import type { Instant } from "./window.js";

/** Days looked at unless said otherwise, today among them. */
export const SUGGEST_DAYS = 14;
/** On so many of them a limit has to be in the way before a promotion is suggested; all, where fewer are looked at. */
const DAYS_IN_THE_WAY = 3;
/** With fewer days of a month left, its limits start anew soon enough. */
const DAYS_LEFT_IN_MONTH = 3;
/** How much of the lower limits may have been used, in basis points: who is moved down must not be in the way at once. */
const ROOM_BELOW = 5_000;

/** Refusals that another tier may change. */
const OF_THE_TIER: ReadonlySet<DecisionCode> = new Set([...BY_A_LIMIT, "feature-not-in-tier"]);

/** What is known of one tester's use. Amounts as limits count them: cost includes what is assumed. */
export interface TesterUse {
  readonly tier: Tier;
  /** Some may have expired. */
  readonly overrides: readonly Override[];
  /** The day on which they came to their tier, and whether that was when they were added. */
  readonly onTierSince: { readonly day: number; readonly fromStart: boolean };
  /** Days of the range with usage. */
  readonly days: readonly { readonly day: number; readonly used: Readonly<Amounts> }[];
  /** Of the running month. */
  readonly month: Readonly<Amounts>;
  /** All of the range, by whatever limits they were. */
  readonly refusals: readonly RefusalCount[];
  /** Those of days on the present tier that its limits, as they are now, would make again. */
  readonly refusedAgain: readonly RefusedDay[];
  /** Features that were asked for and refused, as far as that was kept call by call. */
  readonly refusedFeatures: readonly FeatureCalls[];
  readonly usedFeatures: readonly FeatureCalls[];
}

export interface FeatureCalls {
  readonly feature: string;
  readonly days: number;
  readonly calls: number;
}

/** What holds for every tester. */
export interface SuggestFrame {
  /** The days looked at; the last is today. */
  readonly range: DayRange;
  /** Days of the running month after today. */
  readonly daysLeft: number;
  readonly at: Instant;
  readonly tiers: readonly Tier[];
  /** Those in force. Nobody is suggested to go below the tier on which testers start. */
  readonly settings: Settings;
}

/** What supports a move. Limits of the present tier, and what the suggested one says; `null`: unlimited. */
export type SuggestReason =
  | {
      readonly kind: "limit-in-the-way";
      readonly quota: Quota;
      readonly becomes: number | null;
      /** Days at the limit, or with calls that it refused. */
      readonly days: number;
      readonly ofDays: number;
      /** How many calls it refused that it would refuse again. */
      readonly refused: number;
    }
  | {
      readonly kind: "month-used-up";
      readonly quota: Quota;
      readonly becomes: number | null;
      readonly used: number;
      readonly daysLeft: number;
    }
  | ({ readonly kind: "feature-refused" } & FeatureCalls)
  | { readonly kind: "unused"; readonly ofDays: number }
  | {
      readonly kind: "room-below";
      /** Of the lower tier's limits that which they came nearest to, and the most they used of it. */
      readonly quota: Quota | null;
      readonly most: number;
      readonly ofDays: number;
    };

/** Nanos in a month of 30 days. */
export interface SuggestCost {
  /** What they cost a month at the pace of the days looked at. */
  readonly pace: Nanos;
  /** What the limits let through at most with the same mix of calls; `null`: nothing bounds it. */
  readonly mostNow: Nanos | null;
  readonly mostThen: Nanos | null;
}

/** A move between tiers that real usage supports. */
export interface Suggestion {
  readonly direction: "promote" | "demote";
  readonly from: Tier;
  readonly to: Tier;
  readonly reasons: readonly SuggestReason[];
  readonly cost: SuggestCost;
  /** Features that they used and would lose. */
  readonly losesUsed: readonly string[];
}

/** The move that the use of one tester supports, if any. */
export function suggestMove(use: TesterUse, frame: SuggestFrame): Suggestion | null {
  return suggestPromotion(use, frame) ?? suggestDemotion(use, frame);
}

function suggestPromotion(use: TesterUse, frame: SuggestFrame): Suggestion | null {
  const higher = byRank(frame.tiers).filter(({ rank }) => rank > use.tier.rank);
  let best: Suggestion | null = null;
  for (const to of higher) {
    const reasons = relievedBy(to, use, frame);
    if (reasons.length > (best?.reasons.length ?? 0)) best = suggestion("promote", to, reasons, use, frame);
  }
  return best;
}

/** Judges refusals of the tester again. */
export function refusedAgain(use: Omit<TesterUse, "refusedAgain">, frame: SuggestFrame): RefusedAgain {
  const { requests, ...used } = totalOf(use);
  const perCall = (amount: number) => Math.round(amount / requests);
  return new RefusedAgain({
    quotas: entitled(use.tier, use, frame).quotas,
    callTokens: callCeiling(use.tier, frame.settings),
    settings: frame.settings,
    from: observedFrom(use, frame),
    averageCall:
      requests === 0
        ? null
        : {
            tokens: perCall(used.tokens),
            images: perCall(used.images),
            cost: perCall(used.cost),
            requests: 1,
          },
  });
}

/** The days that say something about the present tier. A move in the middle of a day leaves that day to the old one. */
function observedFrom({ onTierSince }: Pick<TesterUse, "onTierSince">, { range }: SuggestFrame): number {
  return Math.max(range.from, onTierSince.fromStart ? onTierSince.day : onTierSince.day + 1);
}

/** What is in the tester's way and would be no more, or less, on a higher tier. */
function relievedBy(to: Tier, use: TesterUse, frame: SuggestFrame): SuggestReason[] {
  const now = entitled(use.tier, use, frame);
  const then = entitled(to, use, frame);
  const from = observedFrom(use, frame);
  const ofDays = Math.max(0, frame.range.to - from);
  const enough = Math.min(DAYS_IN_THE_WAY, frame.range.to - frame.range.from);
  const reasons: SuggestReason[] = [];
  for (const quota of now.quotas) {
    const { meter, period, limit } = quota;
    const becomes = quotaFor(then.quotas, meter, period)?.limit ?? null;
    if (becomes !== null && becomes <= limit) continue;
    const refusals = use.refusedAgain.filter((each) => each.meter === meter && each.period === period);
    const full =
      period === "month" ? [] : use.days.filter(({ day, used }) => day >= from && isFull(used, quota, frame));
    const days = new Set([...refusals, ...full].map(({ day }) => day)).size;
    const refused = refusals.reduce((sum, { count }) => sum + count, 0);
    if (days >= enough) {
      reasons.push({ kind: "limit-in-the-way", quota: plain(quota), becomes, days, ofDays, refused });
    } else if (
      period === "month" &&
      isFull(use.month, quota, frame) &&
      frame.daysLeft >= DAYS_LEFT_IN_MONTH
    ) {
      const { daysLeft } = frame;
      reasons.push({ kind: "month-used-up", quota: plain(quota), becomes, used: use.month[meter], daysLeft });
    }
  }
  for (const asked of use.refusedFeatures) {
    const { feature, days } = asked;
    if (days >= enough && !now.allows(feature) && then.allows(feature)) {
      reasons.push({ kind: "feature-refused", ...asked });
    }
  }
  return reasons;
}

function isFull(used: Readonly<Amounts>, { meter, limit }: Quota, { settings }: SuggestFrame): boolean {
  return limit > 0 && used[meter] >= thresholdOf(limit, settings.block_at);
}

function suggestDemotion(use: TesterUse, frame: SuggestFrame): Suggestion | null {
  const { onTierSince, tier, refusals } = use;
  const wasThereAllTheTime =
    onTierSince.day < frame.range.from || (onTierSince.fromStart && onTierSince.day === frame.range.from);
  if (!wasThereAllTheTime || refusals.some(({ code }) => OF_THE_TIER.has(code))) return null;
  const floor = frame.tiers.find(({ key }) => key === frame.settings.default_tier)?.rank ?? 0;
  const lower = byRank(frame.tiers).filter(({ rank }) => rank < tier.rank && rank >= floor);
  for (const to of lower) {
    const reason = roomOn(to, use, frame);
    if (reason !== null) return suggestion("demote", to, [reason], use, frame);
  }
  return null;
}

/** Why a lower tier would do, with room to spare; `null`: it would not. */
function roomOn(to: Tier, use: TesterUse, frame: SuggestFrame): SuggestReason | null {
  const ofDays = frame.range.to - frame.range.from;
  const then = entitled(to, use, frame);
  if (use.usedFeatures.some(({ feature }) => !then.allows(feature))) return null;
  const all = totalOf(use);
  let nearest: { readonly quota: Quota; readonly most: number; readonly ratio: number } | null = null;
  for (const quota of then.quotas) {
    const { meter, limit, period } = quota;
    const pace = Math.ceil((all[meter] / ofDays) * PLAN_MONTH_DAYS);
    const most =
      period === "month"
        ? Math.max(use.month[meter], pace)
        : Math.max(0, ...use.days.map(({ used }) => used[meter]));
    if (most > 0 && most > thresholdOf(limit, ROOM_BELOW)) return null;
    const ratio = limit === 0 ? 0 : most / limit;
    if (nearest === null || ratio > nearest.ratio) nearest = { quota: plain(quota), most, ratio };
  }
  if (METERS.every((meter) => all[meter] === 0)) return { kind: "unused", ofDays };
  return { kind: "room-below", quota: nearest?.quota ?? null, most: nearest?.most ?? 0, ofDays };
}

function suggestion(
  direction: Suggestion["direction"],
  to: Tier,
  reasons: readonly SuggestReason[],
  use: TesterUse,
  frame: SuggestFrame,
): Suggestion {
  const then = entitled(to, use, frame);
  return {
    direction,
    from: use.tier,
    to,
    reasons,
    cost: {
      pace: Math.round((totalOf(use).cost / (frame.range.to - frame.range.from)) * PLAN_MONTH_DAYS),
      mostNow: mostPerMonth(entitled(use.tier, use, frame).quotas, use),
      mostThen: mostPerMonth(then.quotas, use),
    },
    losesUsed: use.usedFeatures.filter(({ feature }) => !then.allows(feature)).map(({ feature }) => feature),
  };
}

/** What quotas let through in a month, were calls mixed as they were: of each, its limit times what a unit has cost. */
function mostPerMonth(quotas: readonly Quota[], use: TesterUse): Nanos | null {
  const all = totalOf(use);
  const bounds = quotas.flatMap(({ meter, period, limit }) => {
    const inMonth = period === "day" ? limit * PLAN_MONTH_DAYS : limit;
    if (meter === "cost") return [inMonth];
    // What they never used says nothing of what it would cost.
    return all[meter] === 0 || all.cost === 0 ? [] : [Math.round((inMonth * all.cost) / all[meter])];
  });
  return bounds.length === 0 ? null : Math.min(...bounds);
}

function totalOf({ days }: Pick<TesterUse, "days">): Amounts {
  return days.reduce((sum, { used }) => addAmounts(sum, used), noAmounts());
}

function entitled(
  tier: Tier,
  { overrides }: Pick<TesterUse, "overrides">,
  { at }: SuggestFrame,
): Entitlement {
  return entitlementOf(tier, overrides, at);
}

function plain({ meter, period, limit }: Quota): Quota {
  return { meter, period, limit };
}
