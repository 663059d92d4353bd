import { type Standing, standingOf } from "../domain/ledger-corrections.js";
import type { LedgerRow } from "../domain/ledger-model.js";
import type { IdentifiedEvent, IdentifiedFilter, IdentityCursor, Page, PageWanted } from "../engine/ports.js";
import { ledgerRowOf, selectRows } from "./ledger-rows.js";
import type { Db } from "./schema.js";

/** No id is empty. */
const BEFORE_ALL = "";

/**
 * One page of the events that are known, by their identities: they are stored in the order of these, and an index from
 * events to identities would cost every metered call. Sources come by their names, whichever was met first.
 */
export async function identifiedEvents(
  db: Db,
  filter: IdentifiedFilter,
  { after, limit }: PageWanted<IdentityCursor>,
): Promise<Page<IdentifiedEvent, IdentityCursor>> {
  const sources = await db.selectFrom("event_source").selectAll().execute();
  sources.sort((a, b) => (a.name < b.name ? -1 : 1));
  const at = after === null ? 0 : sources.findIndex(({ id }) => id === after.sourceId);
  const source = sources[at];
  if (source === undefined) return { rows: [], next: null };
  const events = await eventsOf(db, source.id, filter, after?.id ?? BEFORE_ALL)
    .limit(limit)
    .execute();
  const corrections = await correctionsOf(
    db,
    events.map(({ id }) => id),
  );
  const last = events.length < limit ? undefined : events.at(-1);
  const nextSource = sources[at + 1];
  return {
    rows: events.map((row) => ({
      identity: { source: source.name, id: row.key_id, hash: row.hash, providerId: row.provider_id },
      user: row.user,
      standing: standingOf([ledgerRowOf(row), ...(corrections.get(row.id) ?? [])]) as Standing,
    })),
    next:
      last !== undefined
        ? { sourceId: source.id, id: last.key_id }
        : nextSource === undefined
          ? null
          : { sourceId: nextSource.id, id: BEFORE_ALL },
  };
}

function eventsOf(db: Db, sourceId: number, { userId }: IdentifiedFilter, after: string) {
  return (
    selectRows(db)
      .innerJoin("event_key", "event_key.event_id", "usage_event.id")
      .innerJoin("users", "users.id", "usage_event.user_id")
      .where("event_key.source_id", "=", sourceId)
      .where("event_key.id", ">", after)
      // Of several identities, that under which it was entered; where that was taken back, the one that has its
      // provider's id.
      .where((eb) =>
        eb.or([eb("event_key.import_id", "is", null), eb("event_key.provider_id", "is not", null)]),
      )
      .$if(userId !== undefined, (query) => query.where("usage_event.user_id", "=", userId as number))
      .orderBy("event_key.id")
      .select(["event_key.id as key_id", "event_key.hash", "event_key.provider_id", "users.key as user"])
  );
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
