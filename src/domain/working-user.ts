import { type DecidedUser, NO_WINDOW_USAGE, type WindowUsage } from "./decide.js";
import { entitlementOf } from "./entitlement.js";
import type { Hold, HoldGone, HoldPut, LedgerUser } from "./ledger-model.js";
import { windowKey } from "./ledger-model.js";
import { type Amounts, addExactly, noAmounts, type Period } from "./meter.js";
import type { Calendar, Instant } from "./window.js";

const NOTHING: Readonly<Amounts> = noAmounts();

/** Grows and shrinks with the holds. */
interface HeldSum {
  readonly amounts: Amounts;
  readonly from: Instant;
  /** No hold of the sum expires before. */
  until: Instant;
}

/** A user as a decision at an instant sees them. */
export function decidedUser(user: LedgerUser, at: Instant, zone: Calendar): DecidedUser {
  const held = user.holds.size === 0 ? NOTHING : heldBy(user.holds, at).amounts;
  return decidedWith(user, user.windows, held, at, zone);
}

function decidedWith(
  { id, status, tier, overrides }: LedgerUser,
  windows: LedgerUser["windows"],
  held: Readonly<Amounts>,
  at: Instant,
  zone: Calendar,
): DecidedUser {
  const day = zone.dayOf(at);
  return {
    id,
    status,
    tier: tier.key,
    tierLabel: tier.label,
    entitlement: entitlementOf(tier, overrides, at),
    day: windowOf(windows, "day", day),
    month: windowOf(windows, "month", zone.dayToMonth(day)),
    held,
    callTokens: tier.callTokens,
  };
}

function windowOf(windows: LedgerUser["windows"], period: Period, index: number): WindowUsage {
  return windows.get(windowKey(period, index)) ?? NO_WINDOW_USAGE;
}

function heldBy(holds: LedgerUser["holds"], at: Instant): HeldSum {
  const amounts = noAmounts();
  let until = Number.POSITIVE_INFINITY;
  for (const hold of holds.values()) {
    if (hold.expiresAt <= at) continue;
    addTo(amounts, hold.amounts, 1);
    if (hold.expiresAt < until) until = hold.expiresAt;
  }
  return { amounts, from: at, until };
}

function addTo(sum: Amounts, of: Readonly<Amounts>, sign: 1 | -1): void {
  sum.tokens += sign * of.tokens;
  sum.images += sign * of.images;
  sum.cost += sign * of.cost;
  sum.requests += sign * of.requests;
}

/** A user while a batch is applied: the state loaded, plus what the batch has done so far. */
export class WorkingUser {
  /** As loaded, until the batch changes them: what was loaded may be remembered, and is never changed. */
  #windows: ReadonlyMap<number, WindowUsage>;
  #holds: ReadonlyMap<string, Hold>;
  /** Sum over the holds that live at `from`, valid until the first of them expires. */
  #held: HeldSum | null = null;
  #put: Map<string, Hold> | null = null;
  #gone: Set<string> | null = null;

  constructor(readonly loaded: LedgerUser) {
    this.#windows = loaded.windows;
    this.#holds = loaded.holds;
  }

  /** The user as a decision at an instant sees them. */
  decided(at: Instant, zone: Calendar): DecidedUser {
    return decidedWith(this.loaded, this.#windows, this.held(at), at, zone);
  }

  window(period: Period, index: number): WindowUsage {
    return windowOf(this.#windows, period, index);
  }

  /** @throws AlphaError `failed` when the window comes to more than can be counted exactly */
  use(period: Period, index: number, amounts: Amounts): void {
    const before = this.window(period, index);
    this.#ownWindows().set(windowKey(period, index), {
      used: addExactly(before.used, amounts),
      forgiven: before.forgiven,
    });
  }

  /** Also one that has expired, as long as nobody has cleared it away. */
  hold(id: string): Hold | undefined {
    return this.#holds.get(id);
  }

  liveHold(id: string, at: Instant): Hold | undefined {
    const hold = this.#holds.get(id);
    return hold !== undefined && hold.expiresAt > at ? hold : undefined;
  }

  hasHold(id: string): boolean {
    return this.#holds.has(id);
  }

  /** Puts a hold, or another in its place; to be written. */
  putHold(hold: Hold): void {
    this.returnHold(hold);
    this.#put ??= new Map();
    this.#put.set(hold.id, hold);
    this.#gone?.delete(hold.id);
  }

  /** Ends a hold; to be written. */
  dropHold(id: string): void {
    this.takeHold(id);
    this.#put?.delete(id);
    if (!this.loaded.holds.has(id)) return;
    this.#gone ??= new Set();
    this.#gone.add(id);
  }

  /** Takes a hold away for a while: nothing is to be written. */
  takeHold(id: string): void {
    const holds = this.#ownHolds();
    const hold = holds.get(id);
    if (hold !== undefined && this.#held !== null && hold.expiresAt > this.#held.from) {
      addTo(this.#held.amounts, hold.amounts, -1);
    }
    holds.delete(id);
  }

  returnHold(hold: Hold): void {
    const holds = this.#ownHolds();
    const sum = this.#held;
    if (sum !== null && !holds.has(hold.id) && hold.expiresAt > sum.from) {
      addTo(sum.amounts, hold.amounts, 1);
      sum.until = Math.min(sum.until, hold.expiresAt);
    } else {
      this.#held = null;
    }
    holds.set(hold.id, hold);
  }

  /** The holds to be written, and those to be ended. */
  addHoldChanges(put: HoldPut[], gone: HoldGone[]): void {
    const userId = this.loaded.id;
    if (this.#put !== null) for (const hold of this.#put.values()) put.push({ userId, hold });
    if (this.#gone !== null) for (const id of this.#gone) gone.push({ userId, id });
  }

  held(at: Instant): Readonly<Amounts> {
    if (this.#holds.size === 0) return NOTHING;
    if (this.#held === null || at < this.#held.from || at >= this.#held.until) {
      this.#held = heldBy(this.#holds, at);
    }
    return this.#held.amounts;
  }

  /** The user as the batch leaves them. Windows that were not loaded are left out: their totals are not known here. */
  next(): LedgerUser {
    const { id, key, status, tier, overrides } = this.loaded;
    return { id, key, status, tier, overrides, windows: this.#loadedWindows(), holds: this.#holds };
  }

  #loadedWindows(): ReadonlyMap<number, WindowUsage> {
    // None is ever taken away: as many as were loaded are those that were loaded.
    if (this.#windows.size === this.loaded.windows.size) return this.#windows;
    const windows = new Map<number, WindowUsage>();
    for (const key of this.loaded.windows.keys()) windows.set(key, this.#windows.get(key) as WindowUsage);
    return windows;
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
