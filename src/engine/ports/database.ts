import type { Progress, Store } from "../ports.js";

/** What a database is, also one that has to be migrated first. */
export interface DatabaseFacts {
  readonly kind: "sqlite" | "postgres";
  /** Of SQLite or of the server. */
  readonly version: string;
  /** Names of the migrations that ran, oldest first. */
  readonly applied: readonly string[];
  /** Names of those that this program has and the database has not. */
  readonly pending: readonly string[];
}

export interface CopyOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told in bytes. */
  readonly progress?: Progress | undefined;
}

/** A copy of a database under a name of its own, until it is decided what becomes of it. */
export interface DatabaseCopy {
  /** On the copy. */
  readonly store: Store;
  readonly bytes: number;
  /** What is wrong with its pages, in the database's words; empty when they are sound. */
  damage(): Promise<string[]>;
  /** Puts it, safely on the disk, in its place. */
  keep(): Promise<KeptCopy>;
  /** Removes it, unless it was kept. */
  discard(): Promise<void>;
}

export interface KeptCopy {
  readonly path: string;
  /** Where that is now which was in its place; `null`: nothing was. */
  readonly aside: string | null;
}

/** Copies databases that are files. */
export interface DatabaseCopies {
  /** What a backup at a path would be put in the place of; refuses a path where it cannot be. */
  existing(target: string): Promise<"nothing" | "file">;
  /** Copies the database as it is at one instant, while others write. */
  backup(target: string, options: CopyOptions): Promise<DatabaseCopy>;
  /** Copies a backup, brought to this program's schema, beside the database whose place it is to take. */
  restorable(backup: string, options: CopyOptions): Promise<DatabaseCopy>;
}
