import type { Progress, Store } from "../ports.js";

/** How many rows of which table. */
export interface TableRows {
  readonly table: string;
  readonly rows: number;
}

/** What is where a database is to be moved to. */
export type MoveTarget =
  | { readonly is: "empty" }
  /** What an earlier run has left there. */
  | { readonly is: "unfinished"; readonly move: string }
  /** Something that must not be overwritten. */
  | { readonly is: "taken" };

export interface CarryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told in rows. */
  readonly progress?: Progress | undefined;
  /** Called between two chunks. */
  readonly between?: () => Promise<void>;
  /** Rows of one chunk. */
  readonly rowsAtOnce?: number;
}

/** Carries all that one database holds to another, of whichever kind. */
export interface DatabaseMove {
  /** Where to, without any password. */
  readonly to: string;
  /** On the target, once it is prepared: it can be opened by nobody else before the move is finished. */
  readonly store: Store;
  target(): Promise<MoveTarget>;
  /** What there is to carry, table by table. */
  rows(): Promise<TableRows[]>;
  /** Brings the target to this program's schema. */
  prepare(): Promise<void>;
  /**
   * Marks the target, so that nobody uses it before all is there.
   * @throws AlphaError `conflict` where it is not empty any more
   */
  mark(move: string): Promise<void>;
  /**
   * Carries what is not at the target yet, as it is at one instant. What an earlier run had carried is compared row by row,
   * and carried anew where it has changed since.
   * @throws AlphaError `interrupted`
   */
  carry(options: CarryOptions): Promise<void>;
  /** Tables of which row counts, sums of numbers or lengths of texts differ between the two, as they are now. */
  differing(): Promise<string[]>;
  /** Readies the target for use: it numbers on where the source had come to. */
  ready(): Promise<void>;
  /** Takes the mark away. */
  finish(): Promise<void>;
  close(): Promise<void>;
}
