import type { Selectable } from "kysely";
import type { LedgerRow } from "../domain/ledger-model.js";
import type { CallKind } from "../domain/usage.js";
import type { Db, Schema } from "./schema.js";

export type EventRow = Selectable<Schema["usage_event"]> & CallKind;

/** Rows of the ledger with what was called. */
export function selectRows(db: Db) {
  return db
    .selectFrom("usage_event")
    .innerJoin("call_kind", "call_kind.id", "usage_event.call_kind_id")
    .selectAll("usage_event")
    .select(["call_kind.provider", "call_kind.model", "call_kind.feature"]);
}

export function ledgerRowOf(row: EventRow): LedgerRow {
  const { unpriced } = row;
  return {
    userId: row.user_id,
    provider: row.provider,
    model: row.model,
    feature: row.feature,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    input: row.input,
    cacheRead: row.cache_read,
    cacheWrite: row.cache_write,
    output: row.output,
    reasoning: row.reasoning,
    images: row.images,
    requests: row.requests,
    cost: row.cost,
    assumed: row.assumed,
    pricedBy: row.priced_by,
    status: row.status ?? "ok",
    estimated: row.estimated === 1,
    importId: row.import_id,
    ...(unpriced === null ? {} : { unpriced }),
  };
}
