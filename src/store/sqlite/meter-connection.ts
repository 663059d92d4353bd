import { type BigIntStats, statSync } from "node:fs";
import type Sqlite from "better-sqlite3";
import type { Kysely } from "kysely";
import type { Durability } from "../../domain/settings.js";
import { AlphaError } from "../../errors.js";
import type { LastSeenMemory } from "../last-seen.js";
import { requireCurrent } from "../migration-state.js";
import type { Schema } from "../schema.js";
import { BulkEntry } from "./bulk-entry.js";
import { explainSqlite, isBusy, sqliteCode } from "./busy.js";
import { kyselyOver } from "./dialect.js";
import { MeterCorrections } from "./meter-corrections.js";
import { MeterRefusals } from "./meter-refusals.js";
import { MeterSaver } from "./meter-save.js";
import { MeterState } from "./meter-state.js";
import { type MeterStatements, meterStatements } from "./meter-statements.js";
import { connect, stateOf } from "./open.js";

/** While others write during an import, which is the one that checkpoints then, the log is begun anew beyond this. */
const MOST_PAGES = 2_000;

/** For how long a file that was in its place is believed to be there still, in milliseconds. */
const BELIEVED_MS = 250;

/** One open connection of the hot path, with all that is true of it alone. */
export class MeterConnection {
  readonly statements: MeterStatements;
  readonly state: MeterState;
  readonly saver: MeterSaver;
  readonly corrections: MeterCorrections;
  readonly #db: Kysely<Schema>;
  readonly #file: BigIntStats | undefined;
  #bulk: BulkEntry | null = null;
  #lookedAt = performance.now();

  constructor(
    private readonly path: string,
    options: { readonly waitMs: number; readonly durability: Durability },
    seen: LastSeenMemory,
  ) {
    this.raw = connect(path, { create: false, blockMs: 0 });
    try {
      if (options.durability === "full") this.raw.pragma("synchronous = full");
      this.#file = fileAt(path);
      const db = kyselyOver(this.raw, options.waitMs);
      this.#db = db;
      this.statements = meterStatements(this.raw, db);
      this.state = new MeterState(db, this.statements, seen);
      this.corrections = new MeterCorrections(this.raw, db);
      this.saver = new MeterSaver(
        this.statements,
        this.state,
        this.corrections,
        new MeterRefusals(this.raw, db),
      );
    } catch (error) {
      this.raw.close();
      throw error;
    }
  }

  readonly raw: Sqlite.Database;

  /** Most processes never import. */
  get bulk(): BulkEntry {
    this.#bulk ??= new BulkEntry(this.raw, this.#db, this.state, this.saver);
    return this.#bulk;
  }

  /**
   * Moves what imports have written out of the log, so that nobody who meters has to do it within a commit. Others may
   * write meanwhile.
   */
  checkpoint(): void {
    const { checkpoint, restartLog } = this.statements;
    try {
      if ((checkpoint.get()?.log ?? 0) > MOST_PAGES) restartLog.get();
    } catch {
      // What was entered is committed; what is wrong with the file the next transaction says.
    }
  }

  /**
   * Whether the file in the database's place is the one that is open. SQLite would not notice: it goes on writing into
   * a file that was deleted or replaced, and all of it is lost.
   */
  isInPlace(): boolean {
    const now = performance.now();
    if (now - this.#lookedAt < BELIEVED_MS) return true;
    const found = fileAt(this.path);
    if (found === undefined || found.ino !== this.#file?.ino || found.dev !== this.#file.dev) return false;
    this.#lookedAt = now;
    return true;
  }

  /** Refuses a file that took the place of the one that was open, unless it holds this version's database. */
  requireCurrent(): void {
    requireCurrent(stateOf(this.raw), this.path);
  }
}

function fileAt(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

/** What SQLite says about the file itself, and a new connection may no longer meet: everything but waiting and room. */
export function spoilsConnection(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== "" && !isBusy(error) && code !== "SQLITE_FULL" && !code.startsWith("SQLITE_CONSTRAINT");
}

/** Says what is wrong in words; whatever SQLite refuses is the database's fault, known to us or not. */
export function explainFault(error: unknown, path: string): unknown {
  const explained = explainSqlite(error, path);
  if (explained instanceof AlphaError || !spoilsConnection(error)) return explained;
  return new AlphaError("database", `the database ${path} cannot be used: ${(error as Error).message}`, {
    hint: "check that it is an alpha database of this version",
    cause: error,
  });
}
