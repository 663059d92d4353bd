import type Sqlite from "better-sqlite3";
import { type Kysely, sql } from "kysely";
import { type ImportTotals, KIND_OF_CELL } from "../../domain/import-totals.js";
import type { Schema } from "../schema.js";
import { DAY_AMOUNTS } from "../totals.js";
import { addToDays, DAY_COLUMNS } from "./day-totals.js";
import { LONG_SIZES, RowWriter } from "./row-writer.js";

const ANY = 0;

/**
 * Adds cells to the daily totals. Most logs state few of the sums: those that are 0 in all cells of a slice stand in the
 * statement's text, and are neither bound nor added.
 */
export class BulkTotals {
  /** By the places in a cell that are bound. */
  readonly #writers = new Map<string, RowWriter>();

  constructor(
    private readonly raw: Sqlite.Database,
    private readonly db: Kysely<Schema>,
  ) {}

  /** @param kindIds the numbers of the kinds by which the cells are kept */
  write(cells: ImportTotals, kindIds: Readonly<Float64Array>): void {
    const places = cells.places();
    this.#writerOf(places).writeEach(cells.count, (cell, into, at) => {
      cells.copyCell(cell, into, at, places);
      into[at + KIND_OF_CELL] = kindIds[into[at + KIND_OF_CELL] as number];
    });
  }

  #writerOf(places: readonly number[]): RowWriter {
    const key = places.join();
    let writer = this.#writers.get(key);
    if (writer === undefined) {
      const bound = new Set(places.map((place) => DAY_COLUMNS[place]));
      const row = Object.fromEntries(
        DAY_COLUMNS.map((column) => [column, bound.has(column) ? ANY : sql.lit(0)]),
      );
      const sums = DAY_AMOUNTS.filter((sum) => bound.has(sum));
      const insert = (rows: number) => addToDays(this.db, Array<typeof row>(rows).fill(row), sums);
      writer = new RowWriter(
        places.length,
        (rows) => this.raw.prepare<unknown[], never>(insert(rows).compile().sql),
        LONG_SIZES,
      );
      this.#writers.set(key, writer);
    }
    return writer;
  }
}
