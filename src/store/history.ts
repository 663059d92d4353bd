import { type SelectQueryBuilder, sql } from "kysely";
import type { DecisionCode } from "../domain/decide.js";
import type { Hold } from "../domain/ledger-model.js";
import { type Amounts, type Meter, noAmounts, type Period } from "../domain/meter.js";
import type { CallKind } from "../domain/usage.js";
import type { Instant, Window } from "../domain/window.js";
import type { AsOf, DayRefusals, HistoryReading, UserInForce } from "../engine/ports.js";
import { loadGuardrails, loadStops } from "./emergency.js";
import { inForce } from "./in-force.js";
import { overrideOf } from "./override-row.js";
import { loadOwnPrices } from "./prices.js";
import type { Db, Schema } from "./schema.js";
import { loadSettings } from "./settings.js";
import { loadTiers } from "./tiers.js";

async function userAsOf(db: Db, userId: number, asOf: AsOf): Promise<UserInForce | undefined> {
  const rows = await db
    .selectFrom("membership")
    .select(["tier_id", "status", "valid_from"])
    .where("user_id", "=", userId)
    .$if(asOf !== null, (query) => query.where("valid_from", "<=", asOf as Instant))
    .orderBy("id", "desc")
    .execute();
  const [current] = rows;
  if (current === undefined) return undefined;
  const sinceWhen = (same: (row: (typeof rows)[number]) => boolean) => {
    const other = rows.findIndex((row) => !same(row));
    return (rows[(other < 0 ? rows.length : other) - 1] ?? current).valid_from;
  };
  const overrides = await db
    .selectFrom("override")
    .selectAll()
    .where("user_id", "=", userId)
    .where(inForce("override", asOf))
    .orderBy("id")
    .execute();
  const tiers = await loadTiers(db, asOf);
  return {
    tier: tiers.find(({ id }) => id === current.tier_id)?.tier ?? null,
    status: current.status,
    since: {
      tier: sinceWhen((row) => row.tier_id === current.tier_id),
      status: sinceWhen((row) => row.status === current.status),
    },
    overrides: overrides.map(overrideOf),
  };
}

const TOKENS = sql<number>`input + cache_read + cache_write + output`;

/** What the rows of the ledger add up to that had been recorded by an instant. */
async function recordedBy(
  db: Db,
  userId: number | null,
  { start, end }: Window,
  at: Instant,
): Promise<Amounts> {
  const sum = (of: ReturnType<typeof sql<number>>) => sql<string>`cast(coalesce(sum(${of}), 0) as text)`;
  const row = await db
    .selectFrom("usage_event")
    .$if(userId !== null, (query) => query.where("user_id", "=", userId))
    .where("occurred_at", ">=", start)
    .where("occurred_at", "<", end)
    .where("recorded_at", "<=", at)
    .select([
      sum(TOKENS).as("tokens"),
      sum(sql`images`).as("images"),
      sum(sql`cost + assumed`).as("cost"),
      sum(sql`requests`).as("requests"),
    ])
    .executeTakeFirstOrThrow();
  return {
    tokens: Number(row.tokens),
    images: Number(row.images),
    cost: Number(row.cost),
    requests: Number(row.requests),
  };
}

async function runningTotal(db: Db, userId: number, { period, index }: Window): Promise<Amounts> {
  const row = await db
    .selectFrom("usage_window")
    .select(["tokens", "images", "cost", "requests"])
    .where("user_id", "=", userId)
    .where("period", "=", period)
    .where("window_index", "=", index)
    .executeTakeFirst();
  return row ?? noAmounts();
}

/** What counts against a guardrail now: its own total, or the users' until it has one. */
async function guardedTotal(db: Db, guardrailId: number, meter: "cost" | "tokens", window: Window) {
  const own = await db
    .selectFrom("guardrail_total")
    .where("guardrail_id", "=", guardrailId)
    .where("window_index", "=", window.index)
    .select(sql<string | null>`cast(sum(used) as text)`.as("used"))
    .executeTakeFirstOrThrow();
  if (own.used !== null) return Number(own.used);
  const users = await db
    .selectFrom("usage_window")
    .where("period", "=", window.period)
    .where("window_index", "=", window.index)
    .select(sql<string>`cast(coalesce(sum(${sql.ref(meter)}), 0) as text)`.as("used"))
    .executeTakeFirstOrThrow();
  return Number(users.used);
}

function ofUser<T extends "hold" | "usage_event", Row>(
  query: SelectQueryBuilder<Schema, T | "call_kind", Row>,
  table: T,
  userId: number | null,
) {
  return userId === null ? query : query.where(sql.ref<number>(`${table}.user_id`), "=", userId);
}

