import type { Instant } from "../../domain/window.js";

/** An hour in which a user has calls from more than one source. */
export interface SharedHour {
  readonly userId: number;
  /** Whole hours since 1970 in UTC. */
  readonly hour: number;
  /** Of all sources together. */
  readonly calls: number;
  /** Two of them, in the order of their names: `live`, or the format of the log; `log` for imports that kept none. */
  readonly sources: readonly [string, string];
}

export interface HoursWithin {
  readonly since: Instant;
  /** Exclusive. */
  readonly until: Instant;
  /** Everybody when left out. */
  readonly userIds?: readonly number[];
  /** Only hours in which this source has calls too, and in which not every call has its provider's id. */
  readonly source?: string;
}

/** Where calls of two sources may be the same calls. Corrections and undone imports play no part. */
export interface OverlapReading {
  /** Whether anything but logs of this format was ever metered or imported. */
  hasOthers(format: string): Promise<boolean>;
  /** How many requests users made, by internal number and accounting day, both ends of the range inclusive. */
  dayRequests(
    userIds: readonly number[],
    first: number,
    last: number,
  ): Promise<readonly { readonly userId: number; readonly day: number; readonly requests: number }[]>;
  /** By user and hour. Reads the ledger once, from its beginning: there is no index by time. */
  sharedHours(within: HoursWithin): Promise<readonly SharedHour[]>;
}
