import { sumTokens, type TokenBucket } from "../../domain/bill.js";
import { formatUsd, usdString } from "../../domain/money.js";
import type { Cause } from "../../domain/reconcile-parts.js";
import { dayLabel } from "../../domain/window.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { type Column, renderTable, type Table } from "../table.js";
import { count, wrap } from "../text.js";
import { reconcileNotes, reconcileSentence } from "./reconcile-notes.js";
import { type DifferenceRow, differenceRows, type ReconcileView, tokenPart } from "./reconcile-report.js";

const CAUSE_NAMES: Readonly<Record<Cause, string>> = {
  missingHere: "missing here",
  missingThere: "missing there",
  dayBoundary: "day boundary",
  price: "price",
  usageOrPrice: "usage or price",
  rounding: "rounding",
};

const CAUSE_MEANINGS: Readonly<Record<Cause, string>> = {
  missingHere: "on the bill, not in the ledger",
  missingThere: "in the ledger, not on the bill",
  dayBoundary: "dated to neighbouring days",
  price: "the same tokens at another cost",
  usageOrPrice: "the bill states no tokens",
  rounding: "explained by rounding alone",
};

/** For people: the answer in a sentence, what differs by day and model, and the totals by cause. */
export function reconcileText(
  report: ReconcileView,
  { style, width }: { readonly style: Style; readonly width: number | null },
): string {
  const sentence = sanitize(reconcileSentence(report));
  const lines = width === null ? [sentence] : wrap(sentence, width);
  const paint = report.isReconciled ? style.ok : style.bad;
  const head = lines.map((line) => `${paint(line)}\n`).join("");
  const rows = differenceRows(report).filter(({ cause }) => cause !== "rounding");
  const differences = rows.length === 0 ? "" : `\n${renderTable(forPeople(report, rows), { style, width })}`;
  return `${head}${differences}\n${renderTable(causesTable(report), { style, width })}`;
}

/** Everything that differs, with every column whatever the bill states, so that the header never changes. */
export function differencesTable(report: ReconcileView): Table<DifferenceRow> {
  return {
    columns: [...nameColumns(true), ...tokenColumns(), costColumn()],
    rows: differenceRows(report),
    empty: "Nothing differs.",
    notes: [reconcileSentence(report), ...reconcileNotes(report)],
  };
}

function forPeople(report: ReconcileView, rows: readonly DifferenceRow[]): Table<DifferenceRow> {
  return {
    columns: [
      ...nameColumns(report.bills.length > 1),
      ...(report.totals.tokens === null ? [] : tokenColumns()),
      ...(report.totals.cost === null ? [] : [costColumn()]),
    ],
    rows,
    empty: "",
  };
}

function nameColumns(withProvider: boolean): Column<DifferenceRow>[] {
  const provider: Column<DifferenceRow> = {
    key: "provider",
    header: "PROVIDER",
    priority: 4,
    text: ({ provider: name }) => name,
  };
  return [
    { key: "day", header: "DAY", text: ({ day }) => dayLabel(day) },
    ...(withProvider ? [provider] : []),
    {
      key: "model",
      header: "MODEL",
      truncate: true,
      minWidth: 14,
      text: ({ model }) => (model === "" ? "(not stated)" : model),
      value: ({ model }) => model,
    },
    {
      key: "cause",
      header: "CAUSE",
      text: ({ cause }) => CAUSE_NAMES[cause],
      value: ({ cause }) => CAUSE_NAMES[cause].replaceAll(" ", "-"),
    },
  ];
}

function tokenColumns(): Column<DifferenceRow>[] {
  const bucket = (
    key: string,
    header: string,
    priority: number,
    name: TokenBucket,
  ): Column<DifferenceRow> => ({
    key,
    header,
    align: "right",
    priority,
    text: ({ tokens }) => signed(tokens === null ? null : tokens[name]),
    value: ({ tokens }) => (tokens === null ? null : tokens[name]),
  });
  return [
    bucket("input_tokens", "INPUT", 5, "input"),
    bucket("cached_input_tokens", "CACHED", 6, "cacheRead"),
    bucket("cache_write_tokens", "WRITTEN", 7, "cacheWrite"),
    bucket("output_tokens", "OUTPUT", 5, "output"),
    {
      key: "tokens",
      header: "TOKENS",
      align: "right",
      text: ({ tokens }) => signed(tokens === null ? null : sumTokens(tokens)),
      value: ({ tokens }) => (tokens === null ? null : sumTokens(tokens)),
    },
  ];
}

function costColumn(): Column<DifferenceRow> {
  return {
    key: "cost_usd",
    header: "COST",
    align: "right",
    text: ({ cost }) => signedUsd(cost),
    value: ({ cost }) => (cost === null ? null : usdString(cost)),
  };
}

interface CauseRow {
  readonly name: string;
  readonly meaning: string;
  readonly tokens: string;
  readonly cost: string;
}

function causesTable(report: ReconcileView): Table<CauseRow> {
  const { tokens, cost } = report.totals;
  const rows = causesOf(report).map((cause): CauseRow => {
    const part = tokenPart(tokens?.parts ?? null, cause);
    return {
      name: CAUSE_NAMES[cause],
      meaning: CAUSE_MEANINGS[cause],
      tokens: signed(part === null ? null : sumTokens(part)),
      cost: signedUsd(cost === null ? null : cost.parts[cause]),
    };
  });
  const bill = tokens === null ? null : sumTokens(tokens.bill);
  const ledger = tokens === null ? null : sumTokens(tokens.ledger);
  const foot: CauseRow[] = [
    {
      name: "difference",
      meaning: "bill less ledger",
      tokens: signed(bill === null || ledger === null ? null : bill - ledger),
      cost: signedUsd(cost === null ? null : cost.bill - cost.ledger),
    },
    { name: "bill", meaning: "", tokens: plain(bill), cost: cost === null ? "" : formatUsd(cost.bill) },
    { name: "ledger", meaning: "", tokens: plain(ledger), cost: cost === null ? "" : formatUsd(cost.ledger) },
  ];
  const right = { align: "right" as const };
  return {
    columns: [
      { key: "cause", header: "CAUSE", text: ({ name }) => name },
      ...(tokens === null
        ? []
        : [{ key: "tokens", header: "TOKENS", ...right, text: (row: CauseRow) => row.tokens }]),
      ...(cost === null
        ? []
        : [{ key: "cost", header: "COST", ...right, text: (row: CauseRow) => row.cost }]),
      { key: "meaning", header: "", priority: 2, truncate: true, text: ({ meaning }) => meaning },
    ],
    rows,
    foot,
    empty: "",
    notes: reconcileNotes(report),
  };
}

/** Those that this bill can tell at all; the rarer ones only where there is something of them. */
function causesOf({ totals: { tokens, cost }, rows }: ReconcileView): Cause[] {
  const occurs = (cause: Cause) => rows.some((row) => row.cost !== null && row.cost[cause] !== 0n);
  return [
    "missingHere",
    "missingThere",
    "dayBoundary",
    ...(tokens !== null && cost !== null ? (["price"] as const) : []),
    ...(["usageOrPrice", "rounding"] as const).filter(occurs),
  ];
}

function plain(n: bigint | null): string {
  return n === null ? "" : count(n);
}

function signed(n: bigint | null): string {
  if (n === null) return "-";
  return n > 0n ? `+${count(n)}` : count(n);
}

function signedUsd(nanos: bigint | null): string {
  if (nanos === null) return "-";
  return nanos > 0n ? `+${formatUsd(nanos)}` : formatUsd(nanos);
}
