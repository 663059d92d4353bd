import { AlphaError } from "../errors.js";
import { formatUsd, NANOS_PER_USD, type Nanos } from "./money.js";
import type { PriceScope } from "./own-prices.js";
import { costOf, type Rates } from "./price.js";
import { canonicalProvider, NO_USAGE, type Usage } from "./usage.js";

/** What a model can charge for; the fee per call, `request`, comes on top of the others. */
export const RATE_UNITS = ["input", "cacheRead", "cacheWrite", "output", "image", "request"] as const;
export type RateUnit = (typeof RATE_UNITS)[number];

export const NO_RATES: Rates = {
  input: null,
  cacheRead: null,
  cacheWrite: null,
  output: null,
  image: null,
  request: null,
};

const LONGEST_NAME = 200;
/** At more, the estimate of a call for as many tokens as can be asked for is beyond the safe integers. */
const MOST_PER_MILLION = 900 * NANOS_PER_USD;
const MOST_EACH = 1_000 * NANOS_PER_USD;

/** Whether a rate is for a million of its unit, not for one. */
export function isPerMillion(unit: RateUnit): boolean {
  return unit !== "image" && unit !== "request";
}

/** One spelling of what a price is for, so that each is there once. Throws a usage error for what names nothing. */
export function requireScope(provider: string, model: string): Pick<PriceScope, "provider" | "model"> {
  return { provider: canonicalProvider(name("provider", provider)), model: requireModel(model) };
}

function requireModel(text: string): string {
  const model = name("model", text).toLowerCase();
  if (model !== "") return model;
  throw new AlphaError("usage", "the name of the model is empty", {
    hint: "name a model, or several by a glob such as 'gpt-4o*'; '*' is every model",
  });
}

function name(what: string, text: string): string {
  const trimmed = text.trim();
  if (trimmed.length <= LONGEST_NAME) return trimmed;
  throw new AlphaError("usage", `the name of the ${what} has more than ${LONGEST_NAME} characters`);
}

/** Refuses rates that are none, or beyond anything that is charged. */
export function requireRates(rates: Rates): Rates {
  for (const unit of RATE_UNITS) {
    const rate = rates[unit];
    const most = isPerMillion(unit) ? MOST_PER_MILLION : MOST_EACH;
    if (rate === null || rate <= most) continue;
    const per = unit === "image" ? "image" : unit === "request" ? "call" : "million tokens";
    throw new AlphaError("usage", `${formatUsd(rate)} per ${per} is more than any model costs`, {
      hint: "tokens are priced per million, images and calls each; in US dollars",
    });
  }
  if (RATE_UNITS.some((unit) => unit !== "request" && rates[unit] !== null)) return rates;
  throw new AlphaError(
    "usage",
    rates.request === null
      ? "say what it costs"
      : "a fee per call comes on top of other rates, which are missing",
    { hint: "for example --input 2.5 --output 10, per million tokens, or --image 0.04; 0 is free" },
  );
}

/** A sum worked out at the rates, for whoever set them to see whether it is what was meant. */
export interface WorkedExample {
  readonly usage: Usage;
  readonly cost: Nanos;
}

/** What 1,000 tokens in, 500 out and one image cost, as far as there are rates; with the fee per call, where one is. */
export function workedExamples(rates: Rates): WorkedExample[] {
  const tokens = {
    ...NO_USAGE,
    input: rates.input === null ? 0 : 1_000,
    output: rates.output === null ? 0 : 500,
  };
  const usages = [tokens, { ...NO_USAGE, images: rates.image === null ? 0 : 1 }];
  return usages.flatMap((usage) => {
    const isNothing = usage.input + usage.output + usage.images === 0;
    const cost = isNothing ? null : costOf(usage, rates);
    return cost === null ? [] : [{ usage, cost }];
  });
}

/** A rate that looks as if another unit was meant. */
export interface RateDoubt {
  readonly unit: RateUnit;
  readonly rate: Nanos;
  /** What the price book says; `null`: it does not know the model, and the rate is unlike any other. */
  readonly book: Nanos | null;
  /** What the rate may have been meant for. */
  readonly meant: "token" | "thousand" | null;
}

/** Prices beyond these are not charged by anybody, or only for models that few can use. */
const LEAST_PER_MILLION = NANOS_PER_USD / 200;
/** What a model charges that is not known, give or take a hundred times. */
const USUAL_PER_MILLION = NANOS_PER_USD;
const DEAR_PER_MILLION = 300 * NANOS_PER_USD;
const DEAR_IMAGE = 5 * NANOS_PER_USD;
/** A rate so many times off from the book's is taken for a slip. */
const FAR_OFF = 100;

/** Rates that were perhaps mistyped; per million is easily mistaken for per thousand or per token. */
export function doubtsAbout(rates: Rates, book: Rates | null): RateDoubt[] {
  return RATE_UNITS.flatMap((unit): RateDoubt[] => {
    const rate = rates[unit];
    if (rate === null || rate === 0) return [];
    const known = book?.[unit] ?? null;
    const doubt = { unit, rate, book: known, meant: meantFor(rate, known ?? USUAL_PER_MILLION) };
    if (!isPerMillion(unit)) return rate > DEAR_IMAGE ? [{ ...doubt, book: null, meant: null }] : [];
    if (known === null || known === 0) {
      return rate < LEAST_PER_MILLION || rate > DEAR_PER_MILLION ? [{ ...doubt, book: null }] : [];
    }
    return rate * FAR_OFF <= known || rate >= known * FAR_OFF ? [doubt] : [];
  });
}

function meantFor(rate: Nanos, usual: Nanos): RateDoubt["meant"] {
  if (rate >= usual) return null;
  return rate * 30_000 < usual ? "token" : "thousand";
}
