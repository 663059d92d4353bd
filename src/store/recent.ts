import type { DecisionCode } from "../domain/decide.js";
import type { Meter, Period } from "../domain/meter.js";
import type { SeenByRefusal } from "../domain/refused-call.js";
import { BY_A_LIMIT } from "../domain/suggest-refusals.js";
import type { RecentReading } from "../engine/ports.js";
import type { Db } from "./schema.js";

export function recentOn(db: Db): RecentReading {
  return {
    async days({ from, to }) {
      const rows = await db
        .selectFrom("usage_window")
        // Named one by one, users lead into the key of the table, and their windows of other times are never read.
        .where("user_id", "in", db.selectFrom("users").select("id"))
        .where("period", "=", "day")
        .where("window_index", ">=", from)
        .where("window_index", "<", to)
        .orderBy("user_id")
        .orderBy("window_index")
        .select(["user_id as userId", "window_index as day", "tokens", "images", "cost", "requests"])
        .execute();
      return rows.map(({ userId, day, ...used }) => ({ userId, day, used }));
    },
    async refusals({ from, to }) {
      const rows = await db
        .selectFrom("refusal")
        .where("day", ">=", from)
        .where("day", "<", to)
        .orderBy("user_id")
        .orderBy("day")
        .orderBy("code")
        .orderBy("meter")
        .select(["user_id as userId", "day", "code", "meter", "count"])
        .execute();
      return rows.map(({ code, meter, ...row }) => ({
        ...row,
        code: code as DecisionCode,
        meter: meter as Meter | "",
      }));
    },
    async *refusedByLimits({ from, to }) {
      const rows = db
        .selectFrom("refused_call")
        // The same: users lead into the index.
        .where("user_id", "in", db.selectFrom("users").select("id"))
        .where("day", ">=", from)
        .where("day", "<", to)
        .where("code", "in", BY_A_LIMIT)
        .orderBy("user_id")
        .orderBy("day")
        .orderBy("id")
        .select(["user_id as userId", "day", "at", "tokens", "images", "cost", "requests", "states_amounts"])
        .select(["code", "meter", "period", "seen"])
        .stream();
      for await (const row of rows) {
        const { userId, day, at, tokens, images, cost, requests, states_amounts } = row;
        yield {
          userId,
          day,
          at,
          amounts: { tokens, images, cost, requests },
          statesAmounts: states_amounts === 1,
          code: row.code as DecisionCode,
          meter: row.meter as Meter | "",
          period: row.period as Period | "",
          seen: JSON.parse(row.seen) as SeenByRefusal,
        };
      }
    },
    async featureRefusals({ from, to }) {
      const rows = await db
        .selectFrom("refused_call")
        .innerJoin("call_kind", "call_kind.id", "refused_call.call_kind_id")
        .where("code", "=", "feature-not-in-tier")
        .where("day", ">=", from)
        .where("day", "<", to)
        .groupBy(["user_id", "feature"])
        .orderBy("user_id")
        .orderBy("feature")
        .select((eb) => [
          "user_id as userId",
          "feature",
          eb.fn.count<number>("day").distinct().as("days"),
          eb.fn.countAll<number>().as("calls"),
        ])
        .execute();
      return rows.map(({ days, calls, ...row }) => ({ ...row, days: Number(days), calls: Number(calls) }));
    },
    async tierSince() {
      const rows = await db
        .selectFrom("membership")
        .select(["user_id", "tier_id", "valid_from"])
        .orderBy("user_id")
        .orderBy("id")
        .execute();
      const since = new Map<number, number>();
      rows.forEach(({ user_id, tier_id, valid_from }, index) => {
        const before = rows[index - 1];
        // A change of status alone goes on with the tier that they had.
        if (before?.user_id !== user_id || before.tier_id !== tier_id) since.set(user_id, valid_from);
      });
      return since;
    },
    async featureUse({ from, to }) {
      const rows = await db
        .selectFrom("usage_day")
        .innerJoin("call_kind", "call_kind.id", "usage_day.call_kind_id")
        .where("day", ">=", from)
        .where("day", "<", to)
        .where("feature", "!=", "")
        // Not so what was all taken back.
        .where("requests", ">", 0)
        .groupBy(["user_id", "feature"])
        .orderBy("user_id")
        .orderBy("feature")
        .select((eb) => [
          "user_id as userId",
          "feature",
          eb.fn.count<number>("day").distinct().as("days"),
          eb.fn.sum<number>("requests").as("calls"),
        ])
        .execute();
      return rows.map(({ days, calls, ...row }) => ({ ...row, days: Number(days), calls: Number(calls) }));
    },
  };
}
