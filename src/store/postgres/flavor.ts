import { sql } from "kysely";
import type { Flavor } from "../../../migrations/index.js";

/** How the migrations are spelled for PostgreSQL. */
export const POSTGRES_FLAVOR: Flavor = {
  int: "bigint",
  // By bytes, as SQLite does: the same order on every server, whatever language it was set up for, and a faster one.
  text: sql`text collate "C"`,
  // By default, and not always: a database that is moved here keeps its numbers.
  numbered: (column) => column.generatedByDefaultAsIdentity().primaryKey(),
  tableEnd: sql``,
  keyedTableEnd: sql``,
};
