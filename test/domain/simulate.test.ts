import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Operation } from "../../src/domain/ledger-model.js";
import type { Quota } from "../../src/domain/meter.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { LiveReplay } from "../../src/domain/simulate-live.js";
import type { LimitChange } from "../../src/domain/simulate-model.js";
import { RulesOverTime } from "../../src/domain/simulate-rules.js";
import { calendar } from "../../src/domain/window.js";
import { instant, stopOf, tierNamed } from "../support/decision.js";
import { type ModelConfig, ModelStore } from "../support/ledger-model.js";
import { entryOf, requestOf, streams } from "../support/ledger-stream.js";
import { happeningsOf, historyOf } from "../support/replayed.js";

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };
type Configs = Parameters<typeof historyOf>[0];

function replay(store: ModelStore, configs: Configs, change: LimitChange, range = ALWAYS) {
  const rules = new RulesOverTime(historyOf(configs), change);
  const everybody = new Set(store.config.users.map(({ id }) => id));
  const zone = calendar(store.config.settings.time_zone);
  const live = new LiveReplay(rules, zone, range, everybody);
  for (const happening of happeningsOf(store)) live.take(happening);
  live.end();
  return live.tallies;
}

const key = (cell: { userId: number; day: number; code: string; meter: string }) =>
  `${cell.userId}/${cell.day}/${cell.code}/${cell.meter}`;

/** How often each user was refused on a tier, by day and reason. */
function refusedOn(store: ModelStore, tier: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const call of store.refusedCalls) {
    if (call.seen.tier === tier) counts.set(key(call), (counts.get(key(call)) ?? 0) + 1);
  }
  return counts;
}

/** What an operator may change while calls are made. */
const changes: fc.Arbitrary<(config: ModelConfig) => ModelConfig> = fc.oneof(
  fc.constantFrom("free", "basic", "pro").map((tier) => (config: ModelConfig) => ({
    ...config,
    users: config.users.map((user, index) => (index === 0 ? { ...user, tier: tierNamed(tier) } : user)),
  })),
  fc
    .record({ meter: fc.constantFrom("tokens", "images", "cost"), limit: fc.integer({ min: 0, max: 1_500 }) })
    .map(({ meter, limit }) => (config: ModelConfig) => ({
      ...config,
      users: config.users.map((user) => ({
        ...user,
        tier: {
          ...user.tier,
          quotas: user.tier.quotas.map((quota) => (quota.meter === meter ? { ...quota, limit } : quota)),
        },
      })),
    })),
  fc
    .constantFrom(7_000, 9_500, 10_000)
    .map((block_at) => (config: ModelConfig) => ({ ...config, settings: { ...config.settings, block_at } })),
  fc.constantFrom(null, 200, 900).map((call_tokens) => (config: ModelConfig) => ({
    ...config,
    settings: { ...config.settings, call_tokens },
  })),
  fc.boolean().map((throttled) => (config: ModelConfig) => ({
    ...config,
    stops: throttled ? [stopOf({ action: "throttle", scope: {} })] : [],
  })),
);

describe("a simulation with the limits as they were", () => {
  it("refuses exactly what was refused, whatever was reserved, settled, released and changed in between", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        streams,
        fc.array(
          fc.record({ after: fc.nat(60), change: changes, skew: fc.constantFrom(0, 0, -90_000, 90_000) }),
          {
            maxLength: 5,
          },
        ),
        fc.constantFrom(0, 0, -40_000, 40_000),
        ({ config, operations }, changed, jitter) => {
          const store = new ModelStore(config);
          const configs = [{ from: 0, config }];
          for (const [index, operation] of operations.entries()) {
            for (const { after, change, skew } of changed) {
              if (after !== index) continue;
              const next = change(store.config);
              Object.assign(store, { config: next });
              // The clock of the operator is not that of the product.
              configs.push({ from: operation.at + skew, config: next });
            }
            // Nor are the clocks of two processes the same.
            store.apply([index % 2 === 0 ? operation : { ...operation, at: operation.at + jitter }]);
          }
          configs.sort((a, b) => a.from - b.from);
          for (const tier of ["free", "basic", "pro"]) {
            const cells = replay(store, configs, { tier, quotas: [] }).cells();
            for (const { code } of cells) seen.add(code);
            expect(new Map(cells.map((cell) => [key(cell), cell.would]))).toEqual(refusedOn(store, tier));
            expect(cells.map(({ was }) => was)).toEqual(cells.map(({ would }) => would));
          }
        },
      ),
      { numRuns: 400 },
    );
    expect([...seen]).toEqual(
      expect.arrayContaining(["quota-exhausted", "quota-disabled", "request-too-large", "emergency-limit"]),
    );
  });
});

