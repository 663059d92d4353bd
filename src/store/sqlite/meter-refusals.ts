import type Sqlite from "better-sqlite3";
import type { Kysely } from "kysely";
import { MOST_REFUSED_CALLS, type RefusedCall } from "../../domain/refused-call.js";
import type { CallKind } from "../../domain/usage.js";
import type { Schema } from "../schema.js";

/** Writes refused calls one by one. Refusals are rare: the statements are prepared with the first. */
export class MeterRefusals {
  #statements: ReturnType<typeof refusalStatements> | null = null;

  constructor(
    private readonly raw: Sqlite.Database,
    private readonly db: Kysely<Schema>,
  ) {}

  /** To be called before the batch's refusals are counted. */
  save(calls: readonly RefusedCall[], kindId: (kind: CallKind) => number): void {
    this.#statements ??= refusalStatements(this.raw, this.db);
    const { refusedOn, addCall } = this.#statements;
    for (const call of calls) {
      const { userId, day, at, kind, amounts, statesAmounts, code, meter, period, seen, before } = call;
      if ((refusedOn.get(userId, day) ?? 0) + before >= MOST_REFUSED_CALLS) continue;
      const { tokens, images, cost, requests } = amounts;
      const states = statesAmounts ? 1 : 0;
      const told = JSON.stringify(seen);
      addCall.run(
        ...[userId, day, at, kindId(kind), states, tokens, images, cost, requests],
        ...[code, meter, period, told],
      );
    }
  }
}

// Stands where a value will be bound.
const ANY = 0;
const TEXT = "";

function refusalStatements(raw: Sqlite.Database, db: Kysely<Schema>) {
  const prepare = (query: { compile(): { readonly sql: string } }) =>
    raw.prepare<unknown[], number | null>(query.compile().sql);
  return {
    /** user, day → how often they were refused */
    refusedOn: prepare(
      db
        .selectFrom("refusal")
        .select((eb) => eb.fn.sum<number>("count").as("count"))
        .where("user_id", "=", ANY)
        .where("day", "=", ANY),
    ).pluck(),
    addCall: prepare(
      db.insertInto("refused_call").values({
        user_id: ANY,
        day: ANY,
        at: ANY,
        call_kind_id: ANY,
        states_amounts: ANY,
        tokens: ANY,
        images: ANY,
        cost: ANY,
        requests: ANY,
        code: TEXT,
        meter: TEXT,
        period: TEXT,
        seen: TEXT,
      }),
    ),
  };
}
