import type { LookAtDatabase } from "../engine/ports.js";
import { isPostgresUrl } from "./location.js";
import type { StoreOptions } from "./open-store.js";

/** How a database is kept, wherever it is. */
export function healthOf({ database, waitMs }: StoreOptions): LookAtDatabase {
  return async (options) => {
    if (isPostgresUrl(database)) {
      const { postgresHealth } = await import("./postgres/health.js");
      return postgresHealth({ url: database, waitMs });
    }
    const { sqliteHealth } = await import("./sqlite/health.js");
    return sqliteHealth({ path: database, waitMs }, options);
  };
}
