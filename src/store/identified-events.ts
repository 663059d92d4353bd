import { sql } from "kysely";
import { type Standing, standingOf } from "../domain/ledger-corrections.js";
import type { LedgerRow } from "../domain/ledger-model.js";
import type { IdentityCursor } from "../engine/ports-imports.js";
import type { IdentifiedEvent, IdentifiedFilter, Page, PageWanted } from "../engine/ports-ledger.js";
import { ledgerRowOf, selectRows } from "./ledger-rows.js";
import type { Db } from "./schema.js";

/**
 * One page of the events that are known, by their identities: they are stored in the order of these, and an index from
 * events to identities would cost every metered call.
 */
export async function identifiedEvents(
  db: Db,
  { userId }: IdentifiedFilter,
  { after, limit }: PageWanted<IdentityCursor>,
): Promise<Page<IdentifiedEvent, IdentityCursor>> {
  const events = await selectRows(db)
    .innerJoin("event_key", "event_key.event_id", "usage_event.id")
    .innerJoin("event_source", "event_source.id", "event_key.source_id")
    .innerJoin("users", "users.id", "usage_event.user_id")
    // Of several identities, that under which it was entered; where that was taken back, the one that has its
    // provider's id.
    .where((eb) =>
      eb.or([eb("event_key.import_id", "is", null), eb("event_key.provider_id", "is not", null)]),
    )
    .$if(userId !== undefined, (query) => query.where("usage_event.user_id", "=", userId as number))
    .$if(after !== null, (query) =>
      query.where(sql<boolean>`(event_key.source_id, event_key.id) > (${after?.sourceId}, ${after?.id})`),
    )
    .orderBy("event_key.source_id")
    .orderBy("event_key.id")
    .limit(limit)
    .select([
      "event_key.source_id",
      "event_key.id as key_id",
      "event_key.hash",
      "event_key.provider_id",
      "event_source.name as source",
      "users.key as user",
    ])
    .execute();
  const corrections = await correctionsOf(
    db,
    events.map(({ id }) => id),
  );
  const last = events.length < limit ? undefined : events.at(-1);
  return {
    rows: events.map((row) => ({
      identity: { source: row.source, id: row.key_id, hash: row.hash, providerId: row.provider_id },
      user: row.user,
      standing: standingOf([ledgerRowOf(row), ...(corrections.get(row.id) ?? [])]) as Standing,
    })),
    next: last === undefined ? null : { sourceId: last.source_id, id: last.key_id },
  };
}

/** The corrections of events, by the event's number and in the order of the ledger. */
async function correctionsOf(db: Db, events: readonly number[]): Promise<ReadonlyMap<number, LedgerRow[]>> {
  const found = new Map<number, LedgerRow[]>();
  if (events.length === 0) return found;
  const rows = await selectRows(db).where("corrects", "in", events).orderBy("usage_event.id").execute();
  for (const row of rows) {
    const of = row.corrects as number;
    const all = found.get(of);
    if (all === undefined) found.set(of, [ledgerRowOf(row)]);
    else all.push(ledgerRowOf(row));
  }
  return found;
}
