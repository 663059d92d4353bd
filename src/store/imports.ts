import { type ExpressionBuilder, type Selectable, sql } from "kysely";
import { UNDONE } from "../domain/ledger-corrections.js";
import type { ImportRecord, ImportsWriting } from "../engine/ports.js";
import type { Db, Schema } from "./schema.js";

type ImportRow = Selectable<Schema["import"]>;
type Keys = ExpressionBuilder<Schema, "event_key">;

/** What the ledger says of some imports beside their rows. */
interface Found {
  /** How much those brought that never came to say it. */
  readonly inserted: ReadonlyMap<number, number>;
  readonly halfUndone: ReadonlySet<number>;
}

function recordOf(row: ImportRow, { inserted, halfUndone }: Found): ImportRecord {
  const known = <T>(value: T): T | null => (isCut(row) ? null : value);
  return {
    number: row.id,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    undoneAt: row.undone_at,
    isHalfUndone: halfUndone.has(row.id),
    actor: row.actor,
    file: row.file,
    format: row.format,
    inserted: isCut(row) ? (inserted.get(row.id) ?? 0) : row.inserted,
    superseded: known(row.superseded),
    duplicate: known(row.duplicate),
    rejected: known(row.rejected),
    skipped: known(row.skipped),
  };
}

/** Whether it was killed, or still runs: whoever stops otherwise says what was done by then. */
function isCut({ first_event, last_event }: ImportRow): boolean {
  return first_event !== null && last_event === null;
}

async function recordsOf(db: Db, rows: readonly ImportRow[]): Promise<ImportRecord[]> {
  const [inserted, halfUndone] = [await insertedBy(db, rows), await halfUndoneOf(db, rows)];
  return rows.map((row) => recordOf(row, { inserted, halfUndone }));
}

async function insertedBy(db: Db, rows: readonly ImportRow[]): Promise<Map<number, number>> {
  const first = firstEvent(rows.filter(isCut));
  if (first === null) return new Map();
  const counts = await db
    .selectFrom("usage_event")
    .innerJoin("import", "import.id", "usage_event.import_id")
    .where("usage_event.id", ">=", first)
    .where("usage_event.corrects", "is", null)
    .where("import.last_event", "is", null)
    .groupBy("import.id")
    .select((eb) => ["import.id", eb.fn.countAll().as("events")])
    .execute();
  return new Map(counts.map(({ id, events }) => [id, Number(events)]));
}

/** An import is undone after its events: the ledger before the first of them need not be read. */
async function halfUndoneOf(db: Db, rows: readonly ImportRow[]): Promise<Set<number>> {
  const first = firstEvent(rows.filter(({ undone_at }) => undone_at === null));
  if (first === null) return new Set();
  const found = await db
    .selectFrom("usage_event")
    .innerJoin("import", "import.id", "usage_event.import_id")
    .where("usage_event.id", ">", first)
    .where("usage_event.corrects", "is not", null)
    .where("usage_event.status", "=", UNDONE)
    .where("import.undone_at", "is", null)
    .select("import.id")
    .distinct()
    .execute();
  return new Set(found.map(({ id }) => id));
}

/** Before or at the first event of any of them; `null` when there are none. */
function firstEvent(rows: readonly ImportRow[]): number | null {
  return rows.reduce<number | null>((least, { first_event }) => {
    const first = first_event ?? 0;
    return least === null ? first : Math.min(least, first);
  }, null);
}

async function lastEvent(db: Db): Promise<number> {
  const row = await db
    .selectFrom("usage_event")
    .select((eb) => eb.fn.max("id").as("id"))
    .executeTakeFirst();
  return row?.id ?? 0;
}

/** Identities of events that the import entered, that it met again, and of events of others that it superseded. */
function isBroughtBy(eb: Keys, { id, first_event, last_event }: ImportRow) {
  const entered = eb
    .selectFrom("usage_event")
    .whereRef("usage_event.id", "=", "event_key.event_id")
    .where("usage_event.import_id", "=", id)
    .select("usage_event.id");
  const superseded = eb
    .selectFrom("usage_event")
    .whereRef("usage_event.corrects", "=", "event_key.event_id")
    .where("usage_event.import_id", "=", id)
    .select("usage_event.id");
  // Compared before it is looked up: of the other imports' events none is read.
  const within = eb.and([
    eb("event_key.event_id", ">=", first_event ?? 0),
    ...(last_event === null ? [] : [eb("event_key.event_id", "<=", last_event)]),
  ]);
  const own = eb.or([eb.and([within, eb.exists(entered)]), eb.exists(superseded)]);
  return eb.or([eb("event_key.import_id", "=", id), eb.and([eb("event_key.import_id", "is", null), own])]);
}

export function importsOn(db: Db): ImportsWriting {
  const rowOf = (number: number) =>
    db.selectFrom("import").selectAll().where("id", "=", number).executeTakeFirst();
  return {
    async imports({ before, limit }) {
      let query = db.selectFrom("import").selectAll().orderBy("id", "desc").limit(limit);
      if (before !== undefined) query = query.where("id", "<", before);
      return recordsOf(db, await query.execute());
    },
    async import(number) {
      const row = await rowOf(number);
      return row === undefined ? undefined : (await recordsOf(db, [row]))[0];
    },
    async undoneImports() {
      const rows = await db.selectFrom("import").select("id").where("undone_at", "is not", null).execute();
      return new Set(rows.map(({ id }) => id));
    },
    async broughtBy(number, { after, limit }) {
      const row = await rowOf(number);
      if (row === undefined) return { identities: [], next: null };
      const found = await db
        .selectFrom("event_key")
        .where((eb) => isBroughtBy(eb, row))
        .$if(after !== null, (query) =>
          query.where(sql<boolean>`(source_id, event_key.id) > (${after?.sourceId}, ${after?.id})`),
        )
        .orderBy("source_id")
        .orderBy("event_key.id")
        .limit(limit)
        .select((eb) => [
          "event_key.source_id",
          "event_key.id",
          "event_key.event_id",
          eb
            .selectFrom("event_source")
            .whereRef("event_source.id", "=", "event_key.source_id")
            .select("event_source.name")
            .$asScalar()
            .as("source"),
          eb
            .selectFrom("usage_event")
            .innerJoin("users", "users.id", "usage_event.user_id")
            .whereRef("usage_event.id", "=", "event_key.event_id")
            .select("users.key")
            .$asScalar()
            .as("user"),
        ])
        .execute();
      const last = found.length < limit ? undefined : found.at(-1);
      return {
        identities: found.map(({ source, id, event_id, user }) => ({
          source: source ?? "",
          id,
          event: event_id,
          user: user ?? "",
        })),
        next: last === undefined ? null : { sourceId: last.source_id, id: last.id },
      };
    },
    async startImport({ at, ...start }) {
      const { id } = await db
        .insertInto("import")
        .values({ ...start, started_at: at, finished_at: null, first_event: (await lastEvent(db)) + 1 })
        .returning("id")
        .executeTakeFirstOrThrow();
      return id;
    },
    async finishImport(number, { at, ...tally }) {
      await db
        .updateTable("import")
        .set({ ...tally, finished_at: at, last_event: await lastEvent(db) })
        .where("id", "=", number)
        .execute();
    },
    async endImport(number, at) {
      await db.updateTable("import").set({ undone_at: at }).where("id", "=", number).execute();
    },
  };
}
