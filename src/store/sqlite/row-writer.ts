import type { Prepared } from "./meter-statements.js";

/** How many rows go into one statement at most, then how many of what is left. */
const SIZES = [32, 8, 1] as const;
/** The same where very many are written. Longer statements are no quicker. */
export const LONG_SIZES = [64, 8, 1] as const;

/**
 * Inserts rows many at a time: running a statement costs as much as several of its rows. Each size is prepared when it is
 * first needed. Values are passed one by one, since the driver takes a third longer over an array of them.
 */
export class RowWriter {
  readonly #statements = new Map<number, Prepared<never>>();

  constructor(
    private readonly columns: number,
    private readonly prepare: (rows: number) => Prepared<never>,
    private readonly sizes: readonly number[] = SIZES,
  ) {}

  /**
   * @param values of all rows, one after the other
   * @returns the row id of the last row, where the table has row ids; those before it have the numbers before it
   */
  write(values: readonly unknown[]): number {
    const rows = values.length / this.columns;
    let last = 0;
    let done = 0;
    for (const size of this.sizes) {
      while (rows - done >= size) {
        const slice =
          size === rows ? values : values.slice(done * this.columns, (done + size) * this.columns);
        last = Number(this.#of(size).run(...slice).lastInsertRowid);
        done += size;
      }
    }
    return last;
  }

  /**
   * The same for very many rows, whose values are never all there at once.
   * @param put puts the values of a row into a list, from `at` on
   * @param named values of the named parameters, which all rows share
   */
  writeEach(
    rows: number,
    put: (row: number, into: unknown[], at: number) => void,
    named?: Readonly<Record<string, unknown>>,
  ): number {
    const shared = named === undefined ? [] : [named];
    let last = 0;
    let done = 0;
    for (const size of this.sizes) {
      for (; rows - done >= size; done += size) {
        const values: unknown[] = new Array(size * this.columns);
        for (let row = 0; row < size; row++) put(done + row, values, row * this.columns);
        last = Number(this.#of(size).run(...values, ...shared).lastInsertRowid);
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
