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
