import type { QuotaState } from "../domain/decide.js";
import { METERS, type Meter, PERIODS, type Period } from "../domain/meter.js";
import type { User } from "../domain/user.js";
import { calendar, windowLabel } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, requirePresentUser, requireTierKey } from "./find.js";
import { quotasUnder, type Standing, standingOf } from "./standing.js";

export interface ForgiveUsage {
  readonly user: string;
  /** Without it every meter. */
  readonly meter?: Meter;
  /** Without it the day; with a meter, whatever their limits of that meter are for. */
  readonly period?: Period;
  readonly reason?: string;
}

export interface Forgiven {
  readonly meter: Meter;
  readonly period: Period;
  /** The window: `2026-11-22` or `2026-11`. */
  readonly window: string;
  /** What limits counted until now. */
  readonly amount: number;
}

/** What a reset of one tester did. */
export interface ForgivenUsage {
  readonly user: User;
  readonly forgiven: readonly Forgiven[];
  /** How full every limit is now. */
  readonly quotas: readonly QuotaState[];
  readonly timeZone: string;
}

/**
 * Gives a tester a fresh quota: what they have used in running windows counts against their limits no more. The ledger,
 * what it cost, guardrails and emergency limits are as before, and so is what calls in progress hold.
 */
export function forgiveUsage(
  engine: Engine,
  input: ForgiveUsage,
  options: ChangeOptions = {},
): Promise<ForgivenUsage> {
  return engine.store.write(async (tx) => {
    const user = await requirePresentUser(tx, input.user);
    const tier = await requireTierKey(tx, user.tier);
    const at = engine.now();
    const standing = await standingOf(tx, user, at);
    const periods = periodsOf(input, quotasUnder(standing, tier), displayName(user));
    const zone = calendar(standing.settings.time_zone);
    const forgiven: Forgiven[] = [];
    for (const period of periods) {
      const window = zone.windowAt(period, at);
      for (const [meter, amount] of counted(standing, period)) {
        if (input.meter !== undefined && meter !== input.meter) continue;
        await tx.users.forgive(user.id, window, { meter, amount }, at);
        forgiven.push({ meter, period, window: windowLabel(window), amount });
      }
    }
    if (forgiven.length === 0) throw nothingCounted(user, input, periods);
    await audit(engine, tx, at, {
      action: "users.reset",
      subject: `user:${user.key}`,
      before: { counted: forgiven },
      after: { counted: forgiven.map((each) => ({ ...each, amount: 0 })) },
      reason: input.reason?.trim() || null,
    });
    return {
      user,
      forgiven,
      quotas: quotasUnder(await standingOf(tx, user, at), tier),
      timeZone: standing.settings.time_zone,
    };
  }, options);
}

/** What limits count of a window and meter, where that is anything. */
function counted(standing: Standing, period: Period): [Meter, number][] {
  const { used, forgiven } = standing[period];
  return METERS.map((meter): [Meter, number] => [meter, used[meter] - forgiven[meter]]).filter(
    ([, amount]) => amount > 0,
  );
}

function periodsOf(
  { meter, period }: ForgiveUsage,
  quotas: readonly QuotaState[],
  who: string,
): readonly Period[] {
  if (period !== undefined) return [period];
  if (meter === undefined) return ["day"];
  const own = quotas.filter((quota) => quota.meter === meter && quota.source !== "emergency");
  const limited = PERIODS.filter((each) => own.some((quota) => quota.period === each));
  if (limited.length > 0) return limited;
  throw new AlphaError("conflict", `no limit of ${who} is for ${meter}`, {
    hint: `see their limits with: alpha users show ${who}`,
  });
}

function nothingCounted(user: User, { meter }: ForgiveUsage, periods: readonly Period[]): AlphaError {
  const running = periods.map((period) => (period === "day" ? "today" : "this month")).join(" or ");
  const what = meter === undefined ? "nothing" : meter === "cost" ? "no cost" : `no ${meter}`;
  const who = displayName(user);
  return new AlphaError(
    "conflict",
    `limits count ${what} of ${who} ${running}: there is nothing to forgive`,
    {
      hint: `see how full their limits are with: alpha users show ${who}`,
    },
  );
}
