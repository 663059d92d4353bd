import { type DecidedUser, NO_WINDOW_USAGE, type WindowUsage } from "./decide.js";
import { entitlementOf } from "./entitlement.js";
import type { Hold, LedgerUser } from "./ledger-model.js";
import { windowKey } from "./ledger-model.js";
import { type Amounts, addAmounts, noAmounts, type Period } from "./meter.js";
import { addNanos } from "./money.js";
import type { Calendar, Instant } from "./window.js";

const NOTHING: Readonly<Amounts> = noAmounts();

/** A user while a batch is applied: the state loaded, plus what the batch has done so far. */
export class WorkingUser {
  /** As loaded, until the batch changes them: what was loaded may be remembered, and is never changed. */
  #windows: ReadonlyMap<number, WindowUsage>;
  #holds: ReadonlyMap<string, Hold>;
  /** Sum over live holds, valid until the first of them expires. */
  #held: { readonly amounts: Amounts; readonly until: Instant; readonly from: Instant } | null = null;

  constructor(readonly loaded: LedgerUser) {
    this.#windows = loaded.windows;
    this.#holds = loaded.holds;
  }

  /** The user as a decision at an instant sees them. */
  decided(at: Instant, zone: Calendar): DecidedUser {
    const { id, status, tier, overrides } = this.loaded;
    const day = zone.dayOf(at);
    return {
      id,
      status,
      tier: tier.key,
      tierLabel: tier.label,
      entitlement: entitlementOf(tier, overrides, at),
      day: this.window("day", day),
      month: this.window("month", zone.dayToMonth(day)),
      held: this.held(at),
      callTokens: tier.callTokens,
    };
  }

  window(period: Period, index: number): WindowUsage {
    return this.#windows.get(windowKey(period, index)) ?? NO_WINDOW_USAGE;
  }

  use(period: Period, index: number, amounts: Amounts): void {
    const before = this.window(period, index);
    this.#ownWindows().set(windowKey(period, index), {
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
    this.#ownHolds().set(hold.id, hold);
    this.#held = null;
  }

  dropHold(id: string): void {
    this.#ownHolds().delete(id);
    this.#held = null;
  }

  held(at: Instant): Readonly<Amounts> {
    if (this.#holds.size === 0) return NOTHING;
    if (this.#held !== null && at >= this.#held.from && at < this.#held.until) return this.#held.amounts;
    const amounts = noAmounts();
    let until = Number.POSITIVE_INFINITY;
    for (const hold of this.#holds.values()) {
      if (hold.expiresAt <= at) continue;
      amounts.tokens += hold.amounts.tokens;
      amounts.images += hold.amounts.images;
      amounts.cost += hold.amounts.cost;
      amounts.requests += hold.amounts.requests;
      if (hold.expiresAt < until) until = hold.expiresAt;
    }
    this.#held = { amounts, from: at, until };
    return amounts;
  }

  /** The user as the batch leaves them. Windows that were not loaded are left out: their totals are not known here. */
  next(): LedgerUser {
    const windows = new Map<number, WindowUsage>();
    for (const key of this.loaded.windows.keys()) windows.set(key, this.#windows.get(key) as WindowUsage);
    return { ...this.loaded, windows, holds: this.#holds };
  }

  #ownWindows(): Map<number, WindowUsage> {
    const own =
      this.#windows === this.loaded.windows
        ? new Map(this.#windows)
        : (this.#windows as Map<number, WindowUsage>);
    this.#windows = own;
    return own;
  }

  #ownHolds(): Map<string, Hold> {
    const own = this.#holds === this.loaded.holds ? new Map(this.#holds) : (this.#holds as Map<string, Hold>);
    this.#holds = own;
    return own;
  }
}
