import type { Writing } from "../engine/ports.js";
import type { Db } from "./schema.js";

export function holdsOn(db: Db): Writing["holds"] {
  return {
    async list({ userId, expiredAt } = {}) {
      let query = db
        .selectFrom("hold")
        .innerJoin("users", "users.id", "hold.user_id")
        .innerJoin("call_kind", "call_kind.id", "hold.call_kind_id")
        .select([
          "hold.user_id as userId",
          "users.key as user",
          "users.email",
          "hold.id",
          "hold.tokens",
          "hold.images",
          "hold.cost",
          "hold.requests",
          "hold.created_at as createdAt",
          "hold.expires_at as expiresAt",
          "call_kind.provider",
          "call_kind.model",
          "call_kind.feature",
        ])
        .orderBy("hold.created_at")
        .orderBy("hold.user_id")
        .orderBy("hold.id");
      if (userId !== undefined) query = query.where("hold.user_id", "=", userId);
      if (expiredAt !== undefined) query = query.where("hold.expires_at", "<=", expiredAt);
      const rows = await query.execute();
      return rows.map(({ tokens, images, cost, requests, provider, model, feature, ...row }) => ({
        ...row,
        amounts: { tokens, images, cost, requests },
        kind: { provider, model, feature },
      }));
    },
    async expiredCounts(at) {
      const rows = await db
        .selectFrom("hold")
        .select((eb) => ["user_id", eb.fn.countAll<number>().as("count")])
        .where("expires_at", "<=", at)
        .groupBy("user_id")
        .orderBy("user_id")
        .execute();
      return new Map(rows.map(({ user_id, count }) => [user_id, Number(count)]));
    },
    async remove(userId, id) {
      await db.deleteFrom("hold").where("user_id", "=", userId).where("id", "=", id).execute();
    },
  };
}
