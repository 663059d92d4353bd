import { type Kysely, sql } from "kysely";
import type { Flavor } from "./flavor.js";

// biome-ignore lint/suspicious/noExplicitAny: a migration knows no schema but the one it makes
type AnyDb = Kysely<any>;

/** What guardrails look at with every metered call, for many processes at a time. */
export async function up(db: AnyDb, on: Flavor): Promise<void> {
  await shardTotals(db, on);
  // What live holds come to is added up by when they expire.
  for (const statement of on.churning("hold", "expires_at")) await statement.execute(db);
}

/**
 * The total of a guardrail becomes several rows, whose sum it is: one that every metered call changes would have all
 * processes of a server wait for each other. Where there is one writer at a time, row 0 is all of it.
 */
async function shardTotals(db: AnyDb, on: Flavor): Promise<void> {
  // No database can change a primary key that its rows are stored by.
  await db.schema
    .createTable("guardrail_shard")
    .addColumn("guardrail_id", on.int, (column) => column.notNull())
    .addColumn("window_index", on.int, (column) => column.notNull())
    .addColumn("shard", on.int, (column) => column.notNull().defaultTo(0))
    .addColumn("used", on.int, (column) => column.notNull())
    .addPrimaryKeyConstraint("guardrail_shard_key", ["guardrail_id", "window_index", "shard"])
    .modifyEnd(on.keyedTableEnd)
    .execute();
  await sql`insert into guardrail_shard (guardrail_id, window_index, used)
    select guardrail_id, window_index, used from guardrail_total`.execute(db);
  await db.schema.dropTable("guardrail_total").execute();
  await db.schema.alterTable("guardrail_shard").renameTo("guardrail_total").execute();
}
