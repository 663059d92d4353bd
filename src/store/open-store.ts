import type { Store } from "../engine/ports.js";
import { isPostgresUrl } from "./location.js";
import { openSqlite } from "./sqlite/open.js";

export interface StoreOptions {
  /** Absolute path of a SQLite file, or the address of a PostgreSQL database: `postgres://…`. */
  readonly database: string;
  /** How long to wait for another writer, in milliseconds. */
  readonly waitMs: number;
}

/** Opens an existing alpha database whose schema is this program's, wherever it is. */
export async function openStore({ database, waitMs }: StoreOptions): Promise<Store> {
  if (!isPostgresUrl(database)) return openSqlite({ path: database, waitMs });
  // Only who uses it pays for loading its client.
  const { openPostgres } = await import("./postgres/open.js");
  return openPostgres({ url: database, waitMs });
}
