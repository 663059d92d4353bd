import { moneyJson } from "../../domain/money.js";
import type { UserReport } from "../../domain/report-users.js";
import { dayLabel, monthLabel } from "../../domain/window.js";
import { sanitize } from "../sanitize.js";
import { plural, size } from "../text.js";

interface ExportView {
  readonly file: string;
  readonly bytes: number;
  readonly events: number;
  readonly cost: bigint;
  readonly assumed: bigint;
  readonly sealedThrough: number | null;
}

export function exportJson({ file, bytes, events, cost, assumed, sealedThrough }: ExportView) {
  return {
    file,
    bytes,
    events,
    cost: moneyJson(cost),
    assumed_cost: moneyJson(assumed),
    sealed_through: sealedThrough === null ? null : monthLabel(sealedThrough),
  };
}

/** What an export has not, where it lacks something. */
export function exportNote({ sealedThrough }: Pick<ExportView, "sealedThrough">): string | null {
  if (sealedThrough === null) return null;
  return `the calls of the months through ${monthLabel(sealedThrough)} were pruned, and are in no export any more`;
}

export function exportText({ file, bytes, events }: ExportView): string {
  return `Exported ${plural(events, "event")} to ${sanitize(file)} (${size(bytes)})\n`;
}

interface ReportPageView {
  readonly file: string;
  readonly bytes: number;
  readonly report: Pick<UserReport, "range">;
}

export function reportPageJson({ file, bytes, report: { range } }: ReportPageView) {
  return { file, bytes, since: dayLabel(range.from), until: dayLabel(range.to) };
}

export function reportPageText({ file, bytes, report: { range } }: ReportPageView): string {
  const days = `${dayLabel(range.from)} to ${dayLabel(range.to - 1)}`;
  return `Wrote the report of ${days} to ${sanitize(file)} (${size(bytes)})\n`;
}
