import { AlphaError } from "../errors.js";
import { firstDayOfMonth, parseDay, parseMonth } from "./window.js";

/** A range of accounting days, `to` exclusive. */
export interface DayRange {
  readonly from: number;
  readonly to: number;
}

function requireDay(option: string, text: string): number {
  const day = parseDay(text);
  if (day === null) {
    throw new AlphaError("usage", `${option} "${text}" is not a day`, { hint: "write it as 2026-11-22" });
  }
  return day;
}

/**
 * The days that `--month`, `--since` and `--until` name; without any, the running month.
 * @param today the running accounting day
 * @param thisMonth the running accounting month
 */
export function rangeOf(
  options: { readonly month?: string; readonly since?: string; readonly until?: string },
  today: number,
  thisMonth: number,
): DayRange {
  if (options.month !== undefined) {
    if (options.since !== undefined || options.until !== undefined) {
      throw new AlphaError("usage", "--month names all of a month; leave out --since and --until");
    }
    const month = parseMonth(options.month);
    if (month === null) {
      throw new AlphaError("usage", `--month "${options.month}" is not a month`, {
        hint: "write it as 2026-11",
      });
    }
    return { from: firstDayOfMonth(month), to: firstDayOfMonth(month + 1) };
  }
  if (options.since === undefined && options.until === undefined) {
    return { from: firstDayOfMonth(thisMonth), to: firstDayOfMonth(thisMonth + 1) };
  }
  const to = options.until === undefined ? today + 1 : requireDay("--until", options.until);
  const from = options.since === undefined ? Number.MIN_SAFE_INTEGER : requireDay("--since", options.since);
  if (from >= to) {
    throw new AlphaError("usage", "the range holds no day: --until is exclusive and must be after --since");
  }
  return { from, to };
}
