import { type DayRange, rangeOf } from "../domain/day-range.js";
import { LiveReplay } from "../domain/simulate-live.js";
import type { LimitChange } from "../domain/simulate-model.js";
import { RecordedReplay } from "../domain/simulate-recorded.js";
import { changedTier, RulesOverTime } from "../domain/simulate-rules.js";
import type { RefusalCell, Tallies, Tally } from "../domain/simulate-tally.js";
import { requireTier, type Tier } from "../domain/tier.js";
import type { User } from "../domain/user.js";
import { type Calendar, calendar, firstDayOfMonth, monthLabel } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import { requireTierKey } from "./find.js";
import type { Progress, Reading } from "./ports.js";

export interface SimulationRequest {
  /** The key of the tier. */
  readonly tier: string;
  readonly change: Omit<LimitChange, "tier">;
  /** `YYYY-MM`; the running month when no range is given either. */
  readonly month?: string;
  /** First day, `YYYY-MM-DD`. */
  readonly since?: string;
  /** The day after the last. */
  readonly until?: string;
}

/** How a long simulation is watched, and ended. */
export interface SimulationWatch {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/** What the limits would have done to the usage of one user. */
export interface SimulatedUser extends Tally {
  readonly user: User;
}

export interface SimulatedRefusals extends RefusalCell {
  readonly user: User;
}

/** What became of one kind of usage. */
export interface Simulated {
  /** Whoever made calls on the tier, those first for whom most would have been different. */
  readonly users: readonly SimulatedUser[];
  /** By user, day and reason. */
  readonly refusals: readonly SimulatedRefusals[];
}

export interface Simulation {
  readonly before: Tier;
  readonly after: Tier;
  readonly range: DayRange;
  readonly zone: string;
  /** Testers who were on the tier in that time. */
  readonly testers: number;
  /** Calls that asked before they were made. */
  readonly live: Simulated;
  /** Usage that was only recorded, judged as if it had asked. */
  readonly recorded: Simulated;
}

/**
 * Replays what happened against other limits of one tier, by the rule that decides about all calls. Nothing is written.
 * Only limits are tried: what was stopped, suspended or refused for its feature stays refused.
 */
export function simulateTier(
  engine: Engine,
  request: SimulationRequest,
  watch: SimulationWatch = {},
): Promise<Simulation> {
  const at = engine.now();
  const change = { ...request.change, tier: request.tier };
  return engine.store.read(async (tx) => {
    const before = await requireTierKey(tx, request.tier);
    const after = requireTier(changedTier(before, change));
    const zone = calendar((await tx.settings.current()).time_zone);
    const range = rangeOf(request, zone.dayOf(at), zone.monthOf(at));
    await requireEvents(tx, range, zone);
    const rules = new RulesOverTime(await tx.replay.rules(request.tier), change);
    const span = spanOf(range, zone);
    const concerned = rules.concerned(span.from, span.to);
    const replayed = await replay(tx, { tier: request.tier, rules, zone, span, range, concerned, watch });
    const users = new Map((await tx.users.list({ removed: true })).map((user) => [user.id, user]));
    return {
      before,
      after,
      range,
      zone: zone.zone,
      testers: concerned.size,
      live: simulated(replayed.live, users),
      recorded: simulated(replayed.recorded, users),
    };
  });
}

/** From the beginning on, where no first day is given. */
function spanOf({ from, to }: DayRange, zone: Calendar) {
  const begins = from === Number.MIN_SAFE_INTEGER ? 0 : zone.window("day", from).start;
  return { from: begins, to: zone.window("day", to).start };
}

async function requireEvents(tx: Reading, range: DayRange, zone: Calendar): Promise<void> {
  const sealed = await tx.sealing.lastMonth();
  if (sealed === null || range.from >= firstDayOfMonth(sealed + 1)) return;
  const next = monthLabel(zone.dayToMonth(firstDayOfMonth(sealed + 1)));
  throw new AlphaError("conflict", `the events up to ${monthLabel(sealed)} were let go of`, {
    hint: `simulate what is still there: --since ${next}-01`,
  });
}

interface Replaying {
  readonly tier: string;
  readonly rules: RulesOverTime;
  readonly zone: Calendar;
  readonly span: { readonly from: number; readonly to: number };
  readonly range: DayRange;
  readonly concerned: ReadonlySet<number>;
  readonly watch: SimulationWatch;
}

/** Rows between two reports of how far it has come. */
const ROWS_A_REPORT = 5_000;

/** What is read, one by one, until it is interrupted. */
async function* watched<T>(rows: AsyncIterable<T>, { signal, progress }: SimulationWatch): AsyncIterable<T> {
  let done = 0;
  for await (const row of rows) {
    yield row;
    done += 1;
    if (done % ROWS_A_REPORT !== 0) continue;
    progress?.report({ done, total: null, records: done, rejected: 0 });
    if (signal?.aborted === true)
      throw new AlphaError("interrupted", "interrupted before everything was replayed");
  }
}

async function replay(
  tx: Reading,
  { tier, rules, zone, span, range, concerned, watch }: Replaying,
): Promise<{ readonly live: Tallies; readonly recorded: Tallies }> {
  // The limits of a month count what was used since it began.
  const monthBegan = zone.windowAt("month", span.from).start;
  const filter = { tier, from: monthBegan, to: span.to };
  const live = new LiveReplay(rules, zone, span, concerned);
  const recorded = new RecordedReplay(rules, zone, span, concerned);
  const kinds = await tx.replay.kinds(filter);
  if (kinds.live) {
    for await (const happening of watched(tx.replay.happenings(filter), watch)) live.take(happening);
    live.end();
    for (const { userId, day, code, meter, count } of await tx.replay.refusals(tier, range)) {
      live.addCounted(userId, day, { code, meter }, count);
    }
  }
  if (kinds.recorded) {
    for await (const row of watched(tx.replay.occurred(filter), watch)) recorded.take(row);
    recorded.end();
  }
  return { live: live.tallies, recorded: recorded.tallies };
}

function simulated(tallies: Tallies, users: ReadonlyMap<number, User>): Simulated {
  const named = <T extends { readonly userId: number }>(each: T) => {
    const user = users.get(each.userId);
    return user === undefined ? [] : [{ ...each, user }];
  };
  return {
    users: tallies
      .users()
      .filter(({ calls }) => calls > 0)
      .flatMap(named)
      .sort(
        (a, b) =>
          b.refused.calls + b.admitted.calls - (a.refused.calls + a.admitted.calls) ||
          b.refusedWould - a.refusedWould ||
          a.userId - b.userId,
      ),
    refusals: tallies
      .cells()
      .flatMap(named)
      .sort(
        (a, b) =>
          a.day - b.day || a.userId - b.userId || compare(a.code, b.code) || compare(a.meter, b.meter),
      ),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
