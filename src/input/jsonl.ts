import type { Fields, RawRecord } from "../importers/importer.js";
import { unwrapReject } from "../importers/rejects.js";
import type { LineSink } from "./lines.js";

/** Reads one JSON object a line. Blank lines are passed over. */
export class JsonlReader implements LineSink {
  #records: RawRecord[] = [];

  line(text: string, number: number): void {
    const raw = text.trim();
    if (raw !== "") this.#records.push(parseLine(raw, number));
  }

  badLine(text: string, number: number, reason: string): void {
    this.#records.push(unparsed(text, number, reason));
  }

  /** The records since the last call. */
  drain(): RawRecord[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }

  /** A line is complete by itself. */
  end(): void {}
}

function parseLine(raw: string, line: number): RawRecord {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    const cut = raw.startsWith("{") && !raw.endsWith("}");
    return unparsed(raw, line, cut ? "is cut off: the JSON object does not end" : "is not valid JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return unparsed(raw, line, "is not a JSON object");
  }
  const fields = value as Fields;
  if ("rejected" in fields) {
    const inner = unwrapReject(fields, line);
    if (inner) return inner;
  }
  return { line, raw, fields, problem: null, occurrence: null };
}

function unparsed(raw: string, line: number, reason: string): RawRecord {
  return { line, raw, fields: null, problem: { field: null, reason }, occurrence: null };
}