/** What somebody held, as far as it left a trace; see `HistoryReading`. */
async function heldThen(db: Db, userId: number | null, at: Instant): Promise<Hold[]> {
  const stillHeld = await ofUser(
    db.selectFrom("hold").innerJoin("call_kind", "call_kind.id", "hold.call_kind_id"),
    "hold",
    userId,
  )
    .where("created_at", "<", at)
    .where("expires_at", ">", at)
    .select(["user_id", "hold.id", "tokens", "images", "cost", "requests", "created_at", "expires_at"])
    .select(["provider", "model", "feature"])
    .execute();
  const reportedSince = await ofUser(
    db.selectFrom("usage_event").innerJoin("call_kind", "call_kind.id", "usage_event.call_kind_id"),
    "usage_event",
    userId,
  )
    .where("reserved_at", "<", at)
    .where("recorded_at", ">", at)
    .where((eb) => eb.or([eb("expired_at", "is", null), eb("expired_at", ">", at)]))
    .orderBy("usage_event.id")
    .select(["user_id", "usage_event.id", "reserved_at as created_at", "part"])
    .select((eb) => eb.fn.coalesce("expired_at", "recorded_at").as("expires_at"))
    .select(["asked_tokens as tokens", "asked_images as images", "asked_cost as cost", "requests"])
    .select(["provider", "model", "feature"])
    .execute();
  const traces: Trace[] = [
    ...reportedSince.map((row) => ({ ...row, id: `event ${row.id}`, created_at: row.created_at ?? at })),
    ...stillHeld.map((row) => ({ ...row, part: null })),
  ];
  return onceEach(traces).map((row) => ({
    id: row.id,
    amounts: {
      tokens: row.tokens ?? 0,
      images: row.images ?? 0,
      cost: row.cost ?? 0,
      requests: row.requests,
    },
    kind: { provider: row.provider, model: row.model, feature: row.feature },
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }));
}

/** What tells that something was held: usage with which it was reported on, or a hold that is there still. */
interface Trace extends CallKind {
  readonly id: string;
  readonly user_id: number;
  readonly part: number | null;
  readonly created_at: Instant;
  readonly expires_at: Instant;
  readonly tokens: number | null;
  readonly images: number | null;
  readonly cost: number | null;
  readonly requests: number;
}

/** A call in parts has a trace for each: the first says what was held until then. */
function onceEach(traces: readonly Trace[]): Trace[] {
  const callOf = (trace: Trace) => `${trace.user_id}/${trace.created_at}`;
  const firstParts = new Map<string, Trace>();
  for (const trace of traces) {
    if (trace.part !== null && !firstParts.has(callOf(trace))) firstParts.set(callOf(trace), trace);
  }
  return traces.filter((trace) => (firstParts.get(callOf(trace)) ?? trace) === trace);
}

async function refusals(db: Db, userId: number, day: number, asOf: AsOf): Promise<DayRefusals> {
  const counted = await db
    .selectFrom("refusal")
    .select(["code", "meter", "count"])
    .where("user_id", "=", userId)
    .where("day", "=", day)
    .orderBy("count", "desc")
    .orderBy("code")
    .orderBy("meter")
    .execute();
  const calls = db.selectFrom("refused_call").where("user_id", "=", userId).where("day", "=", day);
  const byThen = asOf === null ? calls : calls.where("at", "<=", asOf);
  const last = await byThen
    .select(["code", "meter", "period", "at"])
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  const told =
    last === undefined ? null : { ...tallied(last), period: last.period as Period | "", at: last.at };
  if (asOf === null) {
    const tallies = counted.map((row) => ({ ...tallied(row), count: row.count }));
    return { tallies, last: told, complete: true };
  }
  const kept = await calls.select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow();
  const grouped = await byThen
    .select((eb) => ["code", "meter", eb.fn.countAll<number>().as("count")])
    .groupBy(["code", "meter"])
    .orderBy("count", "desc")
    .orderBy("code")
    .orderBy("meter")
    .execute();
  const all = counted.reduce((sum, row) => sum + row.count, 0);
  return {
    tallies: grouped.map((row) => ({ ...tallied(row), count: Number(row.count) })),
    last: told,
    complete: all <= Number(kept.count),
  };
}

function tallied({ code, meter }: { readonly code: string; readonly meter: string }) {
  return { code: code as DecisionCode, meter: meter as Meter | "" };
}

export function historyOn(db: Db): HistoryReading {
  return {
    async rules(asOf) {
      return {
        settings: await loadSettings(db, asOf),
        stops: await loadStops(db, asOf),
        ownPrices: await loadOwnPrices(db, asOf),
        guardrails: await loadGuardrails(db, asOf),
      };
    },
    user: (userId, asOf) => userAsOf(db, userId, asOf),
    used: (userId, window, asOf) =>
      asOf === null ? runningTotal(db, userId, window) : recordedBy(db, userId, window, asOf),
    async forgiven(userId, { period, index }, asOf) {
      const rows = await db
        .selectFrom("forgiveness")
        .select(["meter", "amount", "forgiven_at"])
        .where("user_id", "=", userId)
        .where("period", "=", period)
        .where("window_index", "=", index)
        .$if(asOf !== null, (query) => query.where("forgiven_at", "<=", asOf as Instant))
        .orderBy("forgiven_at")
        .orderBy("meter")
        .execute();
      return rows.map(({ meter, amount, forgiven_at }) => ({
        period,
        meter: meter as Meter,
        amount,
        at: forgiven_at,
      }));
    },
    heldThen: (userId, at) => heldThen(db, userId, at),
    async guarded({ id, meter }, window, asOf) {
      const used =
        asOf === null
          ? await guardedTotal(db, id, meter, window)
          : (await recordedBy(db, null, window, asOf))[meter];
      const trip = await db
        .selectFrom("guardrail_trip")
        .select("tripped_at")
        .where("guardrail_id", "=", id)
        .where("window_index", "=", window.index)
        .$if(asOf !== null, (query) => query.where("tripped_at", "<=", asOf as Instant))
        .executeTakeFirst();
      return { used, tripped: trip !== undefined };
    },
    refusals: (userId, day, asOf) => refusals(db, userId, day, asOf),
    async isSealed(month) {
      const row = await db
        .selectFrom("sealed_month")
        .select("month")
        .where("month", "=", month)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}
