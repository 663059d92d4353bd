import type { Entry, Hold, LedgerEvent, LedgerRow } from "./ledger-model.js";
import type { Amounts } from "./meter.js";
import type { Price } from "./price-rule.js";
import { totalTokens } from "./usage.js";
import type { Instant } from "./window.js";

/** What the ledger says of an entry beyond what the entry itself says. */
export interface Entered {
  readonly userId: number;
  readonly recordedAt: Instant;
  readonly requests: number;
  readonly reserved: Hold | null;
  readonly part: number | null;
}

/** The row that an entry becomes. */
export function ledgerEvent(
  entry: Entry,
  hash: number,
  { userId, recordedAt, requests, reserved, part }: Entered,
  price: Price,
): LedgerEvent {
  return {
    userId,
    source: entry.source,
    id: entry.id,
    hash,
    providerId: entry.providerId,
    provider: entry.provider,
    model: entry.model,
    feature: entry.feature,
    occurredAt: entry.occurredAt,
    recordedAt,
    input: entry.input,
    cacheRead: entry.cacheRead,
    cacheWrite: entry.cacheWrite,
    output: entry.output,
    reasoning: entry.reasoning,
    images: entry.images,
    requests,
    cost: price.cost,
    assumed: price.assumed,
    pricedBy: price.pricedBy,
    status: entry.status,
    estimated: entry.estimated,
    importId: entry.importId,
    reserved,
    part,
  };
}

/**
 * When the reservation of a call ran out before this was recorded of it: a call that settles late held nothing at the end.
 * `null`: it held until then, or nothing was reserved.
 */
export function expiredBefore({
  reserved,
  recordedAt,
}: Pick<LedgerEvent, "reserved" | "recordedAt">): Instant | null {
  return reserved !== null && reserved.expiresAt <= recordedAt ? reserved.expiresAt : null;
}

/** What a hold still holds when a part of its call has used something. */
export function lessUsed({ tokens, images, cost, requests }: Hold["amounts"], event: LedgerEvent): Amounts {
  return {
    tokens: Math.max(0, tokens - totalTokens(event)),
    images: Math.max(0, images - event.images),
    cost: Math.max(0, cost - event.cost - event.assumed),
    requests: Math.max(0, requests - event.requests),
  };
}

/** An event as a row of the ledger, without what only an event has. */
export function rowOf(event: LedgerEvent): LedgerRow {
  const { source: _, id: __, hash: ___, providerId: ____, reserved: _____, part: ______, ...row } = event;
  return row;
}
