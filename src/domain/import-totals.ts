import type { ColumnsEntered } from "./import-columns.js";
import type { WindowDelta } from "./ledger-model.js";
import { type Amounts, noAmounts, type Period } from "./meter.js";
import type { Price } from "./price-rule.js";
import { type Usage, usedNothing } from "./usage.js";
import type { Calendar } from "./window.js";

/** The numbers of a cell in their order: of whom, when and what, then the sums. */
const USER = 0;
const DAY = 1;
const KIND = 2;
/** Where a cell that is copied has the number of its kind. */
export const KIND_OF_CELL = KIND;
const INPUT = 3;
const CACHE_READ = 4;
const CACHE_WRITE = 5;
const OUTPUT = 6;
const REASONING = 7;
const IMAGES = 8;
const REQUESTS = 9;
const COST = 10;
const ASSUMED = 11;
const UNPRICED = 12;
const WIDTH = 13;
const ALL_PLACES = Array.from({ length: WIDTH }, (_, place) => place);

/** Sums up what the records of a slice add to the totals, in cells of user, day and kind of call. */
export class ImportTotals {
  #cells = new Float64Array(WIDTH * 1_024);
  #count = 0;
  /** Where each cell of a day begins, by user and kind. */
  readonly #byDay = new Map<number, Map<number, number>>();
  #day = Number.NaN;
  #ofDay = new Map<number, number>();
  /** Where the cells begin, by user, then day, then kind. */
  #order = new Int32Array(0);

  /** @param kinds how many kinds of call there are; they are numbered from 0 */
  constructor(
    private readonly zone: Calendar,
    private readonly kinds: number,
  ) {}

  add(userId: number, day: number, kind: number, usage: Usage, requests: number, price: Price): void {
    const at = this.#cellOf(userId, day, kind);
    const cells = this.#cells;
    cells[at + INPUT]! += usage.input;
    cells[at + CACHE_READ]! += usage.cacheRead;
    cells[at + CACHE_WRITE]! += usage.cacheWrite;
    cells[at + OUTPUT]! += usage.output;
    cells[at + REASONING]! += usage.reasoning;
    cells[at + IMAGES]! += usage.images;
    cells[at + REQUESTS]! += requests;
    cells[at + COST]! += price.cost;
    cells[at + ASSUMED]! += price.assumed;
    if (price.pricedBy === "none" && !usedNothing(usage)) cells[at + UNPRICED]! += 1;
  }

  /** Puts the cells in order, which all that follows needs. `false`: a sum has left the safe integers. */
  close(): boolean {
    const cells = this.#cells;
    this.#order = Int32Array.from({ length: this.#count }, (_, cell) => cell * WIDTH).sort(
      (a, b) =>
        cells[a + USER]! - cells[b + USER]! ||
        cells[a + DAY]! - cells[b + DAY]! ||
        cells[a + KIND]! - cells[b + KIND]!,
    );
    for (let i = 0; i < this.#count * WIDTH; i++) if (cells[i]! > Number.MAX_SAFE_INTEGER) return false;
    return true;
  }

  get count(): number {
    return this.#count;
  }

  /** The places in a cell that are worth writing: of whom, when, what, the requests, and each sum that is not 0 everywhere. */
  places(): number[] {
    const end = this.#count * WIDTH;
    const isUsed = (place: number) => {
      for (let at = place; at < end; at += WIDTH) if (this.#cells[at] !== 0) return true;
      return false;
    };
    return ALL_PLACES.filter((place) => place < INPUT || place === REQUESTS || isUsed(place));
  }

  /**
   * Of the cell with a number in the order: its user's number, its day, its kind, and its sums as `DayDelta` has them.
   * @param places which of these
   */
  copyCell(number: number, into: unknown[], at: number, places: readonly number[] = ALL_PLACES): void {
    const cell = this.#order[number]!;
    for (let i = 0; i < places.length; i++) into[at + i] = this.#cells[cell + places[i]!];
  }

  windows(): WindowDelta[] {
    const windows: WindowDelta[] = [];
    let day: WindowDelta | null = null;
    let month: WindowDelta | null = null;
    const cells = this.#cells;
    for (const cell of this.#order) {
      const userId = cells[cell + USER]!;
      const index = cells[cell + DAY]!;
      if (day?.userId !== userId || day.index !== index) {
        day = windowOf(userId, "day", index);
        windows.push(day);
        const running = this.zone.dayToMonth(index);
        if (month?.userId !== userId || month.index !== running) {
          month = windowOf(userId, "month", running);
          windows.push(month);
        }
      }
      this.#addTo(day.amounts, cell);
      this.#addTo((month as WindowDelta).amounts, cell);
    }
    return windows;
  }

  #addTo(amounts: Amounts, cell: number): void {
    const cells = this.#cells;
    amounts.tokens +=
      cells[cell + INPUT]! + cells[cell + CACHE_READ]! + cells[cell + CACHE_WRITE]! + cells[cell + OUTPUT]!;
    amounts.images += cells[cell + IMAGES]!;
    amounts.cost += cells[cell + COST]! + cells[cell + ASSUMED]!;
    amounts.requests += cells[cell + REQUESTS]!;
  }

  /** @param count of the records that were added */
  inserted(count: number): ColumnsEntered["inserted"] {
    return {
      count,
      unpriced: Number(this.#sum(UNPRICED)),
      input: this.#sum(INPUT) + this.#sum(CACHE_READ) + this.#sum(CACHE_WRITE),
      output: this.#sum(OUTPUT),
      images: this.#sum(IMAGES),
      cost: this.#sum(COST),
      assumed: this.#sum(ASSUMED),
    };
  }

  /** Exact whatever it comes to, as long as each cell is. */
  #sum(which: number): bigint {
    let exact = 0n;
    let sum = 0;
    for (let cell = which; cell < this.#count * WIDTH; cell += WIDTH) {
      const next = sum + this.#cells[cell]!;
      if (next > Number.MAX_SAFE_INTEGER) {
        exact += BigInt(sum);
        sum = this.#cells[cell]!;
      } else {
        sum = next;
      }
    }
    return exact + BigInt(sum);
  }

  #cellOf(userId: number, day: number, kind: number): number {
    if (day !== this.#day) {
      this.#day = day;
      this.#ofDay = this.#byDay.get(day) ?? new Map();
      this.#byDay.set(day, this.#ofDay);
    }
    const key = userId * this.kinds + kind;
    return this.#ofDay.get(key) ?? this.#newCell(key, userId, day, kind);
  }

  #newCell(key: number, userId: number, day: number, kind: number): number {
    const at = this.#count * WIDTH;
    if (at === this.#cells.length) {
      const grown = new Float64Array(at * 2);
      grown.set(this.#cells);
      this.#cells = grown;
    }
    this.#ofDay.set(key, at);
    this.#count += 1;
    this.#cells[at + USER] = userId;
    this.#cells[at + DAY] = day;
    this.#cells[at + KIND] = kind;
    return at;
  }
}

function windowOf(userId: number, period: Period, index: number): WindowDelta {
  return { userId, period, index, amounts: noAmounts() };
}
