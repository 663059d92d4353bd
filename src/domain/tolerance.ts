import { sumTokens } from "./bill.js";
import { parseUsd } from "./money.js";
import type { ReconciledTotals } from "./reconcile.js";

/** How far a bill and the ledger may be apart and still count as reconciled. */
export type Tolerance =
  /** Of what is billed, in millionths: tokens and cost each. */
  | { readonly kind: "share"; readonly millionths: bigint }
  /** An amount of money in nanos; tokens are then judged by what they cost. */
  | { readonly kind: "cost"; readonly nanos: bigint };

export const EXACT: Tolerance = { kind: "share", millionths: 0n };

const PERCENT = /^(\d{1,3})(?:\.(\d{1,4}))?\s*%$/;
const MILLION = 1_000_000n;

/** Reads `0.5%`, `2.50`, `$2.50` or `0`, which is exact; at most 100% and four decimals. `null` for anything else. */
export function parseTolerance(text: string): Tolerance | null {
  const trimmed = text.trim();
  const [percent, whole = "", fraction = ""] = PERCENT.exec(trimmed) ?? [];
  if (percent !== undefined) {
    const millionths = BigInt(whole + fraction.padEnd(4, "0"));
    return millionths <= MILLION ? { kind: "share", millionths } : null;
  }
  const nanos = parseUsd(trimmed);
  if (nanos === null || nanos < 0) return null;
  return nanos === 0 ? EXACT : { kind: "cost", nanos: BigInt(nanos) };
}

/**
 * Whether everything that is neither rounding nor a day boundary, added up without signs, stays within the tolerance.
 * Where no cost is stated, an amount of money tolerates nothing.
 */
export function isWithin({ tokens, cost }: ReconciledTotals, tolerance: Tolerance): boolean {
  if (tolerance.kind === "cost") {
    return cost === null ? (tokens?.off ?? 0n) === 0n : cost.off <= tolerance.nanos;
  }
  const { millionths } = tolerance;
  return (
    (tokens === null || tokens.off * MILLION <= abs(sumTokens(tokens.bill)) * millionths) &&
    (cost === null || cost.off * MILLION <= abs(cost.bill) * millionths)
  );
}

function abs(n: bigint): bigint {
  return n < 0n ? -n : n;
}
