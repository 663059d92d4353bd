import type { QuotaState } from "../domain/decide.js";
import { type Amounts, addAmounts, noAmounts } from "../domain/meter.js";
import { type Nearness, nearnessOf } from "../domain/nearness.js";
import {
  actualCost,
  NO_SUMS,
  type Sums,
  totalOf,
  type UnpricedModel,
  unpricedModels,
} from "../domain/report.js";
import type { User } from "../domain/user.js";
import { type Calendar, calendar, firstDayOfMonth, type Instant } from "../domain/window.js";
import { type DescribedStop, describeStops } from "./emergency.js";
import type { Engine } from "./engine.js";
import { type GuardrailStanding, guardrailStandings } from "./guardrails.js";
import { MOST_BACK } from "./looking-back.js";
import { standingsOf, type UserStanding } from "./nearness.js";
import type { LastEvent, RecentUse } from "./ports/status.js";
import type { Reading, ResetRun } from "./ports.js";
import { quotasUnder } from "./standing.js";
import { type Concern, concernsOf } from "./status-concerns.js";

const HOUR = 60 * 60_000;
/** How many entries of the ledger are looked at for the last hour: fewer, unless so many were imported in that time. */
const MOST_RECENT = 1_000_000;

/** A tester who used something today, or who is near a limit or beyond it. */
export interface StatusUser {
  readonly user: User;
  readonly quotas: readonly QuotaState[];
  /** What limits say of a call that asks for nothing, stops and suspension apart. */
  readonly state: Nearness["state"];
  /** The quota that says so, or of those that say nothing the fullest; `null`: nothing is limited. */
  readonly fullest: QuotaState | null;
  /** Of today. */
  readonly sums: Sums;
}

/** What is spent, over all testers. Everything but the last hour is exact. */
export interface Spending {
  readonly hour: RecentUse;
  readonly today: Sums;
  readonly yesterday: Sums;
  /** What an hour of yesterday cost on average, in nanos: a day has 23 to 25. */
  readonly yesterdaysHour: bigint;
  readonly month: Sums;
}

export interface HeldNow {
  readonly live: number;
  readonly amounts: Readonly<Amounts>;
  /** Holds that expired and were never settled, since the day was last closed. */
  readonly expired: number;
}

/** Everything that tells whether all is well. */
export interface SystemStatus {
  readonly at: Instant;
  readonly timeZone: string;
  /** The worst first; empty when all is well. */
  readonly concerns: readonly Concern[];
  readonly stops: readonly DescribedStop[];
  readonly guardrails: readonly GuardrailStanding[];
  readonly spending: Spending;
  readonly testers: { readonly active: number; readonly suspended: number };
  /** In the order in which they were added. */
  readonly users: readonly StatusUser[];
  /** Of today: how often, of how many testers, and by which code, the most frequent first. */
  readonly refusals: {
    readonly count: number;
    readonly testers: number;
    readonly codes: readonly { readonly code: string; readonly count: number }[];
  };
  /** Of this month. */
  readonly unpriced: readonly UnpricedModel[];
  readonly held: HeldNow;
  readonly newAlerts: number;
  readonly lastEvent: LastEvent | null;
  /** When a call was last metered or reserved live; `null`: never, or long before what was imported since. */
  readonly lastLiveUse: Instant | null;
  readonly lastReset: ResetRun | null;
  /** Days that are over and were not closed yet. */
  readonly daysToClose: number;
  /** Bytes. */
  readonly size: number;
}

/** How the whole system stands: one snapshot. */
export async function systemStatus(engine: Engine): Promise<SystemStatus> {
  const size = await engine.store.size();
  return engine.store.read(async (tx) => {
    const at = engine.now();
    const timeZone = (await tx.settings.current()).time_zone;
    const zone = calendar(timeZone);
    const today = zone.dayOf(at);
    const month = { from: firstDayOfMonth(zone.monthOf(at)), to: today + 1 };
    const cells = await tx.usage.cells({ from: today, to: today + 1 }, "user");
    const kinds = await tx.usage.cells(month, "kind");
    const yesterday = totalOf(await tx.usage.cells({ from: today - 1, to: today }, "day"));
    const present = await tx.users.list();
    const lastReset = (await tx.records.lastReset()) ?? null;
    const known = {
      at,
      timeZone,
      stops: await describeStops(tx, await tx.emergency.active(at)),
      guardrails: await guardrailStandings(tx, at),
      spending: {
        hour: await tx.status.recentUse({ since: at - HOUR, until: at + 1 }, MOST_RECENT),
        today: totalOf(cells),
        yesterday,
        yesterdaysHour: hourly(yesterday, zone.window("day", today - 1)),
        month: totalOf(kinds),
      },
      testers: {
        active: present.filter(({ status }) => status === "active").length,
        suspended: present.filter(({ status }) => status === "suspended").length,
      },
      users: usersOf(await standingsOf(tx, present, at), cells),
      refusals: await refusalsOn(tx, today),
      unpriced: unpricedModels(kinds),
      held: await heldNow(tx, at),
      newAlerts: await tx.alerts.countNew(),
      lastEvent: await tx.status.lastEvent(MOST_BACK),
      lastLiveUse: await tx.status.lastLiveUse(MOST_BACK),
      lastReset,
      daysToClose: today - (await firstOpenDay(tx, lastReset, zone, today)),
      size,
    };
    return { ...known, concerns: concernsOf(known) };
  });
}

function hourly(sums: Sums, { start, end }: { readonly start: Instant; readonly end: Instant }): bigint {
  const length = BigInt(end - start);
  return length === 0n ? 0n : (actualCost(sums) * BigInt(HOUR)) / length;
}

function usersOf(
  standings: readonly UserStanding[],
  cells: readonly (Sums & { readonly userId: number })[],
): StatusUser[] {
  const used = new Map(cells.map((cell) => [cell.userId, cell]));
  return standings.flatMap(({ user, tier, standing }) => {
    const quotas = quotasUnder(standing, tier);
    const { state, quota: fullest } = nearnessOf({ code: "ok", quotas });
    const sums = used.get(user.id);
    if (sums === undefined && state === "free") return [];
    return [{ user, quotas, state, fullest, sums: sums ?? NO_SUMS }];
  });
}

async function refusalsOn(tx: Reading, day: number): Promise<SystemStatus["refusals"]> {
  const refusals = await tx.recent.refusals({ from: day, to: day + 1 });
  const counts = new Map<string, number>();
  for (const { code, count } of refusals) counts.set(code, (counts.get(code) ?? 0) + count);
  return {
    count: refusals.reduce((sum, { count }) => sum + count, 0),
    testers: new Set(refusals.map(({ userId }) => userId)).size,
    codes: [...counts]
      .map(([code, count]) => ({ code, count }))
      .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1)),
  };
}

async function heldNow(tx: Reading, at: Instant): Promise<HeldNow> {
  const holds = await tx.holds.list();
  const live = holds.filter(({ expiresAt }) => expiresAt > at);
  return {
    live: live.length,
    amounts: live.reduce((sum, { amounts }) => addAmounts(sum, amounts), noAmounts()),
    expired: holds.length - live.length,
  };
}

/** The first day that no daily reset has closed; a database is closed from the day on that it was made. */
export async function firstOpenDay(
  tx: Reading,
  lastReset: ResetRun | null,
  zone: Calendar,
  today: number,
): Promise<number> {
  if (lastReset !== null) return Math.min(today, lastReset.day + 1);
  const createdAt = await tx.records.createdAt();
  return createdAt === null ? today : Math.min(today, zone.dayOf(createdAt));
}
