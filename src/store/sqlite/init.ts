import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type Sqlite from "better-sqlite3";
import { AlphaError } from "../../errors.js";
import { migrate } from "../migrate.js";
import { requireCurrent } from "../migration-state.js";
import { explainSqlite, whileBusy } from "./busy.js";
import { SQLITE_FLAVOR } from "./flavor.js";
import { createOrExplain, requireFile, type SqliteOptions, stateOf, tablesOf } from "./open.js";
import { putBack } from "./unfinished-restore.js";

/**
 * A metered call changes a few rows on as many pages, and each of them is copied, summed up and written whole: of half the
 * usual size they cost a fifth less, and everything else about the same.
 */
const PAGE_BYTES = 2048;

/**
 * Creates the database, or brings an existing one to this program's schema. Safe to repeat and for two at once.
 * @returns what was done: `created` where there was no database
 */
export async function initSqlite({
  path,
  waitMs,
}: SqliteOptions): Promise<{ created: boolean; migrated: string[] }> {
  const existed = (existsSync(path) || putBack(path)) && requireFile(path).size > 0;
  if (!existed) makeFolder(path);
  const { raw, db } = createOrExplain(path, waitMs);
  try {
    refuseUnfit(raw, path);
    // Before anything is written, or it has no effect.
    raw.pragma(`page_size = ${PAGE_BYTES}`);
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

/** Leaves alone what is another program's, and what a newer version of this one made. */
function refuseUnfit(raw: Sqlite.Database, path: string): void {
  // Looked at once: another process that creates the database right now would look like another program.
  const tables = tablesOf(raw);
  const state = stateOf(raw, tables);
  const foreign = state === null || state.applied.length === state.unknown.length;
  const other = tables.find((name) => !name.startsWith("kysely_") && !name.startsWith("sqlite_"));
  if (foreign && other !== undefined) {
    throw new AlphaError("database", `${path} is another program's database (it has a table ${other})`, {
      hint: "name another file with --database or ALPHA_DATABASE",
    });
  }
  if (state !== null && state.unknown.length > 0) requireCurrent(state, path);
}
