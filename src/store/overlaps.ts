import { type Expression, type SqlBool, sql } from "kysely";
import type { UsageReading } from "../engine/ports.js";
import type { Db } from "./schema.js";

const HOUR = 3_600_000;

export function overlapsOn(db: Db): UsageReading["overlaps"] {
  return {
    async hasOthers(format) {
      const live = await db
        .selectFrom("event_source")
        .select("id")
        .where("name", "=", "live")
        .executeTakeFirst();
      if (live !== undefined) return true;
      const other = await db
        .selectFrom("import")
        .select("id")
        .where((eb) => eb(eb.fn.coalesce("format", sql<string>`'log'`), "<>", format))
        .where("undone_at", "is", null)
        .limit(1)
        .executeTakeFirst();
      return other !== undefined;
    },
    dayRequests: (userIds, first, last) =>
      db
        .selectFrom("usage_window")
        .select(["user_id as userId", "window_index as day", "requests"])
        .where("user_id", "in", userIds)
        .where("period", "=", "day")
        .where("window_index", ">=", first)
        .where("window_index", "<=", last)
        .execute(),
    async sharedHours({ since, until, userIds, source }) {
      // Made once, as `distinct` is: there is no index by event, and for each call all ids would be read.
      const identified = db
        .selectFrom("event_key")
        .where("provider_id", "is not", null)
        .select("event_id")
        .distinct()
        .as("identified");
      const calls = db
        .selectFrom("usage_event")
        .leftJoin("import", "import.id", "usage_event.import_id")
        .where("usage_event.occurred_at", ">=", since)
        .where("usage_event.occurred_at", "<", until)
        .where("usage_event.corrects", "is", null)
        .where("import.undone_at", "is", null)
        .$if(userIds !== undefined, (query) => query.where("usage_event.user_id", "in", userIds ?? []))
        .select((eb) => [
          "usage_event.user_id",
          sql<number>`${eb.ref("usage_event.occurred_at")} / ${sql.lit(HOUR)}`.as("hour"),
          eb
            .case()
            .when("usage_event.import_id", "is", null)
            .then("live")
            .else(eb.fn.coalesce("import.format", sql<string>`'log'`))
            .end()
            .as("source"),
        ])
        .$if(source !== undefined, (query) =>
          query.leftJoin(identified, "identified.event_id", "usage_event.id").select("identified.event_id"),
        );
      const hours = await db
        .selectFrom(calls.as("call"))
        .groupBy(["call.user_id", "call.hour"])
        .having((eb) => eb(eb.fn.min("call.source"), "<>", eb.fn.max("call.source")))
        .$if(source !== undefined, (query) =>
          query
            .having((eb) => eb(some(eb("call.source", "=", source ?? "")), "=", 1))
            .having((eb) => eb(some(eb("call.event_id", "is", null)), "=", 1)),
        )
        .select((eb) => [
          "call.user_id",
          "call.hour",
          eb.fn.countAll<number>().as("calls"),
          eb.fn.min<string>("call.source").as("one"),
          eb.fn.max<string>("call.source").as("other"),
        ])
        .execute();
      return hours.map(({ user_id, hour, calls, one, other }) => ({
        userId: user_id,
        hour,
        calls: Number(calls),
        sources: [one, other],
      }));
    },
  };
}

/** 1 where a condition holds for one of a group, else 0. */
function some(condition: Expression<SqlBool>) {
  return sql<number>`max(case when ${condition} then 1 else 0 end)`;
}
