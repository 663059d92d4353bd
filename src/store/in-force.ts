import { type RawBuilder, sql } from "kysely";
import type { AsOf } from "../engine/ports.js";

type VersionedTable = "guardrail" | "membership" | "override" | "price" | "setting" | "stop" | "tier_version";

/** The rows of a versioned table that are in force, or were at an instant. */
export function inForce(table: VersionedTable, asOf: AsOf): RawBuilder<boolean> {
  const from = sql.ref(`${table}.valid_from`);
  const to = sql.ref(`${table}.valid_to`);
  return asOf === null
    ? sql<boolean>`${to} is null`
    : sql<boolean>`(${from} <= ${asOf} and (${to} is null or ${to} > ${asOf}))`;
}
