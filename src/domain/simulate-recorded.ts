import type { EffectiveQuota } from "./entitlement.js";
import { windowKey } from "./ledger-model.js";
import { type Amounts, addAmounts, METERS, noAmounts, type Period } from "./meter.js";
import { judge } from "./simulate-judge.js";
import type { ReplayRange } from "./simulate-live.js";
import type { OccurredUsage } from "./simulate-model.js";
import type { RulesOverTime, RulesThen } from "./simulate-rules.js";
import { addTo, type Reason, Tallies } from "./simulate-tally.js";
import type { Calendar } from "./window.js";

/** The windows of one user under the limits as they were, and under those that are tried. */
interface Windows {
  readonly was: Map<number, Amounts>;
  readonly would: Map<number, Amounts>;
  day: number;
}

/**
 * Judges usage that was only recorded, such as a log's: as if each call had asked, at the instant at which it occurred,
 * for what it used. Nobody was refused then, so that what the limits would have done is worked out for both: as they
 * were, and as they might have been. Calls that asked are not judged here; what they used counts as it was. Nor is told what
 * was used on another tier, which counts in the windows all the same.
 */
export class RecordedReplay {
  readonly tallies = new Tallies();
  readonly #users = new Map<number, Windows>();
  /** The rows of one event at one instant are added up before it is judged. */
  #event: OccurredUsage | null = null;

  constructor(
    private readonly rules: RulesOverTime,
    private readonly zone: Calendar,
    private readonly range: ReplayRange,
    private readonly concerned: ReadonlySet<number>,
  ) {}

  /** Takes the row that occurred next. */
  take(row: OccurredUsage): void {
    if (!this.concerned.has(row.userId)) return;
    const event = this.#event;
    if (event?.event === row.event && event.occurredAt === row.occurredAt) {
      const reserved = event.reserved || row.reserved;
      this.#event = { ...event, amounts: addAmounts(event.amounts, row.amounts), reserved };
      return;
    }
    this.end();
    this.#event = row;
  }

  /** Judges what was taken last. */
  end(): void {
    const event = this.#event;
    this.#event = null;
    // What was taken back never was.
    if (event === null || METERS.every((meter) => event.amounts[meter] === 0)) return;
    const { userId, occurredAt: at, amounts, reserved } = event;
    const day = this.zone.dayOf(at);
    const windows = this.#windowsOf(userId, day);
    const isJudged = !reserved && at >= this.range.from && at < this.range.to;
    const rules = isJudged ? this.rules.of(userId, event.kind, at) : null;
    if (rules === null) {
      this.#use(windows.was, day, amounts);
      this.#use(windows.would, day, amounts);
      return;
    }
    const was = this.#judged(event, windows.was, rules, rules.quotas, rules.callTokens);
    const would = this.#judged(event, windows.would, rules, rules.changed, rules.changedCallTokens);
    if (was === null) this.#use(windows.was, day, amounts);
    if (would === null) this.#use(windows.would, day, amounts);
    if (!this.rules.changes(rules)) return;
    this.tallies.add(userId, day, at, was, would);
    const tally = this.tallies.of(userId);
    if (was !== null && would === null) addTo(tally.admitted, amounts);
    if (was === null && would !== null) addTo(tally.refused, amounts);
  }

  #judged(
    { userId, kind, amounts, occurredAt: at }: OccurredUsage,
    windows: ReadonlyMap<number, Amounts>,
    { settings, tier }: RulesThen,
    quotas: readonly EffectiveQuota[],
    ceiling: number | null,
  ): Reason | null {
    const day = this.zone.dayOf(at);
    const window = (period: Period, index: number) => ({
      used: windows.get(windowKey(period, index)) ?? noAmounts(),
      forgiven: this.rules.forgiven(userId, period, index, at),
    });
    const judged = judge({
      userId,
      tier,
      kind,
      amounts,
      statesAmounts: true,
      maxTokens: null,
      seen: { day: window("day", day), month: window("month", this.zone.dayToMonth(day)), held: noAmounts() },
      quotas,
      // A sum of several calls is no call.
      callTokens: amounts.requests > 1 ? null : ceiling,
      settings,
      at,
    });
    return judged.refused;
  }

  #windowsOf(userId: number, day: number): Windows {
    let windows = this.#users.get(userId);
    if (windows === undefined) {
      windows = { was: new Map(), would: new Map(), day };
      this.#users.set(userId, windows);
    }
    if (windows.day !== day) {
      const past = [windowKey("day", windows.day)];
      const month = this.zone.dayToMonth(windows.day);
      if (month !== this.zone.dayToMonth(day)) past.push(windowKey("month", month));
      for (const key of past) {
        windows.was.delete(key);
        windows.would.delete(key);
      }
      windows.day = day;
    }
    return windows;
  }

  #use(windows: Map<number, Amounts>, day: number, amounts: Readonly<Amounts>): void {
    for (const key of [windowKey("day", day), windowKey("month", this.zone.dayToMonth(day))]) {
      windows.set(key, addAmounts(windows.get(key) ?? noAmounts(), amounts));
    }
  }
}
