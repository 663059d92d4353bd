import { METERS, type Meter, type Period } from "../domain/meter.js";
import type { Calendar } from "../domain/window.js";
import { type CountedRow, LEDGER_FIELDS, type LedgerField } from "./ports/ledger.js";

export type ExactAmounts = Readonly<Record<Meter, bigint>>;

export const NO_EXACT_AMOUNTS = Object.fromEntries(METERS.map((meter) => [meter, 0n])) as ExactAmounts;

export const NO_DAY_AMOUNTS = Object.fromEntries(LEDGER_FIELDS.map((field) => [field, 0n])) as Readonly<
  Record<LedgerField, bigint>
>;

/** Call kinds are numbered from 1, and a product has a few dozen. */
const KINDS = 2 ** 26;

/** What one user's rows of one day and call kind come to: each field of `LEDGER_FIELDS`, up to 63 bits as in the database. */
export type CellSums = BigInt64Array;

export interface Cell {
  readonly userId: number;
  readonly day: number;
  readonly kindId: number;
  readonly sums: CellSums;
}

/** Adds up rows of the ledger by user, day and call kind, in about 200 bytes for each of these. */
export class LedgerSums {
  readonly #users = new Map<number, Map<number, CellSums>>();

  add(row: CountedRow, day: number): void {
    const { userId, kindId } = row;
    let cells = this.#users.get(userId);
    if (cells === undefined) {
      cells = new Map();
      this.#users.set(userId, cells);
    }
    const key = day * KINDS + kindId;
    let sums = cells.get(key);
    if (sums === undefined) {
      sums = new BigInt64Array(LEDGER_FIELDS.length);
      cells.set(key, sums);
    }
    for (const [index, field] of LEDGER_FIELDS.entries()) {
      const amount = row[field];
      if (amount !== 0) sums[index] = (sums[index] as bigint) + BigInt(amount);
    }
  }

  /** Gives the sums of a cell, and forgets it. */
  take(userId: number, day: number, kindId: number): CellSums | undefined {
    const cells = this.#users.get(userId);
    const key = day * KINDS + kindId;
    const sums = cells?.get(key);
    cells?.delete(key);
    return sums;
  }

  *cells(): Generator<Cell> {
    for (const [userId, cells] of this.#users) {
      for (const [key, sums] of cells) {
        const day = Math.floor(key / KINDS);
        yield { userId, day, kindId: key - day * KINDS, sums };
      }
    }
  }
}

/** What the cells come to in the days and months of each user, or of all users together. */
export class WindowSums {
  readonly #windows = new Map<string, ExactAmounts>();

  /** @param userId `null` for all users together */
  add({ day, sums }: Cell, userId: number | null, zone: Calendar): void {
    const amounts = amountsOf(sums);
    this.#add(userId, "day", day, amounts);
    this.#add(userId, "month", zone.dayToMonth(day), amounts);
  }

  of(userId: number | null, period: Period, index: number): ExactAmounts {
    return this.#windows.get(`${userId}/${period}/${index}`) ?? NO_EXACT_AMOUNTS;
  }

  /** Gives what a window comes to, and forgets it. */
  take(userId: number, period: Period, index: number): ExactAmounts {
    const amounts = this.of(userId, period, index);
    this.#windows.delete(`${userId}/${period}/${index}`);
    return amounts;
  }

  *windows(): Generator<{ userId: number; period: Period; index: number; amounts: ExactAmounts }> {
    for (const [key, amounts] of this.#windows) {
      const [userId, period, index] = key.split("/");
      yield { userId: Number(userId), period: period as Period, index: Number(index), amounts };
    }
  }

  #add(userId: number | null, period: Period, index: number, amounts: ExactAmounts): void {
    const before = this.of(userId, period, index);
    this.#windows.set(`${userId}/${period}/${index}`, {
      tokens: before.tokens + amounts.tokens,
      images: before.images + amounts.images,
      cost: before.cost + amounts.cost,
      requests: before.requests + amounts.requests,
    });
  }
}

function amountsOf(sums: CellSums): ExactAmounts {
  const of = (field: LedgerField) => sums[LEDGER_FIELDS.indexOf(field)] as bigint;
  return {
    tokens: of("input") + of("cacheRead") + of("cacheWrite") + of("output"),
    images: of("images"),
    cost: of("cost") + of("assumed"),
    requests: of("requests"),
  };
}
