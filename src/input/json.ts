import type { RawRecord } from "../importers/importer.js";
import { jsonRecords, unreadable } from "./json-records.js";
import type { RecordSink } from "./json-splitter.js";

interface Text {
  readonly text: string;
  readonly line: number;
  /** Why it cannot be a record. */
  readonly reason: string | null;
}

/** Reads the texts that a `JsonSplitter` cuts out, of which there may be many at once. */
export class JsonReader implements RecordSink {
  #texts: Text[] = [];

  record(text: string, line: number): void {
    this.#texts.push({ text, line, reason: null });
  }

  badRecord(text: string, line: number, reason: string): void {
    this.#texts.push({ text, line, reason });
  }

  /** The records since the last call, each of them read when it is asked for. */
  take(): Iterable<RawRecord> {
    const texts = this.#texts;
    this.#texts = [];
    return recordsOf(texts);
  }
}

function* recordsOf(texts: readonly Text[]): Generator<RawRecord, void, undefined> {
  for (const { text, line, reason } of texts) {
    if (reason === null) yield* jsonRecords(text, line);
    else yield unreadable(text, line, reason);
  }
}
