import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseUsd, usdFromNumber } from "../../src/domain/money.js";
import { parseInstant } from "../../src/domain/window.js";
import { quickInstant, quickUsd, quickUsdFromNumber } from "../../src/importers/quick-values.js";
import { isRejection, readCost, readCount, readText, readTime } from "../../src/importers/values.js";

const NOW = Date.UTC(2026, 10, 22, 12);
const reasonOf = (value: unknown) => (isRejection(value) ? value.reason : value);

describe("readCount", () => {
  it.each([
    [0, 0],
    [-0, 0],
    [12, 12],
    ["12", 12],
    [" 12 ", 12],
    ["007", 7],
    ["1e3", 1000],
    ["1.5E3", 1500],
    ["10.0", 10],
    ["10.", 10],
    ["1000.000", 1000],
    ["0.000", 0],
    ["1.0000", 1],
    ["+4", 4],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["", null],
    ["  ", null],
    [null, null],
    [undefined, null],
  ])("reads %j as %j", (value, count) => {
    expect(readCount({ n: value }, "n")).toBe(count);
  });

  it.each([
    [-1, "is negative: -1"],
    ["-1", 'is negative: "-1"'],
    ["-0.5", 'is negative: "-0.5"'],
    [1.5, "is not a whole number: 1.5"],
    ["1.0000000000000000001", 'is not a whole number: "1.0000000000000000001"'],
    ["12.5", 'is not a whole number: "12.5"'],
    ["1e-3", 'is not a whole number: "1e-3"'],
    [2 ** 53, "is too large to be counted exactly: 9007199254740992"],
    ["9007199254740993", 'is too large to be counted exactly: "9007199254740993"'],
    ["1e400", 'is too large to be counted exactly: "1e400"'],
    [Number.POSITIVE_INFINITY, "is too large to be counted exactly: Infinity"],
    ["NaN", 'is not a number: "NaN"'],
    ["Infinity", 'is not a number: "Infinity"'],
    ["1,234", 'is not a number: "1,234"'],
    ["1.000", 'is unclear, since its point may separate thousands or decimals: "1.000"'],
    [" +120.000", 'is unclear, since its point may separate thousands or decimals: " +120.000"'],
    ["0x10", 'is not a number: "0x10"'],
    ["many", 'is not a number: "many"'],
    [true, "is not a number: true"],
    [{}, "is not a number: {}"],
  ])("rejects %j", (value, reason) => {
    const result = readCount({ n: value }, "n");
    expect(isRejection(result) && result.field).toBe("n");
    expect(reasonOf(result)).toBe(reason);
  });

  it("never gives anything but a safe non-negative integer", () => {
    const value = fc.oneof(fc.double(), fc.bigInt().map(String), fc.double().map(String), fc.string());
    fc.assert(
      fc.property(value, (n) => {
        const count = readCount({ n }, "n");
        if (typeof count !== "number") return;
        expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
        expect(count).toBe(Number(n) + 0);
      }),
    );
  });
});

describe("readCost", () => {
  it.each([
    [0.1, 100_000_000],
    ["0.1", 100_000_000],
    ["0.000000075", 75],
    ["1e-7", 100],
    ["$1.50", 1_500_000_000],
    ["1.234", 1_234_000_000],
    ["1,234.50", 1_234_500_000_000],
    ["1,234,567", 1_234_567_000_000_000],
    [0, 0],
    ["", null],
  ])("reads %j as %j nanos", (value, nanos) => {
    expect(readCost({ c: value }, "c")).toBe(nanos);
  });

  it.each([
    [-0.5, "is negative: -0.5"],
    ["free", 'is not an amount in US dollars: "free"'],
    [Number.NaN, "is not an amount in US dollars: NaN"],
    ["1,234", 'is unclear, since its comma may separate thousands or decimals: "1,234"'],
    [" $12,500 ", 'is unclear, since its comma may separate thousands or decimals: " $12,500 "'],
    ["0,123", 'is not an amount in US dollars: "0,123"'],
    ["12,5", 'is not an amount in US dollars: "12,5"'],
    [1e300, "is not an amount in US dollars: 1e+300"],
    [[], "is not an amount in US dollars: []"],
  ])("rejects %j", (value, reason) => {
    expect(reasonOf(readCost({ c: value }, "c"))).toBe(reason);
  });
});

