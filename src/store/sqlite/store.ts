import type Sqlite from "better-sqlite3";
import type { Kysely, Transaction } from "kysely";
import type { Durability } from "../../domain/settings.js";
import type { MeterStore, Reading, Store, Writing } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import type { Schema } from "../schema.js";
import { allOn, changing } from "../transaction.js";
import { explainSqlite } from "./busy.js";
import { SqliteMeter } from "./meter.js";

interface Parts {
  readonly raw: Sqlite.Database;
  readonly db: Kysely<Schema>;
  readonly path: string;
  readonly waitMs: number;
  readonly durability: Durability;
}

/** The store on one SQLite file. */
export class SqliteStore implements Store {
  readonly #parts: Parts;
  #meter: SqliteMeter | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get location(): string {
    return this.#parts.path;
  }

  /** On a connection of its own: a metered call must never fall into somebody's open transaction. */
  get meter(): MeterStore {
    this.#requireOpen();
    this.#meter ??= new SqliteMeter(this.#parts);
    return this.#meter;
  }

  read<T>(work: (tx: Reading) => Promise<T>): Promise<T> {
    return this.#run("read only", (tx) => work(allOn(tx)));
  }

  write<T>(work: (tx: Writing) => Promise<T>, { dryRun = false } = {}): Promise<T> {
    const written = changing((inside) => this.#run("read write", inside), work, dryRun);
    return written.finally(() => this.#meter?.wroteBeside());
  }

  async size(): Promise<number> {
    this.#requireOpen();
    const { raw } = this.#parts;
    const pragma = (name: string) => raw.pragma(name, { simple: true }) as number;
    return pragma("page_count") * pragma("page_size");
  }

  async close(): Promise<void> {
    this.#meter?.close();
    this.#parts.raw.close();
  }

  #requireOpen(): void {
    const { raw, path } = this.#parts;
    if (!raw.open) throw new AlphaError("database", `the database ${path} was closed`);
  }

  async #run<T>(mode: "read only" | "read write", work: (tx: Transaction<Schema>) => Promise<T>): Promise<T> {
    this.#requireOpen();
    try {
      return await this.#parts.db.transaction().setAccessMode(mode).execute(work);
    } catch (error) {
      throw explainSqlite(error, this.#parts.path);
    }
  }
}
