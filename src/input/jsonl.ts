import type { RawRecord } from "../importers/importer.js";
import { ByteLine, type QuickEntry } from "./byte-lines.js";
import { lineRecords, unreadable } from "./json-records.js";
import type { LineSink } from "./lines.js";
import { QuickJson } from "./quick-json.js";

interface Line {
  readonly text: string;
  readonly number: number;
  /** Why it is no text of JSON. */
  readonly reason: string | null;
}

/** Reads one JSON object a line, which may be an envelope of several records. Blank lines are passed over. */
export class JsonlReader implements LineSink {
  #lines: (Line | ByteLine)[] = [];
  #quick: { readonly json: QuickJson; readonly entry: QuickEntry } | null = null;

  line(text: string, number: number): void {
    const trimmed = text.trim();
    if (trimmed !== "") this.#lines.push({ text: trimmed, number, reason: null });
  }

  badLine(text: string, number: number, reason: string): void {
    this.#lines.push({ text, number, reason });
  }

  /** From now on the records of plain lines are in `entry` as well, each until the next one is read. */
  quicken(entry: QuickEntry): void {
    this.#quick = { json: new QuickJson(entry.native), entry };
  }

  takesBytes(): boolean {
    return true;
  }

  byteLine(block: Buffer, start: number, end: number, number: number): void {
    this.#lines.push(new ByteLine(block, start, end, number, asItIs));
  }

  /** The records since the last call, each of them read when it is asked for. */
  take(): Iterable<RawRecord> {
    const lines = this.#lines;
    this.#lines = [];
    return this.#recordsOf(lines);
  }

  /** A line is complete by itself. */
  end(): void {}

  *#recordsOf(lines: readonly (Line | ByteLine)[]): Generator<RawRecord, void, undefined> {
    for (const line of lines) {
      if (line instanceof ByteLine) yield* this.#readBytes(line);
      else if (line.reason === null) yield* lineRecords(line.text, line.number);
      else yield unreadable(line.text, line.number, line.reason);
    }
  }

  *#readBytes(line: ByteLine): Generator<RawRecord, void, undefined> {
    const { json, entry } = this.#quick ?? {};
    if (json?.read(line) === true && entry !== undefined) {
      entry.record = line;
      yield line;
      return;
    }
    const text = line.text.trim();
    if (text === "") return;
    const records = lineRecords(text, line.line);
    const [only] = records;
    if (only?.raw === text && only.fields !== null) json?.learn(text);
    yield* records;
  }
}

function asItIs(text: string): string {
  return text;
}
