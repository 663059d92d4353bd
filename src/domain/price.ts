import { AlphaError } from "../errors.js";
import type { Nanos } from "./money.js";
import type { CallKind, TokenBuckets, Usage } from "./usage.js";
import type { Instant } from "./window.js";

/**
 * What one model charges. Rates are non-negative safe integers; `null` means that no rate is known for the unit,
 * which is not the same as `0`: usage of such a unit makes a call unpriced.
 */
export interface Rates {
  /** Nanos per million input tokens that touched no cache. */
  readonly input: number | null;
  /** Nanos per million input tokens read from a cache; the input rate where the provider has no separate one. */
  readonly cacheRead: number | null;
  /** Nanos per million input tokens written to a cache; the input rate where the provider has no separate one. */
  readonly cacheWrite: number | null;
  /** Nanos per million output tokens, reasoning included. */
  readonly output: number | null;
  /** Nanos per image. */
  readonly image: number | null;
  /** Nanos per call on top of the usage; `null`: the provider has no such fee. */
  readonly request: number | null;
}

/** The rates that stand in for a model whose own are unknown. */
export interface PlanningRates {
  /** Nanos per million tokens of any kind. */
  readonly perMillionTokens: number;
  /** Nanos per image. */
  readonly perImage: number;
}

/** What a call asks for before it runs, when the split into input and output is not known yet. */
export interface Quantity {
  readonly tokens: number;
  readonly images: number;
}

/** What a price depends on; the feature of a call has no say in it. */
export type PricedKind = Pick<CallKind, "provider" | "model">;

/** Where rates come from. Both answers are `null` for a model that is not known or has no rate at all. */
export interface PriceSource {
  /**
   * The rates in force at `at` for a call with `inputTokens` tokens of input, cached or not (see `totalInput`):
   * some models charge every token of a long prompt more.
   */
  rates(kind: PricedKind, at: Instant, inputTokens: number): Rates | null;
  /** The rates in force at `at`, each at its highest over all prompt sizes. */
  dearest(kind: PricedKind, at: Instant): Rates | null;
}

const MILLION = 1_000_000;

/** Input tokens, cached or not: the size by which models with tiered prices choose their tier. */
export function totalInput(usage: TokenBuckets): number {
  return usage.input + usage.cacheRead + usage.cacheWrite;
}

/** Input tokens of one call, where the usage may sum up several: then those of the average one. */
export function promptSize(usage: TokenBuckets, requests = 1): number {
  return Math.ceil(totalInput(usage) / Math.max(1, requests));
}

/**
 * The cost of `usage` at `rates`, rounded once, half up, from the exact sum; `null` (unpriced) when a unit was used
 * that has no rate. No usage at all costs 0: the fee per call is for calls that were served.
 * @param calls how many calls it was; 0 for a part of a call whose first part was counted as the call
 * Throws `AlphaError` when the cost is beyond the safe integers, about $9 million.
 */
export function costOf(usage: Usage, rates: Rates, calls = 1): Nanos | null {
  const { input, cacheRead, cacheWrite, output, images } = usage;
  if (
    (rates.input === null && input > 0) ||
    (rates.cacheRead === null && cacheRead > 0) ||
    (rates.cacheWrite === null && cacheWrite > 0) ||
    (rates.output === null && output > 0) ||
    (rates.image === null && images > 0)
  ) {
    return null;
  }
  const flat = images * (rates.image ?? 0);
  const scaled =
    input * (rates.input ?? 0) +
    cacheRead * (rates.cacheRead ?? 0) +
    cacheWrite * (rates.cacheWrite ?? 0) +
    output * (rates.output ?? 0);
  if (scaled > Number.MAX_SAFE_INTEGER || flat > Number.MAX_SAFE_INTEGER) {
    return exactCost(usage, rates, calls);
  }
  // No term exceeds a sum of non-negative terms, so nothing up to here has been rounded.
  const rest = scaled % MILLION;
  const tokenCost = (scaled - rest) / MILLION + (rest * 2 >= MILLION ? 1 : 0);
  const served = input + cacheRead + cacheWrite + output + images > 0;
  return checkedCost(tokenCost + flat + (served ? calls * (rates.request ?? 0) : 0));
}

/** The cost of any tokens and images at the planning rates; rounding and errors as for `costOf`. */
export function planningCost(quantity: Quantity, rates: PlanningRates): Nanos {
  return flatCost(quantity, rates.perMillionTokens, rates.perImage, null) as Nanos;
}

/**
 * What a call that asks for `quantity` costs at most: every token at the dearest token rate known, the images, and
 * the fee per call. `null` when a unit asked for has no rate; errors as for `costOf`.
 */
export function dearestCost(quantity: Quantity, rates: Rates): Nanos | null {
  if (quantity.tokens === 0 && quantity.images === 0) return rates.request ?? 0;
  const tokenRates = [rates.input, rates.cacheRead, rates.cacheWrite, rates.output].filter((r) => r !== null);
  const dearest = tokenRates.length === 0 ? null : Math.max(...tokenRates);
  return flatCost(quantity, dearest, rates.image, rates.request);
}

function flatCost(
  { tokens, images }: Quantity,
  perMillionTokens: number | null,
  image: number | null,
  request: number | null,
): Nanos | null {
  return costOf(
    { input: tokens, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0, images },
    { input: perMillionTokens, cacheRead: null, cacheWrite: null, output: null, image, request },
  );
}

/** `costOf` where tokens times rate leave the safe integers: many tokens at a high rate, though the cost is small. */
function exactCost(usage: Usage, rates: Rates, calls: number): Nanos {
  const scaled =
    product(usage.input, rates.input) +
    product(usage.cacheRead, rates.cacheRead) +
    product(usage.cacheWrite, rates.cacheWrite) +
    product(usage.output, rates.output);
  const million = BigInt(MILLION);
  const cost =
    (scaled + million / 2n) / million + product(usage.images, rates.image) + product(calls, rates.request);
  return checkedCost(Number(cost));
}

function product(quantity: number, rate: number | null): bigint {
  return BigInt(quantity) * BigInt(rate ?? 0);
}

function checkedCost(cost: number): Nanos {
  if (cost <= Number.MAX_SAFE_INTEGER) return cost;
  throw new AlphaError("usage", "The cost of one call comes to more than $9 million.", {
    hint: "Check the token and image counts, and that the price is stated per million tokens.",
  });
}
