import type Sqlite from "better-sqlite3";
import { type Compilable, type Kysely, sql } from "kysely";
import type { OverrideRow } from "../override-row.js";
import type { Schema } from "../schema.js";
import { DAY_AMOUNTS } from "../totals.js";
import { addToDays, DAY_COLUMNS } from "./day-totals.js";
import { RowWriter } from "./row-writer.js";

// Stands where a value will be bound: the compiled text has a placeholder there.
const ANY = 0;
const TEXT = "";

const EVENT = {
  user_id: ANY,
  call_kind_id: ANY,
  occurred_at: ANY,
  recorded_at: ANY,
  input: ANY,
  cache_read: ANY,
  cache_write: ANY,
  output: ANY,
  reasoning: ANY,
  images: ANY,
  requests: ANY,
  cost: ANY,
  assumed: ANY,
  priced_by: "none",
  status: TEXT,
  estimated: ANY,
  import_id: ANY,
} as const;
const RESERVED_EVENT = {
  ...EVENT,
  reserved_at: ANY,
  asked_tokens: ANY,
  asked_images: ANY,
  asked_cost: ANY,
  part: ANY,
  expired_at: ANY,
} as const;

/** A prepared statement, as far as the hot path uses it. */
export interface Prepared<Result> {
  get(...values: unknown[]): Result | undefined;
  all(...values: unknown[]): Result[];
  run(...values: unknown[]): { readonly lastInsertRowid: number | bigint };
}

/**
 * The statements of the hot path: built once with Kysely, compiled once, prepared once. Building and running a query
 * through Kysely costs several times what the statement itself does.
 */
