import { METERS } from "../domain/meter.js";
import { type Calendar, calendar, windowLabel } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import { type CellSums, type ExactAmounts, LedgerSums, NO_EXACT_AMOUNTS, WindowSums } from "./ledger-sums.js";
import type { Reading } from "./ports.js";
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
} from "./ports-ledger.js";

/** A total that is not what the rows of the ledger add up to. */
export interface TotalDifference {
  readonly total: "window" | "day" | "guardrail";
  /** Whose total it is; `null`: everybody's. */
  readonly user: string | null;
  /** The day or month, such as `2026-11-22`. */
  readonly window: string;
  /** The call kind of a daily total, the name of a guardrail; `null` for a window's total. */
  readonly of: string | null;
  readonly field: string;
  /** Nanos for cost. */
  readonly stored: bigint;
  readonly computed: bigint;
}

export interface Verification {
  /** Rows of the ledger: events and corrections. */
  readonly rows: number;
  /** How many totals of each sort were compared. */
  readonly windows: number;
  readonly days: number;
  readonly guardrails: number;
  readonly differenceCount: number;
  /** The first thousand. */
  readonly differences: readonly TotalDifference[];
}

/** Sums held in memory at a time. A ledger with more of them is read once more for each so many. */
const MOST_SUMS = 200_000;
const PAGE = 10_000;
const MOST_NAMED = 1_000;

/**
 * Adds up the whole ledger, and compares every total with what it comes to. Reads one snapshot; others may write
 * meanwhile. Takes the same memory however long the ledger is.
 * @throws AlphaError `interrupted`
 */
export function verifyTotals(
  engine: Engine,
  { signal, sumsAtOnce = MOST_SUMS }: { readonly signal?: AbortSignal; readonly sumsAtOnce?: number } = {},
): Promise<Verification> {
  return engine.store.read(async (tx) => {
    const zone = calendar((await tx.settings.current()).time_zone);
    const verifier = new Verifier(tx, zone, signal);
    const of = Math.max(1, Math.ceil((await tx.ledger.dayTotalCount()) / sumsAtOnce));
    for (let remainder = 0; remainder < of; remainder += 1) await verifier.compare({ of, remainder });
    await verifier.compareGuardrails();
    return verifier.result();
  });
}

class Verifier {
  readonly #differences: TotalDifference[] = [];
  readonly #system = new WindowSums();
  readonly #counts = { rows: 0, windows: 0, days: 0, guardrails: 0, differenceCount: 0 };
  #users: ReadonlyMap<number, string> | null = null;

  constructor(
    private readonly tx: Reading,
    private readonly zone: Calendar,
    private readonly signal: AbortSignal | undefined,
  ) {}

  result(): Verification {
    return { ...this.#counts, differences: this.#differences };
  }

  async compare(share: UserShare): Promise<void> {
    const { ledger } = this.tx;
    const sums = new LedgerSums();
    await this.#each(
      (page: PageWanted<number>) => ledger.rows(share, page),
      (rows) => {
        this.#counts.rows += rows.length;
        for (const row of rows) sums.add(row, this.zone.dayOf(row.occurredAt));
      },
    );
    const windows = new WindowSums();
    for (const cell of sums.cells()) {
      windows.add(cell, cell.userId, this.zone);
      this.#system.add(cell, null, this.zone);
    }
    await this.#each(
      (page: PageWanted<DayTotalKey>) => ledger.dayTotals(share, page),
      async (totals) => {
        this.#counts.days += totals.length;
        for (const total of totals) {
          await this.#compareDay(total, sums.take(total.userId, total.day, total.kindId));
        }
      },
    );
    await this.#each(
      (page: PageWanted<WindowTotalKey>) => ledger.windowTotals(share, page),
      async (totals) => {
        this.#counts.windows += totals.length;
        for (const total of totals) {
          await this.#compareWindow(total, windows.take(total.userId, total.period, total.index));
        }
      },
    );
    // What the ledger has and no total: as if one of 0 were stored.
    for (const { sums: computed, ...key } of sums.cells()) {
      await this.#compareDay({ ...NO_DAY, ...key }, computed);
    }
    for (const { amounts, ...key } of windows.windows()) {
      await this.#compareWindow({ ...NO_EXACT_AMOUNTS, ...key }, amounts);
    }
  }

  async compareGuardrails(): Promise<void> {
    for (const { guardrail, index, used } of await this.tx.ledger.guardrailTotals()) {
      this.#counts.guardrails += 1;
      const { meter, period } = guardrail;
      const computed = this.#system.of(null, period, index)[meter];
      if (used === computed) continue;
      const window = windowLabel({ period, index });
      const difference = { window, of: `${meter}/${period}`, field: meter, stored: used, computed };
      this.#report({ total: "guardrail", user: null, ...difference });
    }
  }

  async #compareDay(total: DayTotal, sums: CellSums | undefined): Promise<void> {
    for (const [index, field] of LEDGER_FIELDS.entries()) {
      const [stored, computed] = [total[field], sums?.[index] ?? 0n];
      if (stored === computed) continue;
      const user = await this.#userName(total.userId);
      const window = windowLabel({ period: "day", index: total.day });
      const of = await this.tx.ledger.kindName(total.kindId);
      this.#report({ total: "day", user, window, of, field: FIELD_NAMES[field], stored, computed });
    }
  }

  async #compareWindow(total: WindowTotal, amounts: ExactAmounts): Promise<void> {
    for (const meter of METERS) {
      const [stored, computed] = [total[meter], amounts[meter]];
      if (stored === computed) continue;
      const user = await this.#userName(total.userId);
      const window = windowLabel({ period: total.period, index: total.index });
      this.#report({ total: "window", user, window, of: null, field: meter, stored, computed });
    }
  }

  #report(difference: TotalDifference): void {
    this.#counts.differenceCount += 1;
    if (this.#differences.length < MOST_NAMED) this.#differences.push(difference);
  }

  async #userName(userId: number): Promise<string> {
    this.#users ??= new Map((await this.tx.users.list({ removed: true })).map(({ id, key }) => [id, key]));
    return this.#users.get(userId) ?? `number ${userId}, who is nobody`;
  }

  async #each<Row, Cursor>(
    read: (page: PageWanted<Cursor>) => Promise<Page<Row, Cursor>>,
    take: (rows: readonly Row[]) => void | Promise<void>,
  ): Promise<void> {
    let after: Cursor | null = null;
    do {
      if (this.signal?.aborted === true) {
        throw new AlphaError("interrupted", "interrupted before every total was compared");
      }
      const page: Page<Row, Cursor> = await read({ after, limit: PAGE });
      await take(page.rows);
      after = page.next;
    } while (after !== null);
  }
}

const NO_DAY = Object.fromEntries(LEDGER_FIELDS.map((field) => [field, 0n])) as Record<LedgerField, bigint>;

/** As reports and JSON call them. */
const FIELD_NAMES: Readonly<Record<LedgerField, string>> = {
  input: "input_tokens",
  cacheRead: "cached_input_tokens",
  cacheWrite: "cache_write_tokens",
  output: "output_tokens",
  reasoning: "reasoning_tokens",
  images: "images",
  requests: "requests",
  cost: "cost",
  assumed: "assumed_cost",
  unpriced: "unpriced",
};
