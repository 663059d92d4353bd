import { setImmediate as nextTurn } from "node:timers/promises";
import { type RawBuilder, sql } from "kysely";
import type { DecisionCode } from "../domain/decide.js";
import type { Meter, Period } from "../domain/meter.js";
import type { SeenByRefusal } from "../domain/refused-call.js";
import type { Happening, OccurredUsage } from "../domain/simulate-model.js";
import type { CallKind } from "../domain/usage.js";
import type { ReplayFilter, ReplayReading } from "../engine/ports-replay.js";
import { rulesHistory } from "./replay-rules.js";
import type { Db } from "./schema.js";

/** After so many rows whatever else waits in this process has its turn, such as Ctrl-C. */
const ROWS_A_TURN = 20_000;

const TOKENS = sql`input + cache_read + cache_write + output`;
const NUMBER = sql`cast(null as bigint)`;
const TEXT = sql`cast(null as text)`;

/** Those who were on a tier at some time. */
function usersOf(tier: string): RawBuilder<unknown> {
  return sql`(select membership.user_id from membership join tier on tier.id = membership.tier_id
    where tier.key = ${tier})`;
}

interface TimelineRow {
  readonly at: number;
  readonly what: 0 | 1 | 2;
  readonly id: number;
  readonly user_id: number;
  readonly call_kind_id: number;
  readonly tokens: number;
  readonly images: number;
  readonly cost: number;
  readonly requests: number;
  readonly occurred_at: number;
  readonly reserved_at: number | null;
  readonly part: number | null;
  readonly corrects: number | null;
  readonly day: number;
  readonly states_amounts: number;
  readonly code: string;
  readonly meter: string;
  readonly period: string;
  readonly seen: string;
}

/**
 * Calls by when they asked, and usage by when it was recorded, in one order. The database sorts, beside its memory if it
 * has to. The clock of who settled may be behind the clock of who reserved: no call is used before it is let through.
 */
function timeline(db: Db, { tier, from, to }: ReplayFilter) {
  const users = usersOf(tier);
  const rows = sql<TimelineRow>`(
    select reserved_at as at, 0 as what, id, user_id, call_kind_id,
      asked_tokens as tokens, asked_images as images, asked_cost as cost, requests,
      ${NUMBER} as occurred_at, ${NUMBER} as reserved_at, ${NUMBER} as part, ${NUMBER} as corrects,
      ${NUMBER} as day, ${NUMBER} as states_amounts,
      ${TEXT} as code, ${TEXT} as meter, ${TEXT} as period, ${TEXT} as seen
    from usage_event
    where reserved_at < ${to} and requests > 0 and corrects is null
      and occurred_at >= ${from} and user_id in ${users}
    union all
    select at, 1, id, user_id, call_kind_id, tokens, images, cost, requests,
      null, null, null, null, day, states_amounts, code, meter, period, seen
    from refused_call
    where at >= ${from} and at < ${to} and user_id in ${users}
    union all
    select case when reserved_at > recorded_at then reserved_at else recorded_at end, 2, id, user_id, call_kind_id,
      ${TOKENS}, images, cost + assumed, requests,
      occurred_at, reserved_at, part, corrects, null, null, null, null, null, null
    from usage_event
    where (recorded_at < ${to} or reserved_at < ${to}) and occurred_at >= ${from} and user_id in ${users}
  )`;
  return db.selectFrom(rows.as("timeline")).selectAll().orderBy("at").orderBy("what").orderBy("id");
}

