import { sumTokens, type TokenCounts } from "../../domain/bill.js";
import type { DayRange } from "../../domain/day-range.js";
import { moneyJson } from "../../domain/money.js";
import type { ReconciledBill, ReconciledDay } from "../../domain/reconcile.js";
import { CAUSES } from "../../domain/reconcile-parts.js";
import { dayLabel } from "../../domain/window.js";
import { type BillFileView, type ReconcileView, tokenPart } from "./reconcile-report.js";

/** Everything that was compared, also what agrees; tokens are disjoint, and differences are bill less ledger. */
export function reconcileJson(report: ReconcileView, files: readonly BillFileView[]) {
  const { tolerance, totals } = report;
  return {
    reconciled: report.isReconciled,
    tolerance:
      tolerance.kind === "share"
        ? { share: Number(tolerance.millionths) / 1_000_000, cost: null }
        : { share: null, cost: moneyJson(tolerance.nanos) },
    time_zone: "UTC",
    accounting_zone: report.zone,
    ledger_provider: report.servedBy,
    files: files.map(({ file, format, rows, rejected, rejects, skipped, repeated }) => ({
      file,
      format,
      rows,
      rejected,
      first_rejects: rejects.map(({ line, field, reason }) => ({ line, field, reason })),
      skipped,
      repeated,
    })),
    bills: report.bills.map(billJson),
    totals: {
      bill: sideJson(totals.tokens?.bill ?? null, totals.cost?.bill ?? null),
      ledger: sideJson(totals.tokens?.ledger ?? null, totals.cost?.ledger ?? null),
      parts: partsJson(totals.tokens?.parts ?? null, totals.cost?.parts ?? null),
      beyond: {
        tokens: totals.tokens?.off ?? null,
        cost: totals.cost === null ? null : moneyJson(totals.cost.off),
      },
    },
    rows: report.rows.map(rowJson),
  };
}

function billJson({ provider, tokenDays, costDays, models }: ReconciledBill) {
  return {
    provider,
    token_days: tokenDays.map(rangeJson),
    cost_days: costDays.map(rangeJson),
    models: models.map(({ label, match, billNames, ledgerNames }) => ({
      model: label,
      matched_by: match,
      bill_models: billNames,
      ledger_models: ledgerNames,
    })),
  };
}

function rangeJson({ from, to }: DayRange) {
  return { since: dayLabel(from), until: dayLabel(to) };
}

function rowJson(row: ReconciledDay) {
  const { bill, ledger } = row;
  return {
    day: dayLabel(row.day),
    provider: row.provider,
    model: row.model.label,
    bill: sideJson(bill.tokens, bill.cost),
    ledger: {
      ...sideJson(ledger.tokens, ledger.cost),
      requests: ledger.requests,
      unpriced_events: ledger.unpriced,
      assumed_cost: moneyJson(ledger.assumed),
    },
    parts: partsJson(row.tokens, row.cost),
  };
}

function sideJson(tokens: TokenCounts | null, cost: bigint | null) {
  return {
    tokens: tokens === null ? null : tokensJson(tokens),
    cost: cost === null ? null : moneyJson(cost),
  };
}

function partsJson(tokens: ReconciledDay["tokens"], cost: ReconciledDay["cost"]) {
  return CAUSES.map((cause) => {
    const part = tokenPart(tokens, cause);
    return {
      cause: cause.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      ...sideJson(part, cost === null ? null : cost[cause]),
    };
  });
}

function tokensJson(counts: TokenCounts) {
  return {
    total: sumTokens(counts),
    input_tokens: counts.input,
    cached_input_tokens: counts.cacheRead,
    cache_write_tokens: counts.cacheWrite,
    output_tokens: counts.output,
  };
}
