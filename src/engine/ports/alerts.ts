import type { Alert } from "../../domain/alert.js";
import type { Instant } from "../../domain/window.js";

/** An alert as it is listed, with whom it concerns. */
export interface ListedAlert extends Alert {
  /** Its number: alerts are numbered in the order in which they were written. */
  readonly number: number;
  /** The id that people see of its user; `null` for a guardrail, which watches everybody. */
  readonly user: string | null;
  readonly email: string | null;
  /** When `alerts --new` printed it; `null`: not yet. */
  readonly printedAt: Instant | null;
}

export interface AlertFilter {
  readonly userId?: number;
  /** Only alerts numbered below this one: the next page. */
  readonly before?: number;
  readonly limit: number;
}

export interface AlertsReading {
  /** Newest first. */
  list(filter: AlertFilter): Promise<ListedAlert[]>;
  /** How many were not printed yet. */
  countNew(): Promise<number>;
}
export interface AlertsWriting extends AlertsReading {
  /** Marks everything as printed that was not, and returns it: oldest first. Of two who ask at once, one gets an alert. */
  takeNew(at: Instant): Promise<ListedAlert[]>;
}
