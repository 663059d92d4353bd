import { windowKey } from "./ledger-model.js";
import { type Amounts, addAmounts, METERS, noAmounts, type Period } from "./meter.js";
import type { Seen, Shift } from "./simulate-judge.js";
import type { AdmittedThen, UsedThen } from "./simulate-model.js";
import type { Calendar, Instant } from "./window.js";

/** Amounts as they really were, and by how much the simulation differs. */
interface Twofold {
  readonly was: Amounts;
  readonly shift: Amounts;
}

/** A call between its reservation and its end. */
interface InFlight {
  readonly refused: boolean;
  /** What its reservation still holds. */
  held: Amounts;
  /** When its reservation runs out, where that is known to be before its end. */
  readonly heldUntil: Instant | null;
  /** When it last reported a part; `null`: it has not. */
  lastPart: Instant | null;
}

const NONE: readonly UsedThen[] = [];

/** For how long a call that reports in parts is remembered after its last part, in milliseconds. */
const FORGET_PARTS_AFTER = 24 * 60 * 60_000;

/** One user while the past is replayed: what they had used and held, and how the simulation differs from that. */
export class ReplayedUser {
  /** Of windows that run or are to come. */
  readonly #windows = new Map<number, Twofold>();
  /** By the number of the event that the call became. */
  readonly #inFlight = new Map<number, InFlight>();
  /** What calls in flight will have used. */
  #landing: UsedThen[] = [];
  /** Calls that report in parts, by when they were reserved: later parts do not tell the number of the first. */
  readonly #parts = new Map<Instant, InFlight>();
  readonly #held: Twofold = { was: noAmounts(), shift: noAmounts() };
  #day = Number.NEGATIVE_INFINITY;
  #month = Number.NEGATIVE_INFINITY;
  #calls = 0;
  #usedByCalls = noAmounts();

  constructor(private readonly zone: Calendar) {}

  /** Lets go of what lies behind. Time does not run backwards. */
  advance(at: Instant): void {
    for (const call of this.#inFlight.values()) {
      if (call.heldUntil !== null && call.heldUntil <= at) this.#hold(call, noAmounts());
    }
    const day = this.zone.dayOf(at);
    if (day === this.#day) return;
    this.#day = day;
    this.#month = this.zone.dayToMonth(day);
    for (const key of this.#windows.keys()) if (this.#isPast(key)) this.#windows.delete(key);
    for (const [reservedAt, { lastPart }] of this.#parts) {
      if ((lastPart ?? 0) + FORGET_PARTS_AFTER < at) this.#parts.delete(reservedAt);
    }
  }

  /**
   * A call begins that was let through; `refused`: not so in the simulation.
   */
  begin({ used, asked, heldUntil }: AdmittedThen, refused: boolean): void {
    this.#landing.push(used);
    const call = { refused, held: noAmounts(), heldUntil, lastPart: null };
    this.#inFlight.set(used.event, call);
    this.#hold(call, asked);
  }

  /** What calls in flight have used and was recorded before an instant, in the order of time; each once. */
  landed(before: Instant): readonly UsedThen[] {
    if (!this.#landing.some(({ at }) => at < before)) return NONE;
    const landed = this.#landing.filter(({ at }) => at < before);
    this.#landing = this.#landing.filter(({ at }) => at >= before);
    return landed.sort((a, b) => a.at - b.at || a.event - b.event);
  }

  /**
   * Ends the call, or the part of one, that the usage is of.
   * @param holdFor how long a part keeps its call in flight, in milliseconds
   * @returns whether the simulation had refused it
   */
  land({ event, at, amounts, reservedAt, part }: UsedThen, holdFor: number): boolean {
    this.#dropExpired(at, holdFor);
    if (reservedAt === null) return false;
    const call = this.#inFlight.get(event) ?? this.#parts.get(reservedAt);
    if (call === undefined) return false;
    if (this.#inFlight.delete(event)) this.#count(amounts);
    if (part === null) {
      this.#parts.delete(reservedAt);
      this.#hold(call, noAmounts());
    } else {
      this.#parts.set(reservedAt, call);
      call.lastPart = at;
      this.#hold(call, less(call.held, amounts));
    }
    return call.refused;
  }

  /** Counts usage; where the simulation has refused it, only as what really was. */
  use(occurredAt: Instant, amounts: Readonly<Amounts>, refused: boolean): void {
    this.#inWindows(occurredAt, ({ was, shift }) => {
      add(was, amounts, 1);
      if (refused) add(shift, amounts, -1);
    });
  }

  /** Counts what a call would have used that was never made. */
  useAnyway(at: Instant, amounts: Readonly<Amounts>): void {
    this.#inWindows(at, ({ shift }) => add(shift, amounts, 1));
  }

  /** What a decision would have been made from, as far as it was recorded by now. */
  seen(forgiven: (period: Period, index: number) => Amounts): Seen {
    const window = (period: Period, index: number) => ({
      used: this.#windows.get(windowKey(period, index))?.was ?? noAmounts(),
      forgiven: forgiven(period, index),
    });
    return {
      day: window("day", this.#day),
      month: window("month", this.#month),
      held: this.#held.was,
    };
  }

  shift(): Shift {
    const of = (period: Period, index: number) =>
      this.#windows.get(windowKey(period, index))?.shift ?? noAmounts();
    return { day: of("day", this.#day), month: of("month", this.#month), held: this.#held.shift };
  }

  /** What a call of this user has used on average; `null`: there was none. */
  averageCall(): Amounts | null {
    if (this.#calls === 0) return null;
    const average = noAmounts();
    for (const meter of METERS) average[meter] = Math.round(this.#usedByCalls[meter] / this.#calls);
    return average;
  }

  #count(amounts: Readonly<Amounts>): void {
    this.#calls += 1;
    this.#usedByCalls = addAmounts(this.#usedByCalls, amounts);
  }

  /** A call that reports in parts and stops doing so holds nothing after a while; when it expired is not recorded. */
  #dropExpired(at: Instant, holdFor: number): void {
    for (const call of this.#parts.values()) {
      if ((call.lastPart ?? at) + holdFor <= at) this.#hold(call, noAmounts());
    }
  }

  #hold(call: InFlight, held: Readonly<Amounts>): void {
    for (const [amounts, sign] of [
      [call.held, -1],
      [held, 1],
    ] as const) {
      add(this.#held.was, amounts, sign);
      if (call.refused) add(this.#held.shift, amounts, sign === 1 ? -1 : 1);
    }
    call.held = { ...held };
  }

  #inWindows(at: Instant, change: (window: Twofold) => void): void {
    const day = this.zone.dayOf(at);
    const keys = [windowKey("day", day), windowKey("month", this.zone.dayToMonth(day))];
    for (const key of keys) {
      if (this.#isPast(key)) continue;
      let window = this.#windows.get(key);
      if (window === undefined) {
        window = { was: noAmounts(), shift: noAmounts() };
        this.#windows.set(key, window);
      }
      change(window);
    }
  }

  #isPast(key: number): boolean {
    return key % 2 === 0 ? key / 2 < this.#day : (key - 1) / 2 < this.#month;
  }
}

function add(to: Amounts, amounts: Readonly<Amounts>, sign: 1 | -1): void {
  for (const meter of METERS) to[meter] += sign * amounts[meter];
}

/** What is left when some were used; never less than nothing. */
function less(amounts: Readonly<Amounts>, used: Readonly<Amounts>): Amounts {
  const left = noAmounts();
  for (const meter of METERS) left[meter] = Math.max(0, amounts[meter] - used[meter]);
  return left;
}
