import { type CreateTableBuilder, type Kysely, sql } from "kysely";
import type { Flavor } from "./flavor.js";

/*
 * Conventions. Instants are epoch milliseconds, money is nanos, days count from 1970-01-01 and months are
 * year * 12 + month - 1, both in the accounting zone. `valid_to` null: still in force. An empty provider, model or
 * feature: not stated. The tables that metering writes carry no foreign keys: only the ledger core writes them, and a
 * look-up per row would cost more than the row.
 */

// biome-ignore lint/suspicious/noExplicitAny: a migration knows no schema but the one it makes
type AnyDb = Kysely<any>;

export async function up(db: AnyDb, on: Flavor): Promise<void> {
  const numbered = (name: string) =>
    db.schema
      .createTable(name)
      .addColumn("id", on.int, (column) => on.numbered(column))
      .modifyEnd(on.tableEnd);
  const keyed = (name: string) => db.schema.createTable(name).modifyEnd(on.keyedTableEnd);
  await createWhatDecides(db, on, numbered, keyed);
  await createMetering(db, on, numbered, keyed);
  await createRecords(on, numbered, keyed);
  await db.insertInto("generation").values({ id: 1, config: 1 }).execute();
}

type Table = (name: string) => CreateTableBuilder<string>;

function validity<T extends string, C extends string>(table: CreateTableBuilder<T, C>, on: Flavor) {
  return table.addColumn("valid_from", on.int, (column) => column.notNull()).addColumn("valid_to", on.int);
}

