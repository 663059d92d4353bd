import type { RawRecord } from "../importers/importer.js";
import { addLine, unreadable } from "./json-records.js";
import type { LineSink } from "./lines.js";

/** Reads one JSON object a line, which may be an envelope of several records. Blank lines are passed over. */
export class JsonlReader implements LineSink {
  #records: RawRecord[] = [];

  line(text: string, number: number): void {
    const raw = text.trim();
    if (raw !== "") addLine(this.#records, raw, number);
  }

  badLine(text: string, number: number, reason: string): void {
    this.#records.push(unreadable(text, number, reason));
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
