import { type Nanos, parseUsd } from "../domain/money.js";
import { type Instant, parseDuration, parseInstant } from "../domain/window.js";
import { AlphaError } from "../errors.js";

/** The value of an option that counts something: a whole number of 0 or more, thousands separators allowed. */
export function parseCount(option: string, text: string): number {
  const plain = /^\d{1,3}(,\d{3})+$/.test(text.trim()) ? text.replaceAll(",", "") : text.trim();
  const count = /^\d+$/.test(plain) ? Number(plain) : Number.NaN;
  if (!Number.isSafeInteger(count)) {
    throw new AlphaError("usage", `${option} must be a whole number of 0 or more, not "${text}"`);
  }
  return count;
}

/** The value of an option that is money: US dollars, exact to the nano. */
export function parseMoney(option: string, text: string): Nanos {
  const nanos = parseUsd(text);
  if (nanos === null || nanos < 0) {
    throw new AlphaError("usage", `${option} must be an amount in US dollars of 0 or more, not "${text}"`, {
      hint: "for example 12.50",
    });
  }
  // A limit of 0 disables, which nobody means who writes a digit.
  if (nanos === 0 && /^\D*[0.,]*[1-9]/.test(text)) {
    throw new AlphaError("usage", `${option} "${text}" is less than any amount in US dollars kept here`, {
      hint: "the least is 0.000000001",
    });
  }
  return nanos;
}

/** The value of an option that limits something: a number, or `unlimited` for `null`. */
export function parseLimit(
  option: string,
  text: string,
  parse: (option: string, text: string) => number,
): number | null {
  if (text.trim().toLowerCase() === "unlimited") return null;
  try {
    return parse(option, text);
  } catch (error) {
    if (!(error instanceof AlphaError)) throw error;
    throw new AlphaError("usage", error.message, {
      hint: "0 disables it; the word unlimited removes the limit",
    });
  }
}

export function parseMoment(option: string, text: string): Instant {
  const instant = parseInstant(text);
  if (instant === null) {
    throw new AlphaError("usage", `${option} "${text}" is not an instant`, {
      hint: "write it as 2026-11-22T19:30:00Z",
    });
  }
  return instant;
}

/** The length of a time box in milliseconds. */
export function parseSpan(option: string, text: string): number {
  const span = parseDuration(text);
  if (span === null || span <= 0) {
    throw new AlphaError("usage", `${option} "${text}" is not a length of time`, {
      hint: "for example 90s, 30m, 2h, 1d",
    });
  }
  return span;
}

/** Collects an option that may be given several times. */
export function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
