import type { Alert } from "../domain/alert.js";
import type { Meter, Period } from "../domain/meter.js";
import type { AlertsWriting, ListedAlert } from "../engine/ports.js";
import type { Db } from "./schema.js";

function selectAlerts(db: Db) {
  return db
    .selectFrom("alert")
    .leftJoin("users", "users.id", "alert.user_id")
    .selectAll("alert")
    .select(["users.key as user", "users.email"]);
}

type AlertRow = Awaited<ReturnType<ReturnType<typeof selectAlerts>["execute"]>>[number];

function alertOf(row: AlertRow): ListedAlert {
  return {
    number: row.id,
    kind: row.kind as Alert["kind"],
    userId: row.user_id,
    user: row.user,
    email: row.email,
    period: row.period as Period,
    index: row.window_index,
    meter: row.meter as Meter | "",
    threshold: row.threshold,
    code: row.code,
    at: row.at,
    printedAt: row.printed_at,
  };
}

export function alertsOn(db: Db): AlertsWriting {
  return {
    async list({ userId, before, limit }) {
      let query = selectAlerts(db).orderBy("alert.id", "desc").limit(limit);
      if (userId !== undefined) query = query.where("alert.user_id", "=", userId);
      if (before !== undefined) query = query.where("alert.id", "<", before);
      return (await query.execute()).map(alertOf);
    },
    async countNew() {
      const row = await db
        .selectFrom("alert")
        .where("printed_at", "is", null)
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async takeNew(at) {
      // What calls write meanwhile stays new: only what this statement has marked is returned.
      const marked = await db
        .updateTable("alert")
        .set({ printed_at: at })
        .where("printed_at", "is", null)
        .returning("id")
        .execute();
      if (marked.length === 0) return [];
      const ids = new Set(marked.map(({ id }) => id));
      const first = marked.reduce((least, { id }) => Math.min(least, id), Number.MAX_SAFE_INTEGER);
      const rows = await selectAlerts(db).where("alert.id", ">=", first).orderBy("alert.id").execute();
      return rows.filter(({ id }) => ids.has(id)).map(alertOf);
    },
  };
}
