import type { Amounts } from "./meter.js";
import type { Nanos } from "./money.js";
import { costOf, dearestCost, planningCost, type Rates } from "./price.js";
import { planningRates, type Settings } from "./settings.js";
import { totalTokens, type Usage } from "./usage.js";

/** Where a cost comes from: the log, the operator's own price, the price book, or nowhere. */
export type PricedBy = "log" | "own" | "book" | "none";

/** Rates, and whose they are. */
export interface QuotedRates {
  readonly rates: Rates;
  readonly from: "own" | "book";
}

export interface Price {
  /** 0 when unpriced. */
  readonly cost: Nanos;
  readonly assumed: Nanos;
  readonly pricedBy: PricedBy;
}

/**
 * The cost of usage that happened: as stated, else by the rates, else unpriced. Unpriced usage is assumed to cost the
 * planning rates, also under `block` (it was not blocked, so it was paid for); only `ignore` counts nothing.
 */
export function priceUsage(
  usage: Usage,
  stated: Nanos | null,
  quoted: QuotedRates | null,
  settings: Settings,
): Price {
  if (stated !== null) return { cost: stated, assumed: 0, pricedBy: "log" };
  const priced = quoted === null ? null : costOf(usage, quoted.rates);
  if (quoted !== null && priced !== null) return { cost: priced, assumed: 0, pricedBy: quoted.from };
  const assumed =
    settings.unpriced === "ignore"
      ? 0
      : planningCost({ tokens: totalTokens(usage), images: usage.images }, planningRates(settings));
  return { cost: 0, assumed, pricedBy: "none" };
}

/** What a request asks for, before its cost is known. */
export interface Wanted {
  readonly tokens: number;
  readonly images: number;
  /** Stated by the caller; `null`: to be estimated. */
  readonly cost: Nanos | null;
  /** Whether a model is named: where none is, no price can be missing. */
  readonly namesModel: boolean;
}

/**
 * The amounts that a request is judged by and a reservation holds. A cost that is not stated is estimated at the
 * model's dearest rate, so that a hold is never below what the call can cost; without a price, at the planning rates.
 */
export function amountsWanted(
  wanted: Wanted,
  dearest: QuotedRates | null,
  settings: Settings,
): { readonly amounts: Amounts; readonly unpriced: boolean } {
  const { tokens, images } = wanted;
  const result = (cost: Nanos, unpriced = false) => ({
    amounts: { tokens, images, cost, requests: 1 },
    unpriced,
  });
  if (wanted.cost !== null) return result(wanted.cost);
  const estimated = dearest === null ? null : dearestCost(wanted, dearest.rates);
  if (estimated !== null) return result(estimated);
  const planned = planningCost(wanted, planningRates(settings));
  if (settings.unpriced === "block") return result(planned, tokens > 0 || images > 0 || wanted.namesModel);
  return result(settings.unpriced === "ignore" && wanted.namesModel ? 0 : planned);
}
