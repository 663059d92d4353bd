import type { Calendar, Instant } from "./window.js";

/**
 * A month of the accounting zone whose events were let go of. Everything before the end of the last of them is closed,
 * also months in which nothing happened.
 */
export interface SealedMonth extends SealedSums {
  readonly month: number;
  readonly sealedAt: Instant;
  readonly actor: string;
  /** Rows of the ledger, corrections among them. */
  readonly events: number;
}

/** What all testers together used in a month; money in nanos. */
export interface SealedSums {
  readonly requests: bigint;
  readonly tokens: bigint;
  readonly images: bigint;
  readonly cost: bigint;
  readonly assumed: bigint;
}

export const SEALED_FIELDS = ["requests", "tokens", "images", "cost", "assumed"] as const;

/** @param sealedUntil exclusive; `undefined`: nothing is sealed */
export function isSealed(at: Instant, sealedUntil: Instant | undefined): boolean {
  return sealedUntil !== undefined && at < sealedUntil;
}

/** Until when everything is sealed, by the last sealed month; `undefined`: there is none. */
export function sealedUntil(lastMonth: number | null, zone: Calendar): Instant | undefined {
  return lastMonth === null ? undefined : zone.window("month", lastMonth).end;
}
