import { NO_DAY_AMOUNTS, NO_EXACT_AMOUNTS } from "./ledger-sums.js";
import type { DayTotal, WindowTotal } from "./ports/ledger.js";
import type { DifferingTotal } from "./total-comparison.js";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What has to be added to totals so that they are what the ledger adds up to. */
export class Mending {
  readonly #days = new Map<string, Mutable<DayTotal>>();
  readonly #windows = new Map<string, Mutable<WindowTotal>>();
  /** Fields of totals that differ. */
  differences = 0;

  add(differing: DifferingTotal): void {
    this.differences += 1;
    const missing = differing.computed - differing.stored;
    if (differing.total === "day") {
      const { userId, day, kindId, field } = differing;
      const key = `${userId}/${day}/${kindId}`;
      const amounts = this.#days.get(key) ?? { ...NO_DAY_AMOUNTS, userId, day, kindId };
      amounts[field] = missing;
      this.#days.set(key, amounts);
      return;
    }
    const { userId, period, index, field } = differing;
    const key = `${userId}/${period}/${index}`;
    const amounts = this.#windows.get(key) ?? { ...NO_EXACT_AMOUNTS, userId, period, index };
    amounts[field] = missing;
    this.#windows.set(key, amounts);
  }

  /** Of at most so many totals each. */
  *slices(most: number): Generator<{ readonly days: DayTotal[]; readonly windows: WindowTotal[] }> {
    for (const days of chunks([...this.#days.values()], most)) yield { days, windows: [] };
    for (const windows of chunks([...this.#windows.values()], most)) yield { days: [], windows };
  }
}

function* chunks<T>(items: readonly T[], most: number): Generator<T[]> {
  for (let from = 0; from < items.length; from += most) yield items.slice(from, from + most);
}
