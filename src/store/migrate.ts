import { type Kysely, Migrator } from "kysely";
import { type Flavor, migrations } from "../../migrations/index.js";
import { AlphaError } from "../errors.js";
import type { Schema } from "./schema.js";

export interface MigrationState {
  /** Names of the migrations that ran, oldest first. */
  readonly applied: readonly string[];
  /** Names of those that this program has and the database has not. */
  readonly pending: readonly string[];
  /** Names of those that the database has and this program does not know: it is newer than the program. */
  readonly unknown: readonly string[];
}

/** Where Kysely's migrator keeps what ran. */
export const MIGRATION_TABLE = "kysely_migration";

/** What ran on a database that has a migration table. */
export async function migrationState(db: Kysely<Schema>, flavor: Flavor): Promise<MigrationState> {
  const rows = await (db as unknown as Kysely<{ [MIGRATION_TABLE]: { name: string } }>)
    .selectFrom(MIGRATION_TABLE)
    .select("name")
    .orderBy("name")
    .execute();
  return stateFrom(
    rows.map((row) => row.name),
    flavor,
  );
}

/** @param applied names of the migrations that ran, oldest first */
export function stateFrom(applied: readonly string[], flavor: Flavor): MigrationState {
  const known = Object.keys(migrations(flavor));
  return {
    applied,
    pending: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
  };
}

/**
 * Brings a database to this program's schema. Safe to repeat, and safe for two programs at once: the run is one
 * transaction, which the second waits for.
 * @returns the names of the migrations that ran
 */
export async function migrate(db: Kysely<Schema>, flavor: Flavor): Promise<string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations(flavor) } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  return results.filter((result) => result.status === "Success").map((result) => result.migrationName);
}

/** Refuses a database that this program must not touch: somebody else's, an older one, or a newer one. */
export function requireCurrent(state: MigrationState | null, where: string): void {
  // Another program may use the same migrator: where none of ours ran, the database is not ours.
  if (state === null || state.applied.length === state.unknown.length) {
    throw new AlphaError("database", `${where} holds no alpha database`, {
      hint: "create one with: alpha init",
    });
  }
  if (state.unknown.length > 0) {
    throw new AlphaError(
      "database",
      `the database ${where} was made by a newer version of alpha (it has ${state.unknown.join(", ")})`,
      { hint: "update alpha: npm install -g alpha-limits@latest" },
    );
  }
  if (state.pending.length > 0) {
    throw new AlphaError(
      "database",
      `the database ${where} is older than this version of alpha (it lacks ${state.pending.join(", ")})`,
      { hint: "bring it up to date with: alpha init" },
    );
  }
}
