import type { DayRange } from "./day-range.js";
import type { Tier } from "./tier.js";
import { type CallKind, NO_USAGE, totalTokens, type Usage } from "./usage.js";
import type { User } from "./user.js";
import { dayLabel, type Instant } from "./window.js";

/** By what a usage report has its rows. */
export const REPORT_GROUPINGS = ["user", "tier", "model", "provider", "feature", "day"] as const;
export type ReportGrouping = (typeof REPORT_GROUPINGS)[number];

/** Usage added up. Money is bigint: over all users a sum may leave the safe integers. */
export interface Sums extends Usage {
  readonly requests: number;
  /** Known cost in nanos. */
  readonly cost: bigint;
  /** What unpriced usage is assumed to cost, in nanos; no part of `cost`. */
  readonly assumed: bigint;
  /** Events that no price covers. */
  readonly unpriced: number;
}

export const NO_SUMS: Sums = { ...NO_USAGE, requests: 0, cost: 0n, assumed: 0n, unpriced: 0 };

export function addSums(a: Sums, b: Sums): Sums {
  return {
    input: a.input + b.input,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    output: a.output + b.output,
    reasoning: a.reasoning + b.reasoning,
    images: a.images + b.images,
    requests: a.requests + b.requests,
    cost: a.cost + b.cost,
    assumed: a.assumed + b.assumed,
    unpriced: a.unpriced + b.unpriced,
  };
}

export function totalOf(all: Iterable<Sums>): Sums {
  let total = NO_SUMS;
  for (const each of all) total = addSums(total, each);
  return total;
}

/** What every report says beside its rows. */
export interface ReportFrame {
  readonly at: Instant;
  readonly zone: string;
  readonly range: DayRange;
  /** The running accounting day. */
  readonly today: number;
  /** The first day of the next month. */
  readonly monthEnd: number;
  readonly totals: Sums;
  readonly unpriced: readonly UnpricedModel[];
}

export interface GroupReport extends ReportFrame {
  readonly by: Exclude<ReportGrouping, "user">;
  readonly rows: readonly GroupRow[];
}

/** What was spent: known cost and what unpriced usage is assumed to cost. */
export function actualCost(sums: Sums): bigint {
  return sums.cost + sums.assumed;
}

/** A row of a report by anything but user. */
export interface GroupRow {
  /** The tier's key, the model, provider or feature (empty: not stated), or the day as `YYYY-MM-DD`. */
  readonly key: string;
  /** Of a model; `null` in other reports. */
  readonly provider: string | null;
  /** Of a tier: the testers on it now, less those who were removed; `null` in other reports. */
  readonly testers: number | null;
  readonly sums: Sums;
}

/** Orders rows by what they cost, the dearest first; equal ones by tokens, then by name, so that the order is one. */
export function bySpend(a: { sums: Sums; name: string }, b: { sums: Sums; name: string }): number {
  const [left, right] = [actualCost(a.sums), actualCost(b.sums)];
  if (left !== right) return left > right ? -1 : 1;
  return totalTokens(b.sums) - totalTokens(a.sums) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** Rows by one part of the kind of call. A model is named with its provider: the same one may cost differently there. */
export function rowsByKind(
  cells: readonly (Sums & CallKind)[],
  part: "model" | "provider" | "feature",
): GroupRow[] {
  const rows = new Map<string, GroupRow>();
  for (const cell of cells) {
    const provider = part === "model" ? cell.provider : null;
    const id = `${provider ?? ""}\n${cell[part]}`;
    const sums = addSums(rows.get(id)?.sums ?? NO_SUMS, cell);
    rows.set(id, { key: cell[part], provider, testers: null, sums });
  }
  return [...rows.values()]
    .map((row) => ({ ...row, name: `${row.key}\n${row.provider ?? ""}` }))
    .sort(bySpend)
    .map(({ name: _, ...row }) => row);
}

/** Rows by the tier that each user is on now, by rank; a tier that was removed since comes last. */
export function rowsByTier(
  cells: readonly (Sums & { readonly userId: number })[],
  users: readonly User[],
  tiers: readonly Tier[],
): GroupRow[] {
  const used = new Map(cells.map((cell) => [cell.userId, cell]));
  const rows = new Map<string, { sums: Sums; testers: number }>();
  for (const tier of tiers) rows.set(tier.key, { sums: NO_SUMS, testers: 0 });
  for (const user of users) {
    const sums = used.get(user.id);
    const row = rows.get(user.tier) ?? { sums: NO_SUMS, testers: 0 };
    if (sums === undefined && user.status === "removed") continue;
    rows.set(user.tier, {
      sums: sums === undefined ? row.sums : addSums(row.sums, sums),
      testers: row.testers + (user.status === "removed" ? 0 : 1),
    });
  }
  return [...rows].map(([key, row]) => ({ key, provider: null, ...row }));
}

/** A row for each day of the range up to today, quiet days too, and for later ones that have usage. */
export function rowsByDay(
  cells: readonly (Sums & { readonly day: number })[],
  range: DayRange,
  today: number,
): GroupRow[] {
  const used = new Map(cells.map((cell) => [cell.day, cell]));
  const last = Math.min(range.to - 1, Math.max(today, ...used.keys()));
  const rows: GroupRow[] = [];
  for (let day = range.from; day <= last; day += 1) {
    const sums = used.get(day);
    rows.push({ key: dayLabel(day), provider: null, testers: null, sums: totalOf(sums ? [sums] : []) });
  }
  return rows;
}

/** A model whose usage has no price. */
export interface UnpricedModel extends Pick<CallKind, "provider" | "model"> {
  readonly events: number;
  readonly assumed: bigint;
}

/** The models with unpriced usage, those with the most events first. */
export function unpricedModels(cells: readonly (Sums & CallKind)[]): UnpricedModel[] {
  return rowsByKind(
    cells.filter((cell) => cell.unpriced > 0),
    "model",
  )
    .map(({ key, provider, sums }) => ({
      provider: provider ?? "",
      model: key,
      events: sums.unpriced,
      assumed: sums.assumed,
    }))
    .sort((a, b) => b.events - a.events);
}
