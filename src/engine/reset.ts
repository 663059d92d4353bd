import { expiredHoldsAlerts } from "../domain/alert.js";
import { type Calendar, calendar, dayLabel, formatInstant, type Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { type Job, leaveGap, underLease } from "./lease.js";
import { prepareMonths } from "./ledger-months.js";
import type { Reading, Writing } from "./ports.js";

export interface ResetDaily {
  /** Closes the days that are over at this instant; now, unless given. At most 24 hours ahead of the clock. */
  readonly at?: Instant;
  /** Aborted: stops between two slices of a long catch-up. */
  readonly signal?: { readonly aborted: boolean };
}

/** A day that was closed, and how much of what had run out was ended with it. */
export interface ClosedDay {
  readonly day: number;
  readonly holdsEnded: number;
  readonly overridesEnded: number;
  readonly stopsEnded: number;
}

export interface DailyReset {
  readonly at: Instant;
  readonly timeZone: string;
  /** Oldest first; empty when there was nothing to close. */
  readonly closed: readonly ClosedDay[];
  /** The last day that is closed now; `null` when none ever was. */
  readonly lastClosed: number | null;
}

const JOB: Job = { name: "reset", called: "another reset" };
const AHEAD_MS = 24 * 60 * 60_000;
/** One write transaction closes at most so many days, so that nobody waits long for the lock. */
const SLICE_DAYS = 31;

interface Plan {
  readonly days: readonly number[];
  readonly zoned: Calendar;
  readonly at: Instant;
  readonly lastClosed: number | null;
}

/**
 * Closes every day that is over and not closed yet, in the accounting zone: ends holds, overrides and time-boxed stops
 * that ran out, and records the day as closed. Nothing in a decision depends on it. Safe to repeat.
 * @throws AlphaError `busy` while another reset is running
 */
export async function resetDaily(
  engine: Engine,
  input: ResetDaily = {},
  { dryRun = false }: ChangeOptions = {},
): Promise<DailyReset> {
  const now = engine.now();
  const at = input.at ?? now;
  if (at > now + AHEAD_MS) {
    throw new AlphaError(
      "usage",
      `${formatInstant(at)} is more than 24 hours ahead of the clock (${formatInstant(now)})`,
      { hint: "a day can be closed when it is over; leave --at out for now" },
    );
  }
  const plan = await engine.store.read((tx) => planOf(tx, at));
  const closed = await carryOut(engine, plan, input.signal, dryRun);
  if (!dryRun) await prepareMonths(engine);
  return { at, timeZone: plan.zoned.zone, closed, lastClosed: closed.at(-1)?.day ?? plan.lastClosed };
}

async function planOf(tx: Reading, at: Instant): Promise<Plan> {
  const zoned = calendar((await tx.settings.current()).time_zone);
  const lastClosed = (await tx.records.lastReset())?.day ?? null;
  const createdAt = await tx.records.createdAt();
  const today = zoned.dayOf(at);
  const first = lastClosed !== null ? lastClosed + 1 : createdAt === null ? today : zoned.dayOf(createdAt);
  const days: number[] = [];
  for (let day = first; day < today; day += 1) {
    const { start, end } = zoned.window("day", day);
    // A date that the zone skipped is no day.
    if (start < end) days.push(day);
  }
  return { days, zoned, at, lastClosed };
}

async function carryOut(
  engine: Engine,
  plan: Plan,
  signal: ResetDaily["signal"],
  dryRun: boolean,
): Promise<ClosedDay[]> {
  if (plan.days.length === 0) return [];
  if (dryRun) {
    return engine.store.write((tx) => closeDays(engine, tx, plan, plan.days), { dryRun });
  }
  return underLease(engine, JOB, async (keep) => {
    const closed: ClosedDay[] = [];
    for (let from = 0; from < plan.days.length; from += SLICE_DAYS) {
      if (from > 0) await leaveGap();
      if (signal?.aborted === true) {
        throw new AlphaError(
          "interrupted",
          `interrupted; ${closed.length} of ${plan.days.length} days are closed`,
          {
            hint: "the next run closes the rest",
          },
        );
      }
      const slice = plan.days.slice(from, from + SLICE_DAYS);
      const done = await engine.store.write(async (tx) => {
        await keep(tx);
        return closeDays(engine, tx, plan, slice);
      });
      closed.push(...done);
    }
    return closed;
  });
}

async function closeDays(
  engine: Engine,
  tx: Writing,
  { zoned, at, days }: Plan,
  slice: readonly number[],
): Promise<ClosedDay[]> {
  // Another run may have closed some of them after the plan was made.
  const last = (await tx.records.lastReset())?.day ?? Number.NEGATIVE_INFINITY;
  const now = engine.now();
  const closed: ClosedDay[] = [];
  for (const day of slice.filter((each) => each > last)) {
    // What has run out is judged by the clock alone: ended too soon, a stop would let calls through.
    const until = Math.min(now, day === days.at(-1) ? at : zoned.window("day", day).end);
    // Holds of the day that runs wait for its own end, so that all that expire in one day are counted together.
    const holdsUntil = Math.min(until, zoned.window("day", day).end);
    const expired = await tx.holds.expiredCounts(holdsUntil);
    await tx.records.addAlerts(expiredHoldsAlerts(expired, { index: day, at: now }));
    const ended = await tx.records.endExpired(until, holdsUntil);
    await tx.records.saveReset({ day, ranAt: now, actor: engine.actor, ...ended });
    await audit(engine, tx, now, {
      action: "reset.daily",
      subject: `day:${dayLabel(day)}`,
      after: {
        holds_ended: ended.holdsEnded,
        overrides_ended: ended.overridesEnded,
        stops_ended: ended.stopsEnded,
      },
    });
    closed.push({ day, ...ended });
  }
  return closed;
}
