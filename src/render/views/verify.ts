import { moneyJson, usdString } from "../../domain/money.js";
import type { Style } from "../style.js";
import { renderTable, type Table } from "../table.js";
import { count, list, plural, wrap } from "../text.js";

export interface DifferenceView {
  readonly total: "window" | "day" | "guardrail" | "sealed";
  readonly user: string | null;
  readonly window: string;
  readonly of: string | null;
  readonly field: string;
  readonly stored: bigint;
  readonly computed: bigint;
}

export interface VerificationView {
  readonly rows: number;
  readonly windows: number;
  readonly days: number;
  readonly guardrails: number;
  readonly sealedMonths: number;
  readonly differenceCount: number;
  readonly differences: readonly DifferenceView[];
}

const MONEY = new Set(["cost", "assumed_cost"]);

function amountJson(field: string, amount: bigint) {
  if (MONEY.has(field)) return moneyJson(amount);
  const plain = Number(amount);
  return Number.isSafeInteger(plain) ? plain : amount;
}

export function verificationJson(verification: VerificationView) {
  const { rows, windows, days, guardrails, sealedMonths, differenceCount } = verification;
  return {
    equal: differenceCount === 0,
    ledger_rows: rows,
    totals: { windows, days, guardrails },
    sealed_months: sealedMonths,
    difference_count: differenceCount,
    differences: verification.differences.map(differenceJson),
  };
}

export function differenceJson({ total, user, window, of, field, stored, computed }: DifferenceView) {
  const amounts = { stored: amountJson(field, stored), computed: amountJson(field, computed) };
  return { total, user, window, of, field, ...amounts };
}

/** To the last nano: what differs by one must not look the same. */
function amountText({ field }: DifferenceView, amount: bigint): string {
  if (!MONEY.has(field)) return count(amount);
  return amount < 0n ? `-$${usdString(-amount)}` : `$${usdString(amount)}`;
}

function amountValue({ field }: DifferenceView, amount: bigint): bigint | string {
  return MONEY.has(field) ? usdString(amount) : amount;
}

export function differencesTable(differences: readonly DifferenceView[]): Table<DifferenceView> {
  return {
    rows: differences,
    empty: "Every total is what the ledger adds up to.",
    columns: [
      { key: "total", header: "TOTAL", priority: 3, text: ({ total }) => total },
      {
        key: "user",
        header: "USER",
        truncate: true,
        text: ({ user }) => user ?? "everybody",
        value: ({ user }) => user,
      },
      { key: "window", header: "WINDOW", text: ({ window }) => window },
      {
        key: "of",
        header: "OF",
        priority: 2,
        truncate: true,
        text: ({ of }) => of || "-",
        value: ({ of }) => of,
      },
      { key: "field", header: "FIELD", text: ({ field }) => field },
      {
        key: "stored",
        header: "STORED",
        align: "right",
        text: (row) => amountText(row, row.stored),
        value: (row) => amountValue(row, row.stored),
      },
      {
        key: "computed",
        header: "LEDGER",
        align: "right",
        text: (row) => amountText(row, row.computed),
        value: (row) => amountValue(row, row.computed),
      },
    ],
  };
}

export function verificationText(
  verification: VerificationView,
  { style, width }: { readonly style: Style; readonly width: number | null },
): string {
  const { differenceCount, differences } = verification;
  const isEqual = differenceCount === 0;
  const head = isEqual ? "Equal:" : `${plural(differenceCount, "difference")}:`;
  const sentence = `${head} ${comparedText(verification)}.`;
  const lines = width === null ? [sentence] : wrap(sentence, width);
  const said = `${lines.join("\n").replace(head, isEqual ? style.ok : style.bad)}\n`;
  if (isEqual) return said;
  const more = differenceCount - differences.length;
  const rest = more === 0 ? "" : `\nand ${count(more)} more.\n`;
  return `${said}\n${renderTable(differencesTable(differences), { style, width })}${rest}`;
}

/** What was compared with what. */
export function comparedText({ rows, windows, days, guardrails, sealedMonths }: VerificationView): string {
  const compared = list([
    `${plural(windows, "total")} of days and months`,
    `${count(days)} of reports`,
    `${count(guardrails)} of guardrails`,
  ]);
  const sealed = sealedMonths === 0 ? "" : ` and what ${plural(sealedMonths, "sealed month")} came to`;
  return `${compared}, compared with ${plural(rows, "row")} of the ledger${sealed}`;
}
