import type { Fields, Problem, RawRecord } from "./importer.js";

/** A record that was not counted, as the rejects file keeps it. */
export interface Reject extends Problem {
  /** The file as it was named, or `stdin`. */
  readonly file: string;
  readonly line: number;
  /** Which of the equal records of the file it was; `null` when it has an id of its own. */
  readonly occurrence: number | null;
  readonly raw: string;
}

/** One line of a rejects file, without the line break. Importing the file reads the raw record in it again. */
export function rejectLine(reject: Reject): string {
  const { file, line, field, reason, occurrence, raw } = reject;
  return JSON.stringify({ rejected: { file, line, field, reason, occurrence }, raw });
}

/**
 * The record inside a line of a rejects file, at `line` of the file being read; `null` when these are the fields of
 * something else. It keeps the occurrence it had, and with it its identity.
 */
export function unwrapReject(fields: Fields, line: number): RawRecord | null {
  const { rejected, raw } = fields;
  if (typeof raw !== "string" || !isObject(rejected)) return null;
  const occurrence = isOccurrence(rejected.occurrence) ? rejected.occurrence : null;
  const inner = parseObject(raw);
  if (inner) return { line, raw, fields: inner, problem: null, occurrence };
  const problem = { field: "raw", reason: "the rejected record inside is not a JSON object" };
  return { line, raw, fields: null, problem, occurrence };
}

function parseObject(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOccurrence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
