import { METERS, type Meter } from "../domain/meter.js";
import { SEALED_FIELDS, type SealedSums } from "../domain/sealing.js";
import type { Calendar } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import {
  type CellSums,
  type ExactAmounts,
  LedgerSums,
  NO_DAY_AMOUNTS,
  NO_EXACT_AMOUNTS,
  WindowSums,
} from "./ledger-sums.js";
import {
  type DayTotal,
  type DayTotalKey,
  LEDGER_FIELDS,
  type LedgerField,
  type Page,
  type PageWanted,
  type UserShare,
  type WindowTotal,
  type WindowTotalKey,
} from "./ports/ledger.js";
import type { Progress, Reading } from "./ports.js";
import { type Seal, sealOf } from "./sealing.js";

interface Amounts {
  readonly stored: bigint;
  readonly computed: bigint;
}

/** A total of one user that is not what the rows of the ledger add up to. */
export type DifferingTotal =
  | (DayTotalKey & Amounts & { readonly total: "day"; readonly field: LedgerField })
  | (WindowTotalKey & Amounts & { readonly total: "window"; readonly field: Meter });

/** Sums held in memory at a time. A ledger with more of them is read once more for each so many. */
export const MOST_SUMS = 200_000;
const PAGE = 10_000;

/** The shares of users that together are everybody, each with no more sums than are held in memory. */
export async function sharesOf(tx: Reading, sumsAtOnce: number): Promise<UserShare[]> {
  const of = Math.max(1, Math.ceil((await tx.ledger.dayTotalCount()) / sumsAtOnce));
  return Array.from({ length: of }, (_, remainder) => ({ of, remainder }));
}

/**
 * Compares the totals of users with what the ledger comes to, one share of the users at a time. Of sealed months there is
 * no ledger any more: their daily totals are taken for it.
 */
export class TotalComparison {
  readonly counts = { rows: 0, windows: 0, days: 0 };
  /** What all users compared so far come to. */
  readonly system = new WindowSums();
  /** What the daily totals of sealed months come to, by month. */
  readonly sealed = new Map<number, Record<keyof SealedSums, bigint>>();

  private constructor(
    private readonly tx: Reading,
    private readonly zone: Calendar,
    private readonly seal: Seal | null,
    private readonly by: {
      readonly signal: AbortSignal | undefined;
      readonly progress?: Progress | undefined;
      readonly differs: (total: DifferingTotal) => void | Promise<void>;
    },
  ) {}

  static async on(tx: Reading, zone: Calendar, by: TotalComparison["by"]): Promise<TotalComparison> {
    return new TotalComparison(tx, zone, await sealOf(tx), by);
  }

  /** @throws AlphaError `interrupted` */
  async compare(share: UserShare): Promise<void> {
    const { ledger } = this.tx;
    const sums = await this.#added(share);
    const windows = new WindowSums();
    for (const cell of sums.cells()) this.#count(cell, windows);
    await this.#each(
      (page: PageWanted<DayTotalKey>) => ledger.dayTotals(share, page),
      async (totals) => {
        this.counts.days += totals.length;
        for (const total of totals) {
          if (this.seal !== null && total.day < this.seal.day) this.#trust(total, windows);
          else await this.#compareDay(total, sums.take(total.userId, total.day, total.kindId));
        }
      },
    );
    await this.#each(
      (page: PageWanted<WindowTotalKey>) => ledger.windowTotals(share, page),
      async (totals) => {
        this.counts.windows += totals.length;
        for (const total of totals) {
          await this.#compareWindow(total, windows.take(total.userId, total.period, total.index));
        }
      },
    );
    // What the ledger has and no total: as if one of 0 were stored.
    for (const { sums: computed, ...key } of sums.cells()) {
      await this.#compareDay({ ...NO_DAY_AMOUNTS, ...key }, computed);
    }
    for (const { amounts, ...key } of windows.windows()) {
      await this.#compareWindow({ ...NO_EXACT_AMOUNTS, ...key }, amounts);
    }
  }

  async #added(share: UserShare): Promise<LedgerSums> {
    const sums = new LedgerSums();
    await this.#each(
      (page: PageWanted<number>) => this.tx.ledger.rows(share, page),
      (rows) => {
        for (const row of rows) {
          if (this.seal?.covers(row.occurredAt) === true) continue;
          this.counts.rows += 1;
          sums.add(row, this.zone.dayOf(row.occurredAt));
        }
        const { rows: records } = this.counts;
        this.by.progress?.report({ done: records, total: null, records, rejected: 0 });
      },
    );
    return sums;
  }

  #count(cell: DayTotalKey & { readonly sums: CellSums }, windows: WindowSums): void {
    windows.add(cell, cell.userId, this.zone);
    this.system.add(cell, null, this.zone);
  }

  #trust(total: DayTotal, windows: WindowSums): void {
    this.#count({ ...total, sums: BigInt64Array.from(LEDGER_FIELDS, (field) => total[field]) }, windows);
    const month = this.zone.dayToMonth(total.day);
    const sums = this.sealed.get(month) ?? { requests: 0n, tokens: 0n, images: 0n, cost: 0n, assumed: 0n };
    this.sealed.set(month, sums);
    for (const field of SEALED_FIELDS) {
      sums[field] += field === "tokens" ? tokensOf(total) : total[field];
    }
  }

  async #compareDay(total: DayTotal, sums: CellSums | undefined): Promise<void> {
    const { userId, day, kindId } = total;
    for (const [index, field] of LEDGER_FIELDS.entries()) {
      const [stored, computed] = [total[field], sums?.[index] ?? 0n];
      if (stored === computed) continue;
      await this.by.differs({ total: "day", userId, day, kindId, field, stored, computed });
    }
  }

  async #compareWindow(total: WindowTotal, amounts: ExactAmounts): Promise<void> {
    const { userId, period, index } = total;
    for (const field of METERS) {
      const [stored, computed] = [total[field], amounts[field]];
      if (stored === computed) continue;
      await this.by.differs({ total: "window", userId, period, index, field, stored, computed });
    }
  }

  async #each<Row, Cursor>(
    read: (page: PageWanted<Cursor>) => Promise<Page<Row, Cursor>>,
    take: (rows: readonly Row[]) => void | Promise<void>,
  ): Promise<void> {
    let after: Cursor | null = null;
    do {
      if (this.by.signal?.aborted === true) {
        throw new AlphaError("interrupted", "interrupted before every total was compared");
      }
      const page: Page<Row, Cursor> = await read({ after, limit: PAGE });
      await take(page.rows);
      after = page.next;
    } while (after !== null);
  }
}

function tokensOf({ input, cacheRead, cacheWrite, output }: DayTotal): bigint {
  return input + cacheRead + cacheWrite + output;
}
