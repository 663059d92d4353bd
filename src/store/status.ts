import { sql } from "kysely";
import type { Instant } from "../domain/window.js";
import type { StatusReading } from "../engine/ports.js";
import type { Db } from "./schema.js";

/** How far the clocks of machines that record may be apart: rows are in the order of recording but for that. */
const SKEW_MS = 5 * 60_000;
const FIRST_STEP = 1_000;
/** Each step back is so much longer than the one before. */
const STRIDE = 4;

/** The row behind which everything was recorded that was recorded since an instant, or as many rows as are looked at. */
async function rowBefore(db: Db, since: Instant, most: number) {
  const newest = await newestRow(db);
  for (let back = FIRST_STEP; ; back *= STRIDE) {
    const row = await db
      .selectFrom("usage_event")
      .select(["id", "recorded_at"])
      .where("id", "<=", newest - back)
      .orderBy("id", "desc")
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) return { id: 0, complete: true };
    if (row.recorded_at < since - SKEW_MS) return { id: row.id, complete: true };
    if (back >= most) return { id: row.id, complete: false };
  }
}

async function newestRow(db: Db): Promise<number> {
  const row = await db
    .selectFrom("usage_event")
    .select("id")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.id ?? 0;
}

// Sums over everybody may leave the safe integers, so they travel as text.
const sum = (columns: string) => sql<string>`cast(coalesce(sum(${sql.raw(columns)}), 0) as text)`;

export function statusOn(db: Db): StatusReading {
  return {
    async recentUse({ since, until }, most) {
      const before = await rowBefore(db, since, most);
      const row = await db
        .selectFrom("usage_event")
        .where("id", ">", before.id)
        .where("occurred_at", ">=", since)
        .where("occurred_at", "<", until)
        .select([
          sum("requests").as("requests"),
          sum("input + cache_read + cache_write + output").as("tokens"),
          sum("images").as("images"),
          sum("cost").as("cost"),
          sum("assumed").as("assumed"),
        ])
        .executeTakeFirstOrThrow();
      return {
        requests: Number(row.requests),
        tokens: Number(row.tokens),
        images: Number(row.images),
        cost: BigInt(row.cost),
        assumed: BigInt(row.assumed),
        complete: before.complete,
      };
    },
    async lastEvent(most) {
      const row = await db
        .selectFrom("usage_event")
        .innerJoin("users", "users.id", "usage_event.user_id")
        .innerJoin("call_kind", "call_kind.id", "usage_event.call_kind_id")
        .where("usage_event.id", ">", (await newestRow(db)) - most)
        .where("usage_event.corrects", "is", null)
        .orderBy("usage_event.id", "desc")
        .limit(1)
        .select([
          "users.key as user",
          "users.email",
          "call_kind.provider",
          "call_kind.model",
          "call_kind.feature",
          "usage_event.occurred_at",
          "usage_event.recorded_at",
          "usage_event.import_id",
        ])
        .executeTakeFirst();
      if (row === undefined) return null;
      const { occurred_at, recorded_at, import_id, ...rest } = row;
      return { ...rest, occurredAt: occurred_at, recordedAt: recorded_at, live: import_id === null };
    },
    async lastLiveUse(most) {
      const event = await db
        .selectFrom("usage_event")
        .select("recorded_at")
        .where("id", ">", (await newestRow(db)) - most)
        .where("import_id", "is", null)
        .where("corrects", "is", null)
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst();
      const hold = await db
        .selectFrom("hold")
        .select((eb) => eb.fn.max("created_at").as("at"))
        .executeTakeFirst();
      const at = Math.max(event?.recorded_at ?? 0, hold?.at ?? 0);
      return at === 0 ? null : at;
    },
  };
}