/** Tiers, users, overrides, stops, guardrails, settings: what a decision is made from, with its history. */
async function createWhatDecides(db: AnyDb, on: Flavor, numbered: Table, keyed: Table): Promise<void> {
  // Moves with every change that may alter a decision, so that a process can tell that what it remembers is current.
  await keyed("generation")
    .addColumn("id", on.int, (column) => column.primaryKey().check(sql`id = 1`))
    .addColumn("config", on.int, (column) => column.notNull())
    .execute();

  await validity(
    numbered("setting")
      .addColumn("key", on.text, (column) => column.notNull())
      .addColumn("value", on.text, (column) => column.notNull()),
    on,
  ).execute();
  await oneCurrent(db, "setting", ["key"]);

  await numbered("tier")
    .addColumn("key", on.text, (column) => column.notNull().unique())
    .execute();
  await validity(
    numbered("tier_version")
      .addColumn("tier_id", on.int, (column) => column.notNull().references("tier.id"))
      .addColumn("label", on.text, (column) => column.notNull())
      .addColumn("rank", on.int, (column) => column.notNull().check(sql`rank >= 1`))
      // Null: what the setting of that name says; -1: unlimited.
      .addColumn("call_tokens", on.int, (column) => column.check(sql`call_tokens >= 1 or call_tokens = -1`)),
    on,
  ).execute();
  await oneCurrent(db, "tier_version", ["tier_id"]);
  await keyed("tier_quota")
    .addColumn("tier_version_id", on.int, (column) => column.notNull().references("tier_version.id"))
    .addColumn("meter", on.text, (column) => column.notNull())
    .addColumn("period", on.text, (column) => column.notNull())
    .addColumn("limit_amount", on.int, (column) => column.notNull().check(sql`limit_amount >= 0`))
    .addPrimaryKeyConstraint("tier_quota_key", ["tier_version_id", "meter", "period"])
    .execute();
  await keyed("tier_feature")
    .addColumn("tier_version_id", on.int, (column) => column.notNull().references("tier_version.id"))
    .addColumn("feature", on.text, (column) => column.notNull())
    .addPrimaryKeyConstraint("tier_feature_key", ["tier_version_id", "feature"])
    .execute();

  await numbered("users")
    .addColumn("key", on.text, (column) => column.notNull().unique())
    .addColumn("email", on.text)
    .addColumn("name", on.text)
    .addColumn("persona", on.text)
    .addColumn("created_at", on.int, (column) => column.notNull())
    .addColumn("lock_seq", on.int, (column) => column.notNull().defaultTo(0))
    .execute();
  await keyed("user_name")
    .addColumn("name", on.text, (column) => column.notNull().primaryKey())
    .addColumn("user_id", on.int, (column) => column.notNull().references("users.id"))
    .addColumn("kind", on.text, (column) => column.notNull().check(sql`kind in ('id', 'email', 'alias')`))
    .execute();
  await db.schema.createIndex("user_name_user").on("user_name").column("user_id").execute();
  await validity(
    numbered("membership")
      .addColumn("user_id", on.int, (column) => column.notNull().references("users.id"))
      .addColumn("tier_id", on.int, (column) => column.notNull().references("tier.id"))
      .addColumn("status", on.text, (column) =>
        column.notNull().check(sql`status in ('active', 'suspended', 'removed')`),
      ),
    on,
  ).execute();
  await oneCurrent(db, "membership", ["user_id"]);

  await validity(
    numbered("override")
      .addColumn("user_id", on.int, (column) => column.notNull().references("users.id"))
      .addColumn("kind", on.text, (column) => column.notNull().check(sql`kind in ('quota', 'feature')`))
      .addColumn("meter", on.text, (column) => column.notNull().defaultTo(""))
      .addColumn("period", on.text, (column) => column.notNull().defaultTo(""))
      .addColumn("feature", on.text, (column) => column.notNull().defaultTo(""))
      .addColumn("limit_amount", on.int)
      .addColumn("granted", on.int)
      .addColumn("reason", on.text)
      .addColumn("expires_at", on.int),
    on,
  ).execute();
  await oneCurrent(db, "override", ["user_id", "meter", "period", "feature"]);

  await keyed("forgiveness")
    .addColumn("user_id", on.int, (column) => column.notNull())
    .addColumn("period", on.text, (column) => column.notNull())
    .addColumn("window_index", on.int, (column) => column.notNull())
    .addColumn("meter", on.text, (column) => column.notNull())
    .addColumn("forgiven_at", on.int, (column) => column.notNull())
    .addColumn("amount", on.int, (column) => column.notNull())
    .addPrimaryKeyConstraint("forgiveness_key", ["user_id", "period", "window_index", "meter", "forgiven_at"])
    .execute();

  await validity(
    numbered("stop")
      .addColumn("action", on.text, (column) => column.notNull().check(sql`action in ('stop', 'throttle')`))
      .addColumn("user_id", on.int, (column) => column.references("users.id"))
      .addColumn("tier_id", on.int, (column) => column.references("tier.id"))
      .addColumn("provider", on.text)
      .addColumn("model", on.text)
      .addColumn("feature", on.text)
      .addColumn("reason", on.text)
      .addColumn("actor", on.text, (column) => column.notNull())
      .addColumn("expires_at", on.int)
      .addColumn("guardrail_id", on.int),
    on,
  ).execute();

  await validity(
    numbered("guardrail")
      .addColumn("meter", on.text, (column) => column.notNull().check(sql`meter in ('cost', 'tokens')`))
      .addColumn("period", on.text, (column) => column.notNull())
      .addColumn("limit_amount", on.int, (column) => column.notNull().check(sql`limit_amount >= 0`))
      .addColumn("action", on.text, (column) =>
        column.notNull().check(sql`action in ('alert', 'throttle', 'stop')`),
      ),
    on,
  ).execute();
  await oneCurrent(db, "guardrail", ["meter", "period"]);
}

