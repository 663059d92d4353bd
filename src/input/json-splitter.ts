import { isUtf8 } from "node:buffer";
import { ENVELOPE, isRecordKey, type Shape } from "./envelope.js";
import { KEPT_BYTES, MAX_RECORD_BYTES } from "./lines.js";

const LF = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** More than the longest key of an envelope. */
const MAX_KEY = 64;

/** What the texts of records are given to, in the order of the file. */
export interface RecordSink {
  /** `line` is the one on which the text begins, from 1. */
  record(text: string, line: number): void;
  /** What cannot be a record: what can be shown of it, and why. */
  badRecord(text: string, line: number, reason: string): void;
}

interface ListFrame {
  readonly list: "records" | Shape;
}

interface ObjectFrame {
  readonly object: Shape;
  /** The key whose value comes next. */
  key: string | null;
  isKeyNext: boolean;
}

/** A list or object around records, of which only the end is waited for. */
type Frame = ListFrame | ObjectFrame;

/** Text that is kept until it is known to be a record. */
interface Capture {
  readonly line: number;
  readonly parts: Buffer[];
  length: number;
  /** Whether it has a list that an envelope would have around its records. */
  mayWrap: boolean;
}

/**
 * Cuts JSON into the texts of its records, in constant memory: the elements of lists, the records inside envelopes, and
 * objects one after the other. It finds only where each begins and ends, and leaves the rest to whoever parses them:
 * a parser of streams would stop at the first mistake, where here a record of bad JSON costs itself and not the file.
 *
 * Whether an object with a list is an envelope shows at its end, since a record may have its list first: until then
 * its text is kept, and then read once more from its beginning. What is longer than a record may be is an envelope.
 */
export class JsonSplitter {
  readonly #sink: RecordSink;
  readonly #frames: Frame[] = [];
  #line: number;
  #capture: Capture | null = null;
  /** Where in the chunk in hand the captured text goes on. */
  #from = 0;
  /** What is being read: the way between values, a key, a value in brackets or quotes, or a bare one. */
  #reading: "between" | "key" | "value" | "bare" = "between";
  #depth = 0;
  #inString = false;
  #escaped = false;
  #key = "";
  #entered = false;
  /** Whether the text in hand was read before: nothing is read more than twice. */
  #again = false;

  /** `linesBefore` were read by somebody else. */
  constructor(sink: RecordSink, linesBefore = 0) {
    this.#sink = sink;
    this.#line = linesBefore + 1;
  }

  /** The line in hand. */
  get lines(): number {
    return this.#line;
  }

  /** Whether a list was met that may be around records. */
  get enteredList(): boolean {
    return this.#entered;
  }

  push(chunk: Buffer): void {
    this.#from = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#reading === "value") at = this.#value(chunk, at);
      else if (this.#reading === "key") at = this.#readKey(chunk, at);
      else if (this.#reading === "bare") at = this.#bare(chunk, at);
      else at = this.#between(chunk, at);
    }
    const capture = this.#capture;
    if (!capture) return;
    this.#keep(capture, chunk, chunk.length);
    if (capture.mayWrap && capture.length > MAX_RECORD_BYTES) this.#readAsEnvelope(capture);
  }

  /** Ends the last record. Whether everything that was opened around the records was closed, too. */
  end(): boolean {
    if (this.#capture?.mayWrap) this.#readAsEnvelope(this.#capture);
    const isRecordItself =
      this.#capture !== null && this.#frames.length === 1 && "object" in this.#frames[0]!;
    if (this.#capture && this.#reading === "bare") this.#emit(this.#capture);
    else if (this.#capture) this.#emit(this.#capture, "is cut off: the JSON object does not end");
    return isRecordItself || this.#frames.length === 0;
  }

  #between(chunk: Buffer, at: number): number {
    const byte = chunk[at]!;
    const frame = this.#frames.at(-1);
    if (byte <= 0x20) {
      if (byte === LF) this.#line++;
    } else if (byte === COMMA) {
      if (frame && "object" in frame) frame.isKeyNext = true;
    } else if (byte === COLON && frame && "object" in frame) {
      frame.isKeyNext = false;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      this.#close(chunk, at, frame);
    } else if (frame && "object" in frame) {
      this.#inObject(frame, byte);
    } else {
      this.#inList(frame?.list ?? "records", at, byte);
    }
    // A bare value is looked at from its first byte, which may already end it.
    return this.#reading === "bare" ? at : at + 1;
  }

  #inObject(frame: ObjectFrame, byte: number): void {
    if (byte === QUOTE && frame.isKeyNext) {
      this.#reading = "key";
      this.#key = "";
      return;
    }
    const shape =
      frame.key !== null && Object.hasOwn(frame.object, frame.key) ? frame.object[frame.key] : undefined;
    const isAround = byte === OPEN_LIST && shape !== undefined;
    if (isAround) this.#entered = true;
    if (isAround && this.#capture && this.#capture.length <= MAX_RECORD_BYTES && !this.#again) {
      this.#capture.mayWrap = true;
      this.#begin(byte);
    } else if (isAround) {
      this.#capture = null;
      this.#frames.push({ list: shape });
    } else {
      this.#begin(byte);
    }
  }

  #inList(list: "records" | Shape, at: number, byte: number): void {
    if (list !== "records") {
      if (byte === OPEN_OBJECT) this.#frames.push({ object: list, key: null, isKeyNext: true });
      else this.#begin(byte);
      return;
    }
    if (this.#frames.length === 0 && byte === OPEN_LIST) {
      this.#entered = true;
      this.#frames.push({ list: "records" });
      return;
    }
    this.#capture = { line: this.#line, parts: [], length: 0, mayWrap: false };
    this.#from = at;
    // Whether an object is a record or an envelope shows only inside it.
    if (this.#frames.length === 0 && byte === OPEN_OBJECT) {
      this.#frames.push({ object: ENVELOPE, key: null, isKeyNext: true });
    } else {
      this.#begin(byte);
    }
  }

  #begin(byte: number): void {
    this.#inString = byte === QUOTE;
    this.#depth = byte === OPEN_OBJECT || byte === OPEN_LIST ? 1 : 0;
    this.#reading = this.#inString || this.#depth === 1 ? "value" : "bare";
  }

