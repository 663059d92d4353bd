import type { Fields, RawRecord } from "../importers/importer.js";
import type { QuickEntry } from "./byte-lines.js";
import { type Container, detectContainer, needsNext, SNIFFED_BYTES } from "./container.js";
import { CsvReader } from "./csv.js";
import { JsonReader } from "./json.js";
import { JsonSplitter } from "./json-splitter.js";
import { JsonlReader } from "./jsonl.js";
import { LineSplitter } from "./lines.js";

const LF = 0x0a;

/** What cuts the bytes of a file, and what reads the pieces. */
interface Reading {
  readonly splitter: LineSplitter | JsonSplitter;
  readonly reader: JsonlReader | JsonReader | CsvReader;
}

/**
 * Turns the bytes of a file into raw records; tells JSONL, JSON and CSV by the first line that is not blank, unless told
 * which.
 */
export class RecordReader {
  readonly #name: string;
  readonly #forced: Container | null;
  #reading: Reading | null = null;
  /** What was read before the container is known, from the beginning of a line. */
  #head: Buffer = Buffer.alloc(0);
  #linesBefore = 0;
  #cutOff = false;

  /** `name` is the file's, for errors. */
  constructor(name: string, forced: Container | null) {
    this.#name = name;
    this.#forced = forced;
  }

  push(chunk: Buffer): void {
    if (this.#reading) {
      this.#reading.splitter.push(chunk);
      return;
    }
    this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const first = this.#passBlankLines();
    if (first < 0) return;
    const end = this.#head.indexOf(LF, first);
    if (this.#head.length >= SNIFFED_BYTES || (end >= 0 && this.#isEnough(end))) this.#open(end);
  }

  #isEnough(end: number): boolean {
    return this.#forced !== null || this.#nextAfter(end) !== "" || !needsNext(this.#head.subarray(0, end));
  }

  /** The first character of the head after an end of a line; empty without one. */
  #nextAfter(end: number): string {
    const at = this.#head.subarray(end).findIndex((byte) => !isSpace(byte));
    return at < 0 ? "" : this.#head.toString("latin1", end + at, end + at + 1);
  }

  /** Ends the last record. */
  end(): void {
    const first = this.#reading ? -1 : this.#passBlankLines();
    if (first >= 0) {
      const end = this.#head.indexOf(LF, first);
      this.#open(end < 0 ? this.#head.length : end);
    }
    const { splitter, reader } = this.#reading ?? {};
    if (splitter instanceof JsonSplitter) this.#cutOff = !splitter.end();
    else splitter?.end();
    if (!(reader instanceof JsonReader)) reader?.end();
  }

  /** From now on plain records are read into `entry` as well, where the container has a way to. */
  quicken(entry: QuickEntry): void {
    const { reader } = this.#reading ?? {};
    if (reader !== undefined && !(reader instanceof JsonReader)) reader.quicken(entry);
  }

  /** The records since the last call, each of them read when it is asked for: few of them are there at a time, then. */
  take(): Iterable<RawRecord> {
    return this.#reading?.reader.take() ?? [];
  }

  /** The lines begun so far. */
  get lines(): number {
    return this.#reading?.splitter.lines ?? this.#linesBefore;
  }

  /** Whether every line so far was blank. */
  get isBlank(): boolean {
    return this.#reading === null;
  }

  /** After `end`: whether the file ends before what holds its records does. */
  get isCutOff(): boolean {
    return this.#cutOff;
  }

  /** The header of a CSV file as a record with nothing in it; `null` for the others. */
  headerFields(): Fields | null {
    const reader = this.#reading?.reader;
    const header = reader instanceof CsvReader ? reader.header : null;
    return header && Object.fromEntries(header.map((column) => [column, ""]));
  }

  /** Forgets blank lines, and returns where in the head the first other line has its first character; -1 without one. */
  #passBlankLines(): number {
    let line = 0;
    let at = 0;
    for (; at < this.#head.length && isSpace(this.#head[at]!); at++) {
      if (this.#head[at] !== LF) continue;
      this.#linesBefore++;
      line = at + 1;
    }
    this.#head = this.#head.subarray(line);
    return at - line < this.#head.length ? at - line : -1;
  }

  /** `end` is where the first line ends in the head; -1 when it does not. */
  #open(end: number): void {
    const isWhole = end >= 0 && end <= SNIFFED_BYTES;
    const start = this.#head.subarray(0, isWhole ? end : SNIFFED_BYTES);
    const line = { start, isWhole, next: isWhole ? this.#nextAfter(end) : "" };
    const container = this.#forced ?? detectContainer(line, this.#name);
    this.#reading = makeReading(container, this.#name, this.#linesBefore);
    this.#reading.splitter.push(this.#head);
    this.#head = Buffer.alloc(0);
  }
}

function makeReading(container: Container, name: string, linesBefore: number): Reading {
  if (container === "json") {
    const reader = new JsonReader();
    return { reader, splitter: new JsonSplitter(reader, linesBefore) };
  }
  const reader = container === "jsonl" ? new JsonlReader() : new CsvReader(name);
  return { reader, splitter: new LineSplitter(reader, linesBefore) };
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
