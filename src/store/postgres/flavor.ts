import { sql } from "kysely";
import type { Flavor } from "../../../migrations/index.js";
import { LEDGER_PARTS } from "./flavor-ledger.js";

/** How the migrations are spelled for PostgreSQL. */
export const POSTGRES_FLAVOR: Flavor = {
  int: "bigint",
  // By bytes, as SQLite does: the same order on every server, whatever language it was set up for, and a faster one.
  text: sql`text collate "C"`,
  // By default, and not always: a database that is moved here keeps its numbers.
  numbered: (column) => column.generatedByDefaultAsIdentity().primaryKey(),
  ledger: (table) =>
    table
      .addColumn("id", "bigint", (column) => column.generatedByDefaultAsIdentity().notNull())
      // Every key of a partitioned table has what it is partitioned by.
      .addPrimaryKeyConstraint("usage_event_key", ["id", "occurred_at" as never])
      .modifyEnd(sql`partition by range (occurred_at)`),
  ledgerParts: LEDGER_PARTS,
  tableEnd: sql``,
  keyedTableEnd: sql``,
  // A row that is gone stays in the table until it is vacuumed away, while an index soon learns to pass it over.
  churning: (table, column) => [
    sql`create index ${sql.ref(`${table}_${column}`)} on ${sql.table(table)} (${sql.ref(column)})`,
    sql`alter table ${sql.table(table)} set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`,
  ],
  // A changed row is written anew; where its page has room for it, no index has to learn of it.
  changing: (table) => [sql`alter table ${sql.table(table)} set (fillfactor = 70)`],
};
