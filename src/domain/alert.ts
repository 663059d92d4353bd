import type { WindowUsage } from "./decide.js";
import type { Trip } from "./guardrail.js";
import type { Amounts, Meter, Period, Quota } from "./meter.js";
import { thresholdOf } from "./quota-state.js";
import type { Settings } from "./settings.js";
import type { Instant } from "./window.js";

/** Something an operator should hear about once. Unique by user, kind, quota, window and threshold. */
export interface Alert {
  readonly kind: "threshold" | "refusal" | "guardrail" | "holds-expired";
  /** 0 for a guardrail: it watches everybody. */
  readonly userId: number;
  readonly period: Period;
  /** Index of the window. */
  readonly index: number;
  /** Empty for a refusal, since the first of a day is one alert, whatever refused; and for expired holds. */
  readonly meter: Meter | "";
  /** Basis points of the limit; 0 for a refusal and for expired holds. */
  readonly threshold: number;
  /** For a refusal, the code of the decision; for a guardrail, its action; for expired holds, how many. */
  readonly code: string;
  readonly at: Instant;
}

interface CrossingContext {
  readonly userId: number;
  readonly index: Readonly<Record<Period, number>>;
  readonly at: Instant;
}

/** The thresholds that adding `amounts` to the windows crosses, for quotas whose window is running. */
export function thresholdCrossings(
  quotas: readonly Quota[],
  before: Readonly<Record<Period, WindowUsage>>,
  amounts: Readonly<Amounts>,
  settings: Settings,
  { userId, index, at }: CrossingContext,
): Alert[] {
  const alerts: Alert[] = [];
  for (const { meter, period, limit } of quotas) {
    if (limit === 0 || amounts[meter] === 0) continue;
    const { used, forgiven } = before[period];
    const from = Math.max(0, used[meter] - forgiven[meter]);
    const to = Math.max(0, used[meter] + amounts[meter] - forgiven[meter]);
    for (const threshold of [settings.warn_at, settings.block_at]) {
      const mark = thresholdOf(limit, threshold);
      if (from < mark && to >= mark) {
        alerts.push({
          kind: "threshold",
          userId,
          period,
          index: index[period],
          meter,
          threshold,
          code: "",
          at,
        });
      }
    }
  }
  return alerts;
}

/** The first refusal of a day is one alert, whichever meter refused. */
export function refusalAlert(
  userId: number,
  code: string,
  { index, at }: { readonly index: number; readonly at: Instant },
): Alert {
  return { kind: "refusal", userId, period: "day", index, meter: "", threshold: 0, code, at };
}

export function tripAlert({ guardrail, index, at }: Trip): Alert {
  const { period, meter, action } = guardrail;
  return { kind: "guardrail", userId: 0, period, index, meter, threshold: 10_000, code: action, at };
}

/** A call that crashes leaves a hold that expires; so many in one day come from a product that never settles. */
const EXPIRED_HOLDS_TO_ALERT = 3;

/**
 * One alert for everybody whose calls kept being reserved and never settled.
 * @param expired how many holds of each user expired unsettled on the day `index`
 */
export function expiredHoldsAlerts(
  expired: ReadonlyMap<number, number>,
  { index, at }: { readonly index: number; readonly at: Instant },
): Alert[] {
  return [...expired]
    .filter(([, count]) => count >= EXPIRED_HOLDS_TO_ALERT)
    .map(([userId, count]) => ({
      kind: "holds-expired",
      userId,
      period: "day",
      index,
      meter: "",
      threshold: 0,
      code: String(count),
      at,
    }));
}

/**
 * The alerts of a batch as they are written: each once, and those about everybody before all others and in an order of
 * their own, since several batches may write the same ones at the same time. Alerts about a tester are only written by
 * whoever has locked them.
 */
export function writingOrder(alerts: readonly Alert[]): Alert[] {
  const each = new Map<string, Alert>();
  for (const alert of alerts) {
    const key = keyOf(alert);
    if (!each.has(key)) each.set(key, alert);
  }
  const [everybodys, others] = [[], []] as [string[], string[]];
  for (const [key, { userId }] of each) (userId === 0 ? everybodys : others).push(key);
  return [...everybodys.sort(), ...others].map((key) => each.get(key)!);
}

/** What an alert is unique by. */
function keyOf({ kind, userId, period, index, meter, threshold }: Alert): string {
  return `${kind}/${userId}/${period}/${index}/${meter}/${threshold}`;
}
