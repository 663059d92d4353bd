import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  calendar,
  dayLabel,
  daysInMonth,
  firstDayOfMonth,
  formatDuration,
  formatInstant,
  localTime,
  monthLabel,
  parseDay,
  parseDuration,
  parseInstant,
  parseMonth,
  windowLabel,
} from "../../src/domain/window.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONES = [
  "Europe/Berlin",
  "America/Sao_Paulo",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Pacific/Apia",
  "America/St_Johns",
  "UTC",
];
const FIRST = day("1990-01-01");
const LAST = day("2040-12-31");

const instants = fc.integer({ min: FIRST * DAY + DAY, max: LAST * DAY });
const zones = fc.constantFrom(...ZONES);
const periods = fc.constantFrom("day" as const, "month" as const);

function day(text: string): number {
  return parseDay(text) ?? expect.fail(`${text} is no day`);
}

function month(text: string): number {
  return parseMonth(text) ?? expect.fail(`${text} is no month`);
}

function at(text: string): number {
  return parseInstant(text) ?? expect.fail(`${text} is no instant`);
}

/** The clock of a zone, as `Date.UTC` would number it; read in another way than the code under test does. */
function clockOf(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (instant) => {
    const [m = 0, d = 0, y = 0, h = 0, min = 0, s = 0] =
      format.format(instant).match(/\d+/g)?.map(Number) ?? [];
    return Date.UTC(y, m - 1, d, h, min, s) + (((instant % 1000) + 1000) % 1000);
  };
}

function dayWindow(zone: string, date: string): { start: string; end: string; hours: number } {
  const { start, end } = calendar(zone).window("day", day(date));
  return { start: formatInstant(start), end: formatInstant(end), hours: (end - start) / HOUR };
}

describe.each(ZONES)("the calendar of %s", (zone) => {
  const zoned = calendar(zone);
  const clock = clockOf(zone);

  it("tiles time with days, each starting as its date does on the clock", () => {
    const wrong: string[] = [];
    for (let index = FIRST; index <= LAST; index += 1) {
      const window = zoned.window("day", index);
      const isEmpty = window.start === window.end;
      const ok =
        window.index === index &&
        window.end === zoned.window("day", index + 1).start &&
        window.end >= window.start &&
        clock(window.start) >= index * DAY &&
        clock(window.start - 1) < index * DAY &&
        (isEmpty || zoned.dayOf(window.start) === index) &&
        (isEmpty || zoned.dayOf(window.end - 1) === index) &&
        (isEmpty ? zone === "Pacific/Apia" && dayLabel(index) === "2011-12-30" : true);
      if (!ok) wrong.push(dayLabel(index));
    }
    expect(wrong).toEqual([]);
  });

  it("makes each month the union of its days", () => {
    const wrong: string[] = [];
    for (let index = month("1990-01"); index <= month("2040-12"); index += 1) {
      const window = zoned.window("month", index);
      const first = firstDayOfMonth(index);
      const last = first + daysInMonth(index) - 1;
      const ok =
        window.start === zoned.window("day", first).start &&
        window.end === zoned.window("day", last).end &&
        window.end === zoned.window("month", index + 1).start &&
        zoned.monthOf(window.start) === index &&
        zoned.monthOf(window.end - 1) === index &&
        zoned.dayToMonth(first) === index &&
        zoned.dayToMonth(last) === index &&
        zoned.dayToMonth(last + 1) === index + 1;
      if (!ok) wrong.push(monthLabel(index));
    }
    expect(wrong).toEqual([]);
  });

  it("puts every instant in exactly one window, which has begun on the clock and whose successor has not", () => {
    fc.assert(
      fc.property(instants, periods, (instant, period) => {
        const window = zoned.windowAt(period, instant);
        expect(window.period).toBe(period);
        expect(window.start).toBeLessThanOrEqual(instant);
        expect(window.end).toBeGreaterThan(instant);
        expect(window).toEqual(zoned.window(period, window.index));
        const nextDay = period === "day" ? window.index + 1 : firstDayOfMonth(window.index + 1);
        expect(clock(instant)).toBeLessThan(nextDay * DAY);
        expect(zoned.dayToMonth(zoned.dayOf(instant))).toBe(zoned.monthOf(instant));
      }),
    );
  });

  it("never goes back as time goes on, in whatever order it is asked", () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: 0, max: 3 * DAY }), periods, (instant, later, period) => {
        const after = zoned.windowAt(period, instant + later).index;
        expect(zoned.windowAt(period, instant).index).toBeLessThanOrEqual(after);
      }),
    );
  });
});

