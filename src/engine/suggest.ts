import type { DayRange } from "../domain/day-range.js";
import { noAmounts } from "../domain/meter.js";
import {
  refusedAgain,
  SUGGEST_DAYS,
  type SuggestFrame,
  type Suggestion,
  suggestMove,
} from "../domain/suggest.js";
import { suggestionInWords } from "../domain/suggest-words.js";
import type { User } from "../domain/user.js";
import { calendar, firstDayOfMonth } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { ChangeOptions, Engine } from "./engine.js";
import { moveUser } from "./users.js";

/** A suggestion, and for whom. */
export interface SuggestedMove extends Suggestion {
  readonly user: User;
}

export interface Suggested {
  /** Promotions first, then those that cost most. */
  readonly moves: readonly SuggestedMove[];
  /** The accounting days that were looked at. */
  readonly range: DayRange;
  /** How many active testers there are. */
  readonly testers: number;
}

export interface SuggestWanted {
  /** From 1 to 90; 14 unless given. */
  readonly days?: number;
  readonly only?: "promotions" | "demotions";
}

const MOST_DAYS = 90;

/** Moves that the use of the last days supports, of all active testers. */
export function suggestMoves(engine: Engine, wanted: SuggestWanted = {}): Promise<Suggested> {
  const days = wanted.days ?? SUGGEST_DAYS;
  if (!Number.isSafeInteger(days) || days < 1 || days > MOST_DAYS) {
    throw new AlphaError("usage", `--days must be from 1 to ${MOST_DAYS}, not ${days}`);
  }
  return engine.store.read(async (tx) => {
    const at = engine.now();
    const settings = await tx.settings.current();
    const zone = calendar(settings.time_zone);
    const today = zone.dayOf(at);
    const month = zone.dayToMonth(today);
    const range = { from: today + 1 - days, to: today + 1 };
    const tiers = await tx.tiers.list();
    const frame: SuggestFrame = {
      range,
      daysLeft: firstDayOfMonth(month + 1) - 1 - today,
      at,
      tiers,
      settings,
    };
    const users = await tx.users.list({ status: "active" });
    const used = byUser(await tx.recent.days(range));
    const refusals = byUser(await tx.recent.refusals(range));
    const refusedFeatures = byUser(await tx.recent.featureRefusals(range));
    const usedFeatures = byUser(await tx.recent.featureUse(range));
    const months = await tx.users.everyWindowUsage("month", month);
    const overrides = await tx.usage.report.overrides();
    const tierSince = await tx.recent.tierSince();
    const testers = users.flatMap((user) => {
      const tier = tiers.find(({ key }) => key === user.tier);
      if (tier === undefined) return [];
      const since = tierSince.get(user.id) ?? user.createdAt;
      const use = {
        tier,
        overrides: overrides.get(user.id) ?? [],
        onTierSince: { day: zone.dayOf(since), fromStart: since === user.createdAt },
        days: used.get(user.id) ?? [],
        month: months.get(user.id) ?? noAmounts(),
        refusals: refusals.get(user.id) ?? [],
        refusedFeatures: refusedFeatures.get(user.id) ?? [],
        usedFeatures: usedFeatures.get(user.id) ?? [],
      };
      return [{ user, use, again: refusedAgain(use, frame) }];
    });
    const again = new Map(testers.map((tester) => [tester.user.id, tester.again]));
    for await (const call of tx.recent.refusedByLimits(range)) again.get(call.userId)?.take(call);
    const moves = testers.flatMap(({ user, use, again }): SuggestedMove[] => {
      const move = suggestMove({ ...use, refusedAgain: again.days(use.refusals) }, frame);
      return move === null || !isWanted(move, wanted.only) ? [] : [{ ...move, user }];
    });
    return { moves: moves.sort(byWeight), range, testers: users.length };
  });
}

function isWanted({ direction }: Suggestion, only: SuggestWanted["only"]): boolean {
  return only === undefined || only === `${direction === "promote" ? "promotions" : "demotions"}`;
}

function byWeight(a: SuggestedMove, b: SuggestedMove): number {
  if (a.direction !== b.direction) return a.direction === "promote" ? -1 : 1;
  return b.cost.pace - a.cost.pace || a.user.id - b.user.id;
}

function byUser<T extends { readonly userId: number }>(rows: readonly T[]): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(row.userId);
    if (group === undefined) groups.set(row.userId, [row]);
    else group.push(row);
  }
  return groups;
}

/**
 * Applies one suggestion, with its reason for the audit.
 * @throws AlphaError `conflict` where the tester was moved since
 */
export async function applyMove(
  engine: Engine,
  move: SuggestedMove,
  options: ChangeOptions = {},
): Promise<void> {
  const { direction, user, to } = move;
  const reason = suggestionInWords(move);
  await moveUser(engine, direction, { user: user.key, to: to.key, reason }, options);
}
