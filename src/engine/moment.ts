import { calendar, type Instant, parseDay, parseInstant } from "../domain/window.js";
import { AlphaError } from "../errors.js";

/**
 * The instant that an option names: a day is its beginning in the accounting zone.
 * @throws AlphaError `usage` for what is neither a day nor an instant
 */
export function momentOf(option: string, text: string, timeZone: string): Instant {
  const day = parseDay(text.trim());
  const instant = day === null ? parseInstant(text) : calendar(timeZone).window("day", day).start;
  if (instant !== null) return instant;
  throw new AlphaError("usage", `${option} "${text}" is neither a day nor an instant`, {
    hint: "write it as 2026-11-22 or 2026-11-22T19:30:00Z",
  });
}

/** What `--since` and `--until` bound, half-open; infinite where one is left out. */
export interface Moments {
  readonly from: Instant;
  readonly to: Instant;
}

/** @throws AlphaError `usage` for what is neither a day nor an instant, and for a range that holds nothing */
export function momentsOf(
  { since, until }: { readonly since?: string | undefined; readonly until?: string | undefined },
  timeZone: string,
): Moments {
  const from = since === undefined ? Number.NEGATIVE_INFINITY : momentOf("--since", since, timeZone);
  const to = until === undefined ? Number.POSITIVE_INFINITY : momentOf("--until", until, timeZone);
  if (from < to) return { from, to };
  throw new AlphaError("usage", "the range holds nothing: --until is exclusive and must be after --since");
}

/** The bounds that there are, as filters have them. */
export function boundsOf({ from, to }: Moments): { readonly since?: Instant; readonly until?: Instant } {
  return {
    ...(Number.isFinite(from) ? { since: from } : {}),
    ...(Number.isFinite(to) ? { until: to } : {}),
  };
}
