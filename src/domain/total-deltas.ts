import type { DayDelta, LedgerRow, WindowDelta } from "./ledger-model.js";
import { windowKey } from "./ledger-model.js";
import type { Amounts, Period } from "./meter.js";
import { type Usage, usedNothing } from "./usage.js";

/** Sums up what the events of a batch add to the totals, so that each total is written once a batch. */
export class TotalDeltas {
  readonly #windows = new Map<string, WindowDelta>();
  readonly #days = new Map<string, DayDelta>();

  windows(): WindowDelta[] {
    return [...this.#windows.values()];
  }

  days(): DayDelta[] {
    return [...this.#days.values()];
  }

  addWindow(userId: number, period: Period, index: number, amounts: Amounts): void {
    const key = `${userId}/${windowKey(period, index)}`;
    const delta = this.#windows.get(key);
    if (delta === undefined) {
      this.#windows.set(key, { userId, period, index, amounts: { ...amounts } });
      return;
    }
    delta.amounts.tokens += amounts.tokens;
    delta.amounts.images += amounts.images;
    delta.amounts.cost += amounts.cost;
    delta.amounts.requests += amounts.requests;
  }

  addDay(event: LedgerRow, day: number): void {
    const { userId, provider, model, feature } = event;
    const key = `${userId}/${day}/${provider}\n${model}\n${feature}`;
    let delta = this.#days.get(key);
    if (delta === undefined) {
      delta = {
        userId,
        day,
        provider,
        model,
        feature,
        input: 0,
        cacheRead: 0,
        cacheWrite: 0,
        output: 0,
        reasoning: 0,
        images: 0,
        requests: 0,
        cost: 0,
        assumed: 0,
        unpriced: 0,
      };
      this.#days.set(key, delta);
    }
    delta.input += event.input;
    delta.cacheRead += event.cacheRead;
    delta.cacheWrite += event.cacheWrite;
    delta.output += event.output;
    delta.reasoning += event.reasoning;
    delta.images += event.images;
    delta.requests += event.requests;
    delta.cost += event.cost;
    delta.assumed += event.assumed;
    delta.unpriced += unpricedOf(event);
  }
}

/** By how much a row of the ledger moves the number of unpriced events. What used nothing costs nothing, priced or not. */
export function unpricedOf(row: Usage & Pick<LedgerRow, "unpriced" | "pricedBy">): number {
  return row.unpriced ?? (row.pricedBy === "none" && !usedNothing(row) ? 1 : 0);
}
