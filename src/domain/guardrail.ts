import type { Stop } from "./emergency.js";
import { bareAmount } from "./message.js";
import { type Amounts, addAmounts, noAmounts, type Period } from "./meter.js";
import type { Instant } from "./window.js";

/** What a guardrail does when the whole system crosses it. */
export const GUARDRAIL_ACTIONS = ["stop", "throttle", "alert"] as const;
export type GuardrailAction = (typeof GUARDRAIL_ACTIONS)[number];

/** A limit on what all users together may use in one window, settled and held. */
export interface Guardrail {
  readonly id: number;
  readonly meter: "cost" | "tokens";
  readonly period: Period;
  /** Nanos for cost. */
  readonly limit: number;
  readonly action: GuardrailAction;
}

/** A guardrail in one window. */
export interface GuardrailState {
  readonly guardrail: Guardrail;
  /** Index of the window. */
  readonly index: number;
  /** What all users settled in the window. Forgiveness does not lower it. */
  readonly used: number;
  /** Whether it has tripped in this window: once is enough, and lifted it stays lifted until the window ends. */
  readonly tripped: boolean;
}

/** What live reservations of all users hold. */
export interface SystemHeld {
  readonly tokens: number;
  readonly cost: number;
  /** When the first of them expires; until then the sums are right. */
  readonly until: Instant;
}

export const NOTHING_HELD: SystemHeld = { tokens: 0, cost: 0, until: Number.POSITIVE_INFINITY };

/** Who turns on what a guardrail turns on. */
export const GUARDRAIL_ACTOR = "guardrail";

/** A guardrail that a batch has tripped. */
export interface Trip {
  readonly guardrail: Guardrail;
  readonly index: number;
  readonly at: Instant;
}

/** What a row of the ledger adds to the windows in which it occurred. */
export interface Counted {
  readonly amounts: Amounts;
  readonly windows: Readonly<Record<Period, number>>;
}

/** What rows add to one window together. */
export function grownIn(period: Period, index: number, counted: readonly Counted[]): Amounts {
  return counted
    .filter(({ windows }) => windows[period] === index)
    .reduce((sum, { amounts }) => addAmounts(sum, amounts), noAmounts());
}

/** How much the used total of a guardrail grows in a window. */
export interface GuardrailDelta {
  readonly guardrailId: number;
  readonly index: number;
  amount: number;
}

/** The stop that a trip turns on, as the rest of the batch sees it; `undefined` when it only alerts. */
export function stopOfTrip(trip: Trip): Stop | undefined {
  const { guardrail, at } = trip;
  if (guardrail.action === "alert") return undefined;
  return {
    id: 0,
    action: guardrail.action,
    scope: {},
    reason: tripReason(trip),
    actor: GUARDRAIL_ACTOR,
    since: at,
    until: null,
  };
}

/** Why a trip turned something on, in words: `daily cost of all testers reached $25.00`. */
export function tripReason({ guardrail }: Trip): string {
  const { meter, period, limit } = guardrail;
  const daily = period === "day" ? "daily" : "monthly";
  return `${daily} ${meter} of all testers reached ${bareAmount(meter, limit)}`;
}

/** Follows the guardrails of a batch: what is used and held against them, and which of them trip. */
export class GuardrailWatch {
  readonly #states: Map<string, GuardrailState>;
  readonly #deltas = new Map<string, GuardrailDelta>();
  readonly #trips: Trip[] = [];
  #held: SystemHeld;

  constructor(states: readonly GuardrailState[], held: SystemHeld) {
    this.#states = new Map(states.map((state) => [keyOf(state.guardrail.id, state.index), state]));
    this.#held = held;
  }

  get isEmpty(): boolean {
    return this.#states.size === 0;
  }

  trips(): readonly Trip[] {
    return this.#trips;
  }

  deltas(): GuardrailDelta[] {
    return [...this.#deltas.values()];
  }

  states(): GuardrailState[] {
    return [...this.#states.values()];
  }

  held(): SystemHeld {
    return this.#held;
  }

  hold(amounts: Readonly<Amounts>, until: Instant): void {
    const { tokens, cost } = this.#held;
    this.#held = {
      tokens: tokens + amounts.tokens,
      cost: cost + amounts.cost,
      until: Math.min(this.#held.until, until),
    };
  }

  drop(amounts: Readonly<Amounts>): void {
    const { tokens, cost, until } = this.#held;
    this.#held = { tokens: tokens - amounts.tokens, cost: cost - amounts.cost, until };
  }

  /** Trips what a reservation of `amounts` would take beyond its limit. */
  beforeReserve(amounts: Readonly<Amounts>, running: Readonly<Record<Period, number>>, at: Instant): Trip[] {
    return this.#trip(running, at, ({ guardrail, used }) => {
      const { meter, limit } = guardrail;
      return used + this.#held[meter] + amounts[meter] > limit;
    });
  }

  /** Counts settled usage of the running windows, and trips what has reached its limit. */
  afterUse(
    amounts: Readonly<Amounts>,
    windows: Readonly<Record<Period, number>>,
    running: Readonly<Record<Period, number>>,
    at: Instant,
  ): Trip[] {
    this.#count(amounts, windows);
    return this.#trip(
      running,
      at,
      ({ guardrail, used }) => used + this.#held[guardrail.meter] >= guardrail.limit,
    );
  }

  /** Counts what a correction adds to its windows or takes from them, and trips only what it makes grow. */
  afterCorrection(
    counted: readonly Counted[],
    running: Readonly<Record<Period, number>>,
    at: Instant,
  ): Trip[] {
    for (const { amounts, windows } of counted) this.#count(amounts, windows);
    return this.#trip(running, at, ({ guardrail, index, used }) => {
      const { meter, period, limit } = guardrail;
      return grownIn(period, index, counted)[meter] > 0 && used + this.#held[meter] >= limit;
    });
  }

  #count(amounts: Readonly<Amounts>, windows: Readonly<Record<Period, number>>): void {
    for (const [key, state] of this.#states) {
      const { guardrail, index } = state;
      const amount = amounts[guardrail.meter];
      if (windows[guardrail.period] !== index || amount === 0) continue;
      this.#states.set(key, { ...state, used: state.used + amount });
      const delta = this.#deltas.get(key);
      if (delta === undefined) this.#deltas.set(key, { guardrailId: guardrail.id, index, amount });
      else delta.amount += amount;
    }
  }

  /** Late usage never trips: only the window that is running at `at` is looked at. */
  #trip(
    running: Readonly<Record<Period, number>>,
    at: Instant,
    crosses: (state: GuardrailState) => boolean,
  ): Trip[] {
    const tripped: Trip[] = [];
    for (const [key, state] of this.#states) {
      const { guardrail, index } = state;
      if (state.tripped || index !== running[guardrail.period] || !crosses(state)) continue;
      this.#states.set(key, { ...state, tripped: true });
      tripped.push({ guardrail, index, at });
    }
    this.#trips.push(...tripped);
    return tripped;
  }
}

function keyOf(id: number, index: number): string {
  return `${id}/${index}`;
}