describe("days of unusual length", () => {
  it.each([
    ["Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", 23],
    ["Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", 25],
    ["Europe/Berlin", "2026-11-22", "2026-11-21T23:00:00Z", 24],
    ["Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z", 23.5],
    ["Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", 24.5],
    ["Asia/Kathmandu", "2026-11-23", "2026-11-22T18:15:00Z", 24],
    // Midnight does not exist: the clocks go from 00:00 to 01:00.
    ["America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", 23],
    // The hour before midnight is repeated: the date ends only with the second one.
    ["America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", 25],
    // At 00:01 the clocks go back to 23:01: the day has begun, and stays begun.
    ["America/St_Johns", "2010-11-06", "2010-11-06T02:30:00Z", 24],
    ["America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", 25],
    ["America/St_Johns", "2010-03-14", "2010-03-14T03:30:00Z", 23],
    ["Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", 24],
    ["Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", 0],
    ["Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", 24],
    ["UTC", "2024-02-29", "2024-02-29T00:00:00Z", 24],
  ])("%s %s starts at %s and lasts %s hours", (zone, date, start, hours) => {
    expect(dayWindow(zone, date)).toMatchObject({ start, hours });
  });

  it("counts the repeated hour over midnight to the new day", () => {
    const zoned = calendar("America/St_Johns");
    const repeated = at("2010-11-07T02:31:00Z");
    expect(localTime(repeated, zoned.zone)).toBe("2010-11-06 23:01");
    expect(dayLabel(zoned.dayOf(repeated))).toBe("2010-11-07");
    expect(dayLabel(zoned.dayOf(at("2010-11-07T02:29:59.999Z")))).toBe("2010-11-06");
  });

  it("puts no instant in a day that the zone skipped", () => {
    const zoned = calendar("Pacific/Apia");
    const change = at("2011-12-30T10:00:00Z");
    expect(dayLabel(zoned.dayOf(change - 1))).toBe("2011-12-29");
    expect(dayLabel(zoned.dayOf(change))).toBe("2011-12-31");
  });

  it("ends months by the calendar of the zone", () => {
    const { start, end } = calendar("Europe/Berlin").window("month", month("2026-03"));
    expect([formatInstant(start), formatInstant(end)]).toEqual([
      "2026-02-28T23:00:00Z",
      "2026-03-31T22:00:00Z",
    ]);
    const leap = calendar("Asia/Kathmandu").windowAt("month", at("2024-02-29T12:00:00Z"));
    expect(windowLabel(leap)).toBe("2024-02");
    expect((leap.end - leap.start) / DAY).toBe(29);
  });
});

describe("calendar", () => {
  it("is one object per zone, whatever the letter case", () => {
    expect(calendar("Europe/Berlin")).toBe(calendar("europe/berlin"));
    expect(calendar("europe/berlin").zone).toBe("Europe/Berlin");
    expect(calendar("Asia/Kathmandu").zone).toBe("Asia/Kathmandu");
    expect(calendar("utc").zone).toBe("UTC");
  });

  it("answers a repeated question with the window it has", () => {
    for (const zone of ["UTC", "Europe/Berlin"]) {
      const zoned = calendar(zone);
      const instant = at("2026-11-22T19:00:00Z");
      for (const period of ["day", "month"] as const)
        expect(zoned.windowAt(period, instant + 1)).toBe(zoned.windowAt(period, instant));
    }
  });

  it.each(["", "Mars/Olympus", "+01:00", "Berlin", "Europe/Berlin "])("refuses the zone %j", (zone) => {
    expect(() => calendar(zone)).toThrow(
      expect.objectContaining({
        code: "usage",
        message: `There is no time zone "${zone}".`,
        hint: expect.stringContaining("Europe/Berlin"),
      }),
    );
  });

  it.each([Number.NaN, Infinity, -Infinity, 8.64e15, -8.64e15])("refuses the instant %s", (instant) => {
    for (const zone of ["UTC", "Asia/Kathmandu"])
      expect(() => calendar(zone).windowAt("day", instant)).toThrow(
        expect.objectContaining({ code: "usage" }),
      );
  });

  it("reaches from the year 0001 to 9999", () => {
    for (const zone of ZONES) {
      for (const instant of [at("0001-01-01T00:00:00Z"), at("9999-12-31T23:59:59.999Z")]) {
        const window = calendar(zone).windowAt("month", instant);
        expect(window.start <= instant && instant < window.end).toBe(true);
      }
    }
  });

  it("stays right when more days are asked for than it keeps", () => {
    const zoned = calendar("Europe/Berlin");
    const before = dayWindow("Europe/Berlin", "2026-03-29");
    for (let index = 0; index < 10_000; index += 1) zoned.window("day", index);
    expect(dayWindow("Europe/Berlin", "2026-03-29")).toEqual(before);
  });
});

