import { Option } from "commander";
import { METERS, type Meter, PERIODS, type Period } from "../../../domain/meter.js";
import { parseCount, parseLimit, parseMoney } from "../../values.js";

/** The options that limit something: `--daily-tokens`, …, and the keys under which commander hands them over. */
const QUOTA_OPTIONS: readonly {
  readonly flag: string;
  readonly key: string;
  readonly meter: Meter;
  readonly period: Period;
}[] = PERIODS.flatMap((period) =>
  METERS.map((meter) => {
    const adverb = period === "day" ? "daily" : "monthly";
    const capital = `${meter[0]!.toUpperCase()}${meter.slice(1)}`;
    return { flag: `--${adverb}-${meter}`, key: `${adverb}${capital}`, meter, period };
  }),
);

export function quotaOptions(): Option[] {
  return QUOTA_OPTIONS.map(({ flag, meter, period }) => {
    const what = meter === "cost" ? "US dollars" : meter;
    const value = meter === "cost" ? "usd" : "n";
    return new Option(`${flag} <${value}>`, `${what} a ${period}, or unlimited`);
  });
}

/** The limits that were given; `limit: null`: unlimited. */
export function quotasGiven(
  options: object,
): { readonly meter: Meter; readonly period: Period; readonly limit: number | null }[] {
  const limits = options as Readonly<Record<string, unknown>>;
  return QUOTA_OPTIONS.flatMap(({ flag, key, meter, period }) => {
    const text = limits[key];
    if (typeof text !== "string") return [];
    return [{ meter, period, limit: parseLimit(flag, text, meter === "cost" ? parseMoney : parseCount) }];
  });
}
