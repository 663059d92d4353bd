import { existsSync, type Stats, statSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import Sqlite from "better-sqlite3";
import type { CopyOptions, DatabaseCopies, DatabaseCopy, KeptCopy, Store } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import { explainSqlite, sqliteCode, whileBusy } from "./busy.js";
import { initSqlite } from "./init.js";
import { connect, openSqlite, requireFile, type SqliteOptions, stateOf } from "./open.js";
import { replaceDatabase } from "./replace.js";
import { removeUnfinished, restoringName } from "./unfinished-restore.js";

/** Pages copied in one step, between which the process can hear that it is to stop. */
const STEP_PAGES = 2_000;
/** Defects that are told. */
const MOST_DEFECTS = 10;

/** Copies of one SQLite database: into backups, and from them. */
export class SqliteCopies implements DatabaseCopies {
  constructor(private readonly database: SqliteOptions) {}

  async existing(target: string): Promise<"nothing" | "file"> {
    if (!existsSync(dirname(target))) {
      throw new AlphaError("failed", `there is no folder ${dirname(target)}`, { hint: "create it first" });
    }
    const found = statSync(target, { throwIfNoEntry: false });
    if (found === undefined) return "nothing";
    if (!found.isFile()) throw new AlphaError("usage", `${target} is no file that could be replaced`);
    const own = [this.database.path, `${this.database.path}-wal`, `${this.database.path}-shm`];
    const isOwn = own.some((path) => {
      const file = statSync(path, { throwIfNoEntry: false });
      return file !== undefined && isSameFile(file, found);
    });
    if (!isOwn) return "file";
    throw new AlphaError("usage", `${target} is the database itself`, { hint: "name another file" });
  }

  async backup(target: string, options: CopyOptions): Promise<DatabaseCopy> {
    const { path, waitMs } = this.database;
    const copied = await copyFile(path, `${target}.partial-${process.pid}`, waitMs, options);
    return SqliteCopy.of(copied, waitMs, async () => {
      await rename(copied, target);
      await flush(dirname(target));
      return { path: target, aside: null };
    });
  }

  async restorable(backup: string, options: CopyOptions): Promise<DatabaseCopy> {
    const { path, waitMs } = this.database;
    const present = requireFile(path);
    if (!existsSync(backup)) throw new AlphaError("not-found", `there is no file ${backup}`);
    if (isSameFile(present, statSync(backup))) {
      throw new AlphaError("usage", `${backup} is the database itself`, { hint: "name a backup of it" });
    }
    removeUnfinished(path);
    const copied = await copyFile(backup, restoringName(path), waitMs, options).catch((error) => {
      throw ofBackup(error);
    });
    try {
      requireOurs(copied);
      await initSqlite({ path: copied, waitMs });
      return await SqliteCopy.of(copied, waitMs, () => replaceDatabase(path, copied, waitMs));
    } catch (error) {
      await removeFiles(copied);
      // Its own name, not that of the copy.
      if (!(error instanceof AlphaError)) throw error;
      const { code, hint, cause } = error;
      throw ofBackup(new AlphaError(code, error.message.replaceAll(copied, backup), { hint, cause }));
    }
  }
}

const NAME_A_BACKUP = "name a file that alpha db backup made";

/** Whatever is restored has been an alpha database: an empty file would be made one. */
function requireOurs(path: string): void {
  const raw = new Sqlite(path, { readonly: true });
  try {
    const state = stateOf(raw);
    if (state !== null && state.applied.length > state.unknown.length) return;
    throw new AlphaError("database", `${path} holds no alpha database`, { hint: NAME_A_BACKUP });
  } catch (error) {
    throw explainSqlite(error, path);
  } finally {
    raw.close();
  }
}

/** What to do about a file that cannot be read, where that is the backup and not the database. */
function ofBackup(error: unknown): unknown {
  if (!(error instanceof AlphaError)) return error;
  const { code, message, cause } = error;
  const sqlite = sqliteCode(cause);
  if (sqlite === "SQLITE_NOTADB") return new AlphaError(code, message, { hint: NAME_A_BACKUP, cause });
  if (!sqlite.startsWith("SQLITE_CORRUPT")) return error;
  return new AlphaError(code, message.replace(/^the database /, "the backup "), { hint: OLDER, cause });
}

const OLDER = "nothing was restored; try an older backup";

function isSameFile(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/** Copies a database as it is when the copying begins; others may write meanwhile, and nothing is begun anew. */
async function copyFile(
  from: string,
  to: string,
  waitMs: number,
  { signal, progress }: CopyOptions,
): Promise<string> {
  await removeFiles(to);
  let source: Sqlite.Database | undefined;
  try {
    const raw = await whileBusy(waitMs, () => connect(from, { create: false, blockMs: 0 }));
    source = raw;
    const pageSize = raw.pragma("page_size", { simple: true }) as number;
    await whileBusy(waitMs, () => holdSnapshot(raw));
    await raw.backup(to, {
      progress({ totalPages, remainingPages }) {
        if (signal?.aborted === true) throw interrupted();
        const done = (totalPages - remainingPages) * pageSize;
        progress?.report({ done, total: totalPages * pageSize, records: null, rejected: 0 });
        return STEP_PAGES;
      },
    });
    raw.exec("rollback");
    // One file that is whole, without a log beside it.
    const copy = new Sqlite(to);
    copy.pragma("journal_mode = delete");
    copy.close();
    return to;
  } catch (error) {
    await removeFiles(to);
    throw explainSqlite(error, from);
  } finally {
    source?.close();
  }
}

/** As long as it is held, what others write is not seen, and does not make the copying begin anew. */
function holdSnapshot(raw: Sqlite.Database): void {
  raw.exec("begin");
  try {
    raw.exec("select 1 from sqlite_schema limit 1");
  } catch (error) {
    raw.exec("rollback");
    throw error;
  }
}

class SqliteCopy implements DatabaseCopy {
  #isKept = false;

  private constructor(
    private readonly path: string,
    readonly store: Store,
    private readonly put: () => Promise<KeptCopy>,
  ) {}

  static async of(path: string, waitMs: number, put: () => Promise<KeptCopy>): Promise<SqliteCopy> {
    try {
      return new SqliteCopy(path, await openSqlite({ path, waitMs }), put);
    } catch (error) {
      await removeFiles(path);
      throw error;
    }
  }

  get bytes(): number {
    return statSync(this.path).size;
  }

  async damage(): Promise<string[]> {
    const raw = new Sqlite(this.path, { readonly: true });
    try {
      const found = raw.pragma(`integrity_check(${MOST_DEFECTS})`, { simple: false }) as {
        integrity_check: string;
      }[];
      return found.map((row) => row.integrity_check).filter((text) => text !== "ok");
    } catch (error) {
      // Of some damage the check says nothing more than that it cannot go on.
      if (sqliteCode(error).startsWith("SQLITE_CORRUPT")) return [(error as Error).message];
      throw error;
    } finally {
      raw.close();
    }
  }

  async keep(): Promise<KeptCopy> {
    await this.store.close();
    await flush(this.path);
    const kept = await this.put();
    this.#isKept = true;
    return kept;
  }

  async discard(): Promise<void> {
    if (this.#isKept) return;
    await this.store.close();
    await removeFiles(this.path);
  }
}

/** Waits until a file, or the names in a folder, are on the disk. */
async function flush(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeFiles(path: string): Promise<void> {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) await rm(`${path}${suffix}`, { force: true });
}

function interrupted(): AlphaError {
  return new AlphaError("interrupted", "interrupted: no copy was made");
}
