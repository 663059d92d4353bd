import { type Kysely, sql } from "kysely";
import type { Flavor } from "./flavor.js";

// biome-ignore lint/suspicious/noExplicitAny: a migration knows no schema but the one it makes
type AnyDb = Kysely<any>;

/** The operator's own prices, and what it takes to correct the ledger: by repricing, superseding or undoing. */
export async function up(db: AnyDb, on: Flavor): Promise<void> {
  await createPrices(db, on);
  await addCorrections(db, on);
}

async function createPrices(db: AnyDb, on: Flavor): Promise<void> {
  await db.schema
    .createTable("price")
    .addColumn("id", on.int, (column) => on.numbered(column))
    // Globs; an empty provider stands for all of them.
    .addColumn("provider", on.text, (column) => column.notNull())
    .addColumn("model", on.text, (column) => column.notNull())
    // From when calls cost this; `valid_from` is when it was entered.
    .addColumn("starts_at", on.int, (column) => column.notNull())
    // Nanos per million tokens, and per image and call; null: not stated.
    .addColumn("input", on.int)
    .addColumn("cache_read", on.int)
    .addColumn("cache_write", on.int)
    .addColumn("output", on.int)
    .addColumn("image", on.int)
    .addColumn("request", on.int)
    .addColumn("valid_from", on.int, (column) => column.notNull())
    .addColumn("valid_to", on.int)
    .modifyEnd(on.tableEnd)
    .execute();
  await db.schema
    .createIndex("price_current")
    .unique()
    .on("price")
    .columns(["provider", "model", "starts_at"])
    .where(sql.ref("valid_to"), "is", null)
    .execute();
}

async function addCorrections(db: AnyDb, on: Flavor): Promise<void> {
  const add = (table: string, column: string, type: Flavor["text"] | Flavor["int"]) =>
    db.schema.alterTable(table).addColumn(column, type).execute();

  // How the number of unpriced events changes; null: as `priced_by` says, which is so for all but corrections.
  await add("usage_event", "unpriced", on.int);
  await db.schema
    .createIndex("usage_event_corrects")
    .on("usage_event")
    .column("corrects")
    .where(sql.ref("corrects"), "is not", null)
    .execute();

  // Of an identity under which an event was met again: by which import, 0 for live metering. Null: the event's own.
  await add("event_key", "import_id", on.int);
  await db.schema
    .createIndex("event_key_again")
    .on("event_key")
    .column("event_id")
    .where(sql.ref("import_id"), "is not", null)
    .execute();

  await add("import", "format", on.text);
  // The ledger's numbers between which its events lie, so that undoing it need not look at the others.
  await add("import", "first_event", on.int);
  await add("import", "last_event", on.int);
  await add("import", "undone_at", on.int);
  for (const column of ["superseded", "skipped"]) {
    await db.schema
      .alterTable("import")
      .addColumn(column, on.int, (definition) => definition.notNull().defaultTo(0))
      .execute();
  }
}
