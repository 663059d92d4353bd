import stringWidth from "fast-string-width";
import { isPlainAscii } from "./sanitize.js";

/** Latin letters and common punctuation: one cell each, and nothing in them joins with its neighbour. */
const NARROW = /^[ -~\u00a1-\u00a8\u00aa-\u00ac\u00af-\u02ff\u2010-\u2026\u2500-\u257f]*$/;
/** Kana, Han and Hangul syllables: two cells each. */
const WIDE = /[\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]/g;

/** Widths of characters that are not simple: a table shows few different ones, many times. */
const known = new Map<string, number>();
const MAX_KNOWN = 1_000;

let segmenter: Intl.Segmenter | undefined;

/**
 * How many terminal cells a sanitised text takes, as fast-string-width counts it. It is asked about characters that are
 * not simple only, and once for each: a table shows few different ones, many times.
 */
export function displayWidth(text: string): number {
  const simple = simpleWidth(text);
  if (simple !== null) return simple;
  let width = 0;
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment);
  return width;
}

/** Cuts a text after the last whole character (grapheme) that fits in `width` cells. */
export function splitAtWidth(text: string, width: number): [head: string, tail: string] {
  if (isPlainAscii(text)) return [text.slice(0, width), text.slice(width)];
  let used = 0;
  const simple = simpleWidth(text) !== null;
  for (const { segment, index } of simple ? units(text) : graphemes(text)) {
    used += graphemeWidth(segment);
    if (used > width) return [text.slice(0, index), text.slice(index)];
  }
  return [text, ""];
}

/** The text itself when it fits in `width` cells, else its beginning and the ellipsis. */
export function shorten(text: string, width: number, ellipsis: string): string {
  if (displayWidth(text) <= width) return text;
  const room = width - ellipsis.length;
  return room <= 0 ? ellipsis.slice(0, width) : splitAtWidth(text, room)[0].trimEnd() + ellipsis;
}

function simpleWidth(text: string): number | null {
  if (isPlainAscii(text)) return text.length;
  const narrow = text.replace(WIDE, "");
  return NARROW.test(narrow) ? 2 * text.length - narrow.length : null;
}

function graphemeWidth(grapheme: string): number {
  const width = simpleWidth(grapheme) ?? known.get(grapheme);
  if (width !== undefined) return width;
  const measured = stringWidth(grapheme);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(grapheme, measured);
  return measured;
}

/** The characters of a simple text, none of which joins with its neighbour. */
function* units(text: string): Generator<{ segment: string; index: number }> {
  for (let index = 0; index < text.length; index += 1) yield { segment: text.charAt(index), index };
}

function graphemes(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter();
  return segmenter.segment(text);
}
