import {
  type Bill,
  type BillLine,
  type BillMeasure,
  BillSums,
  type LedgerDay,
  NO_TOKENS,
  type TokenCounts,
} from "../../src/domain/bill.js";
import { type ReconcileInput, type Reconciliation, reconcile } from "../../src/domain/reconcile.js";

/** Days of November 2026, by their date. */
export function november(date: number): number {
  return Date.UTC(2026, 10, date) / 86_400_000;
}

/** Counts of tokens; what is left out is 0. */
export function tokens(counts: Partial<Record<keyof TokenCounts, number>>): TokenCounts {
  const of = (bucket: keyof TokenCounts) => BigInt(counts[bucket] ?? 0);
  return {
    input: of("input"),
    cacheRead: of("cacheRead"),
    cacheWrite: of("cacheWrite"),
    output: of("output"),
  };
}

export function billOf(
  measure: BillMeasure,
  lines: readonly (Pick<BillLine, "day"> & Partial<BillLine>)[],
  provider = "openai",
): Bill {
  const sums = new BillSums();
  for (const line of lines) sums.add({ model: "gpt-4o", tokens: NO_TOKENS, cost: 0n, rounding: 0n, ...line });
  return sums.bill(provider, measure);
}

export function ledgerDay(entry: Pick<LedgerDay, "day"> & Partial<LedgerDay>): LedgerDay {
  return {
    provider: "openai",
    model: "gpt-4o",
    tokens: NO_TOKENS,
    requests: 1n,
    cost: 0n,
    assumed: 0n,
    unpriced: 0n,
    ...entry,
  };
}

/** An input token costs 2, one read from a cache 1, one written to it 3, an output token 10. */
export const WEIGHTS: TokenCounts = { input: 2n, cacheRead: 1n, cacheWrite: 3n, output: 10n };

export function reconciled(
  bills: readonly Bill[],
  ledger: readonly LedgerDay[],
  more: Partial<ReconcileInput> = {},
): Reconciliation {
  return reconcile({
    bills,
    ledger,
    bounds: { since: null, until: null },
    servedBy: null,
    weigh: () => WEIGHTS,
    ...more,
  });
}
