import type { PricedKind, Rates } from "./price.js";
import type { QuotedRates } from "./price-rule.js";
import type { Instant } from "./window.js";

/** For which calls a price of the operator's own is, and from when. No two prices in force have the same. */
export interface PriceScope {
  /** A glob over canonical provider names; empty: any provider, and calls that name none. */
  readonly provider: string;
  /** A glob over model names: `*` stands for any text, `?` for one character; case does not matter. */
  readonly model: string;
  /** For calls that occur at this instant or later. */
  readonly startsAt: Instant;
}

/** A price that the operator has set. */
export interface OwnPrice extends PriceScope {
  /** Its number in the database. */
  readonly id: number;
  /** As stated: a unit that was left out is `null`. */
  readonly rates: Rates;
}

/** Model names come from logs, so their number is not ours to bound; a real product uses a few dozen. */
const MOST_KINDS = 10_000;

interface Candidate {
  readonly price: OwnPrice;
  readonly quoted: QuotedRates;
}

/** The operator's own prices in force, looked up by the kind of call. What was looked up once is remembered. */
export class OwnPrices {
  /** Most specific first, of one glob the latest first. */
  readonly #ordered: readonly Candidate[];
  /** By provider, then model: those that match, in the same order. */
  readonly #matching = new Map<string, Map<string, readonly Candidate[]>>();
  #kinds = 0;

  constructor(prices: readonly OwnPrice[]) {
    this.#ordered = [...prices]
      .sort(bySpecificity)
      .map((price) => ({ price, quoted: { rates: effectiveRates(price.rates), from: "own" as const } }));
  }

  /** The rates for a call at `at`, those of caches filled in; `null` when no price of one's own is for it. */
  at(kind: PricedKind, at: Instant): QuotedRates | null {
    return this.#find(kind, at)?.quoted ?? null;
  }

  /** The price that decides about a call at `at`: the most specific of those that have begun, then the latest. */
  priceAt(kind: PricedKind, at: Instant): OwnPrice | null {
    return this.#find(kind, at)?.price ?? null;
  }

  /** Every price that is for a kind of call at some time: the most specific first, of equal ones the latest. */
  matching(kind: PricedKind): readonly OwnPrice[] {
    return this.#candidates(kind).map(({ price }) => price);
  }

  #find(kind: PricedKind, at: Instant): Candidate | undefined {
    return this.#candidates(kind).find(({ price }) => price.startsAt <= at);
  }

  #candidates({ provider, model }: PricedKind): readonly Candidate[] {
    const known = this.#matching.get(provider)?.get(model);
    if (known !== undefined) return known;
    const found = this.#ordered.filter(({ price }) => isFor(price, { provider, model }));
    if (this.#kinds >= MOST_KINDS) {
      this.#matching.clear();
      this.#kinds = 0;
    }
    const models = this.#matching.get(provider) ?? new Map<string, readonly Candidate[]>();
    this.#matching.set(provider, models.set(model, found));
    this.#kinds += 1;
    return found;
  }
}

/** Cached input costs what plain input does, unless it has a rate of its own. */
export function effectiveRates(rates: Rates): Rates {
  return {
    ...rates,
    cacheRead: rates.cacheRead ?? rates.input,
    cacheWrite: rates.cacheWrite ?? rates.input,
  };
}

/** Whether a price is for a kind of call, whenever it occurs. */
export function isFor(
  scope: Pick<PriceScope, "provider" | "model">,
  { provider, model }: PricedKind,
): boolean {
  return (scope.provider === "" || matchesGlob(scope.provider, provider)) && matchesGlob(scope.model, model);
}

export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}

/**
 * Orders the more specific price first: a model by name before a glob, a glob with more letters of its own before one
 * with fewer; then in the same way by provider, any provider last; then the later start. What is still equal goes by
 * its text, so that the order of entry never decides.
 */
export function bySpecificity(a: PriceScope, b: PriceScope): number {
  return (
    byGlob(a.model, b.model) ||
    byGlob(a.provider, b.provider) ||
    b.startsAt - a.startsAt ||
    byText(a.model, b.model) ||
    byText(a.provider, b.provider)
  );
}

function byGlob(a: string, b: string): number {
  const rank = (glob: string) => (glob === "" ? 2 : isGlob(glob) ? 1 : 0);
  const literal = (glob: string) => glob.replace(/[*?]/g, "").length;
  return rank(a) - rank(b) || literal(b) - literal(a);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether `*` and `?` can be filled so that a glob becomes the text. Takes at most their lengths multiplied. */
export function matchesGlob(glob: string, text: string): boolean {
  const pattern = glob.toLowerCase();
  const name = text.toLowerCase();
  let p = 0;
  let n = 0;
  /** The last star seen, and up to where its text goes so far. */
  let star = -1;
  let covered = 0;
  while (n < name.length) {
    if (pattern[p] === "*") {
      star = p;
      covered = n;
      p += 1;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p += 1;
      n += 1;
    } else if (star >= 0) {
      covered += 1;
      p = star + 1;
      n = covered;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p += 1;
  return p === pattern.length;
}
