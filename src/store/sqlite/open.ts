import { existsSync, mkdirSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import Sqlite from "better-sqlite3";
import type { Kysely } from "kysely";
import type { Store } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import { MIGRATION_TABLE, type MigrationState, migrate, migrationState, requireCurrent } from "../migrate.js";
import type { Schema } from "../schema.js";
import { loadSettings } from "../settings.js";
import { explainSqlite, whileBusy } from "./busy.js";
import { kyselyOver, SQLITE_FLAVOR } from "./dialect.js";
import { SqliteStore } from "./store.js";

export interface SqliteOptions {
  /** Absolute path of the database file. */
  readonly path: string;
  /** How long to wait for another writer, in milliseconds. */
  readonly waitMs: number;
}

/** Opens a connection with everything set that SQLite does not keep in the file. */
export function connect(
  path: string,
  options: { readonly create: boolean; readonly blockMs: number },
): Sqlite.Database {
  const raw = new Sqlite(path, { fileMustExist: !options.create, timeout: options.blockMs });
  try {
    raw.pragma("foreign_keys = on");
    raw.pragma("synchronous = normal");
    return raw;
  } catch (error) {
    raw.close();
    throw error;
  }
}

/** Opens an existing alpha database whose schema is this program's. Never creates one. */
export async function openSqlite({ path, waitMs }: SqliteOptions): Promise<Store> {
  requireFile(path);
  const { raw, db } = openOrExplain(path, false, waitMs);
  try {
    requireCurrent(await stateOf(raw, db), path);
    const settings = await loadSettings(db);
    if (settings.durability === "full") raw.pragma("synchronous = full");
    // From here on every transaction waits for the lock by itself, and without stopping the rest of the process.
    raw.pragma("busy_timeout = 0");
    return new SqliteStore({ raw, db, path, waitMs, durability: settings.durability });
  } catch (error) {
    raw.close();
    throw explainSqlite(error, path);
  }
}

/**
 * Creates the database, or brings an existing one to this program's schema. Safe to repeat and for two at once.
 * @returns what was done: `created` where there was no database
 */
export async function initSqlite({
  path,
  waitMs,
}: SqliteOptions): Promise<{ created: boolean; migrated: string[] }> {
  const existed = existsSync(path) && requireFile(path).size > 0;
  if (!existed) makeFolder(path);
  const { raw, db } = openOrExplain(path, true, waitMs);
  try {
    await refuseUnfit(raw, db, path);
    // Two programs that start at once both want this; SQLite does not wait for it by itself.
    await whileBusy(waitMs, () => raw.pragma("journal_mode = wal"));
    const migrated = await migrate(db, SQLITE_FLAVOR);
    return { created: !existed, migrated };
  } catch (error) {
    throw explainSqlite(error, path);
  } finally {
    raw.close();
  }
}

function requireFile(path: string): Stats {
  const found = statOrExplain(path);
  if (found === undefined) {
    throw new AlphaError("database", `there is no database at ${path}`, {
      hint: "create it with: alpha init",
    });
  }
  if (found.isDirectory()) {
    throw new AlphaError("database", `${path} is a folder, not a database`, {
      hint: "name a file with --database or ALPHA_DATABASE",
    });
  }
  return found;
}

function statOrExplain(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new AlphaError("database", `${path} cannot be reached`, {
      hint: "check the path, and that you may enter its folders",
      cause: error,
    });
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AlphaError("database", `the folder ${dirname(path)} cannot be created`, {
      hint: "name another place with --database or ALPHA_DATABASE",
      cause: error,
    });
  }
}

function openOrExplain(path: string, create: boolean, waitMs: number) {
  let raw: Sqlite.Database | undefined;
  try {
    raw = connect(path, { create, blockMs: waitMs });
    return { raw, db: kyselyOver(raw, waitMs) };
  } catch (error) {
    raw?.close();
    throw explainSqlite(error, path);
  }
}

function tablesOf(raw: Sqlite.Database): string[] {
  return raw.prepare<[], string>("select name from sqlite_master where type = 'table'").pluck().all();
}

async function stateOf(raw: Sqlite.Database, db: Kysely<Schema>): Promise<MigrationState | null> {
  return tablesOf(raw).includes(MIGRATION_TABLE) ? migrationState(db, SQLITE_FLAVOR) : null;
}

/** Leaves alone what is another program's, and what a newer version of this one made. */
async function refuseUnfit(raw: Sqlite.Database, db: Kysely<Schema>, path: string): Promise<void> {
  // Looked at once: another process that creates the database right now would look like another program.
  const tables = tablesOf(raw);
  const state = tables.includes(MIGRATION_TABLE) ? await migrationState(db, SQLITE_FLAVOR) : null;
  const foreign = state === null || state.applied.length === state.unknown.length;
  const other = tables.find((name) => !name.startsWith("kysely_") && !name.startsWith("sqlite_"));
  if (foreign && other !== undefined) {
    throw new AlphaError("database", `${path} is another program's database (it has a table ${other})`, {
      hint: "name another file with --database or ALPHA_DATABASE",
    });
  }
  if (state !== null && state.unknown.length > 0) requireCurrent(state, path);
}
