import type { QuotaState } from "../domain/decide.js";
import { type Amounts, noAmounts } from "../domain/meter.js";
import type { User } from "../domain/user.js";
import { calendar, type Instant } from "../domain/window.js";
import type { Reading } from "./ports.js";
import { quotasUnder } from "./standing.js";

/** How a tester stands against the limits at an instant. */
export interface UserStanding {
  readonly user: User;
  readonly quotas: readonly QuotaState[];
  /** The quota that is nearest to binding; `null`: none limits anything. One of 0 is off and counts as none. */
  readonly fullest: QuotaState | null;
  /** What the fullest says to any call that touches it. */
  readonly state: "ok" | "near" | "blocked";
}

/** How every tester stands who was not removed, in the order in which they were added. */
export async function everyStanding(tx: Reading, at: Instant): Promise<UserStanding[]> {
  const settings = await tx.settings.current();
  const zone = calendar(settings.time_zone);
  const [today, thisMonth] = [zone.dayOf(at), zone.monthOf(at)];
  const tiers = new Map((await tx.tiers.list()).map((tier) => [tier.key, tier]));
  const stops = await tx.emergency.active(at);
  const overrides = await tx.usage.report.overrides();
  const used = {
    day: await tx.users.everyWindowUsage("day", today),
    month: await tx.users.everyWindowUsage("month", thisMonth),
  };
  const forgiven = {
    day: await tx.users.everyForgiven("day", today),
    month: await tx.users.everyForgiven("month", thisMonth),
  };
  const held = await tx.users.everyHeld(at);
  const of = (amounts: ReadonlyMap<number, Readonly<Amounts>>, { id }: User) =>
    amounts.get(id) ?? noAmounts();
  return (await tx.users.list()).map((user) => {
    const tier = tiers.get(user.tier);
    const window = (period: "day" | "month") => ({
      used: of(used[period], user),
      forgiven: of(forgiven[period], user),
    });
    const standing = {
      user,
      at,
      settings,
      stops,
      overrides: overrides.get(user.id) ?? [],
      day: window("day"),
      month: window("month"),
      held: of(held, user),
    };
    return { user, ...judged(tier === undefined ? [] : quotasUnder(standing, tier)) };
  });
}

const STATES = { allow: "ok", warn: "near", block: "blocked" } as const;
const WEIGHTS = { allow: 0, warn: 1, block: 2 } as const;

function judged(quotas: readonly QuotaState[]): Omit<UserStanding, "user"> {
  let fullest: QuotaState | null = null;
  for (const quota of quotas) {
    if (quota.limit > 0 && (fullest === null || isFuller(quota, fullest))) fullest = quota;
  }
  return { quotas, fullest, state: fullest === null ? "ok" : STATES[fullest.outcome] };
}

function isFuller(a: QuotaState, b: QuotaState): boolean {
  const [weight, other] = [WEIGHTS[a.outcome], WEIGHTS[b.outcome]];
  if (weight !== other) return weight > other;
  return (a.used + a.held) / a.limit > (b.used + b.held) / b.limit;
}
