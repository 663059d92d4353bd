import type { DayRange } from "./day-range.js";
import type { Nanos } from "./money.js";
import { PERSONAS, type PersonaKey } from "./persona.js";
import { costOf, type PlanningRates, planningCost, type Quantity, type Rates } from "./price.js";
import { calendar, daysInMonth, firstDayOfMonth } from "./window.js";

/** What tokens and images come to, in nanos. */
export type Pricing = (quantity: Quantity) => Nanos;

/** Days that it takes before a projection says anything. */
export const PROJECTED_FROM_DAY = 3;

/** To which month a day belongs does not depend on the zone. */
const DATES = calendar("UTC");

/** What was expected of a tester in a range, and what came. */
export interface Estimate {
  /** `null`: none was given, and none can be inferred yet; then nothing is stated or computed. */
  readonly persona: PersonaKey | null;
  readonly inferred: boolean;
  /** Accounting days of the range on which the tester was there, the first and the running one as whole days. */
  readonly days: number;
  /** What the persona states for these days. */
  readonly tokens: number | null;
  readonly images: number | null;
  /** The cost that the plan states for these days, in nanos. */
  readonly stated: Nanos | null;
  /** What the stated tokens and images come to, in nanos. */
  readonly computed: Nanos | null;
  /** What was spent in the range, assumed cost of unpriced usage included. */
  readonly actual: bigint;
  /** What the range will have cost at its end; `null`: cannot be said (yet). */
  readonly projected: bigint | null;
}

export interface EstimateInput {
  readonly persona: PersonaKey | null;
  readonly inferred: boolean;
  readonly range: DayRange;
  /** The first day on which the tester was there. */
  readonly start: number;
  /** The last one; `null`: still here. */
  readonly left: number | null;
  readonly today: number;
  /** The first day of the next month. */
  readonly monthEnd: number;
  readonly actual: bigint;
}

export function estimate(input: EstimateInput, pricing: Pricing): Estimate {
  const { persona: key, inferred, actual } = input;
  const present = daysPresent(input);
  const days = Math.max(0, present.to - present.from);
  const common = { inferred, days, actual, projected: projection(input, present) };
  if (key === null) {
    return { ...common, persona: null, tokens: null, images: null, stated: null, computed: null };
  }
  const persona = PERSONAS[key];
  const quantity = { tokens: days * persona.tokensPerDay, images: days * persona.imagesPerDay };
  const stated = proRata(persona.statedPerMonth, present);
  return { ...common, ...quantity, persona: key, stated, computed: pricing(quantity) };
}

function daysPresent({ range, start, left, today }: EstimateInput): DayRange {
  return { from: Math.max(range.from, start), to: Math.min(range.to, (left ?? today) + 1, today + 1) };
}

/** The part of a monthly amount that falls on the days of a range: of each month touched as many days as lie in it. */
export function proRata(perMonth: Nanos, { from, to }: DayRange): Nanos {
  let sum = 0;
  for (let day = from; day < to; ) {
    const month = DATES.dayToMonth(day);
    const next = Math.min(to, firstDayOfMonth(month + 1));
    sum += Math.round((perMonth * (next - day)) / daysInMonth(month));
    day = next;
  }
  return sum;
}

/**
 * Days that are over have cost what they cost. A range with all the rest of the running month will have cost, at the
 * month's end, as much for each day to come as for the days so far.
 */
function projection(input: EstimateInput, present: DayRange): bigint | null {
  const { range, today, monthEnd, actual, left } = input;
  if (range.to <= today || (left !== null && left <= today)) return actual;
  const elapsed = present.to - present.from;
  if (range.to < monthEnd || elapsed < PROJECTED_FROM_DAY) return null;
  const whole = BigInt(monthEnd - present.from);
  return (actual * whole * 2n + BigInt(elapsed)) / (2n * BigInt(elapsed));
}

/** How a token count is split to be priced by a model that charges input and output differently. */
export interface TokenSplit {
  readonly input: number;
  readonly output: number;
  /** `usage`: as the testers' real usage of the range; `half`: half and half, since there was none. */
  readonly from: "usage" | "half";
}

export function tokenSplit(usage: { readonly input: number; readonly output: number }): TokenSplit {
  return usage.input + usage.output > 0 ? { ...usage, from: "usage" } : { input: 1, output: 1, from: "half" };
}

/** At what rates a report computes its estimates. */
export type ComputedAt =
  | { readonly rates: "planning"; readonly perMillionTokens: Nanos; readonly perImage: Nanos }
  | {
      readonly rates: "model";
      readonly model: string;
      readonly split: TokenSplit;
      /** Nanos per million. */
      readonly input: Nanos;
      readonly output: Nanos;
      readonly perImage: Nanos;
      /** The model has no price for images: they are computed at the planning rate. */
      readonly imagesPlanned: boolean;
    };

export function planningPricing(rates: PlanningRates): Pricing {
  return (quantity) => planningCost(quantity, rates);
}

/**
 * Prices by a real model. Images that it has no price for stay at the planning rate; fees per call are left out, since
 * personas state no calls. `null` for a model without a price for tokens.
 */
export function modelPricing(rates: Rates, split: TokenSplit, planning: PlanningRates): Pricing | null {
  if (rates.input === null || rates.output === null) return null;
  const effective = { ...rates, image: imageRate(rates) ?? planning.perImage, request: null };
  const outputShare = split.output / (split.input + split.output);
  return ({ tokens, images }) => {
    const output = Math.round(tokens * outputShare);
    const usage = { input: tokens - output, cacheRead: 0, cacheWrite: 0, output, reasoning: 0, images };
    return costOf(usage, effective) ?? 0;
  };
}

/** Price lists say 0 for the images of some models that they have no price for. */
export function imageRate(rates: Rates): number | null {
  return rates.image === 0 ? null : rates.image;
}
