import type { CallKind } from "../../domain/usage.js";
import type { Instant } from "../../domain/window.js";

/** What was used in a short time up to now. */
export interface RecentUse {
  readonly requests: number;
  readonly tokens: number;
  readonly images: number;
  /** Nanos. */
  readonly cost: bigint;
  readonly assumed: bigint;
  /** False: more was recorded in that time than was looked at, and the sums are the least that was used. */
  readonly complete: boolean;
}

/** The entry of the ledger that was recorded last. */
export interface LastEvent extends CallKind {
  /** The id that people see of its user. */
  readonly user: string;
  readonly email: string | null;
  readonly occurredAt: Instant;
  readonly recordedAt: Instant;
  /** Metered by a product or an operator, and not imported. */
  readonly live: boolean;
}

/** What only the status of the whole system asks for. */
export interface StatusReading {
  /**
   * What occurred from `since` up to and not including `until`, which is now or later. The ledger has no index by time, and
   * is read backwards from its end until what was recorded before `since`.
   * @param most rows of the ledger that are looked at; up to four times as many may be
   */
  recentUse(time: { readonly since: Instant; readonly until: Instant }, most: number): Promise<RecentUse>;
  /** @param most how many entries back it is looked for; `null`: there is none among them, but corrections perhaps */
  lastEvent(most: number): Promise<LastEvent | null>;
  /**
   * When a call was last metered or reserved live.
   * @param most as above; `null`: none among them, but imported ones perhaps
   */
  lastLiveUse(most: number): Promise<Instant | null>;
}
