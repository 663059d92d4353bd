import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planningPricing } from "../../src/domain/estimate.js";
import {
  NO_SUMS,
  rowsByDay,
  rowsByKind,
  rowsByTier,
  type Sums,
  totalOf,
  unpricedModels,
} from "../../src/domain/report.js";
import {
  estimateTotals,
  inferenceDays,
  rowsByUser,
  type UserReportInput,
} from "../../src/domain/report-users.js";
import { INITIAL_SETTINGS, planningRates } from "../../src/domain/settings.js";
import { INITIAL_TIERS } from "../../src/domain/tier.js";
import type { User } from "../../src/domain/user.js";
import { calendar, parseDay } from "../../src/domain/window.js";

const DAY = 86_400_000;
const T0 = Date.UTC(2026, 10, 22, 12);
const TODAY = Math.floor(T0 / DAY);
const pricing = planningPricing(planningRates(INITIAL_SETTINGS));

function user(id: number, more: Partial<User> = {}): User {
  return {
    id,
    key: `u${id}`,
    email: `u${id}@example.com`,
    name: null,
    aliases: [],
    persona: null,
    tier: "free",
    status: "active",
    createdAt: T0 - 40 * DAY,
    ...more,
  };
}

const arbSums = fc.record({
  input: fc.nat(1e9),
  cacheRead: fc.nat(1e9),
  cacheWrite: fc.nat(1e9),
  output: fc.nat(1e9),
  reasoning: fc.nat(1e9),
  images: fc.nat(1e6),
  requests: fc.nat(1e6),
  cost: fc.bigInt({ min: 0n, max: 10n ** 18n }),
  assumed: fc.bigInt({ min: 0n, max: 10n ** 18n }),
  unpriced: fc.nat(100),
});
/** Total usage of a user on a day, of one kind. */
const arbCell = fc
  .tuple(
    arbSums,
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: TODAY - 21, max: TODAY }),
    fc.constantFrom("openai", "google", ""),
    fc.constantFrom("a", "b", ""),
    fc.constantFrom("x", "y", ""),
  )
  .map(([sums, userId, day, provider, model, feature]) => ({
    ...sums,
    userId,
    day,
    provider,
    model,
    feature,
  }));
type Cell = Sums & { userId: number; day: number; provider: string; model: string; feature: string };

const USERS = [1, 2, 3, 4, 5, 6].map((id) => user(id, { tier: ["free", "basic", "gone"][id % 3]! }));

/** Cells as a store would sum them. */
function grouped(cells: readonly Cell[], keyOf: (cell: Cell) => string): Cell[] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) groups.set(keyOf(cell), [...(groups.get(keyOf(cell)) ?? []), cell]);
  return [...groups.values()].map((group) => ({ ...group[0]!, ...totalOf(group) }));
}

function input(more: Partial<UserReportInput> = {}): UserReportInput {
  return {
    users: USERS,
    tiers: INITIAL_TIERS,
    sums: new Map(),
    activity: new Map(),
    overrides: new Map(),
    firstUse: new Map(),
    removedAt: new Map(),
    range: { from: parseDay("2026-11-01")!, to: parseDay("2026-12-01")! },
    calendar: calendar("UTC"),
    pricing,
    at: T0,
    ...more,
  };
}

describe("by whatever usage is grouped", () => {
  it("the rows add up to the same total, and nothing is in two of them", () => {
    fc.assert(
      fc.property(fc.array(arbCell, { maxLength: 40 }), (cells) => {
        const total = totalOf(cells);
        const perUser = grouped(cells, (cell) => String(cell.userId));
        const perDay = grouped(cells, (cell) => String(cell.day));
        const perKind = grouped(cells, (cell) => `${cell.provider}/${cell.model}/${cell.feature}`);
        const all = {
          model: rowsByKind(perKind, "model"),
          provider: rowsByKind(perKind, "provider"),
          feature: rowsByKind(perKind, "feature"),
          tier: rowsByTier(perUser, USERS, INITIAL_TIERS),
          day: rowsByDay(perDay, input().range, TODAY),
          user: rowsByUser(input({ sums: new Map(perUser.map((cell) => [cell.userId, cell])) })),
        };
        for (const rows of Object.values(all)) expect(totalOf(rows.map((row) => row.sums))).toEqual(total);
        expect(new Set(all.model.map((row) => `${row.provider}/${row.key}`)).size).toBe(all.model.length);
        expect(all.user).toHaveLength(USERS.length);
        expect(estimateTotals(all.user).actual).toBe(total.cost + total.assumed);
        const spend = all.user.map((row) => row.estimate.actual);
        expect(spend.every((each, n) => n === 0 || spend[n - 1]! >= each)).toBe(true);
        expect(unpricedModels(perKind).reduce((sum, each) => sum + each.events, 0)).toBe(total.unpriced);
      }),
    );
  });

  it("the order of the cells does not matter", () => {
    fc.assert(
      fc.property(fc.array(arbCell, { maxLength: 30 }), (cells) => {
        const perKind = grouped(cells, (cell) => `${cell.provider}/${cell.model}/${cell.feature}`);
        expect(rowsByKind(perKind.toReversed(), "model")).toEqual(rowsByKind(perKind, "model"));
      }),
    );
  });
});