describe("labels", () => {
  it("are read back as the same index", () => {
    fc.assert(
      fc.property(fc.integer({ min: day("0001-01-01"), max: day("9999-12-31") }), (index) => {
        expect(parseDay(dayLabel(index))).toBe(index);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: month("0001-01"), max: month("9999-12") }), (index) => {
        expect(parseMonth(monthLabel(index))).toBe(index);
      }),
    );
  });

  it("number days from 1970 and months from the year 0", () => {
    expect(day("1970-01-01")).toBe(0);
    expect(day("1969-12-31")).toBe(-1);
    expect(day("2000-03-01")).toBe(11_017);
    expect(month("2026-11")).toBe(2026 * 12 + 10);
    expect(windowLabel({ period: "day", index: 0 })).toBe("1970-01-01");
    expect(windowLabel({ period: "month", index: 2026 * 12 })).toBe("2026-01");
  });

  it.each(["2026-02-30", "2025-02-29", "1900-02-29", "2026-04-31", "2026-13-01", "2026-00-01", "2026-01-00"])(
    "refuse %s, which is no date",
    (text) => {
      expect(parseDay(text)).toBeNull();
      expect(parseInstant(`${text}T00:00:00Z`)).toBeNull();
    },
  );

  it.each(["", "2026-1-1", "26-01-01", "2026-01-01T00:00", " 2026-01-01", "2026/01/01", "0000-01-01"])(
    "refuse %j as a day",
    (text) => expect(parseDay(text)).toBeNull(),
  );

  it.each(["", "2026", "2026-13", "2026-00", "2026-1", "2026-01-01", "0000-01"])(
    "refuse %j as a month",
    (text) => {
      expect(parseMonth(text)).toBeNull();
    },
  );

  it.each([
    ["2023-02", 28],
    ["2024-02", 29],
    ["1900-02", 28],
    ["2000-02", 29],
    ["2026-04", 30],
    ["2026-12", 31],
    ["0004-02", 29],
  ])("give %s %s days", (label, days) => {
    expect(daysInMonth(month(label))).toBe(days);
  });
});

