import type { Style } from "../style.js";
import { renderTable, type Table } from "../table.js";
import { count, plural, wrap } from "../text.js";
import {
  comparedText,
  type DifferenceView,
  differenceJson,
  differencesTable,
  type VerificationView,
} from "./verify.js";

interface Look {
  readonly style: Style;
  readonly width: number | null;
}

interface RebuiltView extends VerificationView {
  readonly lost: readonly DifferenceView[];
}

export function rebuiltJson(rebuilt: RebuiltView) {
  const { rows, windows, days, guardrails, sealedMonths, differenceCount, differences, lost } = rebuilt;
  return {
    ledger_rows: rows,
    totals: { windows, days, guardrails },
    sealed_months: sealedMonths,
    mended_count: differenceCount,
    mended: differences.map(differenceJson),
    lost: lost.map(differenceJson),
  };
}

/** What was mended; as it was stored, and as it is now. */
export function mendedTable({ differences }: RebuiltView): Table<DifferenceView> {
  return differencesTable(differences);
}

export function rebuiltText(rebuilt: RebuiltView, dryRun: boolean, look: Look): string {
  const { differenceCount, differences, lost } = rebuilt;
  const { style } = look;
  const isEqual = differenceCount === 0;
  const head = isEqual
    ? "Nothing to mend:"
    : `${dryRun ? "Would mend" : "Mended"} ${plural(differenceCount, "difference")}:`;
  const sentence = wrapped(`${head} ${comparedText(rebuilt)}.`, look.width).replace(head, style.ok);
  const more = differenceCount - differences.length;
  const parts = [
    sentence,
    ...(isEqual ? [] : [renderTable(differencesTable(differences), look)]),
    ...(more === 0 ? [] : [`and ${count(more)} more.\n`]),
  ];
  if (lost.length > 0) {
    const said = `Sealed months cannot be mended, since their events are gone. These differ from what was kept of them:`;
    parts.push(style.bad(wrapped(said, look.width)), renderTable(differencesTable(lost), look));
  }
  return parts.join("\n");
}

interface ZoneView {
  readonly before: string;
  readonly after: string;
  readonly rows: number;
  readonly windows: number;
  readonly days: number;
}

export function zoneJson({ before, after, rows, windows, days }: ZoneView) {
  return { time_zone: { before, after }, ledger_rows: rows, totals: { windows, days } };
}

export function zoneText(
  { before, after, rows, windows, days }: ZoneView,
  dryRun: boolean,
  look: Look,
): string {
  const head = dryRun ? "Would begin days and months" : "Days and months begin";
  const text = `${head} in ${after} instead of ${before}: ${plural(rows, "row")} of the ledger, added up anew, ${dryRun ? "would make" : "made"} ${plural(windows, "total")} of days and months and ${count(days)} of reports.`;
  return wrapped(text, look.width).replace(head, look.style.ok);
}

function wrapped(text: string, width: number | null): string {
  return `${width === null ? text : wrap(text, width).join("\n")}\n`;
}
