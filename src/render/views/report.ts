import { moneyJson, usdString } from "../../domain/money.js";
import { totalInput } from "../../domain/price.js";
import type { GroupReport, GroupRow, ReportFrame, Sums } from "../../domain/report.js";
import type { UserReport } from "../../domain/report-users.js";
import { totalTokens } from "../../domain/usage.js";
import { dayLabel, formatInstant } from "../../domain/window.js";
import type { Column, Table } from "../table.js";
import { count } from "../text.js";
import { rangeNote, unpricedNote } from "./report-notes.js";
import { costText } from "./report-users.js";
import { userReportJson } from "./report-users-json.js";

/** Sums as JSON shows them. */
export function sumsJson(sums: Sums) {
  return {
    tokens: totalTokens(sums),
    input_tokens: totalInput(sums),
    cache_read_tokens: sums.cacheRead,
    cache_write_tokens: sums.cacheWrite,
    output_tokens: sums.output,
    reasoning_tokens: sums.reasoning,
    images: sums.images,
    requests: sums.requests,
    cost: moneyJson(sums.cost),
    assumed_cost: moneyJson(sums.assumed),
    unpriced_events: sums.unpriced,
  };
}

function frameJson(frame: ReportFrame) {
  return {
    since: dayLabel(frame.range.from),
    until: dayLabel(frame.range.to),
    time_zone: frame.zone,
    at: formatInstant(frame.at),
    totals: sumsJson(frame.totals),
    unpriced: {
      events: frame.totals.unpriced,
      assumed_cost: moneyJson(frame.totals.assumed),
      models: frame.unpriced.map(({ provider, model, events, assumed }) => ({
        provider,
        model,
        events,
        assumed_cost: moneyJson(assumed),
      })),
    },
  };
}

export function reportJson(report: GroupReport | UserReport) {
  const frame = { by: report.by, ...frameJson(report) };
  if (report.by === "user") return { ...frame, ...userReportJson(report, sumsJson) };
  return {
    ...frame,
    rows: report.rows.map(({ key, provider, testers, sums }) => ({
      [report.by]: key,
      ...(provider === null ? {} : { provider }),
      ...(testers === null ? {} : { testers }),
      ...sumsJson(sums),
    })),
  };
}

/** A report by anything but user. */
export function groupReportTable(report: GroupReport): Table<GroupRow> {
  const { by, rows, totals } = report;
  const testers = by === "tier" ? rows.reduce((sum, row) => sum + (row.testers ?? 0), 0) : null;
  const total: GroupRow = { key: "total", provider: by === "model" ? "" : null, testers, sums: totals };
  const named = (text: string) => (text === "" ? "(not stated)" : text);
  const columns: Column<GroupRow>[] = [
    {
      key: by,
      header: by.toUpperCase(),
      truncate: true,
      minWidth: 20,
      text: ({ key }) => named(key),
      value: ({ key }) => key,
    },
  ];
  if (by === "model") {
    columns.push({
      key: "provider",
      header: "PROVIDER",
      priority: 2,
      text: (row) => (row === total ? "" : named(row.provider ?? "")),
      value: (row) => row.provider,
    });
  }
  if (by === "tier") {
    columns.push({
      key: "testers",
      header: "TESTERS",
      align: "right",
      priority: 2,
      text: (row) => count(row.testers ?? 0),
      value: (row) => row.testers,
    });
  }
  return {
    columns: [...columns, ...sumsColumns<GroupRow>((row) => row.sums, totals)],
    rows,
    foot: rows.length === 0 ? [] : [total],
    empty: "Nothing was used.",
    notes: [rangeNote(report), ...unpricedNote(report)],
  };
}

/** The columns that every report by anything but user ends with. */
function sumsColumns<Row>(of: (row: Row) => Sums, totals: Sums): Column<Row>[] {
  const number = (
    key: string,
    header: string,
    priority: number,
    value: (sums: Sums) => number,
  ): Column<Row> => ({
    key,
    header,
    align: "right",
    priority,
    text: (row) => count(value(of(row))),
    value: (row) => value(of(row)),
  });
  return [
    number("input_tokens", "INPUT", 5, totalInput),
    number("cached_input_tokens", "CACHED", 7, (sums) => sums.cacheRead + sums.cacheWrite),
    number("output_tokens", "OUTPUT", 6, (sums) => sums.output),
    number("tokens", "TOKENS", 1, totalTokens),
    number("images", "IMAGES", 1, (sums) => sums.images),
    number("requests", "REQUESTS", 4, (sums) => sums.requests),
    {
      key: "cost_usd",
      header: "COST",
      align: "right",
      text: (row) => costText(of(row), totals.unpriced > 0),
      value: (row) => usdString(of(row).cost),
    },
    {
      key: "assumed_usd",
      header: "ASSUMED",
      align: "right",
      priority: 2,
      text: (row) => costText({ ...of(row), cost: of(row).assumed, unpriced: 0 }, false),
      value: (row) => usdString(of(row).assumed),
    },
    number("unpriced_events", "UNPRICED", 3, (sums) => sums.unpriced),
  ];
}
