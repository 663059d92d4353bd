import { type Stats, statSync } from "node:fs";
import Sqlite from "better-sqlite3";
import type { Kysely } from "kysely";
import type { Store } from "../../engine/ports.js";
import { AlphaError, OutageError } from "../../errors.js";
import {
  MIGRATION_TABLE,
  type MigrationState,
  MOVE_TABLE,
  requireCurrent,
  stateFrom,
} from "../migration-state.js";
import type { Schema } from "../schema.js";
import { loadSettings } from "../settings.js";
import { explainSqlite, whileBusy } from "./busy.js";
import { kyselyOver } from "./dialect.js";
import { SqliteStore } from "./store.js";
import { putBack } from "./unfinished-restore.js";

export interface SqliteOptions {
  /** Absolute path of the database file. */
  readonly path: string;
  /** How long to wait for another writer, in milliseconds. */
  readonly waitMs: number;
}

interface OpenDatabase {
  readonly raw: Sqlite.Database;
  readonly db: Kysely<Schema>;
}

/**
 * A checkpoint happens inside somebody's commit, which waits for it: seldom, and then for more at once. The log is one for
 * all connections, so all have to be as patient.
 */
const CHECKPOINT_PAGES = 16_000;

/** Opens a connection with everything set that SQLite does not keep in the file. */
export function connect(
  path: string,
  options: { readonly create: boolean; readonly blockMs: number },
): Sqlite.Database {
  const raw = new Sqlite(path, { fileMustExist: !options.create, timeout: options.blockMs });
  try {
    raw.pragma("foreign_keys = on");
    raw.pragma("synchronous = normal");
    raw.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    return raw;
  } catch (error) {
    raw.close();
    throw error;
  }
}

/** Opens an existing alpha database whose schema is this program's. Never creates one, and never blocks the process. */
export async function openSqlite({ path, waitMs }: SqliteOptions): Promise<Store> {
  requireFile(path);
  let raw: Sqlite.Database | undefined;
  try {
    const open = await whileBusy(waitMs, () => connect(path, { create: false, blockMs: 0 }));
    raw = open;
    // Whoever was erased must not stay readable in what the file leaves unused.
    open.pragma("secure_delete = on");
    const db = kyselyOver(open, waitMs);
    requireCurrent(await whileBusy(waitMs, () => stateOf(open)), path);
    const settings = await loadSettings(db);
    if (settings.durability === "full") open.pragma("synchronous = full");
    return new SqliteStore({ raw: open, db, path, waitMs, durability: settings.durability });
  } catch (error) {
    raw?.close();
    throw explainSqlite(error, path);
  }
}

/** @throws AlphaError `database` where there is no file; one that a killed restore had moved aside is put back first */
export function requireFile(path: string): Stats {
  const found = statOrExplain(path) ?? (putBack(path) ? statOrExplain(path) : undefined);
  if (found === undefined) {
    throw new OutageError("database", `there is no database at ${path}`, {
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
    throw new OutageError("database", `${path} cannot be reached`, {
      hint: "check the path, and that you may enter its folders",
      cause: error,
    });
  }
}

export function createOrExplain(path: string, waitMs: number): OpenDatabase {
  let raw: Sqlite.Database | undefined;
  try {
    raw = connect(path, { create: true, blockMs: waitMs });
    return { raw, db: kyselyOver(raw, waitMs) };
  } catch (error) {
    raw?.close();
    throw explainSqlite(error, path);
  }
}

export function tablesOf(raw: Sqlite.Database): string[] {
  return raw.prepare<[], string>("select name from sqlite_master where type = 'table'").pluck().all();
}

/** `null`: the database has never been initialised. */
export function stateOf(raw: Sqlite.Database, tables = tablesOf(raw)): MigrationState | null {
  if (!tables.includes(MIGRATION_TABLE)) return null;
  return stateFrom(
    raw.prepare<[], string>(`select name from ${MIGRATION_TABLE} order by name`).pluck().all(),
    tables.includes(MOVE_TABLE),
  );
}
