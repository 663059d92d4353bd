import { moneyJson } from "../../domain/money.js";
import type { UserReport } from "../../domain/report-users.js";
import { dayLabel } from "../../domain/window.js";
import { sanitize } from "../sanitize.js";
import { plural, size } from "../text.js";

interface ExportView {
  readonly file: string;
  readonly bytes: number;
  readonly events: number;
  readonly cost: bigint;
  readonly assumed: bigint;
}

export function exportJson({ file, bytes, events, cost, assumed }: ExportView) {
  return { file, bytes, events, cost: moneyJson(cost), assumed_cost: moneyJson(assumed) };
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
