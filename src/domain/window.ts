import { AlphaError } from "../errors.js";
import type { Period } from "./meter.js";

/** A point in time: epoch milliseconds. Calendars cover the years 0001 to 9999. */
export type Instant = number;

/** A calendar day or month of one zone, half-open: `start <= t < end`. Empty where the zone skipped the day. */
export interface Window {
  readonly period: Period;
  /** Of a day: the days from 1970-01-01 to its date. Of a month: `year * 12 + (month - 1)`. */
  readonly index: number;
  readonly start: Instant;
  readonly end: Instant;
}

/**
 * The days and months of one time zone. A day starts at the earliest instant whose local time is 00:00 of its date
 * or later, and lasts until the next one starts; a month lasts from the start of its first day to the start of the
 * next month's. So windows tile time whatever the clocks do: where they fall back over midnight, the repeated hour
 * belongs to the new day; a date that the zone skipped is an empty window, and no instant is in it.
 */
export interface Calendar {
  readonly zone: string;
  /** The one window in which `at` is. Throws `usage` for an instant outside the years 0001 to 9999. */
  windowAt(period: Period, at: Instant): Window;
  /** The window of an index, which may be empty. */
  window(period: Period, index: number): Window;
  /** `windowAt("day", at).index`. */
  dayOf(at: Instant): number;
  /** `windowAt("month", at).index`. */
  monthOf(at: Instant): number;
  /** The month to which a day belongs, both as indexes. */
  dayToMonth(day: number): number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const EARLIEST: Instant = -62_135_596_800_000; // 0001-01-01T00:00:00Z
const LATEST: Instant = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z

/** More than any zone was ever off UTC (almost 16 hours, before the date line moved). */
const WIDEST_OFFSET = 16 * HOUR;
/** Day starts kept per zone, about eleven years of them. */
const KEPT_STARTS = 4096;

class ZoneCalendar implements Calendar {
  readonly zone: string;
  /** `null`: the zone is UTC. */
  readonly #format: Intl.DateTimeFormat | null;
  readonly #starts = new Map<number, Instant>();
  readonly #last: Partial<Record<Period, Window>> = {};

  constructor(zone: string, format: Intl.DateTimeFormat | null) {
    this.zone = zone;
    this.#format = format;
  }

  windowAt(period: Period, at: Instant): Window {
    // Nearly every question is about the running window.
    const last = this.#last[period];
    if (last !== undefined && at >= last.start && at < last.end) return last;

    const day = this.#searchDay(at);
    const window = this.window(period, period === "day" ? day : monthOfDay(day));
    this.#last[period] = window;
    return window;
  }

