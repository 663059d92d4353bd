import { sql } from "kysely";
import { standingOf } from "../domain/ledger-corrections.js";
import type { LedgerRow } from "../domain/ledger-model.js";
import type { Period } from "../domain/meter.js";
import type { LedgerReading, Page, UserShare } from "../engine/ports.js";
import { loadGuardrails } from "./emergency.js";
import { identifiedEvents } from "./identified-events.js";
import { ledgerRowOf, selectRows } from "./ledger-rows.js";
import type { Db } from "./schema.js";
import { unpricedOfRow } from "./unpriced.js";

/** Sums of whole systems may leave the safe integers, so totals travel as text. */
const exact = (column: string) => sql<string>`cast(${sql.ref(column)} as text)`;

function ofShare({ of, remainder }: UserShare) {
  return sql<boolean>`user_id % ${of} = ${remainder}`;
}

/** A page that is shorter than it might be is the last. */
function page<Row, Cursor>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (last: Row) => Cursor,
): Page<Row, Cursor> {
  const last = rows.at(-1);
  return { rows, next: last === undefined || rows.length < limit ? null : cursorOf(last) };
}

async function standings(db: Db, after: number, limit: number) {
  const events = await selectRows(db)
    .innerJoin("users", "users.id", "usage_event.user_id")
    .select("users.key as user")
    .where("corrects", "is", null)
    .where("usage_event.id", ">", after)
    .orderBy("usage_event.id")
    .limit(limit)
    .execute();
  const last = events.at(-1)?.id ?? after;
  const corrections = await selectRows(db)
    .where("corrects", ">", after)
    .where("corrects", "<=", last)
    .orderBy("usage_event.id")
    .execute();
  const byEvent = new Map<number, LedgerRow[]>();
  for (const row of corrections) {
    const rows = byEvent.get(row.corrects ?? 0);
    if (rows === undefined) byEvent.set(row.corrects ?? 0, [ledgerRowOf(row)]);
    else rows.push(ledgerRowOf(row));
  }
  return events.flatMap((row) => {
    const standing = standingOf([ledgerRowOf(row), ...(byEvent.get(row.id) ?? [])]);
    return standing === null ? [] : [{ number: row.id, user: row.user, standing }];
  });
}

export function ledgerOn(db: Db): LedgerReading {
  return {
    async standings({ after, limit }) {
      return page(await standings(db, after ?? 0, limit), limit, ({ number }) => number);
    },
    identified: (filter, page) => identifiedEvents(db, filter, page),
    async rowCount() {
      const row = await db
        .selectFrom("usage_event")
        .select((eb) => eb.fn.countAll().as("count"))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async dayTotalCount() {
      const row = await db
        .selectFrom("usage_day")
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async rows(share, { after, limit }) {
      const rows = await db
        .selectFrom("usage_event")
        .where("id", ">", after ?? 0)
        .$if(share.of > 1, (query) => query.where(ofShare(share)))
        .orderBy("id")
        .limit(limit)
        .select((eb) => [
          "id",
          "user_id as userId",
          "call_kind_id as kindId",
          "occurred_at as occurredAt",
          "input",
          "cache_read as cacheRead",
          "cache_write as cacheWrite",
          "output",
          "reasoning",
          "images",
          "requests",
          "cost",
          "assumed",
          unpricedOfRow(eb).as("unpriced"),
        ])
        .execute();
      return page(rows, limit, ({ id }) => id);
    },
    async dayTotals(share, { after, limit }) {
      const rows = await db
        .selectFrom("usage_day")
        .where(ofShare(share))
        .$if(after !== null, (query) =>
          query.where(
            sql<boolean>`(day, user_id, call_kind_id) > (${after?.day}, ${after?.userId}, ${after?.kindId})`,
          ),
        )
        .orderBy("day")
        .orderBy("user_id")
        .orderBy("call_kind_id")
        .limit(limit)
        .select([
          "user_id as userId",
          "day",
          "call_kind_id as kindId",
          exact("input").as("input"),
          exact("cache_read").as("cacheRead"),
          exact("cache_write").as("cacheWrite"),
          exact("output").as("output"),
          exact("reasoning").as("reasoning"),
          exact("images").as("images"),
          exact("requests").as("requests"),
          exact("cost").as("cost"),
          exact("assumed").as("assumed"),
          exact("unpriced").as("unpriced"),
        ])
        .execute();
      const totals = rows.map(({ userId, day, kindId, ...amounts }) => ({
        userId,
        day,
        kindId,
        input: BigInt(amounts.input),
        cacheRead: BigInt(amounts.cacheRead),
        cacheWrite: BigInt(amounts.cacheWrite),
        output: BigInt(amounts.output),
        reasoning: BigInt(amounts.reasoning),
        images: BigInt(amounts.images),
        requests: BigInt(amounts.requests),
        cost: BigInt(amounts.cost),
        assumed: BigInt(amounts.assumed),
        unpriced: BigInt(amounts.unpriced),
      }));
      return page(totals, limit, ({ userId, day, kindId }) => ({ userId, day, kindId }));
    },
    async windowTotals(share, { after, limit }) {
      const rows = await db
        .selectFrom("usage_window")
        .where(ofShare(share))
        .$if(after !== null, (query) =>
          query.where(
            sql<boolean>`(user_id, period, window_index) > (${after?.userId}, ${after?.period}, ${after?.index})`,
          ),
        )
        .orderBy("user_id")
        .orderBy("period")
        .orderBy("window_index")
        .limit(limit)
        .select([
          "user_id as userId",
          "period",
          "window_index as index",
          exact("tokens").as("tokens"),
          exact("images").as("images"),
          exact("cost").as("cost"),
          exact("requests").as("requests"),
        ])
        .execute();
      const totals = rows.map(({ userId, period, index, tokens, images, cost, requests }) => ({
        userId,
        period: period as Period,
        index,
        tokens: BigInt(tokens),
        images: BigInt(images),
        cost: BigInt(cost),
        requests: BigInt(requests),
      }));
      return page(totals, limit, ({ userId, period, index }) => ({ userId, period, index }));
    },
    async guardrailTotals() {
      const guardrails = new Map((await loadGuardrails(db)).map((guardrail) => [guardrail.id, guardrail]));
      const rows = await db
        .selectFrom("guardrail_total")
        .orderBy("guardrail_id")
        .orderBy("window_index")
        .groupBy(["guardrail_id", "window_index"])
        .select(["guardrail_id", "window_index as index"])
        .select(sql<string>`cast(sum(used) as text)`.as("used"))
        .execute();
      return rows.flatMap(({ guardrail_id, index, used }) => {
        const guardrail = guardrails.get(guardrail_id);
        return guardrail === undefined ? [] : [{ guardrail, index, used: BigInt(used) }];
      });
    },
    async kindName(kindId) {
      const row = await db.selectFrom("call_kind").selectAll().where("id", "=", kindId).executeTakeFirst();
      return [row?.provider, row?.model, row?.feature].filter(Boolean).join(" / ");
    },
  };
}
