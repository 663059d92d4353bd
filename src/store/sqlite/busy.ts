import { setTimeout as delay } from "node:timers/promises";
import { AlphaError, OutageError } from "../../errors.js";

/** The SQLite result code of an error, such as `SQLITE_BUSY_RECOVERY`; empty for any other error. */
export function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : "";
}

export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED");
}

/** Whether a row was to be written under a primary key that is there already. */
export function isKeyTaken(error: unknown): boolean {
  return sqliteCode(error) === "SQLITE_CONSTRAINT_PRIMARYKEY";
}

/** Says what is wrong with a database in words, and what to do; any other error is returned as it is. */
export function explainSqlite(error: unknown, path: string): unknown {
  const code = sqliteCode(error);
  const because = (message: string, hint: string) =>
    new OutageError("database", message, { hint, cause: error });
  if (code === "") return error;
  if (isBusy(error)) {
    return because(
      `the database ${path} is locked by another process`,
      "wait until it is done, then try again",
    );
  }
  if (code === "SQLITE_NOTADB") {
    return new AlphaError("database", `${path} is not a SQLite database`, {
      hint: "name the right file with --database, or move this one away",
      cause: error,
    });
  }
  if (code.startsWith("SQLITE_CORRUPT")) {
    return because(
      `the database ${path} is damaged`,
      "restore it from a backup; keep the damaged file for a look",
    );
  }
  if (code.startsWith("SQLITE_READONLY")) {
    return because(
      `the database ${path} cannot be written`,
      "check who owns the file and its folder, and that the disk is not mounted read-only",
    );
  }
  if (code === "SQLITE_FULL") {
    return because(
      `there is no room left to write to ${path}`,
      "free some disk space; nothing was half written",
    );
  }
  if (code.startsWith("SQLITE_IOERR")) {
    return because(
      `the disk refused to read or write ${path}`,
      "check free space, file size limits and the disk itself",
    );
  }
  if (code.startsWith("SQLITE_CANTOPEN") || code === "SQLITE_PERM" || code === "SQLITE_AUTH") {
    return because(
      `the database ${path} cannot be opened`,
      "check that it exists and that you may read and write it",
    );
  }
  return error;
}

/**
 * Tries again while the database is busy, without blocking the event loop: SQLite's own busy handler would stop
 * everything else in the process while it waits.
 * @param waitMs how long to go on; 0 tries once
 */
export async function whileBusy<T>(waitMs: number, attempt: () => T): Promise<T> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
    }
    await delay(1);
  }
}
