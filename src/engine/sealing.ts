import { isSealed, sealedUntil } from "../domain/sealing.js";
import { calendar, firstDayOfMonth, formatInstant, type Instant, monthLabel } from "../domain/window.js";
import type { Reading } from "./ports.js";

/** Says, after what is meant, why usage of an instant cannot be entered. */
export function sealedReason(occurredAt: Instant): string {
  return `lies in a month that is sealed: ${formatInstant(occurredAt)}`;
}

/** Where the open months begin. */
export interface Seal {
  /** Exclusive. */
  readonly until: Instant;
  /** The first open day. */
  readonly day: number;
  /** The first open month, such as `2026-06`. */
  readonly month: string;
  covers(at: Instant): boolean;
}

/** `null`: nothing is sealed. */
export async function sealOf(tx: Reading): Promise<Seal | null> {
  const last = await tx.sealing.lastMonth();
  const until = sealedUntil(last, calendar((await tx.settings.current()).time_zone));
  if (last === null || until === undefined) return null;
  return {
    until,
    day: firstDayOfMonth(last + 1),
    month: monthLabel(last + 1),
    covers: (at) => isSealed(at, until),
  };
}