describe("readTime", () => {
  it.each([
    ["2023-11-16 18:15:46.6805900", Date.UTC(2023, 10, 16, 18, 15, 46, 680)],
    ["2026-11-22T06:53:16Z", Date.UTC(2026, 10, 22, 6, 53, 16)],
    ["2026-11-22T06:53:16+02:00", Date.UTC(2026, 10, 22, 4, 53, 16)],
    [1_700_000_000, 1_700_000_000_000],
    [1_700_000_000_123, 1_700_000_000_123],
    ["2015-01-01T00:00:00Z", Date.UTC(2015, 0, 1)],
    ["2026-11-23T12:00:00Z", NOW + 86_400_000],
  ])("reads %j", (value, instant) => {
    expect(readTime({ t: value }, "t", NOW)).toBe(instant);
  });

  it.each([
    [undefined, "is missing"],
    ["", "is missing"],
    ["yesterday", 'is not a time: "yesterday"'],
    ["2026-02-30T00:00:00Z", 'is not a time: "2026-02-30T00:00:00Z"'],
    [0, "is not a time: 0"],
    ["1970-01-01T00:00:00Z", 'is before 2015: "1970-01-01T00:00:00Z"'],
    ["2014-12-31T23:59:59Z", 'is before 2015: "2014-12-31T23:59:59Z"'],
    ["2026-11-23T12:00:00.001Z", 'is more than 24 hours in the future: "2026-11-23T12:00:00.001Z"'],
    [true, "is not a time: true"],
  ])("rejects %j", (value, reason) => {
    expect(reasonOf(readTime({ t: value }, "t", NOW))).toBe(reason);
  });
});

describe("readText", () => {
  it("trims, takes numbers as digits and blanks as absent", () => {
    expect(readText({ s: " a b " }, "s")).toBe("a b");
    expect(readText({ s: 42 }, "s")).toBe("42");
    expect(readText({ s: "  " }, "s")).toBeNull();
  });

  it.each([
    ["a\0b", 'contains characters that are not text: "a\\u0000b"'],
    ["a\ud800b", 'contains characters that are not text: "a\\ud800b"'],
    [2 ** 60, "is too large for a number, write it in quotes: 1152921504606847000"],
    [["a"], 'is not text: ["a"]'],
  ])("rejects %j", (value, reason) => {
    expect(reasonOf(readText({ s: value }, "s"))).toBe(reason);
  });
});

describe("a value in a reason", () => {
  it("is cut to a readable length", () => {
    const long = readText({ s: "x".repeat(513) }, "s");
    expect(reasonOf(long)).toBe(`is longer than 512 characters: "${"x".repeat(38)}…`);
    expect(readText({ s: "x".repeat(512) }, "s")).toBe("x".repeat(512));
  });
});

describe("the quick readings", () => {
  const digits = (length: number, max: number) =>
    fc.integer({ min: 0, max }).map((n) => String(n).padStart(length, "0"));
  const spelling = fc
    .tuple(
      fc.constantFrom("2026", "2024", "2023", "0000", "1700"),
      digits(2, 13),
      digits(2, 32),
      fc.constantFrom("T", " ", "t", "x"),
      digits(2, 25),
      digits(2, 61),
      digits(2, 61),
      fc.constantFrom("", ".", ".5", ".6805900", ".123456789", ".12x", ",5"),
      fc.constantFrom("", "Z", "z", "+02:00", " UTC"),
    )
    .map(([y, m, d, t, h, i, s, f, z]) => `${y}-${m}-${d}${t}${h}:${i}:${s}${f}${z}`);

  it("gives the same instants as the domain", () => {
    expect(quickInstant("1700000000T10:00:00")).toBeNull();
    fc.assert(
      fc.property(spelling, (text) => {
        expect(quickInstant(text)).toBe(parseInstant(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("gives the same nanos as the domain", () => {
    const decimal = fc
      .tuple(
        fc.integer({ min: 0, max: 1200 }),
        digits(9, 999_999_999),
        fc.constantFrom("", "5", "49", "499999"),
      )
      .map(([whole, fraction, more]) => `${whole}.${fraction}${more}`);
    fc.assert(
      fc.property(decimal, (text) => {
        expect(quickUsd(text)).toBe(parseUsd(text));
        expect(quickUsdFromNumber(Number(text))).toBe(usdFromNumber(Number(text)));
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.double(), (n) => {
        expect(quickUsdFromNumber(n)).toBe(usdFromNumber(n));
      }),
    );
  });
});
