import { type AliasedExpression, type Expression, type ExpressionBuilder, sql } from "kysely";
import type { Override } from "../domain/entitlement.js";
import { type Amounts, METERS, type Meter, type Period } from "../domain/meter.js";
import type { UserActivity } from "../domain/report-users.js";
import type { ActivityRanges, ReportReading } from "../engine/ports.js";
import { overrideOf } from "./override-row.js";
import type { Db, Schema } from "./schema.js";

const PARTS = ["fullestDay", "fullestMonth", "runningDay", "runningMonth"] as const;
type Part = (typeof PARTS)[number];
type Columns = Record<string, string | number> & { user_id: number };
type Windows = ExpressionBuilder<Schema, "usage_window">;

/** The running day or month is one window, so that its highest value is its value. */
function activityColumns(eb: Windows, ranges: ActivityRanges): AliasedExpression<number, string>[] {
  const { days, months, inference, today, thisMonth } = ranges;
  const within = (period: Period, { from, to }: { from: number; to: number }) =>
    eb.and([eb("period", "=", period), eb("window_index", ">=", from), eb("window_index", "<", to)]);
  const conditions: Record<Part, Expression<unknown>> = {
    fullestDay: within("day", days),
    fullestMonth: within("month", months),
    runningDay: within("day", { from: today, to: today + 1 }),
    runningMonth: within("month", { from: thisMonth, to: thisMonth + 1 }),
  };
  const columns = PARTS.flatMap((part) =>
    METERS.map((meter) =>
      sql<number>`max(case when ${conditions[part]} then ${sql.ref(meter)} else 0 end)`.as(
        `${part}_${meter}`,
      ),
    ),
  );
  const active = eb.and([within("day", inference), eb("tokens", ">", 0)]);
  return [
    ...columns,
    sql<number>`sum(case when ${active} then 1 else 0 end)`.as("active_days"),
    sql<number>`sum(case when ${active} then ${sql.ref("tokens")} else 0 end)`.as("active_tokens"),
  ];
}

async function activity(db: Db, ranges: ActivityRanges): Promise<ReadonlyMap<number, UserActivity>> {
  const { days, months, inference, today, thisMonth } = ranges;
  const rows = await db
    .selectFrom("usage_window")
    // Named one by one, users lead into the key of the table, and their windows of other times are never read.
    .where("user_id", "in", db.selectFrom("users").select("id"))
    .where((eb) =>
      eb.or([
        eb.and([
          eb("period", "=", "day"),
          eb("window_index", ">=", Math.min(days.from, inference.from, today)),
          eb("window_index", "<", Math.max(days.to, inference.to, today + 1)),
        ]),
        eb.and([
          eb("period", "=", "month"),
          eb("window_index", ">=", Math.min(months.from, thisMonth)),
          eb("window_index", "<", Math.max(months.to, thisMonth + 1)),
        ]),
      ]),
    )
    .groupBy("user_id")
    .select("user_id")
    .select((eb) => activityColumns(eb, ranges))
    .execute();
  return new Map((rows as unknown as Columns[]).map((row) => [row.user_id, activityOf(row)]));
}

function activityOf(row: Columns): UserActivity {
  const amounts = (part: Part): Amounts => {
    const of = (meter: Meter) => Number(row[`${part}_${meter}`]);
    return { tokens: of("tokens"), images: of("images"), cost: of("cost"), requests: of("requests") };
  };
  return {
    fullestDay: amounts("fullestDay"),
    fullestMonth: amounts("fullestMonth"),
    runningDay: amounts("runningDay"),
    runningMonth: amounts("runningMonth"),
    activeDays: Number(row.active_days),
    activeTokens: Number(row.active_tokens),
  };
}

export function reportOn(db: Db): ReportReading {
  return {
    activity: (ranges) => activity(db, ranges),
    async firstUse() {
      // One step into the key for each user, however long the history is.
      const rows = await db
        .selectFrom("users")
        .select((eb) => [
          "users.id",
          eb
            .selectFrom("usage_window")
            .whereRef("usage_window.user_id", "=", "users.id")
            .where("usage_window.period", "=", "day")
            // Not so a day of which all was taken back.
            .where((inner) =>
              inner.or([
                inner("tokens", ">", 0),
                inner("images", ">", 0),
                inner("requests", ">", 0),
                inner("cost", ">", 0),
              ]),
            )
            .select((inner) => inner.fn.min("usage_window.window_index").as("day"))
            .as("day"),
        ])
        .execute();
      return new Map(rows.flatMap(({ id, day }) => (day === null ? [] : [[id, Number(day)] as const])));
    },
    async overrides() {
      const rows = await db
        .selectFrom("override")
        .selectAll()
        .where("valid_to", "is", null)
        .orderBy("id")
        .execute();
      const byUser = new Map<number, Override[]>();
      for (const row of rows) byUser.set(row.user_id, [...(byUser.get(row.user_id) ?? []), overrideOf(row)]);
      return byUser;
    },
    async removedAt() {
      const rows = await db
        .selectFrom("membership")
        .select(["user_id", "valid_from"])
        .where("valid_to", "is", null)
        .where("status", "=", "removed")
        .execute();
      return new Map(rows.map((row) => [row.user_id, row.valid_from]));
    },
  };
}
