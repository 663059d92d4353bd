import type { Prepared } from "./meter-statements.js";

/** How many rows go into one statement at most, then how many of what is left. */
const SIZES = [32, 8, 1] as const;

/**
 * Inserts rows many at a time: running a statement costs as much as several of its rows. Each size is prepared when it is
 * first needed.
 */
export class RowWriter {
  readonly #statements = new Map<number, Prepared<never>>();

  constructor(
    private readonly columns: number,
    private readonly prepare: (rows: number) => Prepared<never>,
  ) {}

  /**
   * @param values of all rows, one after the other
   * @returns the row id of the last row, where the table has row ids; those before it have the numbers before it
   */
  write(values: readonly unknown[]): number {
    const rows = values.length / this.columns;
    let last = 0;
    let done = 0;
    for (const size of SIZES) {
      while (rows - done >= size) {
        const slice =
          size === rows ? values : values.slice(done * this.columns, (done + size) * this.columns);
        last = Number(this.#of(size).run(slice).lastInsertRowid);
        done += size;
      }
    }
    return last;
  }

  #of(size: number): Prepared<never> {
    let statement = this.#statements.get(size);
    if (statement === undefined) {
      statement = this.prepare(size);
      this.#statements.set(size, statement);
    }
    return statement;
  }
}
