import type { Stop, StopScope } from "../domain/emergency.js";
import type { Guardrail } from "../domain/guardrail.js";
import type { Period } from "../domain/meter.js";
import type { Instant } from "../domain/window.js";
import type { AsOf, EmergencyWriting } from "../engine/ports.js";
import { inForce } from "./in-force.js";
import type { Db } from "./schema.js";
import { tierIdOf } from "./tiers.js";

/** Stops and throttles that are not lifted; those whose time box has ended are left to the reader's clock. */
export async function loadStops(db: Db, asOf: AsOf = null): Promise<Stop[]> {
  const rows = await db
    .selectFrom("stop")
    .leftJoin("tier", "tier.id", "stop.tier_id")
    .where(inForce("stop", asOf))
    .orderBy("stop.id")
    .select([
      "stop.id",
      "stop.action",
      "stop.user_id",
      "tier.key as tier",
      "stop.provider",
      "stop.model",
      "stop.feature",
      "stop.reason",
      "stop.actor",
      "stop.valid_from",
      "stop.expires_at",
    ])
    .execute();
  return rows.map((row) => ({
    id: row.id,
    action: row.action,
    scope: scopeOf(row),
    reason: row.reason,
    actor: row.actor,
    since: row.valid_from,
    until: row.expires_at,
  }));
}

function scopeOf(row: {
  user_id: number | null;
  tier: string | null;
  provider: string | null;
  model: string | null;
  feature: string | null;
}): StopScope {
  return {
    ...(row.user_id === null ? {} : { userId: row.user_id }),
    ...(row.tier === null ? {} : { tier: row.tier }),
    ...(row.provider === null ? {} : { provider: row.provider }),
    ...(row.model === null ? {} : { model: row.model }),
    ...(row.feature === null ? {} : { feature: row.feature }),
  };
}

/** The guardrails in force. */
export async function loadGuardrails(db: Db, asOf: AsOf = null): Promise<Guardrail[]> {
  const rows = await db
    .selectFrom("guardrail")
    .selectAll()
    .where(inForce("guardrail", asOf))
    .orderBy("id")
    .execute();
  return rows.map(({ id, meter, period, limit_amount, action }) => ({
    id,
    meter,
    period: period as Period,
    limit: limit_amount,
    action,
  }));
}

export function emergencyOn(db: Db): EmergencyWriting {
  const active = async (at: Instant) =>
    (await loadStops(db)).filter((stop) => stop.until === null || at < stop.until);
  const clearGuardrail = async (id: number, at: Instant) => {
    await db
      .updateTable("guardrail")
      .set({ valid_to: at })
      .where("id", "=", id)
      .where("valid_to", "is", null)
      .execute();
  };
  return {
    active,
    guardrails: () => loadGuardrails(db),
    async trips() {
      const rows = await db
        .selectFrom("guardrail_trip")
        .innerJoin("guardrail", "guardrail.id", "guardrail_trip.guardrail_id")
        .where("guardrail.valid_to", "is", null)
        .orderBy("guardrail_id")
        .orderBy("window_index")
        .select(["guardrail_id", "window_index", "tripped_at"])
        .execute();
      return rows.map(({ guardrail_id, window_index, tripped_at }) => ({
        guardrailId: guardrail_id,
        index: window_index,
        at: tripped_at,
      }));
    },
    async wasMetered({ provider, model, feature }) {
      let query = db.selectFrom("call_kind").select("id").limit(1);
      if (provider !== undefined) query = query.where("provider", "=", provider);
      if (model !== undefined) query = query.where("model", "=", model);
      if (feature !== undefined) query = query.where("feature", "=", feature);
      return (await query.executeTakeFirst()) !== undefined;
    },
    async start(stop, at) {
      const { id } = await db
        .insertInto("stop")
        .values({
          action: stop.action,
          user_id: stop.userId,
          tier_id: stop.tier === null ? null : await tierIdOf(db, stop.tier),
          provider: stop.provider,
          model: stop.model,
          feature: stop.feature,
          reason: stop.reason,
          actor: stop.actor,
          expires_at: stop.until,
          guardrail_id: null,
          valid_from: at,
          valid_to: null,
        })
        .returning("id")
        .executeTakeFirstOrThrow();
      const started = (await loadStops(db)).find((each) => each.id === id);
      return started as Stop;
    },
    async lift(id, at) {
      await db
        .updateTable("stop")
        .set({ valid_to: at })
        .where("id", "=", id)
        .where("valid_to", "is", null)
        .execute();
    },
    async setGuardrail(guardrail, at, endedAt) {
      const before = (await loadGuardrails(db)).find(
        ({ meter, period }) => meter === guardrail.meter && period === guardrail.period,
      );
      if (before !== undefined) await clearGuardrail(before.id, at);
      const { id } = await db
        .insertInto("guardrail")
        .values({
          meter: guardrail.meter,
          period: guardrail.period,
          limit_amount: guardrail.limit,
          action: guardrail.action,
          valid_from: at,
          valid_to: null,
        })
        .returning("id")
        .executeTakeFirstOrThrow();
      const same =
        before?.limit === guardrail.limit ? before.id : await endedGuardrail(db, guardrail, endedAt);
      if (same !== undefined) await keepTrips(db, same, id);
    },
    clearGuardrail,
  };
}

/** The number of the guardrail that ended at an instant; `undefined`: there is none, or no instant is meant. */
async function endedGuardrail(
  db: Db,
  { meter, period, limit }: Pick<Guardrail, "meter" | "period" | "limit">,
  endedAt: Instant | undefined,
): Promise<number | undefined> {
  if (endedAt === undefined) return undefined;
  const row = await db
    .selectFrom("guardrail")
    .select("id")
    .where("meter", "=", meter)
    .where("period", "=", period)
    .where("limit_amount", "=", limit)
    .where("valid_to", "=", endedAt)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}

/** Only another limit makes a guardrail trip anew in a window in which it has. */
async function keepTrips(db: Db, from: number, to: number): Promise<void> {
  await db
    .insertInto("guardrail_trip")
    .columns(["guardrail_id", "window_index", "tripped_at"])
    .expression(
      db
        .selectFrom("guardrail_trip")
        .where("guardrail_id", "=", from)
        .select((eb) => [eb.val(to).as("guardrail_id"), "window_index", "tripped_at"]),
    )
    .execute();
}
