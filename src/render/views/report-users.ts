import { METERS, PERIODS, quotaName } from "../../domain/meter.js";
import { formatUsd, usdString } from "../../domain/money.js";
import { totalInput } from "../../domain/price.js";
import type { Sums } from "../../domain/report.js";
import type { UserReport, UserRow } from "../../domain/report-users.js";
import { totalTokens } from "../../domain/usage.js";
import type { Style } from "../style.js";
import type { Column, Table } from "../table.js";
import { count, percent } from "../text.js";
import { inOrder, limitValue } from "./quotas.js";
import { userNotes } from "./report-notes.js";

/** Known cost, marked where a part of the usage has none. `marks`: whether any row is, so that the others line up. */
export function costText({ cost, unpriced }: Pick<Sums, "cost" | "unpriced">, marks: boolean): string {
  return `${formatUsd(cost)}${unpriced > 0 ? "*" : marks ? " " : ""}`;
}

/** A row as it is printed; the foot has no user. */
interface Line {
  readonly row: UserRow | null;
  readonly sums: Sums;
  readonly stated: bigint | number | null;
  readonly computed: bigint | number | null;
  readonly actual: bigint;
  readonly projected: bigint | null;
}

function lineOf(row: UserRow): Line {
  const { stated, computed, actual, projected } = row.estimate;
  return { row, sums: row.sums, stated, computed, actual, projected };
}

function footOf({ rows, totals, estimates }: UserReport): Line {
  const nobody = estimates.withoutPersona === rows.length;
  return {
    row: null,
    sums: totals,
    stated: nobody ? null : estimates.stated,
    computed: nobody ? null : estimates.computed,
    actual: estimates.actual,
    projected: estimates.withoutProjection === rows.length ? null : estimates.projected,
  };
}

/** @param machine a column for everything, as CSV needs it */
export function usersReportTable(report: UserReport, machine: boolean): Table<Line> {
  const who = machine ? whoForMachines() : whoForPeople();
  const limits = machine ? limitsForMachines() : limitsForPeople(report);
  return {
    columns: [...who, ...usageColumns(report.totals.unpriced > 0), ...limits, ...estimateColumns(machine)],
    rows: report.rows.map(lineOf),
    foot: report.rows.length === 0 ? [] : [footOf(report)],
    empty: "Nobody was a tester then, and nothing was used.",
    notes: userNotes(report),
  };
}

function whoForPeople(): Column<Line>[] {
  const mark = ({ user }: UserRow) => (user.status === "active" ? "" : ` (${user.status})`);
  const name = ({ row }: Line) => (row === null ? "total" : `${row.user.email ?? row.user.key}${mark(row)}`);
  const persona = ({ row }: Line) =>
    row === null ? "" : `${row.estimate.persona ?? "-"}${row.estimate.inferred ? "?" : ""}`;
  return [
    { key: "user", header: "USER", truncate: true, minWidth: 14, text: name },
    { key: "tier", header: "TIER", text: ({ row }) => row?.user.tier ?? "" },
    { key: "persona", header: "PERSONA", priority: 4, text: persona },
  ];
}

function whoForMachines(): Column<Line>[] {
  const of = (key: string, value: (row: UserRow) => string | number | boolean | null): Column<Line> => ({
    key,
    header: key,
    text: ({ row }) => (row === null ? "" : String(value(row) ?? "")),
    value: ({ row }) => (row === null ? null : value(row)),
  });
  return [
    of("user_id", ({ user }) => user.key),
    of("email", ({ user }) => user.email),
    of("name", ({ user }) => user.name),
    of("status", ({ user }) => user.status),
    of("tier", ({ user }) => user.tier),
    of("persona", ({ estimate }) => estimate.persona),
    of("persona_inferred", ({ estimate }) => estimate.inferred),
  ];
}

