import { sql } from "kysely";
import type { Flavor } from "../../../migrations/index.js";

/** How the migrations are spelled for SQLite: strict tables, and keyed ones without a row id of their own. */
export const SQLITE_FLAVOR: Flavor = {
  int: "integer",
  text: "text",
  numbered: (column) => column.primaryKey(),
  ledger: (table) => table.addColumn("id", "integer", (column) => column.primaryKey()).modifyEnd(sql`strict`),
  ledgerParts: [],
  tableEnd: sql`strict`,
  keyedTableEnd: sql`strict, without rowid`,
  churning: () => [],
  changing: () => [],
};
