import { setImmediate as nextTurn } from "node:timers/promises";
import { type RawBuilder, sql } from "kysely";
import type { DecisionCode } from "../domain/decide.js";
import type { Meter, Period } from "../domain/meter.js";
import type { SeenByRefusal } from "../domain/refused-call.js";
import type { Happening, OccurredUsage, UsedThen } from "../domain/simulate-model.js";
import type { CallKind } from "../domain/usage.js";
import type { ReplayFilter, ReplayReading } from "../engine/ports.js";
import { rulesHistory } from "./replay-rules.js";
import type { Db } from "./schema.js";

/** After so many rows whatever else waits in this process has its turn, such as Ctrl-C. */
const ROWS_A_TURN = 20_000;

const TOKENS = sql`input + cache_read + cache_write + output`;
/** Those who were on a tier at some time. */
function usersOf(tier: string): RawBuilder<unknown> {
  return sql`(select membership.user_id from membership join tier on tier.id = membership.tier_id
    where tier.key = ${tier})`;
}

/** A row of the ledger, or a refused call, for which the columns from `day` on are. */
interface TimelineRow {
  readonly at: number;
  readonly rank: number;
  readonly id: number;
  readonly user_id: number;
  readonly call_kind_id: number;
  readonly tokens: number;
  readonly images: number;
  readonly cost: number;
  readonly requests: number;
  readonly occurred_at: number;
  readonly recorded_at: number;
  readonly reserved_at: number | null;
  readonly asked_tokens: number | null;
  readonly asked_images: number | null;
  readonly asked_cost: number | null;
  readonly expired_at: number | null;
  readonly part: number | null;
  readonly corrects: number | null;
  readonly day: number | null;
  readonly states_amounts: number;
  readonly code: string;
  readonly meter: string;
  readonly period: string;
  readonly seen: string;
}

/**
 * Calls by when they asked, and other rows of the ledger by when they were recorded, in one order, in which at one instant
 * what was decided goes before what was recorded. The database sorts, beside its memory if it has to.
 */
function timeline(db: Db, { tier, from, to }: ReplayFilter) {
  const users = usersOf(tier);
  const isCall = sql`reserved_at is not null and requests > 0 and corrects is null`;
  const number = sql`cast(null as bigint)`;
  const text = sql`cast(null as text)`;
  const rows = sql<TimelineRow>`(
    select case when ${isCall} then reserved_at else recorded_at end as at,
      case when ${isCall} then 0 else 2 end as rank, id, user_id, call_kind_id,
      ${TOKENS} as tokens, images, cost + assumed as cost, requests,
      occurred_at, recorded_at, reserved_at, asked_tokens, asked_images, asked_cost, expired_at, part, corrects,
      ${number} as day, ${number} as states_amounts, ${text} as code, ${text} as meter, ${text} as period,
      ${text} as seen
    from usage_event
    where occurred_at >= ${from} and (recorded_at < ${to} or reserved_at < ${to}) and user_id in ${users}
    union all
    select at, 1, id, user_id, call_kind_id, tokens, images, cost, requests,
      null, null, null, null, null, null, null, null, null, day, states_amounts, code, meter, period, seen
    from refused_call
    where at >= ${from} and at < ${to} and user_id in ${users}
  )`;
  return db.selectFrom(rows.as("timeline")).selectAll().orderBy("at").orderBy("rank").orderBy("id");
}

function happening(row: TimelineRow, kinds: ReadonlyMap<number, CallKind>): Happening {
  const { at, id, user_id: userId, day, tokens, images, cost, requests } = row;
  const kind = kinds.get(row.call_kind_id) as CallKind;
  const amounts = { tokens, images, cost, requests };
  if (day !== null) {
    return {
      what: "refused",
      at,
      userId,
      day,
      kind,
      amounts,
      statesAmounts: row.states_amounts === 1,
      code: row.code as DecisionCode,
      meter: row.meter as Meter | "",
      period: row.period as Period | "",
      seen: JSON.parse(row.seen) as SeenByRefusal,
    };
  }
  const { recorded_at, reserved_at: reservedAt, asked_tokens, asked_images, asked_cost } = row;
  const used: UsedThen = {
    what: "used",
    // The clock of who settled may be behind the clock of who reserved: no call is used before it is let through.
    at: Math.max(recorded_at, reservedAt ?? recorded_at),
    userId,
    event: id,
    occurredAt: row.occurred_at,
    amounts,
    reservedAt,
    part: row.part,
    corrects: row.corrects,
  };
  if (row.rank !== 0) return used;
  const asked = { tokens: asked_tokens ?? 0, images: asked_images ?? 0, cost: asked_cost ?? 0, requests: 1 };
  return { what: "admitted", at, userId, kind, asked, heldUntil: row.expired_at, used };
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
