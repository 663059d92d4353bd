import type { DecisionCode } from "./decide.js";
import { type Amounts, addAmounts, type Meter, noAmounts } from "./meter.js";
import type { Instant } from "./window.js";

/** Why a call was refused; the meter is empty where no quota decided. */
export interface Reason {
  readonly code: DecisionCode;
  readonly meter: Meter | "";
}

/** How often a user was refused on a day for one reason: by the limits as they were, and by those that are tried. */
export interface RefusalCell extends Reason {
  readonly userId: number;
  readonly day: number;
  was: number;
  would: number;
}

/** Calls whose outcome is another one. */
export interface Turned {
  calls: number;
  amounts: Amounts;
  first: Instant | null;
}

/** What a simulation comes to for one user. */
export interface Tally {
  readonly userId: number;
  calls: number;
  refusedWas: number;
  refusedWould: number;
  /** Calls that were let through and would be refused; the amounts are what they used. */
  readonly refused: Turned;
  /** Calls that were refused and would be let through; the amounts are what they asked for. */
  readonly admitted: Turned;
  /** Of those let through, how many had not said for how much: they are counted as the user's average call. */
  guessed: number;
  /** Refusals of which only the number is known; they count as refused either way. */
  onlyCounted: number;
}

/** Adds up the outcomes of replayed calls that were made on the tier. */
export class Tallies {
  readonly #users = new Map<number, Tally>();
  readonly #cells = new Map<string, RefusalCell>();

  of(userId: number): Tally {
    let tally = this.#users.get(userId);
    if (tally === undefined) {
      const turned = (): Turned => ({ calls: 0, amounts: noAmounts(), first: null });
      tally = {
        userId,
        calls: 0,
        refusedWas: 0,
        refusedWould: 0,
        refused: turned(),
        admitted: turned(),
        guessed: 0,
        onlyCounted: 0,
      };
      this.#users.set(userId, tally);
    }
    return tally;
  }

  /**
   * Counts a call.
   * @param was why it was refused, if it was
   * @param would why it would be refused, if it would
   */
  add(userId: number, day: number, at: Instant, was: Reason | null, would: Reason | null): void {
    const tally = this.of(userId);
    tally.calls += 1;
    if (was !== null) {
      tally.refusedWas += 1;
      this.#cell(userId, day, was).was += 1;
    }
    if (would !== null) {
      tally.refusedWould += 1;
      this.#cell(userId, day, would).would += 1;
    }
    if (was === null && would !== null) turn(tally.refused, at);
    if (was !== null && would === null) turn(tally.admitted, at);
  }

  /** Counts refusals of which only the number is known: they stay refused. */
  addCounted(userId: number, day: number, reason: Reason, count: number): void {
    const cell = this.#cell(userId, day, reason);
    const tally = this.of(userId);
    cell.was += count;
    cell.would += count;
    tally.calls += count;
    tally.refusedWas += count;
    tally.refusedWould += count;
    tally.onlyCounted += count;
  }

  users(): Tally[] {
    return [...this.#users.values()];
  }

  cells(): RefusalCell[] {
    return [...this.#cells.values()].filter(({ was, would }) => was + would > 0);
  }

  #cell(userId: number, day: number, reason: Reason): RefusalCell {
    const key = cellKey(userId, day, reason);
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { userId, day, code: reason.code, meter: reason.meter, was: 0, would: 0 };
      this.#cells.set(key, cell);
    }
    return cell;
  }
}

/** Which refused calls were kept one by one. */
export class KeptRefusals {
  readonly #kept = new Map<string, number>();
  readonly #lastOnTier = new Map<string, boolean>();

  /** Takes the call that was kept next. */
  add(userId: number, day: number, reason: Reason, onTier: boolean): void {
    const key = cellKey(userId, day, reason);
    this.#kept.set(key, (this.#kept.get(key) ?? 0) + 1);
    this.#lastOnTier.set(`${userId}/${day}`, onTier);
  }

  /** How many of those that were counted were not kept. */
  missing(userId: number, day: number, reason: Reason, count: number): number {
    return Math.max(0, count - (this.#kept.get(cellKey(userId, day, reason)) ?? 0));
  }

  /** Whether the last call that was kept of a day was made on the tier; `undefined`: none was kept. */
  endedOnTier(userId: number, day: number): boolean | undefined {
    return this.#lastOnTier.get(`${userId}/${day}`);
  }
}

function cellKey(userId: number, day: number, { code, meter }: Reason): string {
  return `${userId}/${day}/${code}/${meter}`;
}

function turn(turned: Turned, at: Instant): void {
  turned.calls += 1;
  turned.first = Math.min(turned.first ?? at, at);
}

export function addTo(turned: Turned, amounts: Readonly<Amounts>): void {
  turned.amounts = addAmounts(turned.amounts, amounts);
}
