import { type Kysely, Migrator } from "kysely";
import { type Flavor, migrations } from "../../migrations/index.js";
import type { Schema } from "./schema.js";

/**
 * Brings a database to this program's schema. Safe to repeat, and safe for two programs at once: the run is one
 * transaction, which the second waits for.
 * @param schema where the record of it is kept, in databases that have schemas
 * @returns the names of the migrations that ran
 */
export async function migrate(db: Kysely<Schema>, flavor: Flavor, schema?: string): Promise<string[]> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations(flavor) },
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  return results.filter((result) => result.status === "Success").map((result) => result.migrationName);
}