/** The ledger, its identities, its totals and its holds: what every metered call writes. */
async function createMetering(db: AnyDb, on: Flavor, numbered: Table, keyed: Table): Promise<void> {
  // The triple of provider, model and feature is interned: it repeats in every event and every daily total.
  await numbered("call_kind")
    .addColumn("provider", on.text, (column) => column.notNull())
    .addColumn("model", on.text, (column) => column.notNull())
    .addColumn("feature", on.text, (column) => column.notNull())
    .addUniqueConstraint("call_kind_triple", ["provider", "model", "feature"])
    .execute();
  await numbered("event_source")
    .addColumn("name", on.text, (column) => column.notNull().unique())
    .execute();

  await on
    .ledger(db.schema.createTable("usage_event"))
    .addColumn("user_id", on.int, (column) => column.notNull())
    .addColumn("call_kind_id", on.int, (column) => column.notNull())
    .addColumn("occurred_at", on.int, (column) => column.notNull())
    .addColumn("recorded_at", on.int, (column) => column.notNull())
    .addColumn("input", on.int, (column) => column.notNull())
    .addColumn("cache_read", on.int, (column) => column.notNull())
    .addColumn("cache_write", on.int, (column) => column.notNull())
    .addColumn("output", on.int, (column) => column.notNull())
    .addColumn("reasoning", on.int, (column) => column.notNull())
    .addColumn("images", on.int, (column) => column.notNull())
    .addColumn("requests", on.int, (column) => column.notNull())
    .addColumn("cost", on.int, (column) => column.notNull())
    .addColumn("assumed", on.int, (column) => column.notNull())
    .addColumn("priced_by", on.text, (column) => column.notNull())
    // Null where it says nothing new: `ok`, measured, metered live, no correction. A null costs a byte a row.
    .addColumn("status", on.text)
    .addColumn("estimated", on.int)
    .addColumn("import_id", on.int)
    .addColumn("corrects", on.int)
    .execute();
  for (const statement of on.ledgerParts) await statement.execute(db);

  // Identity outlives the ledger rows: an old file imported again still counts once after its month was pruned.
  await keyed("event_key")
    .addColumn("source_id", on.int, (column) => column.notNull())
    .addColumn("id", on.text, (column) => column.notNull())
    .addColumn("hash", on.int, (column) => column.notNull())
    .addColumn("event_id", on.int, (column) => column.notNull())
    .addColumn("provider_id", on.text)
    .addPrimaryKeyConstraint("event_key_key", ["source_id", "id"])
    .execute();
  await db.schema
    .createIndex("event_key_provider_id")
    .unique()
    .on("event_key")
    .column("provider_id")
    .where(sql.ref("provider_id"), "is not", null)
    .execute();

  await keyed("usage_window")
    .addColumn("user_id", on.int, (column) => column.notNull())
    .addColumn("period", on.text, (column) => column.notNull())
    .addColumn("window_index", on.int, (column) => column.notNull())
    .addColumn("tokens", on.int, (column) => column.notNull())
    .addColumn("images", on.int, (column) => column.notNull())
    .addColumn("cost", on.int, (column) => column.notNull())
    .addColumn("requests", on.int, (column) => column.notNull())
    .addPrimaryKeyConstraint("usage_window_key", ["user_id", "period", "window_index"])
    .execute();

  await keyed("usage_day")
    .addColumn("user_id", on.int, (column) => column.notNull())
    .addColumn("day", on.int, (column) => column.notNull())
    .addColumn("call_kind_id", on.int, (column) => column.notNull())
    .addColumn("input", on.int, (column) => column.notNull())
    .addColumn("cache_read", on.int, (column) => column.notNull())
    .addColumn("cache_write", on.int, (column) => column.notNull())
    .addColumn("output", on.int, (column) => column.notNull())
    .addColumn("reasoning", on.int, (column) => column.notNull())
    .addColumn("images", on.int, (column) => column.notNull())
    .addColumn("requests", on.int, (column) => column.notNull())
    .addColumn("cost", on.int, (column) => column.notNull())
    .addColumn("assumed", on.int, (column) => column.notNull())
    .addColumn("unpriced", on.int, (column) => column.notNull())
    .addPrimaryKeyConstraint("usage_day_key", ["user_id", "day", "call_kind_id"])
    .execute();

  await keyed("hold")
    .addColumn("user_id", on.int, (column) => column.notNull())
    .addColumn("id", on.text, (column) => column.notNull())
    .addColumn("call_kind_id", on.int, (column) => column.notNull())
    .addColumn("tokens", on.int, (column) => column.notNull())
    .addColumn("images", on.int, (column) => column.notNull())
    .addColumn("cost", on.int, (column) => column.notNull())
    .addColumn("requests", on.int, (column) => column.notNull())
    .addColumn("created_at", on.int, (column) => column.notNull())
    .addColumn("expires_at", on.int, (column) => column.notNull())
    .addPrimaryKeyConstraint("hold_key", ["user_id", "id"])
    .execute();

  await keyed("refusal")
    .addColumn("user_id", on.int, (column) => column.notNull())
    .addColumn("day", on.int, (column) => column.notNull())
    .addColumn("code", on.text, (column) => column.notNull())
    .addColumn("meter", on.text, (column) => column.notNull())
    .addColumn("count", on.int, (column) => column.notNull())
    .addPrimaryKeyConstraint("refusal_key", ["user_id", "day", "code", "meter"])
    .execute();

  // Kept only for guardrails that are set: it is the one total that every metered call has in common.
  await keyed("guardrail_total")
    .addColumn("guardrail_id", on.int, (column) => column.notNull())
    .addColumn("window_index", on.int, (column) => column.notNull())
    .addColumn("used", on.int, (column) => column.notNull())
    .addPrimaryKeyConstraint("guardrail_total_key", ["guardrail_id", "window_index"])
    .execute();
  await keyed("guardrail_trip")
    .addColumn("guardrail_id", on.int, (column) => column.notNull())
    .addColumn("window_index", on.int, (column) => column.notNull())
    .addColumn("tripped_at", on.int, (column) => column.notNull())
    .addPrimaryKeyConstraint("guardrail_trip_key", ["guardrail_id", "window_index"])
    .execute();

  await numbered("alert")
    .addColumn("kind", on.text, (column) => column.notNull())
    .addColumn("user_id", on.int, (column) => column.notNull())
    .addColumn("period", on.text, (column) => column.notNull())
    .addColumn("window_index", on.int, (column) => column.notNull())
    .addColumn("meter", on.text, (column) => column.notNull())
    .addColumn("threshold", on.int, (column) => column.notNull())
    .addColumn("code", on.text, (column) => column.notNull())
    .addColumn("at", on.int, (column) => column.notNull())
    .addColumn("printed_at", on.int)
    .execute();
  // One alert a quota, window and threshold; a refusal alerts once a day, whichever meter refused.
  await db.schema
    .createIndex("alert_once")
    .unique()
    .on("alert")
    .columns(["user_id", "window_index", "kind", "period", "meter", "threshold"])
    .execute();
}

