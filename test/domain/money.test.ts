import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addNanos,
  formatUsd,
  moneyJson,
  parseUsd,
  usdFromNumber,
  usdString,
} from "../../src/domain/money.js";
import { AlphaError } from "../../src/errors.js";

const USD = 1_000_000_000;
const CENT = 10_000_000;
const nanos = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -100 * USD, max: 100 * USD }),
  fc.integer({ min: -CENT, max: CENT }),
);

describe("parseUsd", () => {
  it.each([
    ["12", 12 * USD],
    ["0", 0],
    ["-0", 0],
    ["-0.00", 0],
    ["007", 7 * USD],
    [".5", 500_000_000],
    ["0.1", 100_000_000],
    ["$12.34", 12_340_000_000],
    ["+$12.34", 12_340_000_000],
    ["-$1.20", -1_200_000_000],
    ["$-1.20", -1_200_000_000],
    ["$1,234.50", 1_234_500_000_000],
    ["1,234,567", 1_234_567 * USD],
    ["  3 ", 3 * USD],
    ["1e-7", 100],
    ["1E-9", 1],
    ["2.5e+1", 25 * USD],
    ["0.000000075", 75],
    ["9007199.254740991", Number.MAX_SAFE_INTEGER],
    ["-9007199.254740991", -Number.MAX_SAFE_INTEGER],
    ["9007199254740991e-9", Number.MAX_SAFE_INTEGER],
    ["0e999999999999999999999999", 0],
    ["1e-999999999999999999999999", 0],
    [`0.${"0".repeat(400)}1e401`, USD],
    [`1${"0".repeat(400)}e-400`, USD],
  ])("reads %j", (text, expected) => {
    expect(parseUsd(text)).toBe(expected);
  });

  it.each([
    ["0.0000000004", 0],
    ["0.0000000005", 1],
    ["-0.0000000005", -1],
    ["-0.00000000049999", 0],
    ["0.0000000015", 2],
    ["0.0000000025", 3],
    ["-0.0000000025", -3],
    ["0.9999999995", USD],
    ["5e-10", 1],
    ["0.00000000005", 0],
    ["0.00000000009", 0],
  ])("rounds %j half away from zero", (text, expected) => {
    expect(parseUsd(text)).toBe(expected);
  });

  it.each([
    "",
    " ",
    "$",
    "-",
    ".",
    "1.",
    "abc",
    "NaN",
    "Infinity",
    "-Infinity",
    "0x10",
    "1_000",
    "--1",
    "-$-1",
    "$$1",
    "1$",
    "1 2",
    "1.2.3",
    "1e",
    "1e1.5",
    "1,23",
    "1,2345",
    "12,34.5",
    ",123",
    "1234,567",
    "0,123",
    "1,,234",
    "1.234,5",
    "١٢",
    "9007199.254740992",
    "-9007199.254740992",
    "9007199.2547409915",
    "99999999",
    "1e16",
    "1e999999999999999999999999",
    "9".repeat(10_000),
  ])("refuses %j", (text) => {
    expect(parseUsd(text)).toBeNull();
  });

  it("never returns anything but a safe integer, positive zero included, or null", () => {
    const noise = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[+-]?\$?[\d,]{0,12}\.?\d{0,14}(e[+-]?\d{1,3})?$/),
      fc.double().map(String),
    );
    fc.assert(
      fc.property(noise, (text) => {
        const parsed = parseUsd(text);
        return parsed === null || (Number.isSafeInteger(parsed) && !Object.is(parsed, -0));
      }),
    );
  });

  it("agrees with rational arithmetic on any number of decimals", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        fc.integer({ min: 0, max: 24 }),
        (value, places) => {
          const unit = 10n ** BigInt(places);
          const abs = value < 0n ? -value : value;
          const text = `${value < 0n ? "-" : ""}${abs / unit}${places === 0 ? "" : `.${(abs % unit).toString().padStart(places, "0")}`}`;
          const rounded = (abs * 10n ** 9n * 2n + unit) / (2n * unit);
          const expected =
            rounded > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value < 0n ? -rounded : rounded);
          expect(parseUsd(text)).toBe(expected === 0 ? 0 : expected);
          expect(parseUsd(`${value}e-${places}`)).toBe(expected === 0 ? 0 : expected);
        },
      ),
    );
  });
});

