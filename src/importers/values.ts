import type { Nanos } from "../domain/money.js";
import { EARLIEST_USAGE, MOST_AHEAD, MOST_TEXT, UNSTORABLE } from "../domain/usage.js";
import type { Instant } from "../domain/window.js";
import { type Fields, type Rejection, reject } from "./importer.js";
import {
  isPlainText,
  isUnclearUsd,
  quickCount,
  quickInstant,
  quickUsd,
  quickUsdFromNumber,
} from "./quick-values.js";

const SHOWN = 40;

const COUNT = /^\+?(\d+)(?:\.(\d*))?(?:[eE]\+?(\d{1,3}))?$/;
/** A thousand as many a spreadsheet writes it, or 1 with three decimals. */
const UNCLEAR_COUNT = /^\+?[1-9]\d{0,2}\.000$/;
const NEGATIVE = /^-\d/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A value as it is quoted in a reason, cut to a readable length. */
function show(value: unknown): string {
  const text = typeof value === "number" || typeof value === "bigint" ? String(value) : toJson(value);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 1)}…`;
}

/** JSON of any depth can be parsed, but not written. */
function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return "an object of too many levels";
    throw error;
  }
}

export function isRejection(value: unknown): value is Rejection {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === "rejection";
}

/** `null`, `undefined` and blank text all say that nothing was stated. */
export function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

/**
 * A count: a non-negative safe integer, as a number or as text such as `12`, `1e3`, `10.0`. `null` when absent. What may
 * be a thousand times as much is rejected.
 */
export function readCount(fields: Fields, field: string): number | null | Rejection {
  const value = fields[field];
  if (typeof value === "number") {
    // Adding 0 turns -0 into 0.
    return Number.isSafeInteger(value) && value >= 0 ? value + 0 : reject(field, notCount(value));
  }
  if (typeof value === "string") {
    const quick = quickCount(value);
    if (quick >= 0) return quick;
    const text = value.trim();
    if (text === "") return null;
    if (UNCLEAR_COUNT.test(text)) return reject(field, unclear("point", value));
    return parseCount(text) ?? reject(field, notCount(value));
  }
  return value === undefined || value === null ? null : reject(field, `is not a number: ${show(value)}`);
}

/** Digit by digit rather than by `Number`, which rounds `1.0000000000000000001` to a whole number. */
function parseCount(text: string): number | null {
  const match = COUNT.exec(text);
  if (!match) return null;
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  const exponent = Number(match[3] ?? 0);
  if (fraction.length > exponent) return null;
  const count = Number(`${match[1]}${fraction.padEnd(exponent, "0")}`);
  return Number.isSafeInteger(count) ? count : null;
}

function notCount(value: number | string): string {
  const number = typeof value === "number" ? value : NUMBER.test(value.trim()) ? Number(value) : Number.NaN;
  if (Number.isNaN(number)) return `is not a number: ${show(value)}`;
  if (number < 0 || (typeof value === "string" && NEGATIVE.test(value.trim()))) {
    return `is negative: ${show(value)}`;
  }
  if (number > Number.MAX_SAFE_INTEGER) return `is too large to be counted exactly: ${show(value)}`;
  return `is not a whole number: ${show(value)}`;
}

function unclear(separator: "point" | "comma", value: string): string {
  return `is unclear, since its ${separator} may separate thousands or decimals: ${show(value)}`;
}

/** A cost in US dollars as a number or as decimal text, at least 0. `null` when absent. */
export function readCost(fields: Fields, field: string): Nanos | null | Rejection {
  const value = fields[field];
  if (isAbsent(value)) return null;
  if (typeof value !== "number" && typeof value !== "string") {
    return reject(field, `is not an amount in US dollars: ${show(value)}`);
  }
  if (typeof value === "string" && isUnclearUsd(value)) return reject(field, unclear("comma", value));
  const nanos = typeof value === "number" ? quickUsdFromNumber(value) : quickUsd(value);
  if (nanos === null) return reject(field, `is not an amount in US dollars: ${show(value)}`);
  return nanos < 0 ? reject(field, `is negative: ${show(value)}`) : nanos;
}

/** The instant of a record. Required; times without a zone are UTC. */
export function readTime(fields: Fields, field: string, now: Instant): Instant | Rejection {
  const value = fields[field];
  if (isAbsent(value)) return reject(field, "is missing");
  if (typeof value !== "string" && typeof value !== "number") {
    return reject(field, `is not a time: ${show(value)}`);
  }
  const at = quickInstant(typeof value === "string" ? value.trim() : String(value));
  if (at === null) return reject(field, `is not a time: ${show(value)}`);
  if (at < EARLIEST_USAGE) return reject(field, `is before 2015: ${show(value)}`);
  if (at > now + MOST_AHEAD) return reject(field, `is more than 24 hours in the future: ${show(value)}`);
  return at;
}

/** A name or an id, trimmed; a number is taken as its digits. `null` when absent. */
export function readText(fields: Fields, field: string): string | null | Rejection {
  const value = fields[field];
  if (typeof value === "string") {
    const text = value.trim();
    if (text === "") return null;
    if (text.length > MOST_TEXT)
      return reject(field, `is longer than ${MOST_TEXT} characters: ${show(text)}`);
    if (!isPlainText(text) && UNSTORABLE.test(text))
      return reject(field, `contains characters that are not text: ${show(text)}`);
    return text;
  }
  if (value === undefined || value === null) return null;
  if (typeof value !== "number") return reject(field, `is not text: ${show(value)}`);
  // A larger integer was rounded when the JSON was parsed, and two ids may have become one.
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    return reject(field, `is too large for a number, write it in quotes: ${show(value)}`);
  }
  return String(value);
}
