import { type Instant, parseInstant } from "../domain/window.js";

/*
 * The commonest spellings of counts and times, read from the bytes of a log without making texts of them. Whatever is
 * spelt in another way is for the functions that read texts, whose answers these must equal.
 */

const ZERO = 48;
const NINE = 57;
const DASH = 45;
const DOT = 46;
const COLON = 58;
const SPACE = 32;
const T = 84;
const Z = 90;
/** More digits may not be exact. */
const COUNT_DIGITS = 15;
const DATE_LENGTH = 10;
/** `2026-11-22T06:53:16`, with a space or T. */
const SECONDS_LENGTH = 19;

/** The number that 1 to 15 digits spell; -1 for anything else. */
export function countIn(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > COUNT_DIGITS) return -1;
  let count = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    count = count * 10 + digit;
  }
  return count;
}

/** Whether these bytes are a number of JSON without sign and exponent. */
export function isPlainNumber(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && isDigit(bytes[at]!)) at++;
  const whole = at - start;
  if (whole === 0 || (whole > 1 && bytes[start] === ZERO)) return false;
  if (at === end) return true;
  if (bytes[at++] !== DOT || at === end) return false;
  while (at < end && isDigit(bytes[at]!)) at++;
  return at === end;
}

/** Reads times of `YYYY-MM-DD HH:MM:SS`, with T, fraction or Z where stated, in UTC. */
export class ByteTimes {
  /** The day read last: the records of a log come in the order of time. */
  readonly #date = new Uint8Array(DATE_LENGTH);
  #midnight: Instant | null = null;

  /** NaN for what is spelt in another way. */
  at(bytes: Uint8Array, start: number, end: number): Instant {
    const time = timeOfDay(bytes, start, end);
    if (Number.isNaN(time)) return time;
    for (let i = 0; i < DATE_LENGTH; i++) {
      if (this.#date[i] === bytes[start + i]) continue;
      this.#turnTo(bytes, start);
      break;
    }
    return this.#midnight === null ? Number.NaN : this.#midnight + time;
  }

  #turnTo(bytes: Uint8Array, start: number): void {
    this.#date.set(bytes.subarray(start, start + DATE_LENGTH));
    const isDate = this.#date.every((byte) => isDigit(byte) || byte === DASH);
    const date = Buffer.from(this.#date).toString("latin1");
    this.#midnight = isDate ? parseInstant(`${date}T00:00:00Z`) : null;
  }
}

/** The milliseconds since midnight; NaN when the time is spelt in another way. */
function timeOfDay(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < SECONDS_LENGTH || bytes[start + 13] !== COLON || bytes[start + 16] !== COLON) {
    return Number.NaN;
  }
  const between = bytes[start + DATE_LENGTH];
  if (between !== T && between !== SPACE) return Number.NaN;
  const hour = countIn(bytes, start + 11, start + 13);
  const minute = countIn(bytes, start + 14, start + 16);
  const second = countIn(bytes, start + 17, start + 19);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return Number.NaN;

  const last = bytes[end - 1] === Z ? end - 1 : end;
  let at = start + SECONDS_LENGTH;
  let milliseconds = 0;
  if (at < last) {
    if (bytes[at++] !== DOT || at === last) return Number.NaN;
    for (let unit = 100; at < last; at++, unit /= 10) {
      if (!isDigit(bytes[at]!)) return Number.NaN;
      if (unit >= 1) milliseconds += (bytes[at]! - ZERO) * unit;
    }
  }
  return ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
