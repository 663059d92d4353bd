import { isRawId } from "./identity.js";
import type { Fields, Problem, RawRecord, RejectedAs } from "./importer.js";

/** A record that was not counted, as the rejects file keeps it. */
export interface Reject extends Problem, RejectedAs {
  /** The file as it was named, or `stdin`. */
  readonly file: string;
  readonly line: number;
  readonly raw: string;
}

/** One line of a rejects file, without the line break. Importing the file reads the raw record in it again. */
export function rejectLine(reject: Reject): string {
  const { file, line, field, reason, format, identity, raw } = reject;
  return JSON.stringify({ rejected: { file, line, field, reason, format, identity }, raw });
}

/**
 * The record inside a line of a rejects file, at `line` of the file being read; `null` when these are the fields of
 * something else. It keeps the format and the identity that it had.
 */
export function unwrapReject(fields: Fields, line: number): RawRecord | null {
  const { rejected: envelope, raw } = fields;
  if (typeof raw !== "string" || !isObject(envelope)) return null;
  const { format, identity } = envelope;
  const rejected = {
    format: typeof format === "string" ? format : null,
    identity: isRawId(identity) ? identity : null,
  };
  const inner = parseObject(raw);
  if (inner) return { line, raw, fields: inner, problem: null, rejected };
  const problem = { field: "raw", reason: "the rejected record inside is not a JSON object" };
  return { line, raw, fields: null, problem, rejected };
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
