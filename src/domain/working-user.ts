import { NO_WINDOW_USAGE, type WindowUsage } from "./decide.js";
import type { Hold, LedgerUser } from "./ledger-model.js";
import { windowKey } from "./ledger-model.js";
import { type Amounts, addAmounts, noAmounts, type Period } from "./meter.js";
import { addNanos } from "./money.js";
import type { Instant } from "./window.js";

/** A user while a batch is applied: the state loaded, plus what the batch has done so far. */
export class WorkingUser {
  readonly #windows: Map<number, WindowUsage>;
  readonly #holds: Map<string, Hold>;
  /** Sum over live holds, valid until the first of them expires. */
  #held: { readonly amounts: Amounts; readonly until: Instant; readonly from: Instant } | null = null;

  constructor(readonly loaded: LedgerUser) {
    this.#windows = new Map(loaded.windows);
    this.#holds = new Map(loaded.holds);
  }

  window(period: Period, index: number): WindowUsage {
    return this.#windows.get(windowKey(period, index)) ?? NO_WINDOW_USAGE;
  }

  use(period: Period, index: number, amounts: Amounts): void {
    const before = this.window(period, index);
    this.#windows.set(windowKey(period, index), {
      used: { ...addAmounts(before.used, amounts), cost: addNanos(before.used.cost, amounts.cost) },
      forgiven: before.forgiven,
    });
  }

  liveHold(id: string, at: Instant): Hold | undefined {
    const hold = this.#holds.get(id);
    return hold !== undefined && hold.expiresAt > at ? hold : undefined;
  }

  hasHold(id: string): boolean {
    return this.#holds.has(id);
  }

  putHold(hold: Hold): void {
    this.#holds.set(hold.id, hold);
    this.#held = null;
  }

  dropHold(id: string): void {
    this.#holds.delete(id);
    this.#held = null;
  }

  held(at: Instant): Amounts {
    if (this.#held !== null && at >= this.#held.from && at < this.#held.until) return this.#held.amounts;
    let amounts = noAmounts();
    let until = Number.POSITIVE_INFINITY;
    for (const hold of this.#holds.values()) {
      if (hold.expiresAt <= at) continue;
      amounts = addAmounts(amounts, hold.amounts);
      if (hold.expiresAt < until) until = hold.expiresAt;
    }
    this.#held = { amounts, from: at, until };
    return amounts;
  }
}
