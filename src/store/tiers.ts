import { METERS, type Meter, PERIODS, type Period, type Quota } from "../domain/meter.js";
import { byRank, type Tier } from "../domain/tier.js";
import type { AsOf, TiersWriting } from "../engine/ports.js";
import { inForce } from "./in-force.js";
import type { Db } from "./schema.js";

interface StoredTier {
  readonly id: number;
  readonly tier: Tier;
}

/** How a tier that lifts the ceiling of a call is stored: null is taken by "as the setting says". */
const UNLIMITED = -1;

/** One order on every database: of two quotas that bind alike, a decision names the first. */
function byMeter(a: Quota, b: Quota): number {
  return (
    METERS.indexOf(a.meter) - METERS.indexOf(b.meter) || PERIODS.indexOf(a.period) - PERIODS.indexOf(b.period)
  );
}

/** The tiers in force with their internal numbers, by rank. */
export async function loadTiers(db: Db, asOf: AsOf = null): Promise<StoredTier[]> {
  const versions = await db
    .selectFrom("tier")
    .innerJoin("tier_version", "tier_version.tier_id", "tier.id")
    .where(inForce("tier_version", asOf))
    .select(["tier.id", "tier_version.id as version", "tier.key", "tier_version.label", "tier_version.rank"])
    .select("tier_version.call_tokens as ceiling")
    .orderBy("tier_version.rank")
    .execute();
  const current = db.selectFrom("tier_version").select("id").where(inForce("tier_version", asOf));
  const quotas = await db
    .selectFrom("tier_quota")
    .where("tier_version_id", "in", current)
    .selectAll()
    .execute();
  const features = await db
    .selectFrom("tier_feature")
    .where("tier_version_id", "in", current)
    .selectAll()
    .orderBy("tier_version_id")
    .orderBy("feature")
    .execute();
  return versions.map(({ id, version, key, label, rank, ceiling }) => ({
    id,
    tier: {
      key,
      label,
      rank,
      quotas: quotas
        .filter((quota) => quota.tier_version_id === version)
        .map((quota) => ({
          meter: quota.meter as Meter,
          period: quota.period as Period,
          limit: quota.limit_amount,
        }))
        .sort(byMeter),
      features: features.filter((row) => row.tier_version_id === version).map((row) => row.feature),
      ...(ceiling === null ? {} : { callTokens: ceiling === UNLIMITED ? null : ceiling }),
    },
  }));
}

export async function tierIdOf(db: Db, key: string): Promise<number> {
  const row = await db.selectFrom("tier").select("id").where("key", "=", key).executeTakeFirstOrThrow();
  return row.id;
}

export function tiersOn(db: Db): TiersWriting {
  const list = async () => byRank((await loadTiers(db)).map((stored) => stored.tier));
  const endVersion = async (key: string, at: number) => {
    await db
      .updateTable("tier_version")
      .set({ valid_to: at })
      .where("valid_to", "is", null)
      .where("tier_id", "=", (sub) => sub.selectFrom("tier").select("id").where("key", "=", key))
      .execute();
  };
  return {
    list,
    find: async (key) => (await list()).find((tier) => tier.key === key),
    async userCounts() {
      const rows = await db
        .selectFrom("membership")
        .innerJoin("tier", "tier.id", "membership.tier_id")
        .where("membership.valid_to", "is", null)
        .where("membership.status", "!=", "removed")
        .groupBy("tier.key")
        .select((eb) => ["tier.key", eb.fn.countAll<number>().as("users")])
        .execute();
      return new Map(rows.map((row) => [row.key, Number(row.users)]));
    },
    async save(tier, at) {
      await db
        .insertInto("tier")
        .values({ key: tier.key })
        .onConflict((conflict) => conflict.column("key").doNothing())
        .execute();
      await endVersion(tier.key, at);
      const { id } = await db
        .insertInto("tier_version")
        .values({
          tier_id: await tierIdOf(db, tier.key),
          label: tier.label,
          rank: tier.rank,
          call_tokens: tier.callTokens === null ? UNLIMITED : (tier.callTokens ?? null),
          valid_from: at,
          valid_to: null,
        })
        .returning("id")
        .executeTakeFirstOrThrow();
      if (tier.quotas.length > 0) {
        await db
          .insertInto("tier_quota")
          .values(
            tier.quotas.map(({ meter, period, limit }) => ({
              tier_version_id: id,
              meter,
              period,
              limit_amount: limit,
            })),
          )
          .execute();
      }
      if (tier.features.length > 0) {
        await db
          .insertInto("tier_feature")
          .values(tier.features.map((feature) => ({ tier_version_id: id, feature })))
          .execute();
      }
    },
    remove: endVersion,
  };
}
