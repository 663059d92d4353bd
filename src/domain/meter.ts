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
