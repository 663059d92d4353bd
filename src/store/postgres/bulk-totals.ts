import { type ImportTotals, KIND_OF_CELL } from "../../domain/import-totals.js";
import type { WindowDelta } from "../../domain/ledger-model.js";
import type { Asked } from "./meter-client.js";
import { SAVE_DAYS, SAVE_WINDOWS } from "./meter-save.js";

/*
 * What a slice adds to the totals, for the statements of the hot path. There are tens of thousands of them, so that they
 * travel in the server's own format: as text they would cost the client more than all else it does.
 */

const DAY_COLUMNS = 13;

/** @param kindIds the numbers of the kinds as the totals number them */
export function addsCells(cells: ImportTotals, kindIds: Readonly<Float64Array>): Asked[] {
  const { count } = cells;
  if (count === 0) return [];
  const columns = Array.from({ length: DAY_COLUMNS }, () => new Bigints(count));
  const cell: number[] = [];
  for (let number = 0; number < count; number++) {
    cells.copyCell(number, cell, 0);
    cell[KIND_OF_CELL] = kindIds[cell[KIND_OF_CELL] as number]!;
    for (let column = 0; column < DAY_COLUMNS; column++) columns[column]!.set(number, cell[column]!);
  }
  return [{ statement: SAVE_DAYS, values: columns.map(({ encoded }) => encoded) }];
}

export function addsWindows(windows: readonly WindowDelta[]): Asked[] {
  const count = windows.length;
  if (count === 0) return [];
  const periods: string[] = [];
  const columns = Array.from({ length: 6 }, () => new Bigints(count));
  const [userIds, indexes, tokens, images, cost, requests] = columns as [
    ...[Bigints, Bigints, Bigints, Bigints, Bigints, Bigints],
  ];
  for (const [at, { userId, period, index, amounts }] of windows.entries()) {
    periods.push(period);
    userIds.set(at, userId);
    indexes.set(at, index);
    tokens.set(at, amounts.tokens);
    images.set(at, amounts.images);
    cost.set(at, amounts.cost);
    requests.set(at, amounts.requests);
  }
  const amounts = [indexes, tokens, images, cost, requests].map(({ encoded }) => encoded);
  return [{ statement: SAVE_WINDOWS, values: [userIds.encoded, periods, ...amounts] }];
}

/** Of an array: one dimension, no nulls, the type, how many, numbered from 1. */
const ARRAY_HEADER_BYTES = 20;
const BIGINT_TYPE = 20;
const VALUE_BYTES = 12;

/** A `bigint[]` in the server's own format. */
class Bigints {
  readonly encoded: Buffer;
  readonly #view: DataView;

  constructor(count: number) {
    this.encoded = Buffer.allocUnsafe(ARRAY_HEADER_BYTES + count * VALUE_BYTES);
    const { buffer, byteOffset, length } = this.encoded;
    this.#view = new DataView(buffer, byteOffset, length);
    for (const [place, value] of [1, 0, BIGINT_TYPE, count, 1].entries())
      this.#view.setInt32(4 * place, value);
  }

  /** @param value safe */
  set(place: number, value: number): void {
    const at = ARRAY_HEADER_BYTES + place * VALUE_BYTES;
    const high = Math.floor(value / 2 ** 32);
    this.#view.setInt32(at, 8);
    this.#view.setInt32(at + 4, high);
    this.#view.setInt32(at + 8, value - high * 2 ** 32);
  }
}
