import type { ConditionalPrice, ModelInfo, ModelPrice } from "@pydantic/genai-prices";
import { usdFromNumber } from "../domain/money.js";
import type { Rates } from "../domain/price.js";
import type { BookModel, BookPeriod } from "../domain/price-book.js";
import type { Instant } from "../domain/window.js";

/** One model's prices, resolved to nanos once so that a lookup only compares numbers. Latest rule first. */
export type RateTable = readonly Period[];

interface Period extends Times {
  readonly applies: (at: Instant) => boolean;
  /** By prompt size, largest first; the last one has no lower bound. */
  readonly bands: readonly Band[];
  readonly dearest: Rates | null;
}

/** When a rule applies. */
type Times = Pick<BookPeriod, "from" | "hours">;

interface Band {
  /** The band is for calls with more input tokens than this. */
  readonly above: number;
  readonly rates: Rates | null;
}

const DAY = 86_400_000;

/**
 * The package's data holds no price of zero: models that are free and models whose price nobody entered both have an
 * empty price list, which its calculator totals to $0. Only OpenRouter's `:free` variants are known to cost nothing.
 */
export function modelTable(provider: string, { id, prices }: Pick<ModelInfo, "id" | "prices">): RateTable {
  const isFree =
    provider === "openrouter" &&
    id.endsWith(":free") &&
    !Array.isArray(prices) &&
    Object.keys(prices).length === 0;
  return rateTable(isFree ? { input_mtok: 0, output_mtok: 0 } : prices);
}

export function rateTable(prices: ModelInfo["prices"]): RateTable {
  const rules: ConditionalPrice[] = Array.isArray(prices) ? prices : [{ prices }];
  const periods = rules.map(({ constraint, prices }) => period(timesOf(constraint), prices));
  const [first] = periods;
  if (first === undefined) return [];
  // As in the package, the first rule also serves whenever none applies.
  return [...periods.reverse(), { ...first, applies: () => true }];
}

export function ratesIn(table: RateTable, at: Instant, inputTokens: number): Rates | null {
  for (const { applies, bands } of table) {
    if (!applies(at)) continue;
    for (const band of bands) if (inputTokens > band.above) return band.rates;
  }
  return null;
}

export function dearestIn(table: RateTable, at: Instant): Rates | null {
  return table.find(({ applies }) => applies(at))?.dearest ?? null;
}

/** What the table says, for people; `null` where it has no rate at all. */
export function described(table: RateTable, at: Instant): Pick<BookModel, "periods" | "current"> | null {
  const inForce = table.find(({ applies }) => applies(at));
  // Without the last, which repeats the first rule for whenever none applies.
  const periods = table.slice(0, -1).reverse();
  if (periods.every(({ dearest }) => dearest === null)) return null;
  return { periods: periods.map(toPeriod), current: inForce === undefined ? null : toPeriod(inForce) };
}

function toPeriod({ from, hours, bands }: Period): BookPeriod {
  const upwards = [...bands].reverse();
  return {
    from,
    hours,
    bands: upwards.map(({ above, rates }) => ({ above: above < 0 ? null : above, rates })),
  };
}

function timesOf(constraint: ConditionalPrice["constraint"]): Times {
  if (constraint === undefined) return { from: null, hours: null };
  if (constraint.type === "start_date") return { from: Date.parse(constraint.start_date), hours: null };
  const hours = { from: timeOfDay(constraint.start_time), to: timeOfDay(constraint.end_time) };
  return { from: null, hours };
}

function appliesIn({ from, hours }: Times): (at: Instant) => boolean {
  if (from !== null) return (at) => at >= from;
  if (hours === null) return () => true;
  return (at) => {
    const time = modDay(at);
    return hours.from <= hours.to
      ? time >= hours.from && time < hours.to
      : time >= hours.from || time < hours.to;
  };
}

/** Milliseconds since UTC midnight of a time such as `16:30:00Z`. */
function timeOfDay(time: string): number {
  return modDay(Date.parse(`1970-01-01T${time}`));
}

function modDay(at: Instant): number {
  return ((at % DAY) + DAY) % DAY;
}

function period(times: Times, prices: ModelPrice): Period {
  const starts = new Set<number>();
  for (const price of Object.values(prices)) {
    if (typeof price === "object") for (const tier of price.tiers) starts.add(tier.start);
  }
  const bands = [-1, ...starts]
    .sort((a, b) => b - a)
    .map((above) => ({ above, rates: ratesOf(prices, above) }));
  const dearest = bands.map((band) => band.rates).reduce(dearer);
  return { ...times, applies: appliesIn(times), bands, dearest };
}

function ratesOf(prices: ModelPrice, above: number): Rates | null {
  const rate = (key: string) => {
    const usd = priceOf(prices[key], above);
    return usd === undefined ? null : usdFromNumber(usd);
  };
  const input = rate("input_mtok");
  const perThousandRequests = rate("requests_kcount");
  const rates: Rates = {
    input,
    // The package, too, counts cached tokens as plain input where the model has no rate for them.
    cacheRead: rate("cache_read_mtok") ?? input,
    cacheWrite: rate("cache_write_mtok") ?? input,
    output: rate("output_mtok"),
    // The package prices image tokens and pixels, but has no unit for a whole image.
    image: null,
    request: perThousandRequests === null ? null : Math.round(perThousandRequests / 1_000),
  };
  return Object.values(rates).every((value) => value === null) ? null : rates;
}

/** The price for prompts of more than `above` tokens, where no tier starts in between. */
function priceOf(price: ModelPrice[string], above: number): number | undefined {
  if (typeof price !== "object") return price;
  const tier = price.tiers
    .filter(({ start }) => start <= above)
    .reduce<(typeof price.tiers)[number] | undefined>((a, b) => (a && a.start > b.start ? a : b), undefined);
  return tier === undefined ? price.base : tier.price;
}

function dearer(a: Rates | null, b: Rates | null): Rates | null {
  if (a === null || b === null) return a ?? b;
  return {
    input: higher(a.input, b.input),
    cacheRead: higher(a.cacheRead, b.cacheRead),
    cacheWrite: higher(a.cacheWrite, b.cacheWrite),
    output: higher(a.output, b.output),
    image: higher(a.image, b.image),
    request: higher(a.request, b.request),
  };
}

function higher(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
