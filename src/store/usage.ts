import { type ExpressionBuilder, sql } from "kysely";
import type {
  CellGrouping,
  CellRange,
  EventFilter,
  ListedEvent,
  UsageCell,
  UsageReading,
} from "../engine/ports.js";
import { utcDaysOn } from "./bills.js";
import { overlapsOn } from "./overlaps.js";
import { reportOn } from "./report.js";
import type { Db, Schema } from "./schema.js";
import { enteredUnpriced } from "./unpriced.js";

const KEPT: Readonly<Record<CellGrouping, { user: boolean; day: boolean; kind: boolean }>> = {
  "user-day": { user: true, day: true, kind: false },
  user: { user: true, day: false, kind: false },
  day: { user: false, day: true, kind: false },
  kind: { user: false, day: false, kind: true },
  "day-kind": { user: false, day: true, kind: true },
};

// System-wide sums of money may leave the safe integers, so they travel as text.
const sum = (column: string) => sql<string>`cast(sum(${sql.ref(column)}) as text)`;

async function cells(
  db: Db,
  { from, to, unpriced = false }: CellRange,
  group: CellGrouping,
): Promise<UsageCell[]> {
  const kept = KEPT[group];
  const rows = await db
    .selectFrom("usage_day")
    // The key leads with the user: named one by one, their other days are skipped and not read.
    .where("usage_day.user_id", "in", db.selectFrom("users").select("users.id"))
    .where("usage_day.day", ">=", from)
    .where("usage_day.day", "<", to)
    .$if(unpriced, (query) => query.where("usage_day.unpriced", ">", 0))
    .select([
      sum("usage_day.input").as("input"),
      sum("usage_day.cache_read").as("cache_read"),
      sum("usage_day.cache_write").as("cache_write"),
      sum("usage_day.output").as("output"),
      sum("usage_day.reasoning").as("reasoning"),
      sum("usage_day.images").as("images"),
      sum("usage_day.requests").as("requests"),
      sum("usage_day.cost").as("cost"),
      sum("usage_day.assumed").as("assumed"),
      sum("usage_day.unpriced").as("unpriced"),
    ])
    .$if(kept.user, (query) => query.select("usage_day.user_id").groupBy("usage_day.user_id"))
    .$if(kept.day, (query) => query.select("usage_day.day").groupBy("usage_day.day"))
    .$if(kept.kind, (query) => query.select("usage_day.call_kind_id").groupBy("usage_day.call_kind_id"))
    .execute();
  const kinds = kept.kind ? await callKinds(db) : new Map<number, never>();
  const sums = rows.map((row) => {
    const kind = kinds.get(row.call_kind_id ?? 0);
    return {
      userId: row.user_id ?? 0,
      day: row.day ?? 0,
      provider: kind?.provider ?? "",
      model: kind?.model ?? "",
      feature: kind?.feature ?? "",
      input: Number(row.input),
      cacheRead: Number(row.cache_read),
      cacheWrite: Number(row.cache_write),
      output: Number(row.output),
      reasoning: Number(row.reasoning),
      images: Number(row.images),
      requests: Number(row.requests),
      cost: BigInt(row.cost),
      assumed: BigInt(row.assumed),
      unpriced: Number(row.unpriced),
    };
  });
  return sums.filter(isUsed);
}

/** Not so what was all taken back. */
function isUsed({
  input,
  cacheRead,
  cacheWrite,
  output,
  images,
  requests,
  cost,
  assumed,
}: UsageCell): boolean {
  return input + cacheRead + cacheWrite + output + images + requests !== 0 || cost !== 0n || assumed !== 0n;
}

async function callKinds(db: Db) {
  const rows = await db.selectFrom("call_kind").selectAll().execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** The entries of the ledger that a filter wants, newest first. */
function pageOf(db: Db, filter: EventFilter) {
  let query = db
    .selectFrom("usage_event")
    .innerJoin("users", "users.id", "usage_event.user_id")
    .innerJoin("call_kind", "call_kind.id", "usage_event.call_kind_id")
    .orderBy("usage_event.id", "desc")
    .limit(filter.limit);
  if (filter.userId !== undefined) query = query.where("usage_event.user_id", "=", filter.userId);
  if (filter.provider !== undefined) query = query.where("call_kind.provider", "=", filter.provider);
  if (filter.model !== undefined) query = query.where("call_kind.model", "=", filter.model);
  if (filter.feature !== undefined) query = query.where("call_kind.feature", "=", filter.feature);
  if (filter.since !== undefined) query = query.where("usage_event.occurred_at", ">=", filter.since);
  if (filter.until !== undefined) query = query.where("usage_event.occurred_at", "<", filter.until);
  if (filter.unpriced === true) query = query.where(standsUnpriced);
  if (filter.importId !== undefined) query = query.where("usage_event.import_id", "=", filter.importId);
  if (filter.before !== undefined) query = query.where("usage_event.id", "<", filter.before);
  return query;
}

/** Whether no price covers an event once its corrections are counted in. */
function standsUnpriced(eb: ExpressionBuilder<Schema, "usage_event">) {
  const corrected = eb
    .selectFrom("usage_event as correction")
    .whereRef("correction.corrects", "=", "usage_event.id")
    .select((inner) => inner.fn.sum<number>("correction.unpriced").as("sum"));
  return eb.and([
    eb("usage_event.corrects", "is", null),
    eb(eb(enteredUnpriced(eb), "+", eb.fn.coalesce(corrected, eb.lit(0))), ">", 0),
  ]);
}

async function events(db: Db, filter: EventFilter): Promise<ListedEvent[]> {
  const rows = await pageOf(db, filter)
    .selectAll("usage_event")
    .select([
      "users.key as user",
      "users.email",
      "call_kind.provider",
      "call_kind.model",
      "call_kind.feature",
    ])
    .execute();
  const identities = await identitiesOf(db, filter);
  return rows.map((row) => {
    const identity = identities.get(row.id);
    return {
      number: row.id,
      user: row.user,
      email: row.email,
      source: identity?.source ?? null,
      id: identity?.id ?? null,
      providerId: identity?.provider_id ?? null,
      occurredAt: row.occurred_at,
      recordedAt: row.recorded_at,
      provider: row.provider,
      model: row.model,
      feature: row.feature,
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
      corrects: row.corrects,
    };
  });
}

/** A page of events finds its identities by a scan: an index on them would cost every metered call. */
async function identitiesOf(db: Db, filter: EventFilter) {
  const rows = await db
    .selectFrom("event_key")
    .innerJoin("event_source", "event_source.id", "event_key.source_id")
    .where("event_key.event_id", "in", pageOf(db, filter).select("usage_event.id"))
    .select(["event_key.event_id", "event_source.name as source", "event_key.id", "event_key.provider_id"])
    .execute();
  const identities = new Map<number, (typeof rows)[number]>();
  for (const row of rows) {
    // Of several ids for one event, that under which it was entered has the provider's id.
    if (row.provider_id !== null || !identities.has(row.event_id)) identities.set(row.event_id, row);
  }
  return identities;
}

export function usageOn(db: Db): UsageReading {
  return {
    cells: (range, group) => cells(db, range, group),
    events: (filter) => events(db, filter),
    utcDays: utcDaysOn(db),
    report: reportOn(db),
    overlaps: overlapsOn(db),
  };
}