/** What was done: by operators, by imports, by the daily reset. */
async function createRecords(on: Flavor, numbered: Table, keyed: Table): Promise<void> {
  await numbered("audit_entry")
    .addColumn("at", on.int, (column) => column.notNull())
    .addColumn("actor", on.text, (column) => column.notNull())
    .addColumn("action", on.text, (column) => column.notNull())
    .addColumn("subject", on.text, (column) => column.notNull())
    .addColumn("before", on.text)
    .addColumn("after", on.text)
    .addColumn("reason", on.text)
    .execute();

  await numbered("import")
    .addColumn("started_at", on.int, (column) => column.notNull())
    .addColumn("finished_at", on.int)
    .addColumn("actor", on.text, (column) => column.notNull())
    .addColumn("file", on.text, (column) => column.notNull())
    .addColumn("options", on.text, (column) => column.notNull())
    .addColumn("inserted", on.int, (column) => column.notNull().defaultTo(0))
    .addColumn("duplicate", on.int, (column) => column.notNull().defaultTo(0))
    .addColumn("rejected", on.int, (column) => column.notNull().defaultTo(0))
    .execute();

  await keyed("reset_run")
    .addColumn("day", on.int, (column) => column.notNull().primaryKey())
    .addColumn("ran_at", on.int, (column) => column.notNull())
    .addColumn("actor", on.text, (column) => column.notNull())
    .addColumn("holds_ended", on.int, (column) => column.notNull())
    .addColumn("overrides_ended", on.int, (column) => column.notNull())
    .addColumn("stops_ended", on.int, (column) => column.notNull())
    .execute();

  // Who opened the database to meter with it: the latest opening of each kind, on each machine.
  await keyed("client")
    .addColumn("kind", on.text, (column) => column.notNull())
    .addColumn("host", on.text, (column) => column.notNull())
    .addColumn("fail_open", on.int, (column) => column.notNull())
    .addColumn("pid", on.int, (column) => column.notNull())
    .addColumn("opened_at", on.int, (column) => column.notNull())
    .addPrimaryKeyConstraint("client_key", ["kind", "host", "fail_open"])
    .execute();

  // A lease: whoever was killed while holding it gives it back when it runs out.
  await keyed("job_lease")
    .addColumn("name", on.text, (column) => column.notNull().primaryKey())
    .addColumn("holder", on.text, (column) => column.notNull())
    .addColumn("expires_at", on.int, (column) => column.notNull())
    .execute();
}

/** At most one row in force for each key. */
function oneCurrent(db: AnyDb, table: string, columns: string[]): Promise<void> {
  return db.schema
    .createIndex(`${table}_current`)
    .unique()
    .on(table)
    .columns(columns)
    .where(sql.ref("valid_to"), "is", null)
    .execute();
}
