import { moneyJson, type Nanos, usdString } from "../../domain/money.js";
import type { Rates } from "../../domain/price.js";
import type { PriceBand } from "../../domain/price-book.js";
import type { Column } from "../table.js";
import { count } from "../text.js";

/** A rate to the last digit, since rates are compared with price lists: `$2.50`, `$0.003625`. */
export function rateText(rate: Nanos | null): string {
  if (rate === null) return "-";
  const [whole = "0", fraction = ""] = usdString(rate).split(".");
  return `$${count(BigInt(whole))}.${fraction.padEnd(2, "0")}`;
}

export function ratesJson(rates: Rates) {
  const money = (rate: Nanos | null) => (rate === null ? null : moneyJson(rate));
  return {
    input_per_million: money(rates.input),
    cached_input_per_million: money(rates.cacheRead),
    cache_write_per_million: money(rates.cacheWrite),
    output_per_million: money(rates.output),
    per_image: money(rates.image),
    per_call: money(rates.request),
  };
}

const UNITS = [
  ["input", "input_usd_per_million", "INPUT", 1],
  ["cacheRead", "cached_input_usd_per_million", "CACHED", 6],
  ["cacheWrite", "cache_write_usd_per_million", "WRITTEN", 7],
  ["output", "output_usd_per_million", "OUTPUT", 1],
  ["image", "image_usd", "IMAGE", 1],
  ["request", "call_usd", "CALL", 8],
] as const;

/** A column for each unit; on a terminal those without a rate in any row are left out. */
export function rateColumns<Row>(
  rows: readonly Row[],
  of: (row: Row) => Rates | null,
  forPeople: boolean,
): Column<Row>[] {
  return UNITS.flatMap(([unit, key, header, priority]): Column<Row>[] => {
    const rate = (row: Row) => of(row)?.[unit] ?? null;
    if (forPeople && rows.every((row) => rate(row) === null)) return [];
    return [
      {
        key,
        header,
        priority,
        align: "right",
        text: (row) => rateText(rate(row)),
        value: (row) => {
          const nanos = rate(row);
          return nanos === null ? null : usdString(nanos);
        },
      },
    ];
  });
}

/** For which prompts the rates of a band are; empty where they are for all. */
export function bandText(band: PriceBand, bands: readonly PriceBand[]): string {
  if (bands.length < 2) return "";
  const next = bands[bands.indexOf(band) + 1];
  const above = band.above === null ? "" : `above ${count(band.above)}`;
  const upTo = next?.above == null ? "" : `up to ${count(next.above)}`;
  return `${[above, upTo].filter((part) => part !== "").join(" ")} input tokens`;
}

/** Hours of each day, in UTC: `16:30-00:30 UTC`. */
export function hoursText({ from, to }: { readonly from: number; readonly to: number }): string {
  const time = (ms: number) => new Date(ms).toISOString().slice(11, 16);
  return `${time(from)}-${time(to)} UTC`;
}

export const RATES_NOTE = "US dollars per million tokens; IMAGE and CALL each.";