function happening(row: TimelineRow, kinds: ReadonlyMap<number, CallKind>): Happening {
  const { at, user_id: userId, id: event, tokens, images, cost } = row;
  const kind = kinds.get(row.call_kind_id) as CallKind;
  if (row.what === 0) {
    return { what: "admitted", at, userId, event, kind, asked: { tokens, images, cost, requests: 1 } };
  }
  const amounts = { tokens, images, cost, requests: row.requests };
  if (row.what === 1) {
    return {
      what: "refused",
      at,
      userId,
      day: row.day,
      kind,
      amounts,
      statesAmounts: row.states_amounts === 1,
      code: row.code as DecisionCode,
      meter: row.meter as Meter | "",
      period: row.period as Period | "",
      seen: JSON.parse(row.seen) as SeenByRefusal,
    };
  }
  const { occurred_at: occurredAt, reserved_at: reservedAt, part, corrects } = row;
  return { what: "used", at, userId, event, occurredAt, amounts, reservedAt, part, corrects };
}

async function* happenings(db: Db, filter: ReplayFilter): AsyncIterable<Happening> {
  const kinds = await kindsById(db);
  let rows = 0;
  for await (const row of timeline(db, filter).stream()) {
    yield happening(row, kinds);
    rows += 1;
    if (rows % ROWS_A_TURN === 0) await nextTurn();
  }
}

async function* occurred(db: Db, { tier, from, to }: ReplayFilter): AsyncIterable<OccurredUsage> {
  const kinds = await kindsById(db);
  const query = db
    .selectFrom("usage_event")
    .where("occurred_at", ">=", from)
    .where("occurred_at", "<", to)
    .where(sql<boolean>`user_id in ${usersOf(tier)}`)
    .orderBy("occurred_at")
    .orderBy((eb) => eb.fn.coalesce("corrects", "id"))
    .orderBy("id")
    .select(["user_id", "call_kind_id", "occurred_at", "images", "requests", "reserved_at"])
    .select((eb) => eb.fn.coalesce("corrects", "id").as("event"))
    .select(sql<number>`${TOKENS}`.as("tokens"))
    .select(sql<number>`cost + assumed`.as("cost"));
  let rows = 0;
  for await (const row of query.stream()) {
    const { tokens, images, cost, requests } = row;
    yield {
      userId: row.user_id,
      event: row.event,
      occurredAt: row.occurred_at,
      kind: kinds.get(row.call_kind_id) as CallKind,
      amounts: { tokens, images, cost, requests },
      reserved: row.reserved_at !== null,
    };
    rows += 1;
    if (rows % ROWS_A_TURN === 0) await nextTurn();
  }
}

async function kindsById(db: Db): Promise<Map<number, CallKind>> {
  const rows = await db.selectFrom("call_kind").selectAll().execute();
  return new Map(rows.map(({ id, ...kind }) => [id, kind]));
}

export function replayOn(db: Db): ReplayReading {
  return {
    rules: (tier) => rulesHistory(db, tier),
    happenings: (filter) => happenings(db, filter),
    occurred: (filter) => occurred(db, filter),
    async kinds({ tier, from, to }) {
      const events = db
        .selectFrom("usage_event")
        .select("id")
        .where("occurred_at", ">=", from)
        .where("corrects", "is", null)
        .where(sql<boolean>`user_id in ${usersOf(tier)}`)
        .limit(1);
      const reserved = await events.where("reserved_at", "<", to).executeTakeFirst();
      const refused = await db
        .selectFrom("refusal")
        .select("user_id")
        .where(sql<boolean>`user_id in ${usersOf(tier)}`)
        .limit(1)
        .executeTakeFirst();
      const recorded = await events
        .where("reserved_at", "is", null)
        .where("occurred_at", "<", to)
        .executeTakeFirst();
      return { live: (reserved ?? refused) !== undefined, recorded: recorded !== undefined };
    },
    async refusals(tier, { from, to }) {
      const rows = await db
        .selectFrom("refusal")
        .where("day", ">=", from)
        .where("day", "<", to)
        .where(sql<boolean>`user_id in ${usersOf(tier)}`)
        .select(["user_id", "day", "code", "meter", "count"])
        .execute();
      return rows.map(({ user_id, day, code, meter, count }) => ({
        userId: user_id,
        day,
        code: code as DecisionCode,
        meter: meter as Meter | "",
        count,
      }));
    },
  };
}
