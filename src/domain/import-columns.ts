import type { CallKind } from "./usage.js";

/**
 * Plain records of one log in columns, a few ten thousand at a time: an object for each of a million records costs more
 * than writing it. Plain is what has an id, no provider's id, and supersedes nothing; the rest goes one by one.
 */
export interface ImportColumns {
  readonly count: number;
  /** The source of all ids. */
  readonly source: string;
  readonly ids: readonly string[];
  /** Whose each record is, as an index of `users`. */
  readonly user: Uint32Array;
  /** As the log names them: ids, emails or aliases. */
  readonly users: readonly string[];
  /** As an index of `kinds`. */
  readonly kind: Uint32Array;
  readonly kinds: readonly CallKind[];
  readonly occurredAt: Float64Array;
  readonly input: Float64Array;
  readonly cacheRead: Float64Array;
  readonly cacheWrite: Float64Array;
  readonly output: Float64Array;
  readonly reasoning: Float64Array;
  readonly images: Float64Array;
  /** How many calls each record sums up. */
  readonly requests: Float64Array;
  /** Nanos; NaN where the record states none. */
  readonly cost: Float64Array;
  /** Where some of them were priced by the ledger that they were exported from. */
  readonly priced?: {
    /** What priced each, as an index of `PRICED_BY`, plus 1. 0: nothing, and `cost` is what the record states. */
    readonly by: Uint32Array;
    /** Nanos. */
    readonly assumed: Float64Array;
  };
  /** As an index of `statuses`. */
  readonly status: Uint32Array;
  readonly statuses: readonly string[];
  /** `contentHash` of each. */
  readonly hash: Float64Array;
}

/** What became of a record, as `ColumnsEntered.outcome` says it. */
export const ENTERED = ["inserted", "duplicate", "conflict", "user-unknown", "refused", "sealed"] as const;

/** What became of the first of the records of `ImportColumns`, or of the next ones. */
export interface ColumnsEntered {
  /** One past the last record that was entered. */
  readonly to: number;
  /** For each record from the first one asked for up to `to` an index of `ENTERED`. */
  readonly outcome: Uint8Array;
  /** Why the ledger cannot count what is `refused`, by the record's index in the columns. */
  readonly refusals: ReadonlyMap<number, string>;
  /** Sums over what was inserted. */
  readonly inserted: {
    readonly count: number;
    readonly unpriced: number;
    /** Cached or not. */
    readonly input: bigint;
    readonly output: bigint;
    readonly images: bigint;
    /** Nanos, known. */
    readonly cost: bigint;
    /** Nanos. */
    readonly assumed: bigint;
  };
  /** Calls inserted, by user number and day. */
  readonly brought: readonly { readonly userId: number; readonly day: number; readonly requests: number }[];
  /** How long it gave way to other writers before, in whole milliseconds. */
  readonly waited: number;
}
