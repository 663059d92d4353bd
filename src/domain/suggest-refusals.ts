import type { DecisionCode } from "./decide.js";
import type { EffectiveQuota } from "./entitlement.js";
import { type Amounts, addAmounts, type Meter, noAmounts, PERIODS, type Period } from "./meter.js";
import type { RefusedCall } from "./refused-call.js";
import type { Settings } from "./settings.js";
import { type Judgement, judge, shifted } from "./simulate-judge.js";
import { calendar } from "./window.js";

/** Refusals by a tester's own limits. */
export const BY_A_LIMIT = [
  "quota-exhausted",
  "quota-disabled",
  "request-too-large",
] as const satisfies DecisionCode[];

/** A call that a limit refused, as far as it takes to judge it again. */
export type RefusedByLimit = Pick<
  RefusedCall,
  "userId" | "day" | "at" | "amounts" | "statesAmounts" | "code" | "meter" | "period" | "seen"
>;

/** How often a tester was refused on a day, for one reason. */
export interface RefusalCount {
  readonly day: number;
  readonly code: DecisionCode;
  readonly meter: Meter | "";
  readonly count: number;
}

/** On a day, refusals by the limit of one meter and period that this limit, as it is now, would make again. */
export interface RefusedDay {
  readonly day: number;
  readonly meter: Meter;
  readonly period: Period;
  readonly count: number;
}

/** What one tester may use now, and since when that can be held against refusals. */
export interface LimitsNow {
  readonly quotas: readonly EffectiveQuota[];
  /** The ceiling of one call; `null`: none. */
  readonly callTokens: number | null;
  readonly settings: Settings;
  /** The first day on the present tier. */
  readonly from: number;
  /** What a call of theirs uses on average, for those that did not say for how much they are; `null`: nothing is known. */
  readonly averageCall: Readonly<Amounts> | null;
}

/** Refused calls of one day, code and meter that were kept one by one. */
interface Kept {
  readonly day: number;
  readonly meter: Meter;
  /** Those that would be refused again, by the period of the limit. */
  readonly again: Record<Period, number>;
  calls: number;
  /** The limit that would refuse the last of them again; `null`: none would. */
  last: Period | null;
}

/**
 * Judges the refused calls of one tester by the limits as they are now: a limit that was raised since, an override that
 * ended and a ceiling of one call say nothing of whether the limits of the tier are in the way. Each is judged by what it
 * saw, and by what the limits as they are would have let through before.
 */
export class RefusedAgain {
  readonly #kept = new Map<string, Kept>();
  readonly #letIn: Record<Period, { index: number; amounts: Amounts }> = {
    day: { index: Number.NEGATIVE_INFINITY, amounts: noAmounts() },
    month: { index: Number.NEGATIVE_INFINITY, amounts: noAmounts() },
  };

  constructor(private readonly now: LimitsNow) {}

  /** Takes the call that was refused next. */
  take(call: RefusedByLimit): void {
    const { day, code, meter, period } = call;
    if (day < this.now.from || meter === "") return;
    this.#begin("day", day);
    this.#begin("month", calendar(this.now.settings.time_zone).dayToMonth(day));
    const kept = this.#keptOf(day, code, meter);
    kept.calls += 1;
    // Without a period it was the ceiling of one call, which is no quota.
    kept.last = this.#isRefusedAgain(call) && period !== "" ? period : null;
    if (kept.last !== null) kept.again[kept.last] += 1;
  }

  /**
   * What would be refused again.
   * @param counts of all refusals; of a day the first are kept, and those beyond are taken to be as the last of their kind
   */
  days(counts: readonly RefusalCount[]): RefusedDay[] {
    const all = new Map(counts.map(({ day, code, meter, count }) => [keyOf(day, code, meter), count]));
    return [...this.#kept].flatMap(([key, { day, meter, calls, again, last }]) =>
      PERIODS.flatMap((period) => {
        const beyond = period === last ? Math.max(0, (all.get(key) ?? 0) - calls) : 0;
        const count = again[period] + beyond;
        return count === 0 ? [] : [{ day, meter, period, count }];
      }),
    );
  }

  #isRefusedAgain(call: RefusedByLimit): boolean {
    const { quotas, callTokens, averageCall } = this.now;
    const { refused, amounts } = this.#judge(call, quotas, callTokens);
    if (refused === null) {
      const used = call.statesAmounts ? amounts : (averageCall ?? amounts);
      for (const window of Object.values(this.#letIn)) window.amounts = addAmounts(window.amounts, used);
      return false;
    }
    const own = quotas.filter(({ meter, period }) => meter === call.meter && period === call.period);
    return this.#judge(call, own, null).refused !== null;
  }

  #judge(
    { userId, at, amounts, statesAmounts, seen }: RefusedByLimit,
    quotas: readonly EffectiveQuota[],
    callTokens: number | null,
  ): Judgement {
    const { day, month } = this.#letIn;
    return judge({
      userId,
      tier: seen.tier,
      kind: { provider: "", model: "", feature: "" },
      amounts,
      statesAmounts,
      maxTokens: seen.maxTokens,
      seen: shifted(seen, { day: day.amounts, month: month.amounts, held: noAmounts() }),
      quotas,
      callTokens,
      settings: this.now.settings,
      at,
    });
  }

  #begin(period: Period, index: number): void {
    const window = this.#letIn[period];
    if (window.index === index) return;
    window.index = index;
    window.amounts = noAmounts();
  }

  #keptOf(day: number, code: DecisionCode, meter: Meter): Kept {
    const key = keyOf(day, code, meter);
    let kept = this.#kept.get(key);
    if (kept === undefined) {
      kept = { day, meter, again: { day: 0, month: 0 }, calls: 0, last: null };
      this.#kept.set(key, kept);
    }
    return kept;
  }
}

function keyOf(day: number, code: DecisionCode, meter: Meter | ""): string {
  return `${day}/${code}/${meter}`;
}
