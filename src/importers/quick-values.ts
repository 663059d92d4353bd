import { type Nanos, parseUsd, usdFromNumber } from "../domain/money.js";
import { type Instant, parseInstant } from "../domain/window.js";

/*
 * The commonest spellings of times and amounts, read without regular expressions over the whole text: a log has
 * millions of them. Everything else, and every doubt, goes to the domain's parsers, whose answers these must equal.
 */

const ZERO = 48;
const NINE = 57;
const DOT = 46;
const DATE_LENGTH = 10;
/** `2026-11-22T06:53:16`, with a space or T. */
const SECONDS_LENGTH = 19;

/** The day read last: the records of a log come in the order of time. */
let lastDate = "";
let lastMidnight: Instant = 0;

/** The same as `parseInstant`; quick for `YYYY-MM-DD HH:MM:SS`, with T, fraction or Z where stated. */
export function quickInstant(text: string): Instant | null {
  const time = timeOfDay(text);
  if (time < 0) return parseInstant(text);
  const date = text.slice(0, DATE_LENGTH);
  if (date !== lastDate) {
    // With a time, lest ten digits be taken for epoch seconds.
    const midnight = parseInstant(`${date}T00:00:00Z`);
    if (midnight === null) return null;
    lastDate = date;
    lastMidnight = midnight;
  }
  return lastMidnight + time;
}

/** The milliseconds since midnight; -1 when the text is spelt in another way. */
function timeOfDay(text: string): number {
  const length = text.length;
  if (length < SECONDS_LENGTH || text[13] !== ":" || text[16] !== ":") return -1;
  if (text[DATE_LENGTH] !== "T" && text[DATE_LENGTH] !== " ") return -1;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return -1;

  const end = text[length - 1] === "Z" ? length - 1 : length;
  let milliseconds = 0;
  if (end > SECONDS_LENGTH) {
    if (text.charCodeAt(SECONDS_LENGTH) !== DOT || end === SECONDS_LENGTH + 1) return -1;
    let unit = 100;
    for (let i = SECONDS_LENGTH + 1; i < end; i++) {
      const code = text.charCodeAt(i);
      if (code < ZERO || code > NINE) return -1;
      if (unit >= 1) milliseconds += (code - ZERO) * unit;
      unit /= 10;
    }
  }
  return ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds;
}

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO;
  const ones = text.charCodeAt(at + 1) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

/** More digits may not be exact. */
const COUNT_DIGITS = 15;

/** The number that up to 15 digits spell; -1 for anything else. */
export function quickCount(text: string): number {
  const { length } = text;
  if (length === 0 || length > COUNT_DIGITS) return -1;
  let count = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    count = count * 10 + digit;
  }
  return count;
}

const FIRST_SURROGATE = 0xd800;

/** Whether a text surely holds neither NUL nor surrogates, be they in pairs. */
export function isPlainText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code >= FIRST_SURROGATE) return false;
  }
  return true;
}

const NANOS = 1e9;
/** Below this many dollars the product with 1e9 is off by less than a thousandth of a nano. */
const QUICK_BELOW = 1000;
const CLEAR = 1e-3;
const PLAIN_AMOUNT = /^\d{1,3}(?:\.\d{1,12})?$/;

/** `1,234` is what one spreadsheet makes of 1234, and another one of 1.234. */
const UNCLEAR_AMOUNT = /^\s*[+-]?\$?[+-]?[1-9]\d{0,2},\d{3}\s*$/;

/** Whether the comma of an amount may separate thousands as well as decimals. */
export function isUnclearUsd(text: string): boolean {
  return UNCLEAR_AMOUNT.test(text);
}

/** The same as `parseUsd`, but `null` for what is unclear. */
export function quickUsd(text: string): Nanos | null {
  if (PLAIN_AMOUNT.test(text)) return quickNanos(Number(text)) ?? parseUsd(text);
  return isUnclearUsd(text) ? null : parseUsd(text);
}

/** The same as `usdFromNumber`. */
export function quickUsdFromNumber(n: number): Nanos | null {
  return quickNanos(n) ?? usdFromNumber(n);
}

function quickNanos(usd: number): Nanos | null {
  if (!(usd > 0 && usd < QUICK_BELOW)) return null;
  const exact = usd * NANOS;
  const nanos = Math.round(exact);
  return Math.abs(exact - nanos) < CLEAR ? nanos : null;
}
