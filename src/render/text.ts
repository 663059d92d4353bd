import { displayWidth, splitAtWidth } from "./width.js";

/** An integer with its thousands separated: `1,234,567`. */
export function count(n: number | bigint): string {
  // Not Intl.NumberFormat: making the first one takes longer than the rest of a small table.
  return String(n).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** A count and its noun: `1 event`, `2 events`, `1,200 entries`. `many` is for nouns that take more than an s. */
export function plural(n: number | bigint, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 || n === 1n ? one : many}`;
}

const SIZES = ["KB", "MB", "GB"] as const;

/** A size for people, in units of 1,000. */
export function size(bytes: number): string {
  if (bytes < 1_000) return plural(bytes, "byte");
  let value = bytes;
  let unit = -1;
  // As it is shown, rounded, it is below 1,000.
  while (value >= 999.5 && unit < SIZES.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : count(Math.round(value))} ${SIZES[unit]}`;
}

/**
 * A ratio as whole percents, cut rather than rounded: 99.9 % of a quota reads `99%`, so that `100%` always means
 * reached. Something that is less than one percent reads `<1%`; no ratio reads `-`.
 */
export function percent(ratio: number | null): string {
  if (ratio === null) return "-";
  // 0.29 * 100 is 28.999…; the nudge is far below anything that is shown.
  const whole = Math.trunc(ratio * 100 + Math.sign(ratio) * 1e-9);
  if (whole === 0 && ratio !== 0) return ratio > 0 ? "<1%" : ">-1%";
  return `${count(whole === 0 ? 0 : whole)}%`;
}

/**
 * A bar of `width` cells that is filled as far as `ratio` (0 to 1; more is full, `null` is nothing to fill). It is
 * empty only for 0 and full only from 1 on.
 */
export function bar(ratio: number | null, width: number, unicode = true): string {
  if (ratio === null) return " ".repeat(width);
  const cells = Math.round(ratio * width);
  const filled = ratio <= 0 ? 0 : ratio >= 1 ? width : Math.max(1, Math.min(width - 1, cells));
  return (unicode ? "█" : "#").repeat(filled) + (unicode ? "░" : ".").repeat(width - filled);
}

/** A list as a sentence has it: `a`, `a and b`, `a, b and c`. */
export function list(items: readonly string[], conjunction: "and" | "or" = "and"): string {
  const last = items.at(-1);
  if (last === undefined) return "";
  return items.length === 1 ? last : `${items.slice(0, -1).join(", ")} ${conjunction} ${last}`;
}

/**
 * Breaks text into lines of at most `width` cells (2 or more, so that a wide character fits), between words where it
 * can and inside a word only when the word alone is too long. Line breaks in the text stay. Colour comes after.
 */
export function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => wrapParagraph(paragraph, width));
}

function wrapParagraph(paragraph: string, width: number): string[] {
  if (displayWidth(paragraph) <= width) return [paragraph];
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.split(" ").filter((part) => part !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (displayWidth(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    const pieces = breakWord(word, width);
    line = pieces.pop() ?? "";
    lines.push(...pieces);
  }
  return line === "" ? lines : [...lines, line];
}

function breakWord(word: string, width: number): string[] {
  const pieces: string[] = [];
  let rest = word;
  while (displayWidth(rest) > width) {
    const [head, tail] = splitAtWidth(rest, width);
    if (head === "") break;
    pieces.push(head);
    rest = tail;
  }
  return [...pieces, rest];
}
