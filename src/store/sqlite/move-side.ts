import type Sqlite from "better-sqlite3";
import type { Kysely } from "kysely";
import type { Store } from "../../engine/ports.js";
import type { Row } from "../move-rows.js";
import type { MoveSide } from "../move-side.js";
import { byTable, type Column } from "../move-tables.js";
import type { Schema } from "../schema.js";
import { explainSqlite, whileBusy } from "./busy.js";
import { kyselyOver } from "./dialect.js";
import { connect, requireFile, type SqliteOptions, tablesOf } from "./open.js";
import { SqliteStore } from "./store.js";

export async function openSqliteSide({ path, waitMs }: SqliteOptions): Promise<MoveSide> {
  requireFile(path);
  try {
    const raw = await whileBusy(waitMs, () => connect(path, { create: false, blockMs: 0 }));
    return new SqliteSide(raw, path, waitMs);
  } catch (error) {
    throw explainSqlite(error, path);
  }
}

class SqliteSide implements MoveSide {
  readonly oneWriter = true;
  readonly db: Kysely<Schema>;
  readonly store: Store;

  constructor(
    private readonly raw: Sqlite.Database,
    readonly location: string,
    private readonly waitMs: number,
  ) {
    this.db = kyselyOver(raw, waitMs);
    this.store = new SqliteStore({ raw, db: this.db, path: location, waitMs, durability: "normal" });
  }

  async tables(): Promise<string[]> {
    return whileBusy(this.waitMs, () => tablesOf(this.raw).filter((name) => !name.startsWith("sqlite_")));
  }

  async columns(): Promise<ReadonlyMap<string, readonly Column[]>> {
    const found = this.raw
      .prepare<[], { table: string; name: string; type: string }>(
        `select t.name as "table", c.name, lower(c.type) as type from sqlite_schema t, pragma_table_info(t.name) c
          where t.type = 'table' order by t.name, c.cid`,
      )
      .all();
    return byTable(found.map(({ type, ...column }) => ({ ...column, isInteger: type === "integer" })));
  }

  async insert(table: string, columns: readonly Column[], rows: readonly Row[]): Promise<void> {
    const names = columns.map(({ name }) => `"${name}"`).join(", ");
    const places = columns.map(() => "?").join(", ");
    const statement = this.raw.prepare(`insert into "${table}" (${names}) values (${places})`);
    await whileBusy(this.waitMs, () => this.raw.exec("begin immediate"));
    try {
      for (const row of rows) statement.run(columns.map(({ name }) => row[name]));
      this.raw.exec("commit");
    } catch (error) {
      if (this.raw.inTransaction) this.raw.exec("rollback");
      throw error;
    }
  }

  /** What is left behind may be deleted as soon as the move is done, so what is done has to be on the disk. */
  async ready(): Promise<void> {
    this.raw.pragma("synchronous = full");
  }

  explain(error: unknown): unknown {
    return explainSqlite(error, this.location);
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
