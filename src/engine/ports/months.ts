import type { Instant } from "../../domain/window.js";
import type { Span } from "./sealing.js";

/** A month of the accounting zone, half-open. */
export interface MonthSpan {
  /** Such as `2026-11`. */
  readonly label: string;
  readonly start: Instant;
  readonly end: Instant;
}

/** The ledger, where a database keeps each month of it by itself. */
export interface LedgerMonths {
  /**
   * Makes room for months that have none. Usage of a month without is kept with the rest, and once there is some the month
   * stays there. Waits for nobody: what cannot be done now is left for the next time.
   */
  prepare(months: readonly MonthSpan[]): Promise<void>;
  /** The months that `drop` lets go of. */
  before(before: Instant): Promise<readonly Span[]>;
  /**
   * Lets go of the months that lie wholly before an instant, at once and whoever reads them.
   * @returns how many rows went; those of months that are kept with the rest did not
   */
  drop(before: Instant): Promise<number>;
}
