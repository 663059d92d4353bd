import type { UsersWriting } from "../engine/ports.js";
import { overrideOf } from "./override-row.js";
import type { Db } from "./schema.js";

type Changes = Pick<
  UsersWriting,
  "addOverride" | "endOverrides" | "forgive" | "rename" | "addAlias" | "removeAlias" | "setPersona"
>;

/** What operators change about one user besides tier and status. */
export function userChangesOn(db: Db): Changes {
  return {
    async addOverride(userId, override, at) {
      const subject =
        override.kind === "quota"
          ? { meter: override.meter, period: override.period, feature: "" }
          : { meter: "", period: "", feature: override.feature };
      // One that ran out and was not closed yet ended when it ran out, not now.
      await db
        .updateTable("override")
        .set((eb) => ({
          valid_to: eb.case().when("expires_at", "<", at).then(eb.ref("expires_at")).else(at).end(),
        }))
        .where("user_id", "=", userId)
        .where("valid_to", "is", null)
        .where("meter", "=", subject.meter)
        .where("period", "=", subject.period)
        .where("feature", "=", subject.feature)
        .execute();
      const row = await db
        .insertInto("override")
        .values({
          user_id: userId,
          kind: override.kind,
          ...subject,
          limit_amount: override.kind === "quota" ? override.limit : null,
          granted: override.kind === "quota" ? null : override.granted ? 1 : 0,
          reason: override.reason,
          expires_at: override.until,
          valid_from: at,
          valid_to: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return overrideOf(row);
    },
    async endOverrides(ids, at) {
      if (ids.length === 0) return;
      await db
        .updateTable("override")
        .set({ valid_to: at })
        .where("id", "in", ids)
        .where("valid_to", "is", null)
        .execute();
    },
    async forgive(userId, { period, index }, { meter, amount }, at) {
      await db
        .insertInto("forgiveness")
        .values({ user_id: userId, period, window_index: index, meter, forgiven_at: at, amount })
        .onConflict((conflict) =>
          conflict
            .columns(["user_id", "period", "window_index", "meter", "forgiven_at"])
            .doUpdateSet((eb) => ({ amount: eb("forgiveness.amount", "+", amount) })),
        )
        .execute();
    },
    async rename(userId, { email, name }) {
      if (name !== undefined) await db.updateTable("users").set({ name }).where("id", "=", userId).execute();
      if (email === undefined) return;
      await db
        .updateTable("user_name")
        .set({ kind: "alias" })
        .where("user_id", "=", userId)
        .where("kind", "=", "email")
        .execute();
      await db.updateTable("users").set({ email }).where("id", "=", userId).execute();
      // It may be an alias already; and where it is the id, it is found under that.
      await db
        .insertInto("user_name")
        .values({ name: email, user_id: userId, kind: "email" })
        .onConflict((conflict) =>
          conflict.column("name").doUpdateSet({ kind: "email" }).where("user_name.kind", "=", "alias"),
        )
        .execute();
    },
    async addAlias(userId, alias) {
      await db.insertInto("user_name").values({ name: alias, user_id: userId, kind: "alias" }).execute();
    },
    async removeAlias(userId, alias) {
      await db
        .deleteFrom("user_name")
        .where("name", "=", alias)
        .where("user_id", "=", userId)
        .where("kind", "=", "alias")
        .execute();
    },
    async setPersona(userId, persona) {
      await db.updateTable("users").set({ persona }).where("id", "=", userId).execute();
    },
  };
}
