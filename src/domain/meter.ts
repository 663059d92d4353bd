import { AlphaError } from "../errors.js";
import { addNanos } from "./money.js";

/** What is counted. `cost` is in nanos, the others are plain counts. */
export const METERS = ["tokens", "images", "cost", "requests"] as const;
export type Meter = (typeof METERS)[number];

/** How long a window lasts: a calendar day or a calendar month of the accounting zone. */
export const PERIODS = ["day", "month"] as const;
export type Period = (typeof PERIODS)[number];

/** An amount for every meter. Integers; `cost` in nanos. */
export type Amounts = Record<Meter, number>;

/**
 * How much of one meter may be used in one period. No quota for a meter and period means unlimited; a limit of
 * `0` means disabled. Nothing else means either.
 */
export interface Quota {
  readonly meter: Meter;
  readonly period: Period;
  /** A non-negative safe integer; nanos for `cost`. */
  readonly limit: number;
}

/** The exact sum. Throws `failed` when an amount leaves the safe integers, rather than be off by one. */
export function addExactly(to: Readonly<Amounts>, of: Readonly<Amounts>): Amounts {
  return {
    tokens: addCounts("tokens", to.tokens, of.tokens),
    images: addCounts("images", to.images, of.images),
    cost: addNanos(to.cost, of.cost),
    requests: addCounts("requests", to.requests, of.requests),
  };
}

function addCounts(meter: Meter, a: number, b: number): number {
  const sum = a + b;
  if (Number.isSafeInteger(sum)) return sum;
  throw new AlphaError("failed", `The sum of ${a} and ${b} ${meter} is too large to be counted exactly.`, {
    hint: `One sum can hold at most ${Number.MAX_SAFE_INTEGER}.`,
  });
}

export function noAmounts(): Amounts {
  return { tokens: 0, images: 0, cost: 0, requests: 0 };
}

export function addAmounts(to: Amounts, of: Readonly<Amounts>): Amounts {
  return {
    tokens: to.tokens + of.tokens,
    images: to.images + of.images,
    cost: to.cost + of.cost,
    requests: to.requests + of.requests,
  };
}

/** The name of a quota as it is printed and stored: `tokens/day`. */
export function quotaName(quota: { meter: Meter; period: Period }): `${Meter}/${Period}` {
  return `${quota.meter}/${quota.period}`;
}
