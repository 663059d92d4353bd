import { parseUsd } from "../../domain/money.js";
import type { Instant } from "../../domain/window.js";
import { type Fields, type ReadContext, type Rejection, reject } from "../importer.js";
import { isRejection, readText, readTime } from "../values.js";

const DAY = 86_400_000;
const HALF_A_CENT = 5_000_000n;
const CENTS = /^[+-]?\$?\d+(?:\.\d{1,2})?$/;

/** Whether a record has any of these columns. */
export function hasAny(sample: Fields, columns: readonly string[]): boolean {
  return columns.some((column) => column in sample);
}

/** The day of UTC of a time. */
export function dayOf(at: Instant): number {
  return Math.floor(at / DAY);
}

/** The day of UTC that a field names. Required. */
export function readUtcDay(fields: Fields, field: string, { now }: ReadContext): number | Rejection {
  const at = readTime(fields, field, now);
  return isRejection(at) ? at : dayOf(at);
}

/** An amount of US dollars in nanos, below 0 for a credit. Required. */
export function readAmount(fields: Fields, field: string): bigint | Rejection {
  const text = readText(fields, field);
  if (isRejection(text)) return text;
  if (text === null) return reject(field, "is missing");
  const nanos = parseUsd(text);
  return nanos === null
    ? reject(field, `is not an amount in US dollars: ${JSON.stringify(text)}`)
    : BigInt(nanos);
}

/** By how many nanos an amount may be rounded: half a cent where it has no more digits than cents, else below one. */
export function roundingOf(amount: unknown): bigint {
  return CENTS.test(String(amount).trim()) ? HALF_A_CENT : 1n;
}
