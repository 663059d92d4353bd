import type { Entry, LedgerEvent } from "./ledger-model.js";
import type { Price } from "./price-rule.js";
import type { Instant } from "./window.js";

/** What the ledger says of an entry beyond what the entry itself says. */
interface Entered {
  readonly userId: number;
  readonly hash: number;
  readonly recordedAt: Instant;
  readonly requests: number;
}

/** The row that an entry becomes. */
export function ledgerEvent(
  entry: Entry,
  { userId, hash, recordedAt, requests }: Entered,
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
  };
}
