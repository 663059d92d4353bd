import type { DayRange } from "./day-range.js";
import { type EffectiveQuota, entitlementOf, type Override } from "./entitlement.js";
import { type ComputedAt, type Estimate, estimate, type Pricing } from "./estimate.js";
import type { Fits } from "./estimate-fit.js";
import { type Amounts, noAmounts } from "./meter.js";
import { INFERENCE_DAYS, inferPersona } from "./persona.js";
import { actualCost, bySpend, NO_SUMS, type ReportFrame, type Sums } from "./report.js";
import type { Tier } from "./tier.js";
import type { User } from "./user.js";
import { type Calendar, firstDayOfMonth, type Instant } from "./window.js";

/** What a report must know of one user beside the sums. Amounts as limits count them: cost includes what is assumed. */
export interface UserActivity {
  /** The highest of each meter on one day of the range. */
  readonly fullestDay: Amounts;
  /** The highest of each meter in one of the months that the range touches, the whole month. */
  readonly fullestMonth: Amounts;
  readonly runningDay: Amounts;
  readonly runningMonth: Amounts;
  /** From what a persona is inferred: days with tokens, and the tokens of these days. */
  readonly activeDays: number;
  readonly activeTokens: number;
}

export const NO_ACTIVITY: UserActivity = {
  fullestDay: noAmounts(),
  fullestMonth: noAmounts(),
  runningDay: noAmounts(),
  runningMonth: noAmounts(),
  activeDays: 0,
  activeTokens: 0,
};

/** A quota in force now, and how full it got. */
export interface QuotaFill extends EffectiveQuota {
  /** The fullest day of the range, or the fullest month that it touches. */
  readonly used: number;
  /** The running day or month. */
  readonly running: number;
  /** `used / limit`; `null` for a limit of 0. */
  readonly ratio: number | null;
}

/** A row of a report by user. */
export interface UserRow {
  readonly user: User;
  readonly sums: Sums;
  readonly quotas: readonly QuotaFill[];
  /** The quota with the highest ratio; `null` when there is none. */
  readonly fullest: QuotaFill | null;
  readonly estimate: Estimate;
}

export interface UserReportInput {
  readonly users: readonly User[];
  readonly tiers: readonly Tier[];
  /** By internal user number, like the maps below. */
  readonly sums: ReadonlyMap<number, Sums>;
  readonly activity: ReadonlyMap<number, UserActivity>;
  readonly overrides: ReadonlyMap<number, readonly Override[]>;
  /** The first day with usage ever. */
  readonly firstUse: ReadonlyMap<number, number>;
  readonly removedAt: ReadonlyMap<number, Instant>;
  readonly range: DayRange;
  readonly calendar: Calendar;
  readonly pricing: Pricing;
  readonly at: Instant;
}

/** The days from which a persona is inferred: those of the range, or as many before its end as it takes. */
export function inferenceDays(range: DayRange, today: number): DayRange {
  const to = Math.min(range.to, today + 1);
  return { from: Math.min(range.from, to - INFERENCE_DAYS), to };
}

/** Rows of everybody who used something, and of those who used nothing but were testers in the range. */
export function rowsByUser(input: UserReportInput): UserRow[] {
  const { range, calendar, at, activity } = input;
  const today = calendar.dayOf(at);
  const frame = { range, today, monthEnd: firstDayOfMonth(calendar.monthOf(at) + 1) };
  const tiers = new Map(input.tiers.map((tier) => [tier.key, tier]));
  const rows: (UserRow & { readonly name: string })[] = [];
  for (const user of input.users) {
    const sums = input.sums.get(user.id);
    const start = startOf(user, input);
    const removedAt = input.removedAt.get(user.id);
    const left = removedAt === undefined ? null : calendar.dayOf(removedAt);
    const wasThere = user.status !== "removed" && start < range.to;
    if (sums === undefined && !wasThere) continue;
    const active = activity.get(user.id) ?? NO_ACTIVITY;
    const quotas = fillsOf(tiers.get(user.tier), input.overrides.get(user.id) ?? [], active, at);
    const persona = user.persona ?? inferPersona(active.activeTokens, active.activeDays);
    rows.push({
      user,
      name: user.email ?? user.key,
      sums: sums ?? NO_SUMS,
      quotas,
      fullest: fullestOf(quotas),
      estimate: estimate(
        {
          ...frame,
          persona,
          inferred: user.persona === null && persona !== null,
          start,
          left,
          actual: actualCost(sums ?? NO_SUMS),
        },
        input.pricing,
      ),
    });
  }
  return rows.sort(bySpend).map(({ name: _, ...row }) => row);
}

/** Somebody whose usage was imported from before they were onboarded was there from their first use on. */
function startOf(user: User, { calendar, firstUse }: UserReportInput): number {
  return Math.min(calendar.dayOf(user.createdAt), firstUse.get(user.id) ?? Number.POSITIVE_INFINITY);
}

function fillsOf(
  tier: Tier | undefined,
  overrides: readonly Override[],
  active: UserActivity,
  at: Instant,
): QuotaFill[] {
  // The tier of somebody who was removed may be gone too.
  if (tier === undefined) return [];
  return entitlementOf(tier, overrides, at).quotas.map((quota) => {
    const daily = quota.period === "day";
    const used = (daily ? active.fullestDay : active.fullestMonth)[quota.meter];
    const running = (daily ? active.runningDay : active.runningMonth)[quota.meter];
    return { ...quota, used, running, ratio: quota.limit === 0 ? null : used / quota.limit };
  });
}

function fullestOf(quotas: readonly QuotaFill[]): QuotaFill | null {
  let fullest: QuotaFill | null = null;
  for (const quota of quotas) {
    if (quota.ratio !== null && quota.ratio > (fullest?.ratio ?? -1)) fullest = quota;
  }
  return fullest;
}

/** The estimates of all rows added up, and how many rows are missing from each sum. */
export interface EstimateTotals {
  readonly stated: bigint;
  readonly computed: bigint;
  readonly actual: bigint;
  readonly projected: bigint;
  readonly withoutPersona: number;
  readonly withoutProjection: number;
}

export function estimateTotals(rows: readonly UserRow[]): EstimateTotals {
  const totals = {
    stated: 0n,
    computed: 0n,
    actual: 0n,
    projected: 0n,
    withoutPersona: 0,
    withoutProjection: 0,
  };
  for (const { estimate } of rows) {
    totals.stated += BigInt(estimate.stated ?? 0);
    totals.computed += BigInt(estimate.computed ?? 0);
    totals.actual += estimate.actual;
    totals.projected += estimate.projected ?? 0n;
    if (estimate.persona === null) totals.withoutPersona += 1;
    if (estimate.projected === null) totals.withoutProjection += 1;
  }
  return totals;
}

export interface UserReport extends ReportFrame {
  readonly by: "user";
  readonly rows: readonly UserRow[];
  readonly estimates: EstimateTotals;
  readonly computedAt: ComputedAt;
  readonly fits: Fits;
  /** From which part of a limit on a tester is warned, and blocked; basis points. */
  readonly warnAt: number;
  readonly blockAt: number;
}