const MIDNIGHT = instant("2026-11-22T00:00:00Z");
const MINUTE = 60_000;

function one(quotas: readonly Quota[]): ModelConfig {
  const tier = { ...tierNamed("free"), quotas, features: ["all_features"] };
  const user = { id: 1, names: ["ada"], status: "active" as const, tier, overrides: [] };
  return { settings: INITIAL_SETTINGS, stops: [], users: [user] };
}

interface Call {
  readonly wait: number;
  readonly tokens: number;
  readonly images: number;
}

/** Calls one after the other, each of which uses what it asked for. */
function made(calls: readonly Call[], quotas: readonly Quota[]): ModelStore {
  const store = new ModelStore(one(quotas));
  let at = MIDNIGHT;
  for (const [index, { wait, tokens, images }] of calls.entries()) {
    at += wait * MINUTE;
    const id = `call-${index}`;
    const request = requestOf({ tokens, images, cost: tokens });
    const reserve: Operation = { op: "reserve", user: "ada", id, request, at, holdFor: null };
    const entry = entryOf({ id, input: tokens, images, cost: tokens, occurredAt: at + 1 });
    const [decided] = store.apply([reserve]);
    if (decided?.op === "reserve" && decided.hold !== null)
      store.apply([{ op: "settle", entry, at: at + 1 }]);
  }
  return store;
}

const limits = fc
  .record({
    tokens: fc.integer({ min: 0, max: 2_000 }),
    images: fc.integer({ min: 0, max: 9 }),
    cost: fc.nat(9_000),
  })
  .map(({ tokens, images, cost }): Quota[] => [
    { meter: "tokens", period: "day", limit: tokens },
    { meter: "images", period: "day", limit: images },
    { meter: "cost", period: "month", limit: cost },
  ]);

const calls: fc.Arbitrary<Call[]> = fc.array(
  fc.record({
    wait: fc.constantFrom(1, 30, 300, 900),
    tokens: fc.constantFrom(1, 40, 150, 400),
    images: fc.constantFrom(0, 1, 2),
  }),
  { minLength: 1, maxLength: 60, size: "max" },
);

describe("a simulation with other limits", () => {
  it("refuses exactly what those limits would have refused, where calls use what they ask for", () => {
    let turned = 0;
    fc.assert(
      fc.property(calls, limits, limits, (all, quotas, others) => {
        const then = made(all, quotas);
        const tallies = replay(then, [{ from: 0, config: then.config }], { tier: "free", quotas: others });
        const instead = made(all, others);
        expect(
          new Map(tallies.cells().flatMap((cell) => (cell.would > 0 ? [[key(cell), cell.would]] : []))),
        ).toEqual(new Map([...instead.refusals.values()].map((refusal) => [key(refusal), refusal.count])));
        // What it saves and adds is the difference between the two ledgers.
        const { refused, admitted } = tallies.of(1);
        const used = (store: ModelStore) => store.ledger.reduce((sum, { cost }) => sum + cost, 0);
        expect(used(then) - refused.amounts.cost + admitted.amounts.cost).toBe(used(instead));
        turned += refused.calls + admitted.calls;
      }),
      { numRuns: 200 },
    );
    expect(turned).toBeGreaterThan(300);
  });

  it("lets pass whom a reservation that had run out would not have kept out", () => {
    const tokens = (limit: number): Quota[] => [{ meter: "tokens", period: "day", limit }];
    const store = new ModelStore(one(tokens(5_000)));
    const reserve = (id: string, asked: number, minutes: number): Operation => {
      const request = requestOf({ tokens: asked, cost: 0 });
      return { op: "reserve", user: "ada", id, request, at: MIDNIGHT + minutes * MINUTE, holdFor: null };
    };
    const settle = (id: string, input: number, minutes: number): Operation => {
      const at = MIDNIGHT + minutes * MINUTE;
      return { op: "settle", entry: entryOf({ id, input, cost: 0, occurredAt: at }), at };
    };
    const refusals = (limit: number) =>
      replay(store, [{ from: 0, config: store.config }], { tier: "free", quotas: tokens(limit) })
        .cells()
        .map(({ would }) => would);
    // The first holds for ten minutes, and settles after an hour.
    for (const operation of [reserve("late", 900, 0), reserve("next", 500, 30), settle("next", 500, 31)]) {
      store.apply([operation]);
    }
    store.apply([settle("late", 100, 60)]);
    expect(refusals(1_000)).toEqual([]);
    expect(refusals(800)).toEqual([1]);
  });
});
