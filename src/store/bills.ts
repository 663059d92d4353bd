import { sql } from "kysely";
import type { LedgerDay } from "../domain/bill.js";
import type { UsageReading } from "../engine/ports.js";
import type { Db } from "./schema.js";
import { unpricedOfRow } from "./unpriced.js";

const DAY = 86_400_000;
const SUMMED = ["input", "cache_read", "cache_write", "output", "requests", "cost", "assumed"] as const;
type Summed = Record<(typeof SUMMED)[number] | "unpriced", string> & { day: number; call_kind_id: number };

// System-wide sums may leave the safe integers, so they travel as text.
const sum = <K extends string>(column: K) => sql<string>`cast(sum(${sql.ref(column)}) as text)`.as(column);

export function utcDaysOn(db: Db): UsageReading["utcDays"] {
  return async (range, asAccounted) => {
    const rows = asAccounted ? await fromTotals(db, range) : await fromLedger(db, range);
    const kinds = await db.selectFrom("call_kind").selectAll().execute();
    const byId = new Map(kinds.map((kind) => [kind.id, kind]));
    return rows.map((row) => dayOf(row, byId.get(row.call_kind_id)));
  };
}

type Range = Parameters<UsageReading["utcDays"]>[0];

/** Where the accounting days are those of UTC, the daily totals have it all. */
function fromTotals(db: Db, { from, to }: Range): Promise<Summed[]> {
  return (
    db
      .selectFrom("usage_day")
      // The key leads with the user: named one by one, their other days are skipped and not read.
      .where("user_id", "in", db.selectFrom("users").select("id"))
      .where("day", ">=", from)
      .where("day", "<", to)
      .groupBy(["day", "call_kind_id"])
      .select(["day", "call_kind_id", sum("unpriced")])
      .select(SUMMED.map(sum))
      .execute()
  );
}

/** Reads the ledger from its beginning: there is no index by time. */
function fromLedger(db: Db, { from, to }: Range): Promise<Summed[]> {
  // Instants of the ledger are after 1970, so that the division of integers cuts to the day.
  const day = sql<number>`${sql.ref("occurred_at")} / ${sql.lit(DAY)}`;
  return db
    .selectFrom("usage_event")
    .where("occurred_at", ">=", from * DAY)
    .where("occurred_at", "<", to * DAY)
    .groupBy([day, "call_kind_id"])
    .select([day.as("day"), "call_kind_id"])
    .select((eb) => sql<string>`cast(sum(${unpricedOfRow(eb)}) as text)`.as("unpriced"))
    .select(SUMMED.map(sum))
    .execute();
}

function dayOf(
  row: Summed,
  kind: { readonly provider: string; readonly model: string } | undefined,
): LedgerDay {
  return {
    day: Number(row.day),
    provider: kind?.provider ?? "",
    model: kind?.model ?? "",
    tokens: {
      input: BigInt(row.input),
      cacheRead: BigInt(row.cache_read),
      cacheWrite: BigInt(row.cache_write),
      output: BigInt(row.output),
    },
    requests: BigInt(row.requests),
    cost: BigInt(row.cost),
    assumed: BigInt(row.assumed),
    unpriced: BigInt(row.unpriced),
  };
}
