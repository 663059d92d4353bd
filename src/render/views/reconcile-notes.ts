import { rangesOf, sumTokens } from "../../domain/bill.js";
import type { ModelGroup } from "../../domain/model-names.js";
import { formatUsd } from "../../domain/money.js";
import type { ReconciledDay } from "../../domain/reconcile.js";
import type { Tolerance } from "../../domain/tolerance.js";
import { dayLabel } from "../../domain/window.js";
import { count, list, plural } from "../text.js";
import type { ReconcileView } from "./reconcile-report.js";

/** Whether the bill reconciles, and by how much it does not. */
export function reconcileSentence(report: ReconcileView): string {
  const bill = `The bill of ${list(report.bills.map(({ provider }) => provider))} for ${daysOf(report)}`;
  const { isBilled, isUsed } = report;
  if (!isBilled && !isUsed) return `${bill} is of nothing, and the ledger has nothing of it either.`;
  if (!isBilled) return `${bill} is of nothing, but the ledger has usage of ${ledgerName(report)}.`;
  if (!isUsed) {
    const others = report.ledgerProviders.filter((name) => name !== "");
    const has = others.length === 0 ? "no usage at all" : `usage of ${list(others)} only`;
    return `${bill} and the ledger have nothing in common: on these days the ledger has ${has}.`;
  }
  if (!report.isShared) return `${bill} and the ledger have nothing in common: not one model is in both.`;
  const off = offOf(report);
  if (off === "") {
    return `${bill} reconciles with the ledger: ${amounts(report)}, and nothing differs${exceptOf(report)}.`;
  }
  const said = `${bill} ${report.isReconciled ? "reconciles" : "does not reconcile"} with the ledger`;
  return `${said}: ${off}, which is ${report.isReconciled ? "within" : "beyond"} the tolerance of ${toleranceText(report.tolerance)}.`;
}

/** What differs and counts against no tolerance. */
function exceptOf({ totals: { tokens, cost }, rows }: ReconcileView): string {
  const isMoved = (tokens?.moved ?? 0n) !== 0n || (cost?.moved ?? 0n) !== 0n;
  const isRounded = rows.some((row) => (row.cost?.rounding ?? 0n) !== 0n);
  const except = [...(isMoved ? ["day boundaries"] : []), ...(isRounded ? ["rounding"] : [])];
  return except.length === 0 ? "" : ` but ${list(except)}`;
}

function ledgerName({ servedBy, bills }: ReconcileView): string {
  return servedBy ?? list(bills.map(({ provider }) => provider));
}

function daysOf({ bills }: ReconcileView): string {
  const days = new Set<number>();
  for (const { tokenDays, costDays } of bills) {
    for (const { from, to } of [...tokenDays, ...costDays])
      for (let day = from; day < to; day += 1) days.add(day);
  }
  const ranges = rangesOf(days);
  const [first, last] = [ranges[0]?.from ?? 0, (ranges.at(-1)?.to ?? 1) - 1];
  if (first === last) return `${dayLabel(first)} (UTC)`;
  return `${dayLabel(first)} to ${dayLabel(last)} (${plural(days.size, "day")}, UTC)`;
}

function amounts({ totals: { tokens, cost } }: ReconcileView): string {
  return list([
    ...(tokens === null ? [] : [plural(sumTokens(tokens.bill), "token")]),
    ...(cost === null ? [] : [formatUsd(cost.bill)]),
  ]);
}

/** What counts against the tolerance, with its share of the bill; empty: nothing. */
function offOf({ totals: { tokens, cost } }: ReconcileView): string {
  const parts = [
    ...(tokens === null || tokens.off === 0n
      ? []
      : [`${plural(tokens.off, "token")}${shareOf(tokens.off, sumTokens(tokens.bill))}`]),
    ...(cost === null || cost.off === 0n ? [] : [`${formatUsd(cost.off)}${shareOf(cost.off, cost.bill)}`]),
  ];
  const one = parts.length === 1 && (tokens?.off ?? 0n) <= 1n;
  return parts.length === 0 ? "" : `${list(parts)} ${one ? "differs" : "differ"}`;
}

/** In hundredths of a percent, rounded up, so that a difference never reads as none. */
function shareOf(part: bigint, whole: bigint): string {
  const of = whole < 0n ? -whole : whole;
  if (of === 0n) return "";
  const hundredths = (part * 10_000n + of - 1n) / of;
  const digits = hundredths.toString().padStart(2, "0");
  return ` (${count(hundredths / 100n)}.${digits.slice(-2)}%)`;
}

function toleranceText(tolerance: Tolerance): string {
  if (tolerance.kind === "cost") return formatUsd(tolerance.nanos);
  if (tolerance.millionths === 0n) return "0";
  const digits = tolerance.millionths.toString().padStart(5, "0");
  const fraction = digits.slice(-4).replace(/0+$/, "");
  return `${digits.slice(0, -4)}${fraction === "" ? "" : `.${fraction}`}%`;
}

/** What has to be known to read the figures. */
export function reconcileNotes(report: ReconcileView): string[] {
  return [
    ...(report.zone === "UTC"
      ? []
      : [`Days are those of UTC, as on the bill; the accounting zone is ${report.zone}.`]),
    ...boundaryNote(report),
    ...report.bills.flatMap(({ provider, models }) => models.flatMap((model) => modelNote(provider, model))),
    ...unpricedNote(report.rows),
  ];
}

function boundaryNote({ totals: { tokens, cost } }: ReconcileView): string[] {
  const moved = [
    ...(tokens === null || tokens.moved === 0n ? [] : [plural(tokens.moved, "token")]),
    ...(cost === null || cost.moved === 0n ? [] : [formatUsd(cost.moved)]),
  ];
  return moved.length === 0
    ? []
    : [`Day boundary: the bill and the ledger date ${list(moved)} to neighbouring days.`];
}

function modelNote(provider: string, { label, match, billNames, ledgerNames }: ModelGroup): string[] {
  if (match === "family") {
    return [
      `${label} is compared as one: ${list(billNames)} on the bill, ${list(ledgerNames)} in the ledger.`,
    ];
  }
  if (match !== "all") return [];
  return [
    `The bill of ${provider} is not split by model, so all models are compared together; export it grouped by model or line item to tell them apart.`,
  ];
}

function unpricedNote(rows: readonly ReconciledDay[]): string[] {
  const stated = rows.filter(({ bill }) => bill.cost !== null);
  const events = stated.reduce((sum, { ledger }) => sum + ledger.unpriced, 0n);
  const assumed = stated.reduce((sum, { ledger }) => sum + ledger.assumed, 0n);
  if (events <= 0n) return [];
  const [are, them] = events === 1n ? ["is", "it"] : ["are", "them"];
  return [
    `${plural(events, "event")} of the ledger ${are} unpriced; what is assumed for ${them}, ${formatUsd(assumed)}, is no part of its cost.`,
  ];
}
