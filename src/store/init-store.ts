import { existsSync } from "node:fs";
import { isPostgresUrl } from "./location.js";
import type { StoreOptions } from "./open-store.js";
import { initSqlite } from "./sqlite/init.js";

/** Creates a database, or brings an existing one to this program's schema. Safe to repeat and for two at once. */
export async function initStore({ database, waitMs }: StoreOptions): Promise<void> {
  if (!isPostgresUrl(database)) {
    await initSqlite({ path: database, waitMs });
    return;
  }
  const { initPostgres } = await import("./postgres/init.js");
  await initPostgres({ url: database, waitMs });
}

/** Whether there is anything that {@link initStore} would find. */
export async function isCreated({ database, waitMs }: StoreOptions): Promise<boolean> {
  if (!isPostgresUrl(database)) return existsSync(database);
  const { isInitialised } = await import("./postgres/init.js");
  return isInitialised({ url: database, waitMs });
}
