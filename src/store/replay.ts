import { setImmediate as nextTurn } from "node:timers/promises";
import { type RawBuilder, type Selectable, sql } from "kysely";
import type { DecisionCode } from "../domain/decide.js";
import type { Meter, Period } from "../domain/meter.js";
import type { SeenByRefusal } from "../domain/refused-call.js";
import type { Happening, OccurredUsage, UsedThen } from "../domain/simulate-model.js";
import type { CallKind } from "../domain/usage.js";
import type { ReplayFilter, ReplayReading } from "../engine/ports-replay.js";
import { rulesHistory } from "./replay-rules.js";
import type { Db, Schema } from "./schema.js";

/** After so many rows whatever else waits in this process has its turn, such as Ctrl-C. */
const ROWS_A_TURN = 20_000;

const TOKENS = sql`input + cache_read + cache_write + output`;
/** Those who were on a tier at some time. */
function usersOf(tier: string): RawBuilder<unknown> {
  return sql`(select membership.user_id from membership join tier on tier.id = membership.tier_id
    where tier.key = ${tier})`;
}

/**
 * Calls by when they asked, and other rows of the ledger by when they were recorded. The database sorts, beside its memory
 * if it has to.
 */
function ledgerRows(db: Db, { tier, from, to }: ReplayFilter) {
  const isCall = sql<boolean>`(reserved_at is not null and requests > 0 and corrects is null)`;
  return db
    .selectFrom("usage_event")
    .where("occurred_at", ">=", from)
    .where((eb) => eb.or([eb("recorded_at", "<", to), eb("reserved_at", "<", to)]))
    .where(sql<boolean>`user_id in ${usersOf(tier)}`)
    .select(["id", "user_id", "call_kind_id", "occurred_at", "recorded_at", "images", "requests"])
    .select(["reserved_at", "asked_tokens", "asked_images", "asked_cost", "part", "corrects"])
    .select(sql<number>`${TOKENS}`.as("tokens"))
    .select(sql<number>`cost + assumed`.as("cost"))
    .orderBy(sql`case when ${isCall} then reserved_at else recorded_at end`)
    .orderBy(sql`case when ${isCall} then 0 else 1 end`)
    .orderBy("id");
}

type LedgerRow = Awaited<ReturnType<ReturnType<typeof ledgerRows>["executeTakeFirstOrThrow"]>>;

function ledgerHappening(row: LedgerRow, kinds: ReadonlyMap<number, CallKind>): Happening {
  const { id: event, user_id: userId, occurred_at: occurredAt, recorded_at, reserved_at: reservedAt } = row;
  const { tokens, images, cost, requests, part, corrects } = row;
  const used: UsedThen = {
    what: "used",
    // The clock of who settled may be behind the clock of who reserved: no call is used before it is let through.
    at: reservedAt !== null && reservedAt > recorded_at ? reservedAt : recorded_at,
    userId,
    event,
    occurredAt,
    amounts: { tokens, images, cost, requests },
    reservedAt,
    part,
    corrects,
  };
  if (reservedAt === null || requests === 0 || corrects !== null) return used;
  const { asked_tokens, asked_images, asked_cost } = row;
  return {
    what: "admitted",
    at: reservedAt,
    userId,
    kind: kinds.get(row.call_kind_id) as CallKind,
    asked: { tokens: asked_tokens ?? 0, images: asked_images ?? 0, cost: asked_cost ?? 0, requests: 1 },
    used,
  };
}

function refusedRows(db: Db, { tier, from, to }: ReplayFilter) {
  return db
    .selectFrom("refused_call")
    .where("at", ">=", from)
    .where("at", "<", to)
    .where(sql<boolean>`user_id in ${usersOf(tier)}`)
    .selectAll()
    .orderBy("at")
    .orderBy("id");
}

function refusedHappening(
  row: Selectable<Schema["refused_call"]>,
  kinds: ReadonlyMap<number, CallKind>,
): Happening {
  const { tokens, images, cost, requests } = row;
  return {
    what: "refused",
    at: row.at,
    userId: row.user_id,
    day: row.day,
    kind: kinds.get(row.call_kind_id) as CallKind,
    amounts: { tokens, images, cost, requests },
    statesAmounts: row.states_amounts === 1,
    code: row.code as DecisionCode,
    meter: row.meter as Meter | "",
    period: row.period as Period | "",
    seen: JSON.parse(row.seen) as SeenByRefusal,
  };
}

async function* happenings(db: Db, filter: ReplayFilter): AsyncIterable<Happening> {
  const kinds = await kindsById(db);
  const refused = refusedRows(db, filter).stream()[Symbol.asyncIterator]();
  let next = await refused.next();
  let rows = 0;
  for await (const row of ledgerRows(db, filter).stream()) {
    const happening = ledgerHappening(row, kinds);
    // At one instant what was decided goes before what was recorded.
    while (
      next.done !== true &&
      (next.value.at < happening.at || (next.value.at === happening.at && happening.what === "used"))
    ) {
      yield refusedHappening(next.value, kinds);
      next = await refused.next();
    }
    yield happening;
    rows += 1;
    if (rows % ROWS_A_TURN === 0) await nextTurn();
  }
  for (; next.done !== true; next = await refused.next()) yield refusedHappening(next.value, kinds);
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
