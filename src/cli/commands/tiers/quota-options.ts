import { METERS, type Meter, PERIODS, type Period } from "../../../domain/meter.js";

/** The options that limit something: `--daily-tokens`, …, and the keys under which commander hands them over. */
export const QUOTA_OPTIONS: readonly {
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
