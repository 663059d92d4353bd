import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** The log goes before the file: whoever finds the file finds all of it. */
const LOG_FIRST = ["-wal", "-shm", ""];
const FILES = ["", "-wal", "-shm", "-journal"];

/** Where a restore prepares what it will put in the place of a database. */
export function restoringName(path: string, pid = process.pid): string {
  return `${path}.restoring-${pid}`;
}

/** Where a restore keeps the file that was there: `alpha.db.replaced`, or with a number from 2 where that is taken. */
export function replacedName(path: string, number: number): string {
  return `${path}.replaced${number === 1 ? "" : `-${number}`}`;
}

/**
 * Puts a database back that a restore had moved aside when it was killed, just before it would have put the other one in
 * its place. To be called where there is no file at the path.
 * @returns whether there is one now
 */
export function putBack(path: string): boolean {
  const { ended, running } = restoresOf(path);
  if (ended.length === 0 || running) return false;
  // What was moved aside before the copy was written is of another restore, and whoever removed the database meant it.
  const copiedAt = Math.max(...ended.map((pid) => timesOf(restoringName(path, pid))?.mtimeMs ?? 0));
  const aside = lastReplaced(path, copiedAt);
  if (aside === null) return false;
  for (const suffix of LOG_FIRST) {
    // Whoever opens it at the same time does the same.
    ignoringMissing(() => renameSync(`${aside}${suffix}`, `${path}${suffix}`));
  }
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Takes away what restores had copied when they were killed. */
export function removeUnfinished(path: string): void {
  for (const pid of restoresOf(path).ended) {
    for (const suffix of FILES) rmSync(`${restoringName(path, pid)}${suffix}`, { force: true });
  }
}

/** The processes that have left a copy, and whether one of them still runs. */
function restoresOf(path: string): { readonly ended: readonly number[]; readonly running: boolean } {
  const names = new Set(namesBeside(path));
  const pids = [...names]
    .map((name) => Number(name.split(".restoring-")[1]))
    .filter((pid) => pid > 0 && names.has(basename(restoringName(path, pid))));
  const ended = pids.filter((pid) => !isRunning(pid));
  return { ended, running: ended.length < pids.length };
}

/** Of the files that were moved aside since an instant, the last. */
function lastReplaced(path: string, since: number): string | null {
  const prefix = basename(replacedName(path, 1));
  const kept = namesBeside(path)
    .filter((name) => name.startsWith(prefix) && /^(?:-\d+)?$/.test(name.slice(prefix.length)))
    .map((name) => join(dirname(path), name));
  const movedAt = (name: string) => timesOf(name)?.ctimeMs ?? 0;
  const [last] = kept.sort((a, b) => movedAt(b) - movedAt(a));
  return last !== undefined && movedAt(last) >= since ? last : null;
}

function timesOf(path: string) {
  return statSync(path, { throwIfNoEntry: false });
}

function namesBeside(path: string): string[] {
  try {
    return readdirSync(dirname(path));
  } catch {
    // Then there is no database either, and whoever asked says so.
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function ignoringMissing(move: () => void): void {
  try {
    move();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
