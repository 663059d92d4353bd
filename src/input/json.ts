import type { RawRecord } from "../importers/importer.js";
import { addRecords, unreadable } from "./json-records.js";
import type { RecordSink } from "./json-splitter.js";

/** Reads the texts that a `JsonSplitter` cuts out. */
export class JsonReader implements RecordSink {
  #records: RawRecord[] = [];

  record(text: string, line: number): void {
    addRecords(this.#records, text, line);
  }

  badRecord(text: string, line: number, reason: string): void {
    this.#records.push(unreadable(text, line, reason));
  }

  /** The records since the last call. */
  take(): Iterable<RawRecord> {
    const records = this.#records;
    this.#records = [];
    return records;
  }
}
