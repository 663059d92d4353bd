import type { RecordsWriting } from "../engine/ports.js";
import { auditOn } from "./audit.js";
import { importsOn } from "./imports.js";
import type { Db } from "./schema.js";

export function recordsOn(db: Db): RecordsWriting {
  return {
    ...auditOn(db),
    ...importsOn(db),
    async clients() {
      const rows = await db.selectFrom("client").selectAll().orderBy("opened_at", "desc").execute();
      return rows.map(({ host, pid, fail_open, opened_at }) => ({
        kind: "library" as const,
        host,
        pid,
        failOpen: fail_open === 1,
        openedAt: opened_at,
      }));
    },
    async noteClient({ kind, host, pid, failOpen, openedAt }) {
      const latest = { pid, opened_at: openedAt };
      await db
        .insertInto("client")
        .values({ kind, host, fail_open: failOpen ? 1 : 0, ...latest })
        .onConflict((conflict) => conflict.columns(["kind", "host", "fail_open"]).doUpdateSet(latest))
        .execute();
    },
    async createdAt() {
      const row = await db.selectFrom("audit_entry").select("at").orderBy("id").limit(1).executeTakeFirst();
      return row?.at ?? null;
    },
    async lease(name) {
      const row = await db.selectFrom("job_lease").selectAll().where("name", "=", name).executeTakeFirst();
      return row === undefined ? undefined : { holder: row.holder, expiresAt: row.expires_at };
    },
    async lastReset() {
      const row = await db
        .selectFrom("reset_run")
        .selectAll()
        .orderBy("day", "desc")
        .limit(1)
        .executeTakeFirst();
      return row === undefined
        ? undefined
        : {
            day: row.day,
            ranAt: row.ran_at,
            actor: row.actor,
            holdsEnded: row.holds_ended,
            overridesEnded: row.overrides_ended,
            stopsEnded: row.stops_ended,
          };
    },
    async saveReset(run) {
      await db
        .insertInto("reset_run")
        .values({
          day: run.day,
          ran_at: run.ranAt,
          actor: run.actor,
          holds_ended: run.holdsEnded,
          overrides_ended: run.overridesEnded,
          stops_ended: run.stopsEnded,
        })
        .execute();
    },
    async addAlerts(alerts) {
      for (const { userId, index, ...alert } of alerts) {
        const { kind, period, meter, threshold } = alert;
        // PostgreSQL would give a number to one that is there already, too.
        const known = await db
          .selectFrom("alert")
          .select("id")
          .where("user_id", "=", userId)
          .where("window_index", "=", index)
          .where("kind", "=", kind)
          .where("period", "=", period)
          .where("meter", "=", meter)
          .where("threshold", "=", threshold)
          .executeTakeFirst();
        if (known !== undefined) continue;
        await db
          .insertInto("alert")
          .values({ ...alert, user_id: userId, window_index: index, printed_at: null })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
    },
    async endExpired(at, holdsAt = at) {
      const holds = await db.deleteFrom("hold").where("expires_at", "<=", holdsAt).executeTakeFirst();
      const overrides = await db
        .updateTable("override")
        .set((eb) => ({ valid_to: eb.ref("expires_at") }))
        .where("valid_to", "is", null)
        .where("expires_at", "<=", at)
        .executeTakeFirst();
      const stops = await db
        .updateTable("stop")
        .set((eb) => ({ valid_to: eb.ref("expires_at") }))
        .where("valid_to", "is", null)
        .where("expires_at", "<=", at)
        .executeTakeFirst();
      return {
        holdsEnded: Number(holds.numDeletedRows),
        overridesEnded: Number(overrides.numUpdatedRows),
        stopsEnded: Number(stops.numUpdatedRows),
      };
    },
    async takeLease(name, holder, at, until) {
      await db.deleteFrom("job_lease").where("name", "=", name).where("expires_at", "<=", at).execute();
      await db
        .insertInto("job_lease")
        .values({ name, holder, expires_at: until })
        .onConflict((conflict) =>
          conflict.column("name").doUpdateSet({ expires_at: until }).where("job_lease.holder", "=", holder),
        )
        .execute();
      const row = await db
        .selectFrom("job_lease")
        .select("holder")
        .where("name", "=", name)
        .executeTakeFirstOrThrow();
      return row.holder === holder;
    },
    async dropLease(name, holder) {
      await db.deleteFrom("job_lease").where("name", "=", name).where("holder", "=", holder).execute();
    },
  };
}
