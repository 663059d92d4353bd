import { formatUsd, moneyJson, usdString } from "../../domain/money.js";
import { monthLabel } from "../../domain/window.js";
import type { Column, Table } from "../table.js";
import { count, plural } from "../text.js";

interface MonthView {
  readonly month: number;
  readonly events: number;
  readonly requests: bigint;
  readonly tokens: bigint;
  readonly images: bigint;
  readonly cost: bigint;
  readonly assumed: bigint;
}

export interface PrunedView {
  readonly before: string;
  readonly months: readonly MonthView[];
  readonly rows: number;
  readonly kept: number;
  readonly refusedCalls: number;
}

export function prunedJson({ before, months, rows, kept, refusedCalls }: PrunedView) {
  return {
    before,
    sealed: months.map(({ month, events, requests, tokens, images, cost, assumed }) => ({
      month: monthLabel(month),
      ledger_rows: events,
      requests,
      tokens,
      images,
      cost: moneyJson(cost),
      assumed_cost: moneyJson(assumed),
    })),
    rows_deleted: rows,
    rows_kept: kept,
    refused_calls_deleted: refusedCalls,
  };
}

export function pruneQuestion({ before, months, rows }: PrunedView): string {
  return `Let go of ${plural(rows, "row")} of the ledger in ${plural(months.length, "month")} before ${before} for good? Totals and reports stay; single calls are gone.`;
}

/** What was sealed, oldest first. */
export function prunedTable(pruned: PrunedView, dryRun: boolean): Table<MonthView> {
  const { before, months, rows, kept } = pruned;
  const amount = (
    key: "requests" | "tokens" | "images",
    header: string,
    priority: number,
  ): Column<MonthView> => ({
    key,
    header,
    priority,
    align: "right",
    text: (month) => count(month[key]),
    value: (month) => month[key],
  });
  const money = (
    key: string,
    header: string,
    priority: number,
    of: (month: MonthView) => bigint,
  ): Column<MonthView> => ({
    key,
    header,
    priority,
    align: "right",
    text: (month) => formatUsd(of(month)),
    value: (month) => usdString(of(month)),
  });
  const staying =
    kept === 0 ? "" : " Its last row is listed no more, and goes with a prune once others follow it.";
  const gone =
    rows === 0 && (kept === 0 || months.length === 0)
      ? `Nothing is left to let go of before ${before}.`
      : `${dryRun ? "Would let go" : "Let go"} of ${plural(rows, "row")} of the ledger.${staying} Totals and reports stay; what occurred before ${before} is sealed.`;
  return {
    rows: months,
    empty: gone,
    columns: [
      { key: "month", header: "MONTH", text: ({ month }) => monthLabel(month) },
      {
        key: "ledger_rows",
        header: "ROWS",
        align: "right",
        text: ({ events }) => count(events),
        value: ({ events }) => events,
      },
      amount("requests", "REQUESTS", 3),
      amount("tokens", "TOKENS", 2),
      amount("images", "IMAGES", 4),
      money("cost_usd", "COST", 1, ({ cost }) => cost),
      money("assumed_usd", "ASSUMED", 5, ({ assumed }) => assumed),
    ],
    notes: months.length === 0 ? [] : [gone],
  };
}
