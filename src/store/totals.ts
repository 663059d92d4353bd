import { type RawBuilder, sql } from "kysely";
import type { Period } from "../domain/meter.js";
import type { TotalsWriting } from "../engine/ports.js";
import type { Db } from "./schema.js";

/** Rows in one statement. */
const AT_ONCE = 200;

const DAY_KEY = ["day", "user_id", "call_kind_id"] as const;
/** What a daily total sums up, in the order of `DayDelta`. */
export const DAY_AMOUNTS = [
  "input",
  "cache_read",
  "cache_write",
  "output",
  "reasoning",
  "images",
  "requests",
  "cost",
  "assumed",
  "unpriced",
] as const;
const WINDOW_KEY = ["user_id", "period", "window_index"] as const;
const WINDOW_AMOUNTS = ["tokens", "images", "cost", "requests"] as const;

/** Adds amounts to rows of a table; rows that are missing begin at 0. */
async function addTo(
  db: Db,
  table: "usage_day" | "usage_window",
  key: readonly string[],
  amounts: readonly string[],
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  const names = (columns: readonly string[]) => sql.join(columns.map((column) => sql.ref(column)));
  const added = amounts.map(
    (column) => sql`${sql.ref(column)} = ${sql.ref(`${table}.${column}`)} + ${sql.ref(`excluded.${column}`)}`,
  );
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    const values: RawBuilder<unknown>[] = rows
      .slice(from, from + AT_ONCE)
      .map((row) => sql`(${sql.join(row)})`);
    await sql`insert into ${sql.table(table)} (${names([...key, ...amounts])}) values ${sql.join(values)}
      on conflict (${names(key)}) do update set ${sql.join(added)}`.execute(db);
  }
}

export function totalsOn(db: Db): TotalsWriting {
  return {
    addToDays: (totals) =>
      addTo(
        db,
        "usage_day",
        DAY_KEY,
        DAY_AMOUNTS,
        totals.map((total) => [
          total.day,
          total.userId,
          total.kindId,
          total.input,
          total.cacheRead,
          total.cacheWrite,
          total.output,
          total.reasoning,
          total.images,
          total.requests,
          total.cost,
          total.assumed,
          total.unpriced,
        ]),
      ),
    addToWindows: (totals) =>
      addTo(
        db,
        "usage_window",
        WINDOW_KEY,
        WINDOW_AMOUNTS,
        totals.map(({ userId, period, index, tokens, images, cost, requests }) => [
          userId,
          period,
          index,
          tokens,
          images,
          cost,
          requests,
        ]),
      ),
    async systemWindows() {
      const rows = await db
        .selectFrom("usage_window")
        .groupBy(["period", "window_index"])
        .select(["period", "window_index as index"])
        .select([
          sql<string>`cast(sum(tokens) as text)`.as("tokens"),
          sql<string>`cast(sum(cost) as text)`.as("cost"),
        ])
        .execute();
      return rows.map(({ period, index, tokens, cost }) => ({
        period: period as Period,
        index,
        tokens: BigInt(tokens),
        cost: BigInt(cost),
      }));
    },
    async addToGuardrail(guardrailId, index, amount) {
      await sql`update guardrail_total set used = used + ${amount}
        where guardrail_id = ${guardrailId} and window_index = ${index} and shard = (
          select min(part.shard) from guardrail_total as part
          where part.guardrail_id = ${guardrailId} and part.window_index = ${index}
        )`.execute(db);
    },
    async clear() {
      for (const table of ["usage_day", "usage_window", "guardrail_total"] as const) {
        await db.deleteFrom(table).execute();
      }
    },
  };
}
