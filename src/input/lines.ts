import { isAscii, isUtf8 } from "node:buffer";

const LF = 0x0a;
const CR = 0x0d;
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;
/** How much of a line too long to be kept is shown. */
export const KEPT_BYTES = 1000;

/** What lines are given to, in the order of the file. A method for each line rather than a list saves the list. */
export interface LineSink {
  /** A line without its line break. Lines are numbered from 1. */
  line(text: string, number: number): void;
  /** A line that is no text, or too long: what can be shown of it, and why. */
  badLine(text: string, number: number, reason: string): void;
  /** Whether it takes the lines of a block of ASCII as bytes, each by `byteLine`. */
  takesBytes?(block: Buffer): boolean;
  /** As `line`; `end` is one past the last byte. */
  byteLine?(block: Buffer, start: number, end: number, number: number): void;
}

/** Cuts bytes into lines of UTF-8, ended by LF or CRLF. Keeps at most one unfinished line. */
export class LineSplitter {
  readonly #sink: LineSink;
  /** The beginning of a line whose end has not come yet. */
  #carry: Buffer[] = [];
  #carried = 0;
  #lines: number;

  /** `linesBefore` were read by somebody else. */
  constructor(sink: LineSink, linesBefore = 0) {
    this.#sink = sink;
    this.#lines = linesBefore;
  }

  /** The lines begun so far. */
  get lines(): number {
    return this.#lines + (this.#carried > 0 ? 1 : 0);
  }

  push(chunk: Buffer): void {
    let start = 0;
    if (this.#carried > 0) {
      const end = chunk.indexOf(LF);
      if (end < 0) {
        this.#keep(chunk);
        return;
      }
      this.#keep(chunk.subarray(0, end));
      this.#emitCarry();
      start = end + 1;
    }
    const last = chunk.lastIndexOf(LF);
    if (last >= start) {
      this.#emitBlock(chunk.subarray(start, last));
      start = last + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** Emits the last line, if the file does not end with a line break. */
  end(): void {
    if (this.#carried > 0) this.#emitCarry();
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#carried += bytes.length;
    this.#carry.push(bytes);
    if (this.#carried > MAX_RECORD_BYTES) {
      // It is too long already, and only its beginning will be shown.
      this.#carry = [Buffer.concat(this.#carry).subarray(0, KEPT_BYTES)];
    }
  }

  #emitCarry(): void {
    const bytes = this.#carry.length === 1 ? this.#carry[0]! : Buffer.concat(this.#carry);
    const length = this.#carried;
    this.#carry = [];
    this.#carried = 0;
    this.#emitLine(bytes, length);
  }

  /** Whole lines, without the last line break. Decoded in one go, which is much cheaper than line by line. */
  #emitBlock(bytes: Buffer): void {
    // Most logs are ASCII, which is decoded several times faster as Latin-1.
    const encoding = isAscii(bytes) ? "latin1" : isUtf8(bytes) ? "utf8" : null;
    if (bytes.length > MAX_RECORD_BYTES || encoding === null) {
      this.#emitBytes(bytes);
      return;
    }
    if (encoding === "latin1" && this.#sink.takesBytes?.(bytes) === true) {
      this.#emitByteLines(bytes);
      return;
    }
    const text = bytes.toString(encoding);
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.#sink.line(text.slice(start, beforeCr(text, start, end)), ++this.#lines);
      start = end + 1;
    }
    this.#sink.line(text.slice(start, beforeCr(text, start, text.length)), ++this.#lines);
  }

  #emitByteLines(block: Buffer): void {
    let start = 0;
    while (start <= block.length) {
      const found = block.indexOf(LF, start);
      const next = found < 0 ? block.length : found;
      const end = next > start && block[next - 1] === CR ? next - 1 : next;
      this.#sink.byteLine?.(block, start, end, ++this.#lines);
      start = next + 1;
    }
  }

  #emitBytes(bytes: Buffer): void {
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      this.#emitLine(bytes.subarray(start, end));
      start = end + 1;
    }
    this.#emitLine(bytes.subarray(start));
  }

  /** `length` is that of the whole line, of which `bytes` may be the beginning. */
  #emitLine(bytes: Buffer, length = bytes.length): void {
    if (length > MAX_RECORD_BYTES) {
      const beginning = bytes.toString("utf8", 0, KEPT_BYTES);
      this.#sink.badLine(beginning, ++this.#lines, "is longer than 16 MiB");
      return;
    }
    const line = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
    const text = line.toString("utf8");
    if (isUtf8(line)) this.#sink.line(text, ++this.#lines);
    else this.#sink.badLine(text, ++this.#lines, "is not valid UTF-8 text");
  }
}

function beforeCr(text: string, start: number, end: number): number {
  return end > start && text.charCodeAt(end - 1) === CR ? end - 1 : end;
}
