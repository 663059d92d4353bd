import type { Fields } from "../importers/importer.js";

/** Where the records are inside an object: in a list of its own, or deeper, in the objects of a list. */
export interface Shape {
  readonly [key: string]: "records" | Shape;
}

/** The objects that services wrap pages of records into, and what OTLP wraps spans into. */
export const ENVELOPE: Shape = {
  logs: "records",
  data: "records",
  records: "records",
  resourceSpans: { scopeSpans: { spans: "records" } },
};

const KEYS = Object.keys(ENVELOPE);

/** What only records have. An object with one of them is a record itself, whatever lists it holds. */
const RECORD_KEYS = ["id", "timestamp", "model", "usage"];

export function isRecordKey(key: string): boolean {
  return RECORD_KEYS.includes(key);
}

/** The records inside an envelope, which may be of any kind; `null` when these are the fields of a record. */
export function unwrapEnvelope(fields: Fields): unknown[] | null {
  if (!KEYS.some((key) => key in fields)) return null;
  if (RECORD_KEYS.some((key) => key in fields)) return null;
  return recordsOf(fields, ENVELOPE);
}

function recordsOf(fields: Fields, shape: Shape): unknown[] | null {
  let found: unknown[] | null = null;
  for (const [key, inner] of Object.entries(shape)) {
    const list = fields[key];
    if (!Array.isArray(list)) continue;
    const records = inner === "records" ? list : list.flatMap((item) => recordsIn(item, inner));
    found = found === null ? records : found.concat(records);
  }
  return found;
}

function recordsIn(item: unknown, shape: Shape): unknown[] {
  return typeof item === "object" && item !== null ? (recordsOf(item as Fields, shape) ?? []) : [];
}
