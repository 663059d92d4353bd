import { type RawBuilder, sql } from "kysely";
import type { Schema } from "./schema.js";

/** A lease is of a run on one database, and of no use on another. */
export type MovedTable = Exclude<keyof Schema, "job_lease">;

/** By which columns the rows of a table are told apart and put in order; in the order in which tables are carried. */
export const KEYS: Readonly<Record<MovedTable, readonly string[]>> = {
  generation: ["id"],
  setting: ["id"],
  tier: ["id"],
  tier_version: ["id"],
  tier_quota: ["tier_version_id", "meter", "period"],
  tier_feature: ["tier_version_id", "feature"],
  users: ["id"],
  user_name: ["name"],
  membership: ["id"],
  override: ["id"],
  stop: ["id"],
  forgiveness: ["user_id", "period", "window_index", "meter", "forgiven_at"],
  guardrail: ["id"],
  price: ["id"],
  call_kind: ["id"],
  event_source: ["id"],
  usage_event: ["id"],
  event_key: ["source_id", "id"],
  usage_window: ["user_id", "period", "window_index"],
  usage_day: ["day", "user_id", "call_kind_id"],
  hold: ["user_id", "id"],
  refusal: ["user_id", "day", "code", "meter"],
  refused_call: ["id"],
  sealed_month: ["month"],
  guardrail_total: ["guardrail_id", "window_index", "shard"],
  guardrail_trip: ["guardrail_id", "window_index"],
  alert: ["id"],
  audit_entry: ["id"],
  import: ["id"],
  reset_run: ["day"],
  client: ["kind", "host", "fail_open"],
};

export const MOVED_TABLES = Object.keys(KEYS) as MovedTable[];

/** Rows of these refer to one another, so that none can be emptied without those behind it. */
const RELATED: readonly MovedTable[] = [
  "tier",
  "tier_version",
  "tier_quota",
  "tier_feature",
  "users",
  "user_name",
  "membership",
  "override",
  "stop",
];

/** Tables that are carried, and carried anew, together. */
export const UNITS: readonly (readonly MovedTable[])[] = MOVED_TABLES.flatMap((table) => {
  if (table === RELATED[0]) return [RELATED];
  return RELATED.includes(table) ? [] : [[table]];
});

export interface Column {
  readonly name: string;
  readonly isInteger: boolean;
}

/** @param found columns in their order, with the tables that they are in */
export function byTable(
  found: readonly (Column & { readonly table: string })[],
): ReadonlyMap<string, readonly Column[]> {
  const tables = new Map<string, Column[]>();
  for (const { table, name, isInteger } of found) {
    const columns = tables.get(table) ?? [];
    tables.set(table, columns);
    columns.push({ name, isInteger });
  }
  return tables;
}

/** A table as a move reads it. */
export interface TableShape {
  readonly name: MovedTable;
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** What it is read from. */
  readonly from: RawBuilder<unknown>;
}

/** Where there is one writer at a time, a guardrail's total is one row. */
const SHARDS_IN_ONE = sql`(
  select guardrail_id, window_index, 0 as shard, cast(sum(used) as bigint) as used
  from guardrail_total group by guardrail_id, window_index
) as guardrail_total`;

/** @param oneWriter whether the target has one writer at a time */
export function tableShape(
  name: MovedTable,
  columns: readonly Column[],
  { oneWriter }: { readonly oneWriter: boolean },
): TableShape {
  const from = name === "guardrail_total" && oneWriter ? SHARDS_IN_ONE : sql.table(name);
  return { name, key: KEYS[name], columns, from };
}