  window(period: Period, index: number): Window {
    const first = period === "day" ? index : firstDayOfMonth(index);
    const next = period === "day" ? index + 1 : firstDayOfMonth(index + 1);
    return { period, index, start: this.#startOf(first), end: this.#startOf(next) };
  }

  dayOf(at: Instant): number {
    return this.windowAt("day", at).index;
  }

  monthOf(at: Instant): number {
    return this.windowAt("month", at).index;
  }

  dayToMonth(day: number): number {
    return monthOfDay(day);
  }

  /** Local time less UTC, in milliseconds. */
  offsetAt(at: Instant): number {
    if (this.#format === null) return 0;
    const match = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(this.#format.format(at));
    if (match === null) return 0;
    const [, sign, hours, minutes, seconds = 0] = match;
    const offset = Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND;
    return sign === "-" ? -offset : offset;
  }

  /** The greatest day that starts at `at` or before. */
  #searchDay(at: Instant): number {
    if (!(at >= EARLIEST && at <= LATEST)) {
      throw new AlphaError("usage", `The instant ${at} is outside the years 0001 to 9999.`, {
        hint: "Instants are epoch milliseconds.",
      });
    }
    // No zone is a whole day ahead of UTC, so the day after the UTC date is the last candidate.
    let day = Math.floor(at / DAY) + 1;
    while (this.#startOf(day) > at) day -= 1;
    return day;
  }

  #startOf(day: number): Instant {
    if (this.#format === null) return day * DAY;
    const known = this.#starts.get(day);
    if (known !== undefined) return known;
    if (this.#starts.size >= KEPT_STARTS) this.#starts.clear();
    const start = this.#findStart(day);
    this.#starts.set(day, start);
    return start;
  }

  #findStart(day: number): Instant {
    const midnight = day * DAY; // 00:00 of the date, were it UTC
    let low = midnight - WIDEST_OFFSET;
    let high = midnight + WIDEST_OFFSET;
    const before = this.offsetAt(low);
    const after = this.offsetAt(high);
    if (before === after) return midnight - before;

    // The clocks change nearby. Changes fall on whole seconds, and so do both bounds.
    while (high - low > SECOND) {
      const middle = low + Math.floor((high - low) / (2 * SECOND)) * SECOND;
      if (this.offsetAt(middle) === before) low = middle;
      else high = middle;
    }
    // 00:00 comes before the change, or at it (when the change jumps over it), or after it.
    return midnight - before < high ? midnight - before : Math.max(high, midnight - after);
  }
}

const calendars = new Map<string, ZoneCalendar>();

function zoneCalendar(zone: string): ZoneCalendar {
  const known = calendars.get(zone);
  if (known !== undefined) return known;
  // Without Intl: its first formatter costs more than most commands.
  if (zone === "UTC") {
    const utc = new ZoneCalendar(zone, null);
    calendars.set(zone, utc);
    return utc;
  }
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw unknownZone(zone, cause);
  }
  const canonical = format.resolvedOptions().timeZone;
  // Newer engines take fixed offsets for zones too; stored, they would be a zone that older ones cannot open.
  if (/^[+-]/.test(canonical)) throw unknownZone(zone);
  const name = canonical.toLowerCase() === zone.toLowerCase() ? canonical : zone;
  const isUtc = /^(?:etc\/)?(?:utc|gmt)$/i.test(canonical);
  const calendar = calendars.get(name) ?? new ZoneCalendar(name, isUtc ? null : format);
  calendars.set(name, calendar);
  calendars.set(zone, calendar);
  return calendar;
}

function unknownZone(zone: string, cause?: RangeError): AlphaError {
  return new AlphaError("usage", `There is no time zone "${zone}".`, {
    hint: "Use an IANA name such as Europe/Berlin, or UTC.",
    cause,
  });
}

/**
 * The calendar of an IANA time zone; the same object each time. Letter case does not matter. Throws `usage` when there
 * is no such zone.
 */
export function calendar(zone: string): Calendar {
  return zoneCalendar(zone);
}

/** `2026-11-23 00:00`: the time on the clocks of the zone. Throws `usage` when there is no such zone. */
export function localTime(at: Instant, zone: string): string {
  const iso = new Date(at + zoneCalendar(zone).offsetAt(at)).toISOString();
  return iso.slice(0, -":00.000Z".length).replace("T", " ");
}

/** The day index of the first of a month; months of the years 0 and later. */
export function firstDayOfMonth(month: number): number {
  const year = Math.floor(month / 12);
  // Date.UTC takes the years 0 to 99 for 1900 to 1999; the calendar repeats every 400 years of 146,097 days.
  return Date.UTC(year + 400, month - year * 12) / DAY - 146_097;
}

/** 28 to 31. */
export function daysInMonth(month: number): number {
  return firstDayOfMonth(month + 1) - firstDayOfMonth(month);
}

let lastDay = 0;
let lastMonth = 1970 * 12;

function monthOfDay(day: number): number {
  // Asked again and again about the running day.
  if (day !== lastDay) {
    const date = new Date(day * DAY);
    lastMonth = date.getUTCFullYear() * 12 + date.getUTCMonth();
    lastDay = day;
  }
  return lastMonth;
}

/** `YYYY-MM-DD` of a day index. */
export function dayLabel(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, -"T00:00:00.000Z".length);
}

/** `YYYY-MM` of a month index. */
export function monthLabel(month: number): string {
  return dayLabel(firstDayOfMonth(month)).slice(0, -"-01".length);
}

/** The date or the month of a window. */
export function windowLabel(window: Pick<Window, "period" | "index">): string {
  return window.period === "day" ? dayLabel(window.index) : monthLabel(window.index);
}

/** The day index of a real date `YYYY-MM-DD` of the years 0001 to 9999, else `null`. */
export function parseDay(text: string): number | null {
  const match = /^(\d{4}-\d{2})-(\d{2})$/.exec(text);
  if (match === null) return null;
  const month = parseMonth(match[1] ?? "");
  const date = Number(match[2]);
  if (month === null || date < 1 || date > daysInMonth(month)) return null;
  return firstDayOfMonth(month) + date - 1;
}

/** The month index of `YYYY-MM`, of the years 0001 to 9999, else `null`. */
export function parseMonth(text: string): number | null {
  if (!/^(?!0000)\d{4}-(?:0[1-9]|1[0-2])$/.test(text)) return null;
  return Number(text.slice(0, 4)) * 12 + Number(text.slice(5)) - 1;
}

/** RFC 3339 in UTC: `2026-11-22T19:00:00Z`, with milliseconds only where there are any. */
export function formatInstant(at: Instant): string {
  return new Date(at).toISOString().replace(".000Z", "Z");
}

const DATE_TIME =
  /^(?<date>\d{4}-\d{2}-\d{2})(?:[Tt ](?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d)(?::(?<second>[0-5]\d)(?:\.(?<fraction>\d+))?)?(?: ?(?:[Zz]|UTC|(?<sign>[+-])(?<zoneHour>[01]\d|2[0-3])(?::?(?<zoneMinute>[0-5]\d))?))?)?$/;
const EPOCH = /^(?:(?<milliseconds>\d{13})|(?<seconds>\d{10})(?:\.(?<fraction>\d+))?)$/;

/**
 * Reads a point in time: RFC 3339, also with a space for `T` or without seconds; UTC where no zone is stated, 00:00
 * where no time is; ten digits (and a fraction) are epoch seconds, thirteen are milliseconds. Fractions are cut to
 * milliseconds. `null` for anything else, dates and times that no clock shows, and years outside 0001 to 9999.
 */
export function parseInstant(text: string): Instant | null {
  const trimmed = text.trim();
  const epoch = EPOCH.exec(trimmed)?.groups;
  if (epoch) {
    if (epoch.milliseconds !== undefined) return Number(epoch.milliseconds);
    return Number(epoch.seconds) * SECOND + milliseconds(epoch.fraction);
  }
  const parts = DATE_TIME.exec(trimmed)?.groups;
  const day = parts ? parseDay(parts.date ?? "") : null;
  if (!parts || day === null) return null;
  const { hour = 0, minute = 0, second = 0, zoneHour = 0, zoneMinute = 0 } = parts;
  const local = day * DAY + Number(hour) * HOUR + Number(minute) * MINUTE + Number(second) * SECOND;
  const offset = Number(zoneHour) * HOUR + Number(zoneMinute) * MINUTE;
  const at = local + milliseconds(parts.fraction) + (parts.sign === "-" ? offset : -offset);
  return at >= EARLIEST && at <= LATEST ? at : null;
}

function milliseconds(fraction = ""): number {
  return Number(fraction.slice(0, 3).padEnd(3, "0"));
}

const UNITS = [
  ["d", DAY],
  ["h", HOUR],
  ["m", MINUTE],
  ["s", SECOND],
  ["ms", 1],
] as const;

/**
 * Reads `90s`, `10m`, `2h`, `1d`, `1h30m` or `2h 5m` (d, h, m, s, ms; the greater unit first; a day is 24 hours) into
 * milliseconds. `null` for anything else and beyond the safe integers.
 */
export function parseDuration(text: string): number | null {
  const match = /^(?!$)(?:(\d+)d ?)?(?:(\d+)h ?)?(?:(\d+)m ?)?(?:(\d+)s ?)?(?:(\d+)ms)?$/.exec(text.trim());
  if (match === null) return null;
  const total = UNITS.reduce((sum, [, length], i) => sum + Number(match[i + 1] ?? 0) * length, 0);
  return Number.isSafeInteger(total) ? total : null;
}

/** A length of time for people, its greatest unit and the next one, cut: `3d 4h`, `2h 5m`, `45s`, `850ms`. */
export function formatDuration(ms: number): string {
  const abs = Math.trunc(Math.abs(ms));
  const first = UNITS.findIndex(([, length]) => abs >= length);
  const [unit, length] = UNITS[first] ?? ["s", SECOND];
  const [nextUnit, nextLength] = UNITS[first + 1] ?? ["ms", 1];
  const rest = Math.floor((abs % length) / nextLength);
  // Nobody waits by the millisecond, so seconds stand alone.
  const tail = nextUnit === "ms" || rest === 0 ? "" : ` ${rest}${nextUnit}`;
  return `${ms < 0 && abs > 0 ? "-" : ""}${Math.floor(abs / length)}${unit}${tail}`;
}
