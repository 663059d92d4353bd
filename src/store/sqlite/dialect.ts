import type Sqlite from "better-sqlite3";
import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type TransactionSettings,
} from "kysely";
import type { Schema } from "../schema.js";
import { whileBusy } from "./busy.js";

/**
 * Kysely's driver begins a deferred transaction, which fails at once when it turns from reading to writing after
 * another process wrote, whatever the busy timeout. Here a transaction takes the write lock when it begins, and waits
 * for it without blocking; one that says it only reads stays deferred.
 */
class ImmediateDriver extends SqliteDriver {
  constructor(
    database: SqliteDatabase,
    private readonly raw: Sqlite.Database,
    private readonly waitMs: number,
  ) {
    super({ database });
  }

  override async beginTransaction(
    _connection: DatabaseConnection,
    settings?: TransactionSettings,
  ): Promise<void> {
    if (settings?.accessMode === "read only") await whileBusy(this.waitMs, () => this.#beginReading());
    else await whileBusy(this.waitMs, () => this.raw.exec("begin immediate"));
  }

  /** The first read takes the snapshot, and may find the file busy while another process recovers or closes it. */
  #beginReading(): void {
    this.raw.exec("begin");
    try {
      this.raw.exec("select 1 from sqlite_schema limit 1");
    } catch (error) {
      this.raw.exec("rollback");
      throw error;
    }
  }

  // A disk that is full or gone ends the transaction by itself; a second rollback would hide why.
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.raw.inTransaction) await super.rollbackTransaction(connection);
  }
}

/**
 * Kysely's adapter takes no lock for migrations and believes that SQLite cannot roll back DDL. It can; so a run of
 * migrations is one transaction, and beginning it is the lock.
 */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Keeps every prepared statement: the same few hundred texts come again and again. */
function withStatementCache(raw: Sqlite.Database): SqliteDatabase {
  const statements = new Map<string, Sqlite.Statement>();
  return {
    close: () => raw.close(),
    prepare(text) {
      let statement = statements.get(text);
      if (statement === undefined) {
        statement = raw.prepare(text);
        statements.set(text, statement);
      }
      return statement as unknown as ReturnType<SqliteDatabase["prepare"]>;
    },
  };
}

/** Kysely over one connection, with the traps of its own SQLite dialect closed. */
export function kyselyOver(raw: Sqlite.Database, waitMs: number): Kysely<Schema> {
  const database = withStatementCache(raw);
  const base = new SqliteDialect({ database });
  const dialect: Dialect = {
    createAdapter: () => new TransactionalAdapter(),
    createDriver: (): Driver => new ImmediateDriver(database, raw, waitMs),
    createIntrospector: (db) => base.createIntrospector(db),
    createQueryCompiler: () => base.createQueryCompiler(),
  };
  return new Kysely<Schema>({ dialect });
}
