import { type CreateTableBuilder, type Kysely, sql } from "kysely";
import type { Flavor } from "./flavor.js";

// biome-ignore lint/suspicious/noExplicitAny: a migration knows no schema but the one it makes
type AnyDb = Kysely<any>;

/** What it takes to replay the past against other limits, and to let go of old months of the ledger. */
export async function up(db: AnyDb, on: Flavor): Promise<void> {
  await addAdmissions(db, on);
  await createRefusedCalls(db, on);
  await createSealedMonths(db, on);
  await leadByDay(db, on);
  for (const table of ["usage_day", "usage_window"]) {
    for (const statement of on.changing(table)) await statement.execute(db);
  }
}

/**
 * When a call was let through, and for how much: its usage alone does not tell what was asked for. `part`: which part of
 * a call that reports in parts; null: all of it, or its end.
 */
async function addAdmissions(db: AnyDb, on: Flavor): Promise<void> {
  for (const column of ["reserved_at", "asked_tokens", "asked_images", "asked_cost", "part"]) {
    await db.schema.alterTable("usage_event").addColumn(column, on.int).execute();
  }
}

async function createRefusedCalls(db: AnyDb, on: Flavor): Promise<void> {
  await db.schema
    .createTable("refused_call")
    .addColumn("id", on.int, (column) => on.numbered(column))
    .addColumn("user_id", on.int, (column) => column.notNull())
    .addColumn("day", on.int, (column) => column.notNull())
    .addColumn("at", on.int, (column) => column.notNull())
    .addColumn("call_kind_id", on.int, (column) => column.notNull())
    // Whether it said how many tokens and images it was for: one that did not touches every quota.
    .addColumn("states_amounts", on.int, (column) => column.notNull())
    .addColumn("tokens", on.int, (column) => column.notNull())
    .addColumn("images", on.int, (column) => column.notNull())
    .addColumn("cost", on.int, (column) => column.notNull())
    .addColumn("requests", on.int, (column) => column.notNull())
    .addColumn("code", on.text, (column) => column.notNull())
    .addColumn("meter", on.text, (column) => column.notNull())
    .addColumn("period", on.text, (column) => column.notNull())
    // What the windows and holds came to when it was refused, as JSON.
    .addColumn("seen", on.text, (column) => column.notNull())
    .modifyEnd(on.tableEnd)
    .execute();
  await db.schema.createIndex("refused_call_day").on("refused_call").columns(["user_id", "day"]).execute();
}

/** Months whose events were let go of: what they came to, from which the totals are proven from then on. */
async function createSealedMonths(db: AnyDb, on: Flavor): Promise<void> {
  await db.schema
    .createTable("sealed_month")
    .addColumn("month", on.int, (column) => column.notNull().primaryKey())
    .addColumn("sealed_at", on.int, (column) => column.notNull())
    .addColumn("actor", on.text, (column) => column.notNull())
    .addColumn("events", on.int, (column) => column.notNull())
    .addColumn("requests", on.int, (column) => column.notNull())
    .addColumn("tokens", on.int, (column) => column.notNull())
    .addColumn("images", on.int, (column) => column.notNull())
    .addColumn("cost", on.int, (column) => column.notNull())
    .addColumn("assumed", on.int, (column) => column.notNull())
    .modifyEnd(on.keyedTableEnd)
    .execute();
}

/**
 * Daily totals lie by day, not by tester: all that is metered in a while is on the same few pages, and a report reads only
 * its days.
 */
async function leadByDay(db: AnyDb, on: Flavor): Promise<void> {
  const amounts = [
    "input",
    "cache_read",
    "cache_write",
    "output",
    "reasoning",
    "images",
    "requests",
    "cost",
    "assumed",
    "unpriced",
  ];
  const columns = ["day", "user_id", "call_kind_id", ...amounts];
  // No database can change a primary key that its rows are stored by.
  let table: CreateTableBuilder<string, string> = db.schema.createTable("usage_by_day");
  for (const column of columns) table = table.addColumn(column, on.int, (definition) => definition.notNull());
  await table
    .addPrimaryKeyConstraint("usage_by_day_key", ["day", "user_id", "call_kind_id"])
    .modifyEnd(on.keyedTableEnd)
    .execute();
  const names = sql.join(columns.map((column) => sql.ref(column)));
  await sql`insert into usage_by_day (${names}) select ${names} from usage_day`.execute(db);
  await db.schema.dropTable("usage_day").execute();
  await db.schema.alterTable("usage_by_day").renameTo("usage_day").execute();
}
