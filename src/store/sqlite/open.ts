import { existsSync, mkdirSync, statSync } from "node:fs";
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
  const existed = existsSync(path) && statSync(path).size > 0;
  if (existed) requireFile(path);
  else makeFolder(path);
  const { raw, db } = openOrExplain(path, true, waitMs);
  try {
    const before = await stateOf(raw, db);
    if (before === null) refuseForeign(raw, path);
    else if (before.unknown.length > 0) requireCurrent(before, path);
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

function requireFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
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

async function stateOf(raw: Sqlite.Database, db: Kysely<Schema>): Promise<MigrationState | null> {
  const table = raw
    .prepare("select 1 from sqlite_master where type = 'table' and name = ?")
    .get(MIGRATION_TABLE);
  return table === undefined ? null : migrationState(db, SQLITE_FLAVOR);
}

/** A file with tables of another program is left alone. */
function refuseForeign(raw: Sqlite.Database, path: string): void {
  const other = raw
    .prepare("select name from sqlite_master where type = 'table' and name not like 'kysely_%' limit 1")
    .pluck()
    .get();
  if (other !== undefined) {
    throw new AlphaError(
      "database",
      `${path} is another program's database (it has a table ${String(other)})`,
      {
        hint: "name another file with --database or ALPHA_DATABASE",
      },
    );
  }
}
