import { sql } from "kysely";
import { sealedUntil } from "../domain/sealing.js";
import type { Settings } from "../domain/settings.js";
import { calendar, firstDayOfMonth, type Instant } from "../domain/window.js";
import type { SealingWriting } from "../engine/ports.js";
import type { Db } from "./schema.js";

// What everybody used may leave the safe integers, so it travels as text.
const exact = (column: string) => sql<string>`cast(${sql.ref(column)} as text)`;
const sum = (columns: string) => sql<string>`cast(coalesce(sum(${sql.raw(columns)}), 0) as text)`;

async function lastMonth(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom("sealed_month")
    .select((eb) => eb.fn.max("month").as("month"))
    .executeTakeFirst();
  return row?.month ?? null;
}

/** Until when everything is sealed; `undefined`: nothing is. */
export async function loadSealedUntil(db: Db, { time_zone }: Settings): Promise<Instant | undefined> {
  return sealedUntil(await lastMonth(db), calendar(time_zone));
}

export function sealingOn(db: Db): SealingWriting {
  return {
    lastMonth: () => lastMonth(db),
    async months() {
      const rows = await db
        .selectFrom("sealed_month")
        .orderBy("month")
        .select(["month", "sealed_at", "actor", "events"])
        .select([
          exact("requests").as("requests"),
          exact("tokens").as("tokens"),
          exact("images").as("images"),
          exact("cost").as("cost"),
          exact("assumed").as("assumed"),
        ])
        .execute();
      return rows.map(({ month, sealed_at, actor, events, ...sums }) => ({
        month,
        sealedAt: sealed_at,
        actor,
        events,
        ...exactly(sums),
      }));
    },
    async sums(month) {
      const row = await db
        .selectFrom("usage_day")
        .where("day", ">=", firstDayOfMonth(month))
        .where("day", "<", firstDayOfMonth(month + 1))
        .select([
          sum("requests").as("requests"),
          sum("input + cache_read + cache_write + output").as("tokens"),
          sum("images").as("images"),
          sum("cost").as("cost"),
          sum("assumed").as("assumed"),
        ])
        .executeTakeFirstOrThrow();
      return exactly(row);
    },
    async daysWithTotals() {
      const { first, last } = await db
        .selectNoFrom((eb) => [
          eb
            .selectFrom("usage_day")
            .select((of) => of.fn.min("day").as("day"))
            .as("first"),
          eb
            .selectFrom("usage_day")
            .select((of) => of.fn.max("day").as("day"))
            .as("last"),
        ])
        .executeTakeFirstOrThrow();
      return first === null || last === null ? null : { first, last };
    },
    async lastRow() {
      const row = await db
        .selectFrom("usage_event")
        .select((eb) => eb.fn.max("id").as("id"))
        .executeTakeFirst();
      return row?.id ?? 0;
    },
    async lastOccurredAt(outside) {
      const row = await db
        .selectFrom("usage_event")
        .where((eb) =>
          eb.and(
            outside.map(({ start, end }) =>
              eb.or([eb("occurred_at", "<", start), eb("occurred_at", ">=", end)]),
            ),
          ),
        )
        .orderBy("id", "desc")
        .limit(1)
        .select("occurred_at")
        .executeTakeFirst();
      return row?.occurred_at ?? null;
    },
    async rowCounts(spans, after) {
      const counts = spans.map(({ start, end }, index) =>
        sql<number>`coalesce(sum(case when occurred_at >= ${start} and occurred_at < ${end} then 1 else 0 end), 0)`.as(
          `span${index}`,
        ),
      );
      const row = await db
        .selectFrom("usage_event")
        .where("id", ">", after)
        .select(counts)
        .executeTakeFirst();
      return spans.map((_, index) => Number(row?.[`span${index}`] ?? 0));
    },
    async nextRows(before, { after, limit }) {
      const row = await db
        .selectFrom((from) =>
          from
            .selectFrom("usage_event")
            .where("id", ">", after)
            .where(
              "id",
              "<",
              from.selectFrom("usage_event as newest").select((eb) => eb.fn.max("newest.id").as("id")),
            )
            .where("occurred_at", "<", before)
            .orderBy("id")
            .limit(limit)
            .select("id")
            .as("old"),
        )
        .select((eb) => [eb.fn.max("old.id").as("last"), eb.fn.countAll().as("rows")])
        .executeTakeFirst();
      return row?.last == null ? null : { last: Number(row.last), rows: Number(row.rows) };
    },
    async refusedCalls(beforeDay) {
      const row = await db
        .selectFrom("refused_call")
        .where("day", "<", beforeDay)
        .select((eb) => eb.fn.countAll().as("count"))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async hasBroughtBefore(importNumber, before) {
      const row = await db.selectFrom("import").selectAll().where("id", "=", importNumber).executeTakeFirst();
      if (row === undefined) return false;
      const { first_event: first, last_event: last } = row;
      const sealed = await db
        .selectFrom("usage_event")
        .where("id", ">=", first ?? 0)
        .$if(last !== null, (query) => query.where("id", "<=", last as number))
        .where("import_id", "=", importNumber)
        .where("occurred_at", "<", before)
        .select("id")
        .limit(1)
        .executeTakeFirst();
      if (sealed !== undefined) return true;
      // Whose an event was is gone with it; its number tells that it was entered while the import ran.
      const gone = await db
        .selectFrom("event_key")
        .where("import_id", "is", null)
        .where("event_id", ">=", first ?? 0)
        .$if(last !== null, (query) => query.where("event_id", "<=", last as number))
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom("usage_event")
                .whereRef("usage_event.id", "=", "event_key.event_id")
                .select("usage_event.id"),
            ),
          ),
        )
        .select("event_id")
        .limit(1)
        .executeTakeFirst();
      return gone !== undefined;
    },
    async seal({ month, sealedAt, actor, events, requests, tokens, images, cost, assumed }) {
      await sql`insert into sealed_month (
          month, sealed_at, actor, events, requests, tokens, images, cost, assumed
        ) values (
          ${month}, ${sealedAt}, ${actor}, ${events}, ${requests}, ${tokens}, ${images}, ${cost}, ${assumed}
        )`.execute(db);
    },
    async dropRows(before, { after, last }) {
      const { numDeletedRows } = await db
        .deleteFrom("usage_event")
        .where("id", ">", after)
        .where("id", "<=", last)
        .where("occurred_at", "<", before)
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
    async dropRefusedCalls(beforeDay, limit) {
      const { numDeletedRows } = await db
        .deleteFrom("refused_call")
        .where(
          "id",
          "in",
          db.selectFrom("refused_call").where("day", "<", beforeDay).orderBy("id").limit(limit).select("id"),
        )
        .executeTakeFirst();
      return Number(numDeletedRows);
    },
  };
}

function exactly(sums: Record<"requests" | "tokens" | "images" | "cost" | "assumed", string>) {
  return {
    requests: BigInt(sums.requests),
    tokens: BigInt(sums.tokens),
    images: BigInt(sums.images),
    cost: BigInt(sums.cost),
    assumed: BigInt(sums.assumed),
  };
}
