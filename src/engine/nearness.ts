import type { Stop } from "../domain/emergency.js";
import { noAmounts, type Period } from "../domain/meter.js";
import { fullnessOf, type Nearness, nearnessOf } from "../domain/nearness.js";
import type { Tier } from "../domain/tier.js";
import type { User } from "../domain/user.js";
import { calendar, type Instant } from "../domain/window.js";
import type { Engine } from "./engine.js";
import { requireTierKey } from "./find.js";
import type { Reading, UserFilter } from "./ports.js";
import { decisionUnder, type Standing } from "./standing.js";

/** A tester, and how close they are to being refused. */
export interface NearUser {
  readonly user: User;
  readonly nearness: Nearness;
}

/** What decides about a tester, and on which tier. */
export interface UserStanding {
  readonly user: User;
  readonly tier: Tier;
  readonly standing: Standing;
}

/**
 * What decides about everybody of `users`, in their order: read at once, since one by one would take a query each for many
 * things.
 */
export async function standingsOf(tx: Reading, users: readonly User[], at: Instant): Promise<UserStanding[]> {
  const settings = await tx.settings.current();
  const stops = await tx.emergency.active(at);
  const tiers = new Map((await tx.tiers.list()).map((tier) => [tier.key, tier]));
  const overrides = await tx.usage.report.overrides();
  const held = await tx.users.everyHeld(at);
  const zone = calendar(settings.time_zone);
  const windows = async (period: Period) => {
    const { index } = zone.windowAt(period, at);
    return {
      used: await tx.users.everyWindowUsage(period, index),
      forgiven: await tx.users.everyForgiven(period, index),
    };
  };
  const days = await windows("day");
  const months = await windows("month");
  const usageOf = ({ used, forgiven }: typeof days, id: number) => ({
    used: used.get(id) ?? noAmounts(),
    forgiven: forgiven.get(id) ?? noAmounts(),
  });
  return users.flatMap((user) => {
    const tier = tiers.get(user.tier);
    if (tier === undefined) return [];
    const standing = {
      user,
      at,
      settings,
      stops,
      overrides: overrides.get(user.id) ?? [],
      day: usageOf(days, user.id),
      month: usageOf(months, user.id),
      held: held.get(user.id) ?? noAmounts(),
    };
    return [{ user, tier, standing }];
  });
}

/** How close everybody of `users` is to being refused, in their order. */
export async function nearnessesOf(tx: Reading, users: readonly User[], at: Instant): Promise<NearUser[]> {
  return (await standingsOf(tx, users, at)).map(({ user, tier, standing }) => {
    const stops = standing.stops.filter(stopsEveryCall);
    return { user, nearness: nearnessOf(decisionUnder({ ...standing, stops }, tier)) };
  });
}

/** One that is for a model or feature alone leaves other calls to be made. */
export function stopsEveryCall({ scope }: Stop): boolean {
  return scope.provider === undefined && scope.model === undefined && scope.feature === undefined;
}

/**
 * Testers who are blocked, near a limit, or either: blocked ones first, then by how full the limit is that says so.
 */
export function listNear(
  engine: Engine,
  states: { readonly blocked: boolean; readonly near: boolean },
  filter: UserFilter = {},
): Promise<{ readonly users: readonly NearUser[]; readonly timeZone: string }> {
  return engine.store.read(async (tx) => {
    if (filter.tier !== undefined) await requireTierKey(tx, filter.tier);
    const all = await nearnessesOf(tx, await tx.users.list(filter), engine.now());
    const users = all.filter(
      ({ nearness: { state } }) =>
        (states.blocked && state === "blocked") || (states.near && state === "near"),
    );
    return {
      users: users.sort((a, b) => urgencyOf(b) - urgencyOf(a)),
      timeZone: (await tx.settings.current()).time_zone,
    };
  });
}

/** Whoever is suspended or stopped comes after those whom a limit blocks. */
function urgencyOf({ nearness: { state, quota } }: NearUser): number {
  const full = quota === null ? 0 : Math.min(fullnessOf(quota), 1e6);
  return (state === "blocked" ? 1e7 : 0) + full;
}
