import { AlphaError } from "../errors.js";

/** An integer count of nano-US-dollars: 1 USD = 1,000,000,000. A safe integer, so up to about ±9,007,199 USD. */
export type Nanos = number;

export const NANOS_PER_USD = 1_000_000_000;

/** Money as JSON output carries it. */
export interface MoneyJson {
  /** Nanos. A bigint only beyond the safe integers; the JSON writer prints both as integer digits. */
  readonly nanos: number | bigint;
  /** The same amount in US dollars, as the shortest exact decimal. */
  readonly usd: string;
}

const DECIMALS = 9;
const NANOS_PER_CENT = 10_000_000;
const CENT = BigInt(NANOS_PER_CENT);
/** Amounts that need no commas. */
const QUICK_BELOW = 999 * NANOS_PER_USD;
/** No safe integer has more digits. */
const MAX_DIGITS = 16;

// A leading group of 0 is refused: "0,123" is a decimal comma and not one hundred and twenty-three.
const USD =
  /^(?:(?<sign>[+-])?\$?|\$(?<inner>[+-]))(?:(?<whole>[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.(?<fraction>\d+))?|\.(?<bare>\d+))(?:[eE](?<exponent>[+-]?\d+))?$/;

/**
 * Reads a decimal amount of US dollars exactly, without floats: `12`, `$1,234.50`, `-$0.1`, `1e-7`. Commas must
 * separate thousands. Digits beyond the ninth decimal are rounded, half away from zero. `null` when the text is
 * no such number or the amount leaves the safe integers.
 */
export function parseUsd(text: string): Nanos | null {
  const match = USD.exec(text.trim())?.groups;
  if (!match) return null;
  const fraction = match.fraction ?? match.bare ?? "";
  const digits = ((match.whole ?? "").replaceAll(",", "") + fraction).replace(/^0+/, "");
  if (digits === "") return 0;

  const scale = Number(match.exponent ?? 0) - fraction.length + DECIMALS;
  // How many of the digits, or zeros appended to them, stand before the decimal point of the nanos. Looked at first,
  // because an exponent in the input may be of any size.
  const integerDigits = digits.length + scale;
  if (integerDigits > MAX_DIGITS) return null;
  if (integerDigits < 0) return 0;

  const kept = Number(digits.slice(0, integerDigits).padEnd(integerDigits, "0"));
  const nanos = kept + ((digits[integerDigits] ?? "0") >= "5" ? 1 : 0);
  if (!Number.isSafeInteger(nanos)) return null;
  return (match.sign ?? match.inner) === "-" && nanos !== 0 ? -nanos : nanos;
}

/**
 * Takes a JSON number of US dollars as the decimal it was written as, so that 0.1 is exactly 100,000,000 nanos.
 * `null` for NaN, the infinities and amounts that leave the safe integers.
 */
export function usdFromNumber(n: number): Nanos | null {
  return parseUsd(String(n));
}

/** The shortest exact decimal in US dollars, for JSON and CSV: `0.1`, `12`, `-0.000000075`. */
export function usdString(n: Nanos | bigint): string {
  const digits = magnitude(n)
    .toString()
    .padStart(DECIMALS + 1, "0");
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, "");
  return `${n < 0 ? "-" : ""}${digits.slice(0, -DECIMALS)}${fraction === "" ? "" : `.${fraction}`}`;
}

/**
 * An amount for people: `$12.34`, `-$1,234.50`, rounded to cents half away from zero. Less than a cent is shown with
 * two significant digits (`$0.0012`), as far as nine decimals go, so that only nothing reads `$0.00`.
 */
export function formatUsd(n: Nanos | bigint): string {
  if (typeof n === "number" && n >= NANOS_PER_CENT && n < QUICK_BELOW) return quickUsd(n);
  const abs = magnitude(n);
  const shown = abs === 0n || abs >= CENT ? roundTo(abs, CENT) : roundToTwoDigits(abs);
  const decimals =
    shown === 0n || shown >= CENT ? 2 : Math.min(DECIMALS, DECIMALS + 2 - shown.toString().length);
  const digits = shown.toString().padStart(DECIMALS + 1, "0");
  const whole = digits.slice(0, -DECIMALS).replace(/\B(?=(?:\d{3})+$)/g, ",");
  return `${n < 0 ? "-" : ""}$${whole}.${digits.slice(-DECIMALS).slice(0, decimals)}`;
}

/** Of an amount of whole cents, without bigints: a decision tells amounts, and is made before every call. */
function quickUsd(n: Nanos): string {
  const rounded = n + NANOS_PER_CENT / 2;
  const cents = (rounded - (rounded % NANOS_PER_CENT)) / NANOS_PER_CENT;
  const rest = cents % 100;
  return `$${(cents - rest) / 100}.${rest < 10 ? "0" : ""}${rest}`;
}

/** The exact sum. Throws `failed` when it leaves the safe integers, rather than be off by a nano. */
export function addNanos(a: Nanos, b: Nanos): Nanos {
  const sum = a + b;
  if (Number.isSafeInteger(sum)) return sum;
  throw new AlphaError("failed", `The sum of ${a} and ${b} nanos is too large to be counted exactly.`, {
    hint: `One sum can hold at most ${formatUsd(Number.MAX_SAFE_INTEGER)}.`,
  });
}

/** Money as JSON output carries it: integer nanos and the exact decimal. */
export function moneyJson(n: Nanos | bigint): MoneyJson {
  const asNumber = Number(n);
  return { nanos: Number.isSafeInteger(asNumber) ? asNumber : n, usd: usdString(n) };
}

function magnitude(n: Nanos | bigint): bigint {
  const exact = BigInt(n);
  return exact < 0n ? -exact : exact;
}

function roundTo(abs: bigint, unit: bigint): bigint {
  return ((abs + unit / 2n) / unit) * unit;
}

function roundToTwoDigits(abs: bigint): bigint {
  return roundTo(abs, 10n ** BigInt(Math.max(0, abs.toString().length - 2)));
}
