import type { Fields, RawRecord } from "../importers/importer.js";
import { unwrapReject } from "../importers/rejects.js";
import { unwrapEnvelope } from "./envelope.js";

/** An exponent, or more digits, that could be more than a number holds. */
const HUGE_NUMBER = /\d[eE]\+?\d{3}|\d{309}/;

/** A record whose canonical text is only made when somebody needs it. */
class JsonRecord implements RawRecord {
  readonly problem = null;
  readonly rejected = null;

  constructor(
    readonly line: number,
    readonly fields: Fields,
    private readonly source: string,
  ) {}

  get raw(): string {
    return canonical(this.fields, this.source);
  }

  keep(): this {
    return this;
  }
}

/** The JSON of a value found in `source`, without white space. */
function canonical(value: unknown, source: string): string {
  try {
    // A number that JSON cannot write again would become null there, and with it another record.
    return HUGE_NUMBER.test(source) ? JSON.stringify(value, keepHuge) : JSON.stringify(value);
  } catch (error) {
    // What has too many levels can be parsed, but not written.
    if (error instanceof RangeError) return source;
    throw error;
  }
}

function keepHuge(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** The record that a text of JSON spells, or those in it when it is an envelope. */
export function jsonRecords(text: string, line: number): RawRecord[] {
  const records: RawRecord[] = [];
  addParsed(records, text, line, false);
  return records;
}

/** The same for a line, which is its own canonical text when it is one record. */
export function lineRecords(text: string, line: number): RawRecord[] {
  const records: RawRecord[] = [];
  addParsed(records, text, line, true);
  return records;
}

function addParsed(records: RawRecord[], text: string, line: number, isLine: boolean): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const cut = text.startsWith("{") && !text.endsWith("}");
    records.push(
      unreadable(text, line, cut ? "is cut off: the JSON object does not end" : "is not valid JSON"),
    );
    return;
  }
  if (!isObject(value)) {
    records.push(unreadable(text, line, "is not a JSON object"));
    return;
  }
  if ("rejected" in value) {
    const inner = unwrapReject(value, line);
    if (inner) {
      records.push(inner);
      return;
    }
  }
  const wrapped = unwrapEnvelope(value);
  if (wrapped === null && isLine) {
    records.push({ line, raw: text, fields: value, problem: null, rejected: null });
    return;
  }
  for (const item of wrapped ?? [value]) {
    if (isObject(item)) records.push(new JsonRecord(line, item, text));
    else records.push(unreadable(canonical(item, text), line, "is not a JSON object"));
  }
}

/** What a file holds in place of a record. */
export function unreadable(raw: string, line: number, reason: string): RawRecord {
  return { line, raw, fields: null, problem: { field: null, reason }, rejected: null };
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
