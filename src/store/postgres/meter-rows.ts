import { expiredBefore } from "../../domain/ledger-event.js";
import type { LedgerEvent, LedgerRow } from "../../domain/ledger-model.js";
import { numbers } from "./meter-client.js";
import type { Numbers } from "./meter-names.js";

/** The columns that an event and a correction have in common, in the order of `ROW_COLUMNS`. */
export function rowValues(rows: readonly LedgerRow[], names: Numbers): unknown[] {
  return [
    numbers(rows.map((row) => row.userId)),
    numbers(rows.map((row) => names.kindId(row))),
    numbers(rows.map((row) => row.occurredAt)),
    numbers(rows.map((row) => row.recordedAt)),
    numbers(rows.map((row) => row.input)),
    numbers(rows.map((row) => row.cacheRead)),
    numbers(rows.map((row) => row.cacheWrite)),
    numbers(rows.map((row) => row.output)),
    numbers(rows.map((row) => row.reasoning)),
    numbers(rows.map((row) => row.images)),
    numbers(rows.map((row) => row.requests)),
    numbers(rows.map((row) => row.cost)),
    numbers(rows.map((row) => row.assumed)),
    rows.map((row) => row.pricedBy),
    rows.map((row) => (row.status === "ok" ? null : row.status)),
    numbers(rows.map((row) => (row.estimated ? 1 : null))),
    numbers(rows.map((row) => row.importId)),
  ];
}

export const ROW_COLUMNS = `user_id, call_kind_id, occurred_at, recorded_at, input, cache_read, cache_write,
      output, reasoning, images, requests, cost, assumed, priced_by, status, estimated, import_id`;

/** The arrays of `rowValues`, as the first parameters of a statement. */
export const ROW_ARRAYS = `$1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
      $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
      $14::text[], $15::text[], $16::bigint[], $17::bigint[]`;

/** What events were let through by, in the order of `RESERVED_COLUMNS`. */
export function reservedValues(events: readonly LedgerEvent[]): unknown[] {
  return [
    numbers(events.map(({ reserved }) => reserved?.createdAt ?? null)),
    numbers(events.map(({ reserved }) => reserved?.amounts.tokens ?? null)),
    numbers(events.map(({ reserved }) => reserved?.amounts.images ?? null)),
    numbers(events.map(({ reserved }) => reserved?.amounts.cost ?? null)),
    numbers(events.map(({ part }) => part)),
    numbers(events.map(expiredBefore)),
  ];
}

export const RESERVED_COLUMNS = "reserved_at, asked_tokens, asked_images, asked_cost, part, expired_at";
