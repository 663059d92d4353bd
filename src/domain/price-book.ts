import type { PricedKind, PriceSource, Rates } from "./price.js";
import type { Instant } from "./window.js";

/** Rates for prompts of one size. */
export interface PriceBand {
  /** For calls with more input tokens than this, cached or not; `null`: for all others. */
  readonly above: number | null;
  /** `null`: none are known. */
  readonly rates: Rates | null;
}

/** What a price book says of a model for some time. */
export interface BookPeriod {
  /** From when on; `null`: for as long as the book knows the model. */
  readonly from: Instant | null;
  /** The part of each day, in milliseconds since midnight UTC; it may go over midnight. `null`: all day. */
  readonly hours: { readonly from: number; readonly to: number } | null;
  /** The smallest prompts first. */
  readonly bands: readonly PriceBand[];
}

/** Everything that a price book says of a model. */
export interface BookModel {
  /** As the book calls them. */
  readonly provider: string;
  readonly model: string;
  /** In the book's order, which is that of time. */
  readonly periods: readonly BookPeriod[];
  /** The one that holds at the instant that was asked about. */
  readonly current: BookPeriod | null;
}

/** Prices that somebody publishes. */
export interface PriceBook extends PriceSource {
  readonly name: string;
  readonly version: string;
  /** What the book says of a model; `null` when it has no rate for it at all. */
  describe(kind: PricedKind, at: Instant): BookModel | null;
}
