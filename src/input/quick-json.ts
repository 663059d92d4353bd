import { NATIVE_FIELDS } from "../importers/alpha.js";
import { areQuick, type PutValue, type QuickNative, type Spelling } from "../importers/quick-native.js";
import type { ByteLine } from "./byte-lines.js";

/** Lines of one log are alike, or of a few kinds. */
const MOST_LAYOUTS = 16;
/** Lines that are looked at for what they have in common. */
const MOST_LOOKS = 1_000;

const MEMBER = /\s*"([^"\\]*)"\s*:\s*(?:"([^"\\]*)"|(-?\d[\d.eE+-]*)|(true|false|null))\s*/dy;
const PRINTABLE = /^[\x20-\x7e]*$/;

const NATIVE: readonly string[] = NATIVE_FIELDS;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACE = 0x7d;

interface Value {
  readonly field: string;
  readonly spelling: Spelling;
  readonly put: PutValue;
}

/** What lines of JSON that differ in nothing but values have in common. */
interface Layout {
  /** The bytes before each value, and those after the last. */
  readonly between: readonly Buffer[];
  readonly values: readonly Value[];
}

/**
 * Reads lines that are laid out as lines before them: objects of texts without escapes and plain numbers, which have the
 * same names in the same order. Such a line need not be parsed as JSON.
 */
export class QuickJson {
  /** Newest first. */
  #layouts: Layout[] = [];
  #current: Layout | null = null;
  #looks = 0;

  constructor(private readonly native: QuickNative) {}

  /** Whether the draft is now what the line says. */
  read(line: ByteLine): boolean {
    if (this.#current !== null && this.#readAs(this.#current, line)) return true;
    for (const layout of this.#layouts) {
      if (layout === this.#current) continue;
      this.native.reset();
      this.#current = layout;
      if (this.#readAs(layout, line)) return true;
    }
    return false;
  }

  /** @param text a line that is one object of JSON, and that `read` cannot read */
  learn(text: string): void {
    if (this.#layouts.length === MOST_LAYOUTS || ++this.#looks > MOST_LOOKS) return;
    const layout = this.#layoutOf(text);
    if (layout !== null && !this.#layouts.some((known) => isSame(known, layout))) {
      this.#layouts.unshift(layout);
    }
  }

  #readAs({ between, values }: Layout, { block, start, end }: ByteLine): boolean {
    let at = start;
    for (let n = 0; n < values.length; n++) {
      const before = between[n]!;
      if (!isAt(block, at, end, before)) return false;
      const from = at + before.length;
      const { spelling, put } = values[n]!;
      at = spelling === "text" ? endOfText(block, from, end) : endOfNumber(block, from, end);
      if (at < 0 || !put(block, from, at)) return false;
    }
    const after = between[values.length]!;
    return at + after.length === end && isAt(block, at, end, after) && this.native.isSound();
  }

  #layoutOf(text: string): Layout | null {
    const between: Buffer[] = [];
    const values: Value[] = [];
    const names = new Set<string>();
    let piece = 0;
    let at = 1;
    for (;;) {
      MEMBER.lastIndex = at;
      const member = MEMBER.exec(text);
      if (member === null) return null;
      const [whole, field = "", asText, , literal] = member;
      if (names.has(field)) return null;
      names.add(field);
      const [from, to] = member.indices?.[asText === undefined ? 3 : 2] ?? [0, 0];
      if (literal === undefined) {
        const spelling = asText === undefined ? "number" : "text";
        const put = this.native.reader(field, spelling);
        if (put === null) return null;
        between.push(Buffer.from(text.slice(piece, from)));
        values.push({ field, spelling, put });
        piece = to;
      } else if (literal !== "null" && NATIVE.includes(field)) {
        return null;
      }
      at += whole.length;
      if (text[at] !== ",") break;
      at += 1;
    }
    between.push(Buffer.from(text.slice(piece)));
    const isPlain = between.every((bytes) => PRINTABLE.test(bytes.toString("latin1")));
    return isPlain && areQuick(values.map(({ field }) => field)) ? { between, values } : null;
  }
}

function isSame(a: Layout, b: Layout): boolean {
  return a.between.length === b.between.length && a.between.every((bytes, n) => bytes.equals(b.between[n]!));
}

function isAt(block: Buffer, at: number, end: number, wanted: Buffer): boolean {
  if (at + wanted.length > end) return false;
  for (let i = 0; i < wanted.length; i++) if (block[at + i] !== wanted[i]) return false;
  return true;
}

/** Where the closing quotation mark stands; -1 for a text that has more than printable ASCII. */
function endOfText(block: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = block[at]!;
    if (byte === QUOTE) return at;
    if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return -1;
  }
  return -1;
}

/** One past a bare value; -1 when it has no end. */
function endOfNumber(block: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = block[at]!;
    if (byte === COMMA || byte === BRACE || byte === 0x20) return at;
  }
  return -1;
}
