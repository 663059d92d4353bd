import type { SealedMonth, SealedSums } from "../../domain/sealing.js";
import type { Instant } from "../../domain/window.js";

/** A length of time, half-open. */
export interface Span {
  readonly start: Instant;
  readonly end: Instant;
}

/** Rows of the ledger that lie next to each other. */
export interface RowSpan {
  /** The number of the last of them. */
  readonly last: number;
  readonly rows: number;
}

/** Months whose events were let go of, and events that are to go. */
export interface SealingReading {
  /** The last sealed month: all before it are sealed too. `null`: none is. */
  lastMonth(): Promise<number | null>;
  /** Oldest first. */
  months(): Promise<SealedMonth[]>;
  /** What the daily totals of a month come to. */
  sums(month: number): Promise<SealedSums>;
  /** The first and the last day with daily totals; `null`: there is none. */
  daysWithTotals(): Promise<{ readonly first: number; readonly last: number } | null>;
  /** The number of the row that was entered last; 0: there is none. */
  lastRow(): Promise<number>;
  /** When the last row of the ledger occurred that lies in none of some spans; `null`: there is none. */
  lastOccurredAt(outside: readonly Span[]): Promise<Instant | null>;
  /** How many rows of the ledger, of those after one, occurred in each of some spans. Reads all of them. */
  rowCounts(spans: readonly Span[], after: number): Promise<number[]>;
  /**
   * The next rows that occurred before an instant, in the order of the ledger; `null`: there are no more. The last row of
   * the ledger is never among them: its number would be given again.
   */
  nextRows(
    before: Instant,
    page: { readonly after: number; readonly limit: number },
  ): Promise<RowSpan | null>;
  /** How many refused calls of the days before one were kept one by one. */
  refusedCalls(beforeDay: number): Promise<number>;
  /** Whether anything that an import brought occurred before an instant, or is gone. */
  hasBroughtBefore(importNumber: number, before: Instant): Promise<boolean>;
}

export interface SealingWriting extends SealingReading {
  seal(month: SealedMonth): Promise<void>;
  /** Deletes those of the rows after one up to and including another that occurred before an instant. */
  dropRows(before: Instant, range: { readonly after: number; readonly last: number }): Promise<number>;
  /** Deletes what was kept of refused calls of the days before one, at most so many; says how many. */
  dropRefusedCalls(beforeDay: number, limit: number): Promise<number>;
}
