import { existsSync, statSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { sql, type Transaction } from "kysely";
import type { CarryOptions, DatabaseMove, MoveTarget, Store, TableRows } from "../engine/ports.js";
import { AlphaError } from "../errors.js";
import { initStore } from "./init-store.js";
import { isPostgresUrl, withoutPassword } from "./location.js";
import { MOVE_TABLE } from "./migration-state.js";
import { areSame, countRows, type Key, keyOf, readRows, sumsOf } from "./move-rows.js";
import { type MoveSide, on } from "./move-side.js";
import { MOVED_TABLES, type MovedTable, type TableShape, tableShape, UNITS } from "./move-tables.js";
import type { StoreOptions } from "./open-store.js";
import type { Db, Schema } from "./schema.js";

const ROWS_AT_ONCE = 5_000;

/**
 * A move between two databases.
 * @param from an existing database of this program's schema
 */
export async function openMove(from: StoreOptions, to: StoreOptions): Promise<DatabaseMove> {
  const source = await openSide(from);
  try {
    return new Move(source, to, await targetThatIs(to));
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openSide({ database, waitMs }: StoreOptions): Promise<MoveSide> {
  if (isPostgresUrl(database)) {
    const { openPostgresSide } = await import("./postgres/move-side.js");
    return openPostgresSide({ url: database, waitMs });
  }
  const { openSqliteSide } = await import("./sqlite/move-side.js");
  return openSqliteSide({ path: database, waitMs });
}

/** `null`: there is no file yet. */
async function targetThatIs(to: StoreOptions): Promise<MoveSide | null> {
  const isFree = !isPostgresUrl(to.database) && (!existsSync(to.database) || isEmptyFile(to.database));
  return isFree ? null : openSide(to);
}

function isEmptyFile(path: string): boolean {
  const found = statSync(path);
  return found.isFile() && found.size === 0;
}

class Move implements DatabaseMove {
  readonly to: string;
  #shapes: readonly TableShape[] | null = null;

  constructor(
    private readonly source: MoveSide,
    private readonly place: StoreOptions,
    private opened: MoveSide | null,
  ) {
    const { database } = place;
    this.to = isPostgresUrl(database) ? withoutPassword(database) : database;
  }

  get store(): Store {
    return this.#target.store;
  }

  get #target(): MoveSide {
    if (this.opened === null) throw new Error("the target is not prepared");
    return this.opened;
  }

  async target(): Promise<MoveTarget> {
    const side = this.opened;
    if (side === null) return { is: "empty" };
    return on(side, async () => {
      const tables = await side.tables();
      if (tables.includes(MOVE_TABLE)) return { is: "unfinished", move: await markOn(side.db) };
      // With other tables beside them they are not what was just made for this.
      const own = tables.filter((name) => !name.startsWith("kysely_"));
      if (own.length === 0) return { is: "empty" };
      const areMade =
        own.length === MOVED_TABLES.length + 1 && MOVED_TABLES.every((name) => own.includes(name));
      return { is: areMade && (await isEmpty(side.db)) ? "empty" : "taken" };
    });
  }

  async rows(): Promise<TableRows[]> {
    const found: TableRows[] = [];
    for (const shape of await this.#tables()) {
      const rows = await on(this.source, () => countRows(this.source.db, shape));
      found.push({ table: shape.name, rows });
    }
    return found;
  }

  async prepare(): Promise<void> {
    await initStore(this.place);
    this.opened ??= await openSide(this.place);
  }

  async mark(move: string): Promise<void> {
    const target = this.#target;
    await on(target, () =>
      target.db.transaction().execute(async (tx) => {
        if (!(await isEmpty(tx))) {
          throw new AlphaError("conflict", `somebody else has just begun to use ${this.to}`);
        }
        await tx.schema
          .createTable(MOVE_TABLE)
          .addColumn("move", "text", (column) => column.notNull())
          .execute();
        await sql`insert into ${sql.table(MOVE_TABLE)} (move) values (${move})`.execute(tx);
      }),
    );
  }

  async carry(options: CarryOptions): Promise<void> {
    const total = (await this.rows()).reduce((sum, { rows }) => sum + rows, 0);
    const shapes = new Map((await this.#tables()).map((shape) => [shape.name, shape]));
    await on(this.source, () =>
      this.source.db
        .transaction()
        .setAccessMode("read only")
        .execute(async (snapshot) => {
          const carrying = new Carrying(snapshot, this.source, this.#target, options, total);
          for (const unit of UNITS) await carrying.carry(unit.map((name) => shapes.get(name) as TableShape));
        }),
    );
  }

  async differing(): Promise<string[]> {
    const found: string[] = [];
    for (const shape of await this.#tables()) {
      const sums = (side: MoveSide) => on(side, () => sumsOf(side.db, shape));
      const [here, there] = await Promise.all([sums(this.source), sums(this.#target)]);
      if (here !== there) found.push(shape.name);
    }
    return found;
  }

  ready(): Promise<void> {
    return on(this.#target, () => this.#target.ready());
  }

  async finish(): Promise<void> {
    await on(this.#target, () => this.#target.db.schema.dropTable(MOVE_TABLE).execute());
  }

  async close(): Promise<void> {
    await this.source.close();
    await this.opened?.close();
  }

  async #tables(): Promise<readonly TableShape[]> {
    if (this.#shapes === null) {
      const columns = await on(this.source, () => this.source.columns());
      const oneWriter = !isPostgresUrl(this.place.database);
      this.#shapes = MOVED_TABLES.map((name) => tableShape(name, columns.get(name) ?? [], { oneWriter }));
    }
    return this.#shapes;
  }
}

async function markOn(db: Db): Promise<string> {
  const { rows } = await sql<{ move: string }>`select move from ${sql.table(MOVE_TABLE)}`.execute(db);
  return rows[0]?.move ?? "";
}

/** Whether it is as the migrations leave it. */
async function isEmpty(db: Db): Promise<boolean> {
  for (const table of MOVED_TABLES) {
    // Its one row is there from the beginning.
    if (table === "generation") continue;
    const { rows } = await sql`select 1 from ${sql.table(table)} limit 1`.execute(db);
    if (rows.length > 0) return false;
  }
  return true;
}

/** How far a table has come; `null`: nothing of it is there. */
interface SoFar {
  readonly last: Key | null;
  readonly rows: number;
}

const NOTHING: SoFar = { last: null, rows: 0 };

/** One run, on one snapshot of the source. */
class Carrying {
  #done = 0;
  readonly #atOnce: number;

  constructor(
    private readonly snapshot: Transaction<Schema>,
    private readonly source: MoveSide,
    private readonly target: MoveSide,
    private readonly options: CarryOptions,
    private readonly total: number,
  ) {
    this.#atOnce = options.rowsAtOnce ?? ROWS_AT_ONCE;
  }

  async carry(unit: readonly TableShape[]): Promise<void> {
    const found: (SoFar | null)[] = [];
    for (const shape of unit) found.push(await this.#soFar(shape));
    const isStale = found.includes(null);
    if (isStale) await this.#empty(unit.map(({ name }) => name));
    for (const [at, shape] of unit.entries()) {
      await this.#carryRest(shape, (isStale ? null : found[at]) ?? NOTHING);
    }
  }

  /**
   * Rows are carried in the order of their keys, so what is there is the beginning of what there is to carry.
   * @returns `null`: it is not any more
   */
  async #soFar(shape: TableShape): Promise<SoFar | null> {
    let soFar = NOTHING;
    for (;;) {
      const there = await this.#read(this.target, this.target.db, shape, soFar.last);
      const last = there.at(-1);
      if (last === undefined) return soFar;
      const here = await this.#read(this.source, this.snapshot, shape, soFar.last, there.length);
      if (!areSame(shape, there, here)) return null;
      soFar = { last: keyOf(shape, last), rows: soFar.rows + there.length };
      await this.#pause();
    }
  }

  async #empty(unit: readonly MovedTable[]): Promise<void> {
    await on(this.target, () =>
      this.target.db.transaction().execute(async (tx) => {
        for (const table of [...unit].reverse()) await tx.deleteFrom(table).execute();
      }),
    );
  }

  async #carryRest(shape: TableShape, { last, rows: there }: SoFar): Promise<void> {
    this.#done += there;
    for (let after = last; ; ) {
      await this.#pause();
      const rows = await this.#read(this.source, this.snapshot, shape, after);
      const end = rows.at(-1);
      if (end === undefined) return;
      await on(this.target, () => this.target.insert(shape.name, shape.columns, rows));
      after = keyOf(shape, end);
      this.#done += rows.length;
      const { total, options } = this;
      options.progress?.report({ done: this.#done, total, records: this.#done, rejected: 0 });
    }
  }

  async #pause(): Promise<void> {
    const { signal, between } = this.options;
    // Two files answer at once, and nobody would hear that it is to stop.
    await turn();
    if (signal?.aborted === true) {
      throw new AlphaError("interrupted", "interrupted before everything was carried over", {
        hint: "the same command goes on where it stopped",
      });
    }
    await between?.();
  }

  #read(side: MoveSide, db: Db, shape: TableShape, after: Key | null, limit = this.#atOnce) {
    return on(side, () => readRows(db, shape, after, limit));
  }
}