export function meterStatements(raw: Sqlite.Database, db: Kysely<Schema>) {
  const prepare = <Result = unknown>(query: Compilable): Prepared<Result> =>
    raw.prepare<unknown[], Result>(query.compile().sql);
  /** A query for one column: its rows are bare values. */
  const pluck = <Result>(query: Compilable): Prepared<Result> =>
    raw.prepare<unknown[], Result>(query.compile().sql).pluck();
  /** Inserts of many rows, each with the columns of `row`. */
  const rowsOf = <const Row extends object>(row: Row, insert: (rows: Row[]) => Compilable): RowWriter =>
    new RowWriter(Object.keys(row).length, (rows) =>
      prepare(insert(Array.from({ length: rows }, () => row))),
    );
  const plain = (text: string): Prepared<never> => raw.prepare<unknown[], never>(text);

  return {
    begin: plain("begin"),
    beginImmediate: plain("begin immediate"),
    commit: plain("commit"),
    rollback: plain("rollback"),
    /** Moves when another connection has written. */
    dataVersion: raw.prepare<unknown[], number>("pragma data_version").pluck() as Prepared<number>,

    /** Moves what it can out of the log; says how many pages the log has. */
    checkpoint: raw.prepare("pragma wal_checkpoint(passive)") as Prepared<{ readonly log: number }>,
    /** The same, and lets the next writer begin the log anew, unless somebody reads from it. */
    restartLog: raw.prepare("pragma wal_checkpoint(restart)") as Prepared<unknown>,

    generation: pluck<number>(db.selectFrom("generation").select("config")),

    /** name → user */
    user: prepare<UserRow>(
      db
        .selectFrom("user_name")
        .innerJoin("users", "users.id", "user_name.user_id")
        .innerJoin("membership", "membership.user_id", "users.id")
        .where("user_name.name", "=", TEXT)
        .where("membership.valid_to", "is", null)
        .select(["users.id", "users.key", "membership.status", "membership.tier_id"]),
    ),
    /** user → overrides */
    overrides: prepare<OverrideRow>(
      db.selectFrom("override").selectAll().where("user_id", "=", ANY).where("valid_to", "is", null),
    ),
    /** user → forgiveness */
    forgiveness: prepare<ForgivenRow>(
      db
        .selectFrom("forgiveness")
        .select(["period", "window_index", "meter"])
        .select((eb) => eb.fn.sum<number>("amount").as("amount"))
        .where("user_id", "=", ANY)
        .groupBy(["period", "window_index", "meter"]),
    ),
    /** user, period, window → amounts */
    window: prepare<AmountsRow>(
      db
        .selectFrom("usage_window")
        .select(["tokens", "images", "cost", "requests"])
        .where("user_id", "=", ANY)
        .where("period", "=", TEXT)
        .where("window_index", "=", ANY),
    ),
    /** user → holds */
    holds: prepare<HoldRow>(
      db
        .selectFrom("hold")
        .innerJoin("call_kind", "call_kind.id", "hold.call_kind_id")
        .select(["hold.id", "tokens", "images", "cost", "requests", "created_at", "expires_at"])
        .select(["provider", "model", "feature"])
        .where("user_id", "=", ANY),
    ),
    /** source, id → hash */
    event: pluck<number>(
      db.selectFrom("event_key").select("hash").where("source_id", "=", ANY).where("id", "=", TEXT),
    ),
    /** provider id → 1 when known */
    providerId: pluck<number>(db.selectFrom("event_key").select("event_id").where("provider_id", "=", TEXT)),

    /** guardrail, window → used */
    guardrailUsed: pluck<number>(
      db
        .selectFrom("guardrail_total")
        .select("used")
        .where("guardrail_id", "=", ANY)
        .where("window_index", "=", ANY),
    ),
    /** guardrail, window → when it tripped */
    guardrailTripped: pluck<number>(
      db
        .selectFrom("guardrail_trip")
        .select("tripped_at")
        .where("guardrail_id", "=", ANY)
        .where("window_index", "=", ANY),
    ),
    /** period, window → what all users used, added up: for a guardrail that has no total yet */
    systemUsed: prepare<{ readonly tokens: number | null; readonly cost: number | null }>(
      db
        .selectFrom("usage_window")
        .select((eb) => [eb.fn.sum<number>("tokens").as("tokens"), eb.fn.sum<number>("cost").as("cost")])
        .where("period", "=", TEXT)
        .where("window_index", "=", ANY),
    ),
    /** instant → what live holds of all users come to, and when the first of them expires */
    systemHeld: prepare<{
      readonly tokens: number | null;
      readonly cost: number | null;
      readonly until: number | null;
    }>(
      db
        .selectFrom("hold")
        .select((eb) => [
          eb.fn.sum<number>("tokens").as("tokens"),
          eb.fn.sum<number>("cost").as("cost"),
          eb.fn.min("expires_at").as("until"),
        ])
        .where("expires_at", ">", ANY),
    ),
    setGuardrailUsed: prepare(
      db
        .insertInto("guardrail_total")
        .values({ guardrail_id: ANY, window_index: ANY, used: ANY })
        .onConflict((conflict) =>
          conflict
            .columns(["guardrail_id", "window_index", "shard"])
            .doUpdateSet((eb) => ({ used: eb.ref("excluded.used") })),
        ),
    ),
    /** meter, period, guardrail, window: what all users used, where a number cannot hold it */
    sumGuardrailUsed: prepare(
      db
        .updateTable("guardrail_total")
        .set((eb) => ({
          used: eb
            .selectFrom("usage_window")
            .select(sql<number>`sum(case ${TEXT} when 'tokens' then tokens else cost end)`.as("used"))
            .where("period", "=", TEXT)
            .whereRef("usage_window.window_index", "=", "guardrail_total.window_index"),
        }))
        .where("guardrail_id", "=", ANY)
        .where("window_index", "=", ANY),
    ),
    /** amount, guardrail, window */
    growGuardrailUsed: prepare(
      db
        .updateTable("guardrail_total")
        .set((eb) => ({ used: eb("used", "+", ANY) }))
        .where("guardrail_id", "=", ANY)
        .where("window_index", "=", ANY),
    ),
    addTrip: prepare(
      db.insertInto("guardrail_trip").values({ guardrail_id: ANY, window_index: ANY, tripped_at: ANY }),
    ),
    addStop: prepare(
      db
        .insertInto("stop")
        .values({ action: "stop", reason: TEXT, actor: TEXT, guardrail_id: ANY, valid_from: ANY }),
    ),
    addAudit: prepare(
      db
        .insertInto("audit_entry")
        .values({ at: ANY, actor: TEXT, action: TEXT, subject: TEXT, after: TEXT, reason: TEXT }),
    ),
    moveGeneration: prepare(db.updateTable("generation").set((eb) => ({ config: eb("config", "+", 1) }))),

    findSource: pluck<number>(db.selectFrom("event_source").select("id").where("name", "=", TEXT)),
    addSource: prepare(db.insertInto("event_source").values({ name: TEXT })),
    findKind: pluck<number>(
      db
        .selectFrom("call_kind")
        .select("id")
        .where("provider", "=", TEXT)
        .where("model", "=", TEXT)
        .where("feature", "=", TEXT),
    ),
    addKind: prepare(db.insertInto("call_kind").values({ provider: TEXT, model: TEXT, feature: TEXT })),

    events: rowsOf(EVENT, (rows) => db.insertInto("usage_event").values(rows)),
    /** The same with what they were let through by. */
    reservedEvents: rowsOf(RESERVED_EVENT, (rows) => db.insertInto("usage_event").values(rows)),
    keys: rowsOf({ source_id: ANY, id: TEXT, hash: ANY, event_id: ANY, provider_id: TEXT }, (rows) =>
      db.insertInto("event_key").values(rows),
    ),
    windows: rowsOf(
      {
        user_id: ANY,
        period: TEXT,
        window_index: ANY,
        tokens: ANY,
        images: ANY,
        cost: ANY,
        requests: ANY,
      },
      (rows) =>
        db
          .insertInto("usage_window")
          .values(rows)
          .onConflict((conflict) =>
            conflict.columns(["user_id", "period", "window_index"]).doUpdateSet((eb) => ({
              tokens: eb("usage_window.tokens", "+", eb.ref("excluded.tokens")),
              images: eb("usage_window.images", "+", eb.ref("excluded.images")),
              cost: eb("usage_window.cost", "+", eb.ref("excluded.cost")),
              requests: eb("usage_window.requests", "+", eb.ref("excluded.requests")),
            })),
          ),
    ),
    days: rowsOf(Object.fromEntries(DAY_COLUMNS.map((column) => [column, ANY])), (rows) =>
      addToDays(db, rows, DAY_AMOUNTS),
    ),
    holdsPut: rowsOf(
      {
        user_id: ANY,
        id: TEXT,
        call_kind_id: ANY,
        tokens: ANY,
        images: ANY,
        cost: ANY,
        requests: ANY,
        created_at: ANY,
        expires_at: ANY,
      },
      (rows) =>
        db
          .insertInto("hold")
          .values(rows)
          .onConflict((conflict) =>
            conflict.columns(["user_id", "id"]).doUpdateSet((eb) => ({
              call_kind_id: eb.ref("excluded.call_kind_id"),
              tokens: eb.ref("excluded.tokens"),
              images: eb.ref("excluded.images"),
              cost: eb.ref("excluded.cost"),
              requests: eb.ref("excluded.requests"),
              created_at: eb.ref("excluded.created_at"),
              expires_at: eb.ref("excluded.expires_at"),
            })),
          ),
    ),
    dropHold: prepare(db.deleteFrom("hold").where("user_id", "=", ANY).where("id", "=", TEXT)),
    addRefusals: prepare(
      db
        .insertInto("refusal")
        .values({ user_id: ANY, day: ANY, code: TEXT, meter: TEXT, count: ANY })
        .onConflict((conflict) =>
          conflict
            .columns(["user_id", "day", "code", "meter"])
            .doUpdateSet((eb) => ({ count: eb("refusal.count", "+", eb.ref("excluded.count")) })),
        ),
    ),
    addAlert: prepare(
      db
        .insertInto("alert")
        .values({
          kind: TEXT,
          user_id: ANY,
          period: TEXT,
          window_index: ANY,
          meter: TEXT,
          threshold: ANY,
          code: TEXT,
          at: ANY,
        })
        .onConflict((conflict) => conflict.doNothing()),
    ),
  };
}

export type MeterStatements = ReturnType<typeof meterStatements>;

export interface UserRow {
  readonly id: number;
  readonly key: string;
  readonly status: Schema["membership"]["status"];
  readonly tier_id: number;
}
export interface ForgivenRow {
  readonly period: "day" | "month";
  readonly window_index: number;
  readonly meter: "tokens" | "images" | "cost" | "requests";
  readonly amount: number;
}
export interface AmountsRow {
  readonly tokens: number;
  readonly images: number;
  readonly cost: number;
  readonly requests: number;
}
export interface HoldRow extends AmountsRow {
  readonly id: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly provider: string;
  readonly model: string;
  readonly feature: string;
}