describe("rows by tier", () => {
  it("count the testers on each, and name a tier that is gone only where somebody on it used something", () => {
    const users = [user(1), user(2, { status: "suspended" }), user(3, { tier: "gone", status: "removed" })];
    const rows = (...used: number[]) =>
      rowsByTier(
        used.map((userId) => ({ ...NO_SUMS, requests: 1, userId })),
        users,
        INITIAL_TIERS,
      ).map((row) => [row.key, row.testers, row.sums.requests]);
    expect(rows()).toEqual([
      ["free", 2, 0],
      ["basic", 0, 0],
      ["pro", 0, 0],
    ]);
    expect(rows(2, 3)).toEqual([
      ["free", 2, 1],
      ["basic", 0, 0],
      ["pro", 0, 0],
      ["gone", 0, 1],
    ]);
  });
});

describe("rows by day", () => {
  const cell = (day: number) => ({ ...NO_SUMS, requests: 1, day });
  const keys = (from: number, to: number, ...used: number[]) =>
    rowsByDay(used.map(cell), { from, to }, TODAY).map((row) => row.key);

  it("go up to today, or to the end of the range, or to usage that is ahead of the clock", () => {
    expect(keys(TODAY - 1, TODAY + 9)).toEqual(["2026-11-21", "2026-11-22"]);
    expect(keys(TODAY - 2, TODAY)).toEqual(["2026-11-20", "2026-11-21"]);
    expect(keys(TODAY, TODAY + 9, TODAY + 1)).toEqual(["2026-11-22", "2026-11-23"]);
    expect(keys(TODAY + 1, TODAY + 9)).toEqual([]);
  });

  it("are 31 in October where the clocks change", () => {
    const berlin = calendar("Europe/Berlin");
    const from = parseDay("2026-10-01")!;
    const hours = Array.from({ length: 31 }, (_, n) => berlin.window("day", from + n)).map(
      ({ start, end }) => (end - start) / 3_600_000,
    );
    expect(hours.filter((each) => each === 25)).toHaveLength(1);
    expect(keys(from, parseDay("2026-11-01")!)).toHaveLength(31);
  });
});

describe("rows by user", () => {
  it("are of those who were there in the range, and of those who used something", () => {
    const users = [
      user(1),
      user(2, { createdAt: T0 + 10 * DAY }),
      user(3, { createdAt: T0 + 10 * DAY }),
      user(4, { status: "removed" }),
      user(5, { status: "removed" }),
      user(6, { status: "suspended" }),
    ];
    const sums = new Map([3, 4].map((id) => [id, { ...NO_SUMS, requests: 1 }]));
    const range = { from: TODAY - 9, to: TODAY };
    const rows = rowsByUser(input({ users, sums, range, firstUse: new Map([[3, TODAY - 1]]) }));
    expect(rows.map((row) => row.user.id).sort()).toEqual([1, 3, 4, 6]);
  });

  it("survive the removal of the tier of somebody who was removed", () => {
    const gone = user(1, { tier: "gone", status: "removed" });
    const rows = rowsByUser(input({ users: [gone], sums: new Map([[1, NO_SUMS]]) }));
    expect(rows).toMatchObject([{ quotas: [], fullest: null }]);
  });
});

describe("the days from which a persona is inferred", () => {
  it("are those of the range, at least thirty, and none in the future", () => {
    const days = (from: number, to: number) => {
      const found = inferenceDays({ from: TODAY + from, to: TODAY + to }, TODAY);
      return [found.from - TODAY, found.to - TODAY];
    };
    expect(days(-60, -10)).toEqual([-60, -10]);
    expect(days(-12, -10)).toEqual([-40, -10]);
    expect(days(-21, 9)).toEqual([-29, 1]);
    expect(days(5, 9)).toEqual([-29, 1]);
  });
});
