import { existsSync, renameSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type Sqlite from "better-sqlite3";
import type { KeptCopy } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import { explainSqlite, isBusy, whileBusy } from "./busy.js";
import { connect } from "./open.js";
import { replacedName } from "./unfinished-restore.js";

/** Who meters believes for at most 250 ms that the file is still the one that they opened. */
const UNTIL_NOTICED_MS = 400;

/**
 * Puts a file in the place of a database that others may have open. Nobody can write into the old one from before it is
 * moved aside until everybody who meters has noticed: what was confirmed is in the old file, and what comes later in the
 * new one.
 */
export async function replaceDatabase(path: string, by: string, waitMs: number): Promise<KeptCopy> {
  const old = await lockedForWriting(path, waitMs);
  const aside = freeName(path);
  try {
    // Its log goes with it: beside the new file it would be taken for that one's. One right after the other, since whoever
    // looks in between finds no database.
    for (const suffix of ["", "-wal", "-shm"]) {
      if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${aside}${suffix}`);
    }
    renameSync(by, path);
    await flushNames(path);
    if (old !== null) await delay(UNTIL_NOTICED_MS);
    return { path, aside };
  } finally {
    if (old?.inTransaction === true) old.exec("rollback");
    old?.close();
    if (old !== null) tidy(aside);
  }
}

/** Whoever closes a database last takes its empty log away; under its new name nobody has done that yet. */
function tidy(path: string): void {
  try {
    const raw = connect(path, { create: false, blockMs: 0 });
    raw.exec("select 1 from sqlite_schema limit 1");
    raw.close();
  } catch {
    // It is only kept: what is wrong with it is for whoever opens it.
  }
}

/**
 * With all that was committed in the file itself, so that whoever is killed between two renames loses nothing of it.
 * @returns `null`: it cannot be written anyway, being damaged or no database
 */
async function lockedForWriting(path: string, waitMs: number): Promise<Sqlite.Database | null> {
  let raw: Sqlite.Database | undefined;
  try {
    const opened = await whileBusy(waitMs, () => connect(path, { create: false, blockMs: 0 }));
    raw = opened;
    const deadline = performance.now() + waitMs;
    for (;;) {
      opened.pragma("wal_checkpoint(truncate)");
      await whileBusy(waitMs, () => opened.exec("begin immediate"));
      const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
      if (log === undefined || log.size === 0) return opened;
      opened.exec("rollback");
      if (performance.now() >= deadline) throw busyReading(path);
      await delay(1);
    }
  } catch (error) {
    raw?.close();
    if (isBusy(error)) throw explainSqlite(error, path);
    if (error instanceof AlphaError) throw error;
    return null;
  }
}

function busyReading(path: string): AlphaError {
  return new AlphaError("database", `somebody reads the database ${path} without a pause`, {
    hint: "end what reads it, then try again",
  });
}

function freeName(path: string): string {
  for (let number = 1; ; number += 1) {
    const name = replacedName(path, number);
    if (!existsSync(name)) return name;
  }
}

async function flushNames(path: string): Promise<void> {
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
