import type { RawRecord } from "../importers/importer.js";
import { lineRecords, unreadable } from "./json-records.js";
import type { LineSink } from "./lines.js";

interface Line {
  readonly text: string;
  readonly number: number;
  /** Why it is no text of JSON. */
  readonly reason: string | null;
}

/** Reads one JSON object a line, which may be an envelope of several records. Blank lines are passed over. */
export class JsonlReader implements LineSink {
  #lines: Line[] = [];

  line(text: string, number: number): void {
    const trimmed = text.trim();
    if (trimmed !== "") this.#lines.push({ text: trimmed, number, reason: null });
  }

  badLine(text: string, number: number, reason: string): void {
    this.#lines.push({ text, number, reason });
  }

  /** The records since the last call. */
  drain(): RawRecord[] {
    return [...this.take()];
  }

  /** The same, each of them read when it is asked for. */
  take(): Iterable<RawRecord> {
    const lines = this.#lines;
    this.#lines = [];
    return recordsOf(lines);
  }

  /** A line is complete by itself. */
  end(): void {}
}

function* recordsOf(lines: readonly Line[]): Generator<RawRecord, void, undefined> {
  for (const { text, number, reason } of lines) {
    if (reason === null) yield* lineRecords(text, number);
    else yield unreadable(text, number, reason);
  }
}
