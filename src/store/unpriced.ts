import type { ExpressionBuilder } from "kysely";
import type { Schema } from "./schema.js";

/** Whether an event counts as unpriced, 1 or 0, as it was entered; the domain says the same with `unpricedOf`. */
export function enteredUnpriced(eb: ExpressionBuilder<Schema, "usage_event">) {
  const isUsed = eb.or([
    eb("usage_event.input", ">", 0),
    eb("usage_event.cache_read", ">", 0),
    eb("usage_event.cache_write", ">", 0),
    eb("usage_event.output", ">", 0),
    eb("usage_event.images", ">", 0),
  ]);
  return eb
    .case()
    .when(eb.and([eb("usage_event.priced_by", "=", "none"), isUsed]))
    .then(1)
    .else(0)
    .end();
}

/** By how much a row of the ledger, corrections too, moves the number of unpriced events. */
export function unpricedOfRow(eb: ExpressionBuilder<Schema, "usage_event">) {
  return eb.fn.coalesce("usage_event.unpriced", enteredUnpriced(eb));
}