function usageColumns(marks: boolean): Column<Line>[] {
  const number = (
    key: string,
    header: string,
    priority: number,
    of: (sums: Sums) => number,
  ): Column<Line> => ({
    key,
    header,
    align: "right",
    priority,
    text: ({ sums }) => count(of(sums)),
    value: ({ sums }) => of(sums),
  });
  return [
    number("input_tokens", "INPUT", 10, totalInput),
    number("cached_input_tokens", "CACHED", 12, (sums) => sums.cacheRead + sums.cacheWrite),
    number("output_tokens", "OUTPUT", 11, (sums) => sums.output),
    number("tokens", "TOKENS", 1, totalTokens),
    number("images", "IMAGES", 1, (sums) => sums.images),
    number("requests", "REQUESTS", 9, (sums) => sums.requests),
    {
      key: "cost_usd",
      header: "COST",
      align: "right",
      text: ({ sums }) => costText(sums, marks),
      value: ({ sums }) => usdString(sums.cost),
    },
    {
      key: "assumed_usd",
      header: "ASSUMED",
      align: "right",
      priority: 6,
      text: ({ sums }) => formatUsd(sums.assumed),
      value: ({ sums }) => usdString(sums.assumed),
    },
    number("unpriced_events", "UNPRICED", 8, (sums) => sums.unpriced),
  ];
}

function limitsForPeople({ warnAt, blockAt }: UserReport): Column<Line>[] {
  const paint = (text: string, { row }: Line, style: Style) => {
    const points = (row?.fullest?.ratio ?? 0) * 10_000;
    return points >= blockAt ? style.bad(text) : points >= warnAt ? style.warn(text) : text;
  };
  const fill = (quota: UserRow["quotas"][number]) =>
    `${quotaName(quota)} ${quota.ratio === null ? "disabled" : percent(quota.ratio)}${quota.source === "override" ? " (override)" : ""}`;
  return [
    {
      key: "fullest",
      header: "LIMIT",
      align: "right",
      text: ({ row }) => (row === null ? "" : percent(row.fullest?.ratio ?? null)),
      paint,
    },
    {
      key: "fullest_quota",
      header: "FULLEST",
      priority: 7,
      text: ({ row }) => (row === null ? "" : row.fullest === null ? "-" : quotaName(row.fullest)),
    },
    {
      key: "limits",
      header: "LIMITS",
      priority: 13,
      text: ({ row }) => (row === null ? "" : inOrder(row.quotas).map(fill).join(", ")),
    },
  ];
}

function limitsForMachines(): Column<Line>[] {
  const columns: Column<Line>[] = [
    {
      key: "fullest_quota",
      header: "fullest_quota",
      text: ({ row }) => (row?.fullest ? quotaName(row.fullest) : ""),
      value: ({ row }) => (row?.fullest ? quotaName(row.fullest) : null),
    },
    {
      key: "fullest_ratio",
      header: "fullest_ratio",
      text: ({ row }) => String(row?.fullest?.ratio ?? ""),
      value: ({ row }) => row?.fullest?.ratio ?? null,
    },
  ];
  for (const meter of METERS) {
    for (const period of PERIODS) {
      const quota = ({ row }: Line) =>
        row?.quotas.find((each) => each.meter === meter && each.period === period);
      const key = `${meter}_${period}`;
      const unit = meter === "cost" ? "_usd" : "";
      const used = (line: Line) => {
        const found = quota(line);
        return found === undefined ? null : limitValue(meter, found.used);
      };
      const limit = (line: Line) => limitValue(meter, quota(line)?.limit ?? null);
      columns.push(
        { key: `${key}_used${unit}`, header: key, text: (line) => String(used(line) ?? ""), value: used },
        { key: `${key}_limit${unit}`, header: key, text: (line) => String(limit(line)), value: limit },
      );
    }
  }
  return columns;
}

function estimateColumns(machine: boolean): Column<Line>[] {
  const money = (
    key: "stated" | "computed" | "actual" | "projected",
    priority: number,
    missing: string,
  ): Column<Line> => ({
    key: `${key}_usd`,
    header: key.toUpperCase(),
    align: "right",
    priority,
    text: (line) => (line[key] === null ? missing : formatUsd(line[key])),
    value: (line) => (line[key] === null ? null : usdString(line[key])),
  });
  const days: Column<Line> = {
    key: "days",
    header: "DAYS",
    align: "right",
    text: ({ row }) => String(row?.estimate.days ?? ""),
    value: ({ row }) => row?.estimate.days ?? null,
  };
  return [
    ...(machine ? [days] : []),
    money("stated", 3, "-"),
    money("computed", 5, "-"),
    money("actual", 2, "-"),
    money("projected", 1, "n/a"),
  ];
}
