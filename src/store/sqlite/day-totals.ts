import type { Compilable, Insertable, Kysely } from "kysely";
import type { Schema } from "../schema.js";
import { DAY_AMOUNTS } from "../totals.js";

const DAY_KEY = ["user_id", "day", "call_kind_id"] as const;
export const DAY_COLUMNS = [...DAY_KEY, ...DAY_AMOUNTS] as const;

type DayRow = Insertable<Schema["usage_day"]>;

/** Adds rows to the daily totals. */
export function addToDays(
  db: Kysely<Schema>,
  rows: readonly Partial<DayRow>[],
  sums: readonly (typeof DAY_AMOUNTS)[number][],
): Compilable {
  return db
    .insertInto("usage_day")
    .values(rows as DayRow[])
    .onConflict((conflict) =>
      conflict
        .columns(DAY_KEY)
        .doUpdateSet((eb) =>
          Object.fromEntries(
            sums.map((sum) => [sum, eb(`usage_day.${sum}`, "+", eb.ref(`excluded.${sum}`))]),
          ),
        ),
    );
}