  #close(chunk: Buffer, at: number, frame: Frame | undefined): void {
    const isOwn = frame && "object" in frame === (chunk[at] === CLOSE_OBJECT);
    if (!isOwn) {
      if (!this.#capture)
        this.#sink.badRecord(chunk.toString("latin1", at, at + 1), this.#line, "closes nothing");
      return;
    }
    this.#frames.pop();
    if (this.#capture) this.#endCapture(this.#capture, chunk, at + 1);
  }

  #readKey(chunk: Buffer, from: number): number {
    let at = from;
    for (; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) break;
      if (byte === LF) this.#line++;
    }
    if (this.#key.length < MAX_KEY) this.#key += chunk.toString("latin1", from, Math.min(at, from + MAX_KEY));
    if (at === chunk.length) return at;
    const frame = this.#frames.at(-1);
    if (frame && "object" in frame) {
      // An object of its own at the top with a key that only records have is a record, whatever else it holds.
      if (this.#frames.length === 1 && this.#capture && isRecordKey(this.#key)) {
        this.#capture.mayWrap = false;
        this.#frames[0] = { object: {}, key: null, isKeyNext: false };
      } else {
        Object.assign(frame, { key: this.#key, isKeyNext: false });
      }
    }
    this.#reading = "between";
    return at + 1;
  }

  /** Reads on to the end of a value that brackets or quotes enclose. */
  #value(chunk: Buffer, from: number): number {
    let depth = this.#depth;
    let inString = this.#inString;
    let at = from;
    if (this.#escaped) {
      this.#escaped = false;
      at++;
    }
    for (; at < chunk.length && (inString || depth > 0); at++) {
      const byte = chunk[at]!;
      if (inString) {
        if (byte === QUOTE) inString = false;
        else if (byte === BACKSLASH) at++;
        else if (byte === LF) this.#line++;
      } else if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth--;
      else if (byte === LF) this.#line++;
    }
    this.#depth = depth;
    this.#inString = inString;
    // The backslash was the last byte of the chunk.
    this.#escaped = at > chunk.length;
    const end = Math.min(at, chunk.length);
    if (!inString && depth === 0) this.#endValue(chunk, end);
    return end;
  }

  #bare(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && !endsBare(chunk[at]!)) at++;
    if (at < chunk.length) this.#endValue(chunk, at);
    return at;
  }

  #endValue(chunk: Buffer, end: number): void {
    this.#reading = "between";
    const frame = this.#frames.at(-1);
    // Inside an object it is the object that is captured.
    if (frame && "object" in frame) frame.key = null;
    else if (this.#capture) this.#endCapture(this.#capture, chunk, end);
  }

  #endCapture(capture: Capture, chunk: Buffer, end: number): void {
    this.#keep(capture, chunk, end);
    if (!capture.mayWrap) {
      this.#emit(capture);
      return;
    }
    this.#readAsEnvelope(capture);
    // Of broken JSON something may be left open.
    this.#from = end;
  }

  /** Reads again what was captured of an object that is no record. */
  #readAsEnvelope({ parts, line }: Capture): void {
    this.#capture = null;
    this.#frames.splice(0, this.#frames.length, { object: ENVELOPE, key: null, isKeyNext: true });
    this.#line = line;
    this.#reading = "between";
    this.#escaped = false;
    this.#again = true;
    this.push(Buffer.concat(parts).subarray(1));
    this.#again = false;
  }

  #keep(capture: Capture, chunk: Buffer, end: number): void {
    const bytes = chunk.subarray(this.#from, end);
    if (bytes.length === 0) return;
    capture.parts.push(bytes);
    capture.length += bytes.length;
    if (capture.length > MAX_RECORD_BYTES && !capture.mayWrap) {
      // It is too long already, and only its beginning will be shown.
      capture.parts.splice(0, Number.POSITIVE_INFINITY, Buffer.concat(capture.parts).subarray(0, KEPT_BYTES));
    }
  }

  #emit(capture: Capture, reason?: string): void {
    this.#capture = null;
    const bytes = capture.parts.length === 1 ? capture.parts[0]! : Buffer.concat(capture.parts);
    const text = bytes.toString("utf8");
    if (capture.length > MAX_RECORD_BYTES) this.#sink.badRecord(text, capture.line, "is longer than 16 MiB");
    else if (!isUtf8(bytes)) this.#sink.badRecord(text, capture.line, "is not valid UTF-8 text");
    else if (reason !== undefined) this.#sink.badRecord(text, capture.line, reason);
    else this.#sink.record(text, capture.line);
  }
}

function endsBare(byte: number): boolean {
  return byte <= 0x20 || byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT;
}
