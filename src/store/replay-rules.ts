import { sql } from "kysely";
import type { Meter, Period } from "../domain/meter.js";
import type { From, RulesHistory } from "../domain/simulate-model.js";
import { loadStops } from "./emergency.js";
import { overrideOf } from "./override-row.js";
import type { Db } from "./schema.js";
import { loadSettings } from "./settings.js";
import { loadTiers } from "./tiers.js";

/** What decided about the users who were on a tier at some time. */
export async function rulesHistory(db: Db, tier: string): Promise<RulesHistory> {
  return {
    // What was never set is as it is in a new database.
    settings: [
      { from: 0, value: await loadSettings(db, 0) },
      ...(await versions(db, "setting", (at) => loadSettings(db, at))),
    ],
    tiers: await versions(
      db,
      "tier_version",
      async (at) => new Map((await loadTiers(db, at)).map((stored) => [stored.tier.key, stored.tier])),
    ),
    throttles: await versions(db, "stop", async (at) =>
      (await loadStops(db, at)).filter(({ action }) => action === "throttle"),
    ),
    ...(await usersHistory(db, tier)),
  };
}

/** What a table said from each instant on at which it changed. */
async function versions<T>(
  db: Db,
  table: "setting" | "tier_version" | "stop",
  load: (at: number) => Promise<T>,
): Promise<From<T>[]> {
  const begun = await db.selectFrom(table).select("valid_from as at").distinct().execute();
  const ended = await db
    .selectFrom(table)
    .select("valid_to as at")
    .where("valid_to", "is not", null)
    .distinct()
    .execute();
  const instants = [...new Set([...begun, ...ended].map(({ at }) => at as number))].sort((a, b) => a - b);
  const loaded: From<T>[] = [];
  for (const from of instants) loaded.push({ from, value: await load(from) });
  return loaded;
}

async function usersHistory(
  db: Db,
  tier: string,
): Promise<Pick<RulesHistory, "memberships" | "overrides" | "forgiveness">> {
  const users = db
    .selectFrom("membership")
    .innerJoin("tier", "tier.id", "membership.tier_id")
    .where("tier.key", "=", tier)
    .select("membership.user_id");
  const memberships = await db
    .selectFrom("membership")
    .innerJoin("tier", "tier.id", "membership.tier_id")
    .where("membership.user_id", "in", users)
    .orderBy("membership.valid_from")
    .orderBy("membership.id")
    .select(["membership.user_id as userId", "tier.key as tier", "membership.valid_from as from"])
    .execute();
  const overrides = await db.selectFrom("override").where("user_id", "in", users).selectAll().execute();
  const forgiveness = await db
    .selectFrom("forgiveness")
    .where("user_id", "in", users)
    .select(["user_id as userId", "window_index as index", "forgiven_at as at", "amount"])
    .select([sql<Period>`period`.as("period"), sql<Meter>`meter`.as("meter")])
    .execute();
  return {
    memberships,
    overrides: overrides.map((row) => ({
      userId: row.user_id,
      override: overrideOf(row),
      ended: row.valid_to,
    })),
    forgiveness,
  };
}