describe("usdString", () => {
  it.each([
    [0, "0"],
    [100_000_000, "0.1"],
    [12 * USD, "12"],
    [1200 * USD, "1200"],
    [-75, "-0.000000075"],
    [Number.MAX_SAFE_INTEGER, "9007199.254740991"],
    [-123_456_789_012_345_678_901_234n, "-123456789012345.678901234"],
  ])("prints %s as %s", (n, expected) => {
    expect(usdString(n)).toBe(expected);
  });

  it("is read back as the same amount", () => {
    fc.assert(
      fc.property(nanos, (n) => {
        expect(parseUsd(usdString(n))).toBe(n === 0 ? 0 : n);
      }),
    );
  });

  it("prints a canonical decimal as it was read", () => {
    const canonical = fc
      .stringMatching(/^-?(0|[1-9]\d{0,5})(\.\d{0,8}[1-9])?$/)
      .filter((text) => text !== "-0");
    fc.assert(
      fc.property(canonical, (text) => {
        expect(usdString(parseUsd(text) ?? Number.NaN)).toBe(text);
      }),
    );
  });
});

describe("usdFromNumber", () => {
  it("takes a JSON number as the decimal that was written", () => {
    expect(usdFromNumber(0.1)).toBe(100_000_000);
    expect(usdFromNumber(-0)).toBe(0);
    expect(usdFromNumber(7.5e-8)).toBe(75);
    // As a float product this is 1.0049999999999999.
    expect(usdFromNumber(1.005)).toBe(1_005_000_000);
    expect(addNanos(usdFromNumber(0.1) ?? 0, usdFromNumber(0.2) ?? 0)).toBe(usdFromNumber(0.3));
  });

  it.each([Number.NaN, Infinity, -Infinity, 1e21, 9_007_200])("refuses %s", (n) => {
    expect(usdFromNumber(n)).toBeNull();
  });
});

describe("formatUsd", () => {
  it.each([
    [0, "$0.00"],
    [12_340_000_000, "$12.34"],
    [1_234_500_000_000, "$1,234.50"],
    [1_234_567_890_000_000, "$1,234,567.89"],
    [-1_200_000_000, "-$1.20"],
    [100 * USD, "$100.00"],
    [1000 * USD, "$1,000.00"],
    [999_995_000_000, "$1,000.00"],
    [CENT, "$0.01"],
    [14_999_999, "$0.01"],
    [15_000_000, "$0.02"],
    [-15_000_000, "-$0.02"],
    [1_200_000, "$0.0012"],
    [1_234_567, "$0.0012"],
    [1_250_000, "$0.0013"],
    [-5_000_000, "-$0.0050"],
    [999_600, "$0.0010"],
    [9_999_999, "$0.01"],
    [9_949_999, "$0.0099"],
    [75, "$0.000000075"],
    [1, "$0.000000001"],
    [-1, "-$0.000000001"],
    [123_456_789_012_345_678_901_234n, "$123,456,789,012,345.68"],
  ])("shows %s as %s", (n, expected) => {
    expect(formatUsd(n)).toBe(expected);
  });

  it("is off by at most half a cent, or by a twentieth below a cent, and shows only nothing as nothing", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000 * USD, max: 1_000_000 * USD }), (n) => {
        const shown = parseUsd(formatUsd(n)) ?? Number.NaN;
        const bound = Math.abs(n) >= CENT ? CENT / 2 : Math.abs(n) / 20;
        expect(Math.abs(shown - n)).toBeLessThanOrEqual(bound);
        expect(shown === 0).toBe(n === 0);
      }),
    );
  });
});

describe("addNanos", () => {
  it("is exact, or throws", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (a, b) => {
        const exact = BigInt(a) + BigInt(b);
        if (exact >= -BigInt(Number.MAX_SAFE_INTEGER) && exact <= BigInt(Number.MAX_SAFE_INTEGER))
          expect(BigInt(addNanos(a, b))).toBe(exact);
        else expect(() => addNanos(a, b)).toThrow(AlphaError);
      }),
    );
    expect(() => addNanos(Number.MAX_SAFE_INTEGER, 1)).toThrow(expect.objectContaining({ code: "failed" }));
    expect(() => addNanos(Number.NaN, 1)).toThrow(AlphaError);
    expect(addNanos(Number.MAX_SAFE_INTEGER - 1, 1)).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe("moneyJson", () => {
  it("is a number wherever that is exact, and a bigint beyond", () => {
    expect(moneyJson(1_200_000_000)).toEqual({ nanos: 1_200_000_000, usd: "1.2" });
    expect(moneyJson(75n)).toEqual({ nanos: 75, usd: "0.000000075" });
    expect(moneyJson(9_007_199_254_740_993n)).toEqual({
      nanos: 9_007_199_254_740_993n,
      usd: "9007199.254740993",
    });
  });
});