describe("parseInstant", () => {
  const SEVEN_PM = Date.UTC(2026, 10, 22, 19);

  it.each([
    ["2026-11-22T19:00:00Z", SEVEN_PM],
    ["2026-11-22t19:00:00z", SEVEN_PM],
    ["2026-11-22T19:00:00", SEVEN_PM],
    ["2026-11-22 19:00:00", SEVEN_PM],
    ["2026-11-22 19:00", SEVEN_PM],
    [" 2026-11-22T19:00:00Z ", SEVEN_PM],
    ["2026-11-22 19:00:00 UTC", SEVEN_PM],
    ["2026-11-22T19:00:00-00:00", SEVEN_PM],
    ["2026-11-23T00:45:00+05:45", SEVEN_PM],
    ["2026-11-23 00:45:00 +0545", SEVEN_PM],
    ["2026-11-22T15:30:00-03:30", SEVEN_PM],
    ["2026-11-22 20:00:00+01", SEVEN_PM],
    ["2026-11-22T19:00:00.5Z", SEVEN_PM + 500],
    ["2026-11-22 19:00:00.04", SEVEN_PM + 40],
    ["2026-11-22T19:00:00.9999999Z", SEVEN_PM + 999],
    ["2026-11-22T19:00:00.123456789012+00:00", SEVEN_PM + 123],
    ["2026-11-22", SEVEN_PM - 19 * HOUR],
    ["2024-02-29T23:59:59Z", Date.UTC(2024, 1, 29, 23, 59, 59)],
    ["1970-01-01T00:00:00Z", 0],
    ["1969-12-31T23:59:59.9999Z", -1],
    ["1795374000", SEVEN_PM],
    ["1795374000.0019", SEVEN_PM + 1],
    ["1795374000.999999999", SEVEN_PM + 999],
    ["1795374000123", SEVEN_PM + 123],
  ])("reads %j", (text, expected) => {
    expect(parseInstant(text)).toBe(expected);
  });

  it.each([
    "",
    "now",
    "0",
    "12345",
    "123456789",
    "12345678901",
    "1795374000123.5",
    "-1795374000",
    "1.795374e9",
    "2026-11-22T24:00:00Z",
    "2026-11-22T23:60:00Z",
    "2016-12-31T23:59:60Z",
    "2026-11-22T19:00:00+24:00",
    "2026-11-22T19:00:00+01:60",
    "2026-11-22T19:00:00.Z",
    "2026-11-22T19:00:00 CET",
    "2026-11-22T19",
    "2026-11-22Z",
    "2026-11-22T19:00:00ZZ",
    "22.11.2026",
    "11/22/2026",
    "0000-12-31T23:59:59Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
  ])("refuses %j", (text) => {
    expect(parseInstant(text)).toBeNull();
  });

  it("reads back what formatInstant prints", () => {
    const any = fc.integer({ min: at("0001-01-01"), max: at("9999-12-31T23:59:59.999Z") });
    fc.assert(
      fc.property(any, (instant) => {
        expect(parseInstant(formatInstant(instant))).toBe(instant);
      }),
    );
    expect(formatInstant(SEVEN_PM)).toBe("2026-11-22T19:00:00Z");
    expect(formatInstant(SEVEN_PM + 7)).toBe("2026-11-22T19:00:00.007Z");
  });
});

describe("localTime", () => {
  it("is what the clock of the zone shows", () => {
    expect(localTime(at("2026-11-22T23:00:00Z"), "Europe/Berlin")).toBe("2026-11-23 00:00");
    expect(localTime(at("2026-11-22T18:15:59.999Z"), "Asia/Kathmandu")).toBe("2026-11-23 00:00");
    expect(localTime(at("2026-11-22T19:00:00Z"), "UTC")).toBe("2026-11-22 19:00");
    expect(() => localTime(0, "Nowhere")).toThrow(expect.objectContaining({ code: "usage" }));
    fc.assert(
      fc.property(instants, zones, (instant, zone) => {
        expect(at(localTime(instant, zone))).toBe(Math.floor(clockOf(zone)(instant) / 60_000) * 60_000);
      }),
    );
  });
});

describe("durations", () => {
  it.each([
    ["90s", 90_000],
    ["10m", 600_000],
    ["2h", 2 * HOUR],
    ["1d", DAY],
    ["1h30m", 1.5 * HOUR],
    ["2h 5m", 2 * HOUR + 300_000],
    ["1d2h3m4s5ms", DAY + 2 * HOUR + 184_005],
    ["850ms", 850],
    ["0s", 0],
  ])("reads %j", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each(["", " ", "90", "s", "1.5h", "-1h", "30m1h", "1h1h", "1w", "1H", "1h  5m", "99999999999999999d"])(
    "refuses %j",
    (text) => expect(parseDuration(text)).toBeNull(),
  );

  it.each([
    [2 * HOUR + 300_000, "2h 5m"],
    [45_000, "45s"],
    [3 * DAY + 4 * HOUR, "3d 4h"],
    [3 * DAY + 4 * HOUR + 59 * 60_000, "3d 4h"],
    [DAY, "1d"],
    [DAY + 300_000, "1d"],
    [HOUR - 1, "59m 59s"],
    [1500, "1s"],
    [850, "850ms"],
    [0, "0s"],
    [-90_000, "-1m 30s"],
  ])("shows %s ms as %s", (ms, expected) => {
    expect(formatDuration(ms)).toBe(expected);
  });

  it("are read back as shown, short by less than the unit that was cut", () => {
    fc.assert(
      fc.property(fc.nat({ max: 400 * DAY }), (ms) => {
        const shown = parseDuration(formatDuration(ms)) ?? Number.NaN;
        expect(shown).toBeLessThanOrEqual(ms);
        expect(formatDuration(shown)).toBe(formatDuration(ms));
        expect(ms - shown).toBeLessThan(ms >= DAY ? HOUR : ms >= HOUR ? 60_000 : 1000);
      }),
    );
  });
});
