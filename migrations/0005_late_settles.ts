import type { Kysely } from "kysely";
import type { Flavor } from "./flavor.js";

// biome-ignore lint/suspicious/noExplicitAny: a migration knows no schema but the one it makes
type AnyDb = Kysely<any>;

/**
 * When the reservation of a call had expired that settled later. Null: it held until then. Nothing else tells whether a call
 * that took long was extended, or held nothing at the end.
 */
export async function up(db: AnyDb, on: Flavor): Promise<void> {
  await db.schema.alterTable("usage_event").addColumn("expired_at", on.int).execute();
}
