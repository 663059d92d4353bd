import type { DatabaseFacts } from "../engine/ports.js";
import { isPostgresUrl } from "./location.js";
import type { StoreOptions } from "./open-store.js";

/**
 * What a database is, also one that has to be migrated before it can be opened.
 * @throws AlphaError `database` where there is none, or none of this program that it knows
 */
export async function inspectDatabase({ database, waitMs }: StoreOptions): Promise<DatabaseFacts> {
  if (isPostgresUrl(database)) {
    const { inspectPostgres } = await import("./postgres/inspect.js");
    return inspectPostgres({ url: database, waitMs });
  }
  const { inspectSqlite } = await import("./sqlite/inspect.js");
  return inspectSqlite({ path: database, waitMs });
}
