import { setTimeout as delay } from "node:timers/promises";
import { type Kysely, sql, type Transaction } from "kysely";
import type { Pool } from "pg";
import type { LedgerMonths, MeterStore, Reading, Store, Writing } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import type { Schema } from "../schema.js";
import { allOn, changing } from "../transaction.js";
import { explainPostgres, isLost } from "./explain.js";
import { PostgresMeter } from "./meter.js";
import { PostgresMonths } from "./months.js";

interface Parts {
  readonly pool: Pool;
  readonly db: Kysely<Schema>;
  readonly location: string;
  readonly waitMs: number;
}

const PAUSE_MS = 50;

/** The store in one schema of a PostgreSQL database. */
export class PostgresStore implements Store {
  readonly #parts: Parts;
  readonly #months: PostgresMonths;
  #meter: PostgresMeter | null = null;
  /** Ends when the write before has: writers of one process wait here, where they take no connections from others. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#months = new PostgresMonths(parts.pool, parts.location);
  }

  get location(): string {
    return this.#parts.location;
  }

  get meter(): MeterStore {
    this.#requireOpen();
    this.#meter ??= new PostgresMeter(this.#parts);
    return this.#meter;
  }

  get months(): LedgerMonths {
    this.#requireOpen();
    return this.#months;
  }

  read<T>(work: (tx: Reading) => Promise<T>): Promise<T> {
    return this.#run("read only", (tx) => work(allOn(tx)));
  }

  async write<T>(work: (tx: Writing) => Promise<T>, { dryRun = false } = {}): Promise<T> {
    const before = this.#lastWrite;
    const written = before.then(() => changing((inside) => this.#run("read write", inside), work, dryRun));
    this.#lastWrite = written.catch(() => undefined);
    return written;
  }

  /** Of its schema: others may have theirs in the same database. */
  size(): Promise<number> {
    return this.#run("read only", async (tx) => {
      const { rows } = await sql<{ bytes: number }>`
        select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint as bytes from pg_class
        where relnamespace = current_schema()::regnamespace and relkind in ('r', 'm')`.execute(tx);
      return Number(rows[0]?.bytes);
    });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#meter?.close();
    await this.#parts.pool.end();
  }

  #requireOpen(): void {
    if (this.#closing !== null) {
      throw new AlphaError("database", `the database ${this.location} was closed`);
    }
  }

  /** Begins again when the server went away before anything was done, as long as a writer would be waited for. */
  async #run<T>(mode: "read only" | "read write", work: (tx: Transaction<Schema>) => Promise<T>): Promise<T> {
    this.#requireOpen();
    const { db, location, waitMs } = this.#parts;
    const deadline = performance.now() + waitMs;
    for (;;) {
      let hasBegun = false;
      try {
        return await db
          .transaction()
          .setAccessMode(mode)
          .execute((tx) => {
            hasBegun = true;
            return work(tx);
          });
      } catch (error) {
        if (hasBegun || !isLost(error) || performance.now() >= deadline)
          throw explainPostgres(error, location);
      }
      await delay(PAUSE_MS);
    }
  }
}
