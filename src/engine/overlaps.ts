import type { ColumnsEntered } from "../domain/import-columns.js";
import type { LedgerEvent } from "../domain/ledger-model.js";
import { calendar, type Instant } from "../domain/window.js";
import type { Engine } from "./engine.js";
import { displayName } from "./find.js";
import type { HoursWithin, Reading } from "./ports.js";

/** Calls of one tester that two sources cover in the same hours: they may be the same calls, counted twice. */
export interface Overlap {
  /** Email or id. */
  readonly user: string;
  readonly hours: number;
  /** Of all sources in these hours together. */
  readonly calls: number;
  /** `live` for metering, else the formats of logs; sorted. */
  readonly sources: readonly string[];
}

/** The last hours are those before `until`, which is exclusive. One pass over the ledger. */
export function findOverlaps(engine: Engine, since: Instant, until: Instant): Promise<Overlap[]> {
  return engine.store.read((tx) => overlapsIn(tx, { since, until }));
}

/** Those with most hours first. */
async function overlapsIn(tx: Reading, within: HoursWithin): Promise<Overlap[]> {
  const shared = await tx.usage.overlaps.sharedHours(within);
  const byUser = new Map<number, { hours: number; calls: number; sources: Set<string> }>();
  for (const { userId, calls, sources } of shared) {
    let sum = byUser.get(userId);
    if (sum === undefined) {
      sum = { hours: 0, calls: 0, sources: new Set(within.source === undefined ? [] : [within.source]) };
      byUser.set(userId, sum);
    }
    sum.hours += 1;
    sum.calls += calls;
    for (const source of sources) sum.sources.add(source);
  }
  if (byUser.size === 0) return [];
  const users = await tx.users.list({ removed: true });
  return users
    .flatMap((user) => {
      const sum = byUser.get(user.id);
      return sum === undefined ? [] : [{ ...sum, user: displayName(user), sources: [...sum.sources].sort() }];
    })
    .sort((a, b) => b.hours - a.hours);
}

/** Users and days that are kept: enough for a thousand testers over three months, in some 10 MB. */
const MOST_DAYS = 100_000;
/** Users whose days are read at once. */
const USERS_AT_ONCE = 200;
/** Users whose hours are looked at: the warning names a few of them. */
const MOST_SUSPECTS = 500;
/** More than any user or day number there is. */
const DAYS = 10_000_000;

/**
 * What one run of an import brought, by user and day, to be held against what others brought. Nearly free: the ledger is
 * looked at only for users who have more calls on a day than this run brought.
 */
export class BroughtCalls {
  /** Calls by format, and then by user and day. */
  readonly #byFormat = new Map<string, Map<number, number>>();
  readonly #zone: ReturnType<typeof calendar>;
  /** The day met last: the records of a log come in the order of time. */
  #day = { index: 0, start: 0, end: 0 };

  constructor(timeZone: string) {
    this.#zone = calendar(timeZone);
  }

  add(format: string, { userId, occurredAt }: LedgerEvent): void {
    if (occurredAt < this.#day.start || occurredAt >= this.#day.end) {
      this.#day = this.#zone.windowAt("day", occurredAt);
    }
    this.#add(format, userId, this.#day.index, 1);
  }

  /** Adds calls of a day of the settings' time zone. */
  addMany(format: string, { userId, day, requests }: ColumnsEntered["brought"][number]): void {
    this.#add(format, userId, day, requests);
  }

  #add(format: string, userId: number, day: number, calls: number): void {
    let days = this.#byFormat.get(format);
    if (days === undefined) {
      days = new Map();
      this.#byFormat.set(format, days);
    }
    const key = userId * DAYS + day;
    const before = days.get(key);
    if (before === undefined && days.size >= MOST_DAYS) return;
    days.set(key, (before ?? 0) + calls);
  }

  /**
   * Whose calls another source covers too, in the same hours, by the format that this run brought. Where every call has
   * its provider's id, none was counted twice.
   */
  async overlaps(engine: Engine): Promise<Overlap[]> {
    const found: Overlap[] = [];
    for (const [format, days] of this.#byFormat) {
      found.push(...(await engine.store.read((tx) => this.#overlapsOf(tx, format, days))));
    }
    return found;
  }

  async #overlapsOf(tx: Reading, format: string, days: ReadonlyMap<number, number>): Promise<Overlap[]> {
    if (!(await tx.usage.overlaps.hasOthers(format))) return [];
    const keys = [...days.keys()];
    const users = [...new Set(keys.map(userOf))];
    const numbers = keys.map(dayOf);
    const [first, last] = [numbers.reduce(least), numbers.reduce(greatest)];
    const suspects: { userId: number; day: number }[] = [];
    for (let from = 0; from < users.length; from += USERS_AT_ONCE) {
      const some = users.slice(from, from + USERS_AT_ONCE);
      for (const { userId, day, requests } of await tx.usage.overlaps.dayRequests(some, first, last)) {
        const brought = days.get(userId * DAYS + day);
        if (brought !== undefined && requests > brought) suspects.push({ userId, day });
      }
    }
    if (suspects.length === 0) return [];
    const suspected = suspects.map(({ day }) => day);
    return overlapsIn(tx, {
      since: this.#zone.window("day", suspected.reduce(least)).start,
      until: this.#zone.window("day", suspected.reduce(greatest)).end,
      userIds: [...new Set(suspects.map(({ userId }) => userId))].slice(0, MOST_SUSPECTS),
      source: format,
    });
  }
}

function userOf(key: number): number {
  return Math.floor(key / DAYS);
}

function dayOf(key: number): number {
  return key % DAYS;
}

function least(a: number, b: number): number {
  return Math.min(a, b);
}

function greatest(a: number, b: number): number {
  return Math.max(a, b);
}
