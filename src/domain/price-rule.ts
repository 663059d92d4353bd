import type { Amounts } from "./meter.js";
import type { Nanos } from "./money.js";
import { costOf, dearestCost, planningCost, type Rates } from "./price.js";
import { planningRates, type Settings } from "./settings.js";
import { totalTokens, type Usage } from "./usage.js";

/** Where a cost comes from: the log, the operator's own price, the price book, or nowhere. */
export const PRICED_BY = ["log", "own", "book", "none"] as const;
export type PricedBy = (typeof PRICED_BY)[number];

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
 * The cost of usage that happened: as stated, else by the first rates that cover every unit it used, the operator's own
 * before the book's; else it is unpriced. Rates of the two are never mixed: where an own price has a rate for images
 * only, that for tokens may be part of it already. Unpriced usage is assumed to cost the planning rates, also under
 * `block` (it was not blocked, so it was paid for); only `ignore` counts nothing.
 * @param calls how many calls it was, for fees per call
 */
export function priceUsage(
  usage: Usage,
  stated: Nanos | null,
  own: QuotedRates | null,
  book: QuotedRates | null,
  settings: Settings,
  calls = 1,
): Price {
  if (stated !== null) return { cost: stated, assumed: 0, pricedBy: "log" };
  const byOwn = own === null ? null : costOf(usage, own.rates, calls);
  if (byOwn !== null) return { cost: byOwn, assumed: 0, pricedBy: "own" };
  const byBook = book === null ? null : costOf(usage, book.rates, calls);
  if (book !== null && byBook !== null) return { cost: byBook, assumed: 0, pricedBy: book.from };
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
 * model's dearest rates, so that a hold is never below what the call can cost; without a price, at the planning rates.
 */
export function amountsWanted(
  wanted: Wanted,
  own: QuotedRates | null,
  book: QuotedRates | null,
  settings: Settings,
): { readonly amounts: Amounts; readonly unpriced: boolean } {
  const { tokens, images } = wanted;
  const result = (cost: Nanos, unpriced = false) => ({
    amounts: { tokens, images, cost, requests: 1 },
    unpriced,
  });
  if (wanted.cost !== null) return result(wanted.cost);
  const estimated = own === null ? bookEstimate(wanted, book) : ownEstimate(wanted, own.rates, book);
  if (estimated !== null) return result(estimated);
  const planned = planningCost(wanted, planningRates(settings));
  if (settings.unpriced === "block") return result(planned, tokens > 0 || images > 0 || wanted.namesModel);
  return result(settings.unpriced === "ignore" && wanted.namesModel ? 0 : planned);
}

function bookEstimate(wanted: Wanted, book: QuotedRates | null): Nanos | null {
  return book === null ? null : dearestCost(wanted, book.rates);
}

/** Where an own price lacks the rate of a token that the call may use, the book may price the call in the end. */
function ownEstimate(wanted: Wanted, own: Rates, book: QuotedRates | null): Nanos | null {
  const byOwn = dearestCost(wanted, own);
  const isComplete =
    own.input !== null && own.cacheRead !== null && own.cacheWrite !== null && own.output !== null;
  if (byOwn !== null && (isComplete || wanted.tokens === 0)) return byOwn;
  const byBook = bookEstimate(wanted, book);
  return byOwn === null || byBook === null ? (byOwn ?? byBook) : Math.max(byOwn, byBook);
}
