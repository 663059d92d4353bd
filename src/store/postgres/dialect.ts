import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresDialect,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import type { Pool, PoolClient } from "pg";
import { AlphaError } from "../../errors.js";
import type { Schema } from "../schema.js";
import { isLost } from "./explain.js";
import { shorter } from "./time-limits.js";
import { EXCLUDE_WRITERS } from "./write-lock.js";

/** How many rows of a stream are in memory at a time. */
const ROWS_AT_A_TIME = 1_000;

class PooledConnection implements DatabaseConnection {
  /** Not to be used again: nobody knows what state it is in. */
  isBroken = false;

  constructor(readonly client: PoolClient) {}

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { command, rowCount, rows } = await this.client.query(sql, [...parameters]);
    return command === "SELECT" ? { rows } : { rows: rows ?? [], numAffectedRows: BigInt(rowCount ?? 0) };
  }

  /** By a cursor, which there is in a transaction only, and which ends with it. Kysely asks nothing else meanwhile. */
  async *streamQuery<Row>({ sql, parameters }: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    await this.client.query(`declare alpha_rows no scroll cursor for ${sql}`, [...parameters]);
    for (;;) {
      const { rows } = await this.client.query(`fetch ${ROWS_AT_A_TIME} from alpha_rows`);
      if (rows.length === 0) break;
      yield { rows };
    }
    await this.client.query("close alpha_rows");
  }
}

/**
 * Kysely's driver begins as the server is set to, believes every commit, and hides a lost connection behind the failed
 * rollback. Here a transaction that only reads is one snapshot from its beginning, any other is alone among all
 * writers, and a commit that the server turned into a rollback fails.
 */
class PooledDriver implements Driver {
  constructor(
    private readonly pool: Pool,
    private readonly waitMs: number,
  ) {}

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PooledConnection> {
    return new PooledConnection(await this.pool.connect());
  }

  async beginTransaction(connection: PooledConnection, { accessMode }: TransactionSettings): Promise<void> {
    try {
      const { options } = this.pool;
      const begin =
        accessMode === "read only" ? BEGIN_READING : beginWriting(this.waitMs, options.lock_timeout);
      await connection.client.query(begin);
    } catch (error) {
      await this.rollbackTransaction(connection);
      throw error;
    }
  }

  async commitTransaction(connection: PooledConnection): Promise<void> {
    let tag: string;
    try {
      tag = (await connection.client.query("commit")).command;
    } catch (error) {
      connection.isBroken = true;
      throw isLost(error) ? unknownCommit(error) : error;
    }
    // What a failed statement left behind is rolled back by COMMIT, which says so and does not fail.
    if (tag !== "COMMIT")
      throw new Error("a statement of this transaction had failed, so it was rolled back");
  }

  async rollbackTransaction(connection: PooledConnection): Promise<void> {
    try {
      await connection.client.query("rollback");
    } catch {
      // The server rolls back when the connection ends; a second error would hide the first.
      connection.isBroken = true;
    }
  }

  async releaseConnection(connection: PooledConnection): Promise<void> {
    connection.client.release(connection.isBroken);
  }

  async destroy(): Promise<void> {
    await this.pool.end();
  }
}

/** The first statement takes the snapshot, so there has to be one. */
const BEGIN_READING = "begin isolation level repeatable read, read only; select 1";

/**
 * READ COMMITTED, so that what follows the lock sees what was committed while it was waited for: a snapshot for the
 * whole transaction would be older than the lock.
 */
function beginWriting(waitMs: number, ofAddress: number | undefined): string {
  const timeout = shorter(waitMs, ofAddress);
  return `begin isolation level read committed, read write; set local lock_timeout = ${timeout}; ${EXCLUDE_WRITERS}`;
}

function unknownCommit(cause: unknown): AlphaError {
  return new AlphaError(
    "database",
    "the connection was lost while the change was being saved: it may be saved, or not",
    { hint: "look whether it is there before trying again", cause },
  );
}

/** A run of migrations is one transaction, and beginning it is the lock: see {@link EXCLUDE_WRITERS}. */
class TransactionalAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

/** Kysely over a pool of connections. */
export function kyselyOver(pool: Pool, waitMs: number): Kysely<Schema> {
  const base = new PostgresDialect({ pool });
  const dialect: Dialect = {
    createAdapter: () => new TransactionalAdapter(),
    createDriver: () => new PooledDriver(pool, waitMs),
    createIntrospector: (db) => base.createIntrospector(db),
    createQueryCompiler: () => base.createQueryCompiler(),
  };
  return new Kysely<Schema>({ dialect });
}
