import type { Kysely } from "kysely";
import type { Pool } from "pg";
import { type Calendar, calendar, monthLabel } from "../../domain/window.js";
import type { Store } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import type { Row } from "../move-rows.js";
import type { MoveSide } from "../move-side.js";
import { byTable, type Column, KEYS, MOVED_TABLES } from "../move-tables.js";
import type { Schema } from "../schema.js";
import { loadSettings } from "../settings.js";
import { explainPostgres, postgresCode } from "./explain.js";
import { numbers } from "./meter-client.js";
import { PostgresMonths } from "./months.js";
import { connect, lookAt, type PostgresOptions } from "./open.js";
import { PostgresStore } from "./store.js";

const NO_DATABASE = "3D000";

export async function openPostgresSide(options: PostgresOptions): Promise<MoveSide> {
  const { pool, db, location } = connect(options);
  const side = new PostgresSide(pool, db, location, options.waitMs);
  try {
    await lookAt(pool, location);
    return side;
  } catch (error) {
    await side.close();
    throw side.explain(error);
  }
}

class PostgresSide implements MoveSide {
  readonly oneWriter = false;
  readonly store: Store;
  readonly #months: PostgresMonths;
  readonly #monthsThere = new Set<number>();
  #zone: Calendar | null = null;

  constructor(
    private readonly pool: Pool,
    readonly db: Kysely<Schema>,
    readonly location: string,
    waitMs: number,
  ) {
    this.store = new PostgresStore({ pool, db, location, waitMs });
    this.#months = new PostgresMonths(pool, location);
  }

  /** Partitions are no tables of their own. */
  async tables(): Promise<string[]> {
    const { rows } = await this.pool.query<{ name: string }>(
      `select relname as name from pg_class where relnamespace = to_regnamespace(quote_ident(current_schema()))
        and relkind in ('r', 'p') and not relispartition
        and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid
          and deptype = 'e')`,
    );
    return rows.map(({ name }) => name);
  }

  async columns(): Promise<ReadonlyMap<string, readonly Column[]>> {
    const { rows } = await this.pool.query<{ table: string; name: string; type: string }>(
      `select table_name::text as "table", column_name::text as name, data_type::text as type
        from information_schema.columns where table_schema = current_schema()
        order by table_name, ordinal_position`,
    );
    return byTable(rows.map(({ type, ...column }) => ({ ...column, isInteger: type === "bigint" })));
  }

  async insert(table: string, columns: readonly Column[], rows: readonly Row[]): Promise<void> {
    if (table === "usage_event") await this.#makeMonths(rows);
    const names = columns.map(({ name }) => `"${name}"`).join(", ");
    const arrays = columns.map(({ isInteger }, at) => `$${at + 1}::${isInteger ? "bigint" : "text"}[]`);
    const values = columns.map(({ name, isInteger }) => {
      const column = rows.map((row) => row[name]);
      return isInteger ? numbers(column as (number | null)[]) : column;
    });
    await this.pool.query(
      `insert into "${table}" (${names}) select * from unnest(${arrays.join(", ")})`,
      values,
    );
  }

  /** Before their events, which would otherwise lie with the rest. The settings are there by then. */
  async #makeMonths(rows: readonly Row[]): Promise<void> {
    this.#zone ??= calendar((await loadSettings(this.db)).time_zone);
    const zone = this.#zone;
    const missing = new Set(rows.map((row) => zone.monthOf(Number(row.occurred_at))));
    for (const month of this.#monthsThere) missing.delete(month);
    if (missing.size === 0) return;
    const spans = [...missing].map((month) => ({ label: monthLabel(month), ...zone.window("month", month) }));
    await this.#months.prepare(spans);
    for (const month of missing) this.#monthsThere.add(month);
  }

  /** Numbers go on behind those that were carried, and the server learns how large its tables are now. */
  async ready(): Promise<void> {
    for (const table of MOVED_TABLES) {
      if (KEYS[table].join() !== "id") continue;
      await this.pool.query(
        `with numbered as (table "${table}")
          select setval(pg_get_serial_sequence('"${table}"', 'id'), coalesce(max(id), 1), max(id) is not null)
          from numbered`,
      );
    }
    await this.pool.query(`analyze ${MOVED_TABLES.map((table) => `"${table}"`).join(", ")}`);
  }

  explain(error: unknown): unknown {
    if (postgresCode(error) !== NO_DATABASE) return explainPostgres(error, this.location);
    return new AlphaError("database", `there is no database of that name at ${this.location}`, {
      hint: "create it with: createdb; alpha makes the tables",
      cause: error,
    });
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
