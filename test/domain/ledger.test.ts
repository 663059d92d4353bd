import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyOperations, checkRequest } from "../../src/domain/ledger.js";
import type { Hold, Operation, OperationOutcome } from "../../src/domain/ledger-model.js";
import { type Amounts, METERS, noAmounts } from "../../src/domain/meter.js";
import { dayLabel, windowLabel } from "../../src/domain/window.js";
import {
  dateIn,
  type ModelConfig,
  ModelStore,
  type ModelUser,
  operationUser,
} from "../support/ledger-model.js";
import { streams } from "../support/ledger-stream.js";

fc.configureGlobal({ seed: 20_261_122 });

const RUNS = { numRuns: 300 };

function userNamed(config: ModelConfig, name: string): ModelUser | undefined {
  return config.users.find(({ names }) => names.includes(name));
}

function oneByOne({ config, operations }: { config: ModelConfig; operations: readonly Operation[] }) {
  const store = new ModelStore(config);
  const outcomes = operations.flatMap((operation) => store.apply([operation]));
  return { store, outcomes };
}

function inOneBatch({ config, operations }: { config: ModelConfig; operations: readonly Operation[] }) {
  const store = new ModelStore(config);
  return { store, outcomes: store.apply(operations) };
}

describe("any split of a stream into batches", () => {
  it("gives the same outcomes and the same state", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(streams, cuts, (stream, sizes) => {
        const expected = oneByOne(stream);
        const store = new ModelStore(stream.config);
        const outcomes: OperationOutcome[] = [];
        for (let from = 0, batch = 0; from < stream.operations.length; batch++) {
          const size = sizes[batch % sizes.length] ?? 1;
          outcomes.push(...store.apply(stream.operations.slice(from, from + size)));
          from += size;
        }
        expect(outcomes).toEqual(expected.outcomes);
        expect(store.snapshot()).toEqual(expected.store.snapshot());
        const whole = inOneBatch(stream);
        expect(whole.outcomes).toEqual(expected.outcomes);
        expect(whole.store.snapshot()).toEqual(expected.store.snapshot());
      }),
      RUNS,
    );
  });
});

describe("usage", () => {
  it("applied twice counts once", () => {
    fc.assert(
      fc.property(streams, ({ config, operations }) => {
        const usage = operations.filter(({ op }) => op === "record" || op === "settle");
        const store = new ModelStore(config);
        store.apply(usage);
        const once = store.snapshot();
        const again = store.apply(usage);
        expect(store.snapshot()).toEqual(once);
        expect(again.filter((outcome) => "status" in outcome && outcome.status === "inserted")).toEqual([]);
      }),
      RUNS,
    );
  });

  it("is never lost, and counted exactly once, whatever became of its hold", () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const { store, outcomes } = inOneBatch(stream);
        const first = new Map<string, string>();
        const providerIds = new Set<string>();
        const counted: string[] = [];
        stream.operations.forEach((operation, i) => {
          if (operation.op !== "settle" && operation.op !== "record") return;
          const { entry } = operation;
          const user = userNamed(stream.config, entry.user);
          const key = `${entry.source}/${entry.id}`;
          const content = `${user?.id}/${entry.hash}`;
          const known = first.get(key);
          let status: string;
          if (user === undefined) status = "user-unknown";
          else if (known !== undefined) status = known === content ? "duplicate" : "conflict";
          else if (entry.providerId !== null && providerIds.has(entry.providerId)) status = "duplicate";
          else {
            status = "inserted";
            first.set(key, content);
            if (entry.providerId !== null) providerIds.add(entry.providerId);
            counted.push(key);
          }
          expect(outcomes[i]).toMatchObject({ op: operation.op, status });
        });
        expect(store.events.map(({ source, id }) => `${source}/${id}`)).toEqual(counted);
      }),
      RUNS,
    );
  });

  it("is what the totals say, added up by another way", () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const { store } = inOneBatch(stream);
        const date = dateIn(stream.config.settings.time_zone);
        const windows: Record<string, Amounts> = {};
        const days: Record<string, number[]> = {};
        for (const event of store.events) {
          const { userId, provider, model, feature, input, cacheRead, cacheWrite, output, images } = event;
          const tokens = input + cacheRead + cacheWrite + output;
          const cost = event.cost + event.assumed;
          const label = date(event.occurredAt);
          for (const key of [`${userId}/${label}`, `${userId}/${label.slice(0, 7)}`]) {
            const sum = windows[key] ?? noAmounts();
            windows[key] = {
              tokens: sum.tokens + tokens,
              images: sum.images + images,
              cost: sum.cost + cost,
              requests: sum.requests + 1,
            };
          }
          const cell = `${userId}/${label}/${provider}/${model}/${feature}`;
          const row = [
            input,
            cacheRead,
            cacheWrite,
            output,
            event.reasoning,
            images,
            1,
            event.cost,
            event.assumed,
            event.pricedBy === "none" ? 1 : 0,
          ];
          days[cell] = row.map((value, i) => value + (days[cell]?.[i] ?? 0));
        }

        const kept: Record<string, Amounts> = {};
        for (const [key, amounts] of store.windows) {
          const [userId, period, index] = key.split("/");
          const label = windowLabel({ period: period === "day" ? "day" : "month", index: Number(index) });
          kept[`${userId}/${label}`] = amounts;
        }
        expect(kept).toEqual(windows);
        const keptDays = [...store.days.values()].map((row) => [
          `${row.userId}/${dayLabel(row.day)}/${row.provider}/${row.model}/${row.feature}`,
          [
            row.input,
            row.cacheRead,
            row.cacheWrite,
            row.output,
            row.reasoning,
            row.images,
            row.requests,
            row.cost,
            row.assumed,
            row.unpriced,
          ],
        ]);
        expect(Object.fromEntries(keptDays)).toEqual(days);
      }),
      RUNS,
    );
  });
});

describe("admission", () => {
  /** What a user has used in the window of `at`, straight from the ledger. */
  function usedBy(store: ModelStore, userId: number, at: number, length: number): Amounts {
    const date = dateIn(store.config.settings.time_zone);
    const label = date(at).slice(0, length);
    const mine = store.events.filter(
      (event) => event.userId === userId && date(event.occurredAt).slice(0, length) === label,
    );
    const sum = (of: (event: (typeof mine)[number]) => number) =>
      mine.reduce((total, event) => total + of(event), 0);
    return {
      tokens: sum((event) => event.input + event.cacheRead + event.cacheWrite + event.output),
      images: sum(({ images }) => images),
      cost: sum(({ cost, assumed }) => cost + assumed),
      requests: mine.length,
    };
  }

  it("never lets settled and held usage go over a limit", () => {
    let admitted = 0;
    fc.assert(
      fc.property(streams, ({ config, operations }) => {
        const store = new ModelStore(config);
        for (const operation of operations) {
          const [outcome] = store.apply([operation]);
          if (operation.op !== "reserve" || outcome?.op !== "reserve") continue;
          const user = userNamed(config, operation.user);
          if (outcome.hold === null || user === undefined) continue;
          admitted++;
          const { at, request } = operation;
          const live = [...store.holds].filter(
            ([key, hold]) => key.startsWith(`${user.id}/`) && hold.expiresAt > at,
          );
          const used = { day: usedBy(store, user.id, at, 10), month: usedBy(store, user.id, at, 7) };
          for (const { meter, period, limit, source } of outcome.decision.quotas) {
            const untouched = request.tokens !== null || request.images !== null;
            if ((meter === "tokens" || meter === "images") && untouched && !request[meter]) continue;
            const held = live.reduce((total, [, hold]) => total + hold.amounts[meter], 0);
            const forgiven = [...(user.forgiven?.values() ?? [])][0]?.[meter] ?? 0;
            const counted =
              source === "emergency" || period === "month" ? used[period][meter] : used.day[meter] - forgiven;
            // Forgiveness is of the first day; later days are judged in full by the code, so this is an upper bound.
            expect(counted + held).toBeLessThanOrEqual(limit);
          }
        }
      }),
      RUNS,
    );
    expect(admitted).toBeGreaterThan(500);
  });

  it("grants what it holds: all that was asked for, or nothing", () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const { outcomes } = inOneBatch(stream);
        for (const outcome of outcomes) {
          if (outcome.op !== "reserve") continue;
          const { decision, hold } = outcome;
          expect(hold === null).toBe(decision.outcome === "block");
          if (decision.meter !== null) expect(decision.granted).toBe(hold?.amounts[decision.meter] ?? 0);
        }
      }),
      RUNS,
    );
  });

  it("answers a check as it would answer a reservation, and changes nothing", () => {
    fc.assert(
      fc.property(streams, ({ config, operations }) => {
        const store = new ModelStore(config);
        for (const operation of operations) {
          if (operation.op === "reserve") {
            const fresh = { ...operation, id: "new" };
            const state = store.load([fresh]);
            const checked = checkRequest(state, fresh.user, fresh.request, fresh.at);
            expect(applyOperations(state, [fresh]).outcomes).toMatchObject([{ decision: checked }]);
          }
          store.apply([operation]);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("holds", () => {
  it("are what was reserved, extended, and neither settled, released nor expired", () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const { operations, config } = stream;
        const { store, outcomes } = inOneBatch(stream);
        const expected = new Map<string, Pick<Hold, "amounts" | "expiresAt">>();
        operations.forEach((operation, i) => {
          const user = userNamed(config, operationUser(operation));
          const outcome = outcomes[i];
          if (user === undefined || outcome === undefined) return;
          const id =
            operation.op === "settle" || operation.op === "record" ? operation.entry.id : operation.id;
          const key = `${user.id}/${id}`;
          const present = expected.get(key);
          const live = present !== undefined && present.expiresAt > operation.at;
          const ttl = "holdFor" in operation ? (operation.holdFor ?? config.settings.hold_ttl) : 0;
          if (operation.op === "settle") expected.delete(key);
          if (operation.op === "release") {
            expect(outcome).toEqual({ op: "release", status: live ? "released" : "not-held" });
            expected.delete(key);
          }
          if (operation.op === "extend") {
            expect(outcome).toEqual({ op: "extend", status: live ? "extended" : "not-held" });
            if (live) {
              expected.set(key, { ...present, expiresAt: Math.max(present.expiresAt, operation.at + ttl) });
            }
          }
          if (outcome.op === "reserve" && outcome.hold !== null) {
            // A retry keeps its time: only extending gives more.
            const expiresAt = live ? present.expiresAt : operation.at + ttl;
            expected.set(key, { amounts: outcome.hold.amounts, expiresAt });
          }
        });
        const kept = new Map(
          [...store.holds].map(([key, { amounts, expiresAt }]) => [key, { amounts, expiresAt }] as const),
        );
        expect(kept).toEqual(expected);
      }),
      RUNS,
    );
  });
});

describe("what is told afterwards", () => {
  it("refusals are counted by user, day, code and meter, and the first of a day is one alert", () => {
    fc.assert(
      fc.property(streams, (stream) => {
        const { store, outcomes } = inOneBatch(stream);
        const date = dateIn(stream.config.settings.time_zone);
        const counts: Record<string, number> = {};
        const alerts: Record<string, string> = {};
        stream.operations.forEach((operation, i) => {
          const outcome = outcomes[i];
          const user = userNamed(stream.config, operationUser(operation));
          if (outcome?.op !== "reserve" || outcome.decision.outcome !== "block" || user === undefined) return;
          const { code, meter } = outcome.decision;
          const day = `${user.id}/${date(operation.at)}`;
          counts[`${day}/${code}/${meter ?? ""}`] = (counts[`${day}/${code}/${meter ?? ""}`] ?? 0) + 1;
          alerts[day] ??= code;
        });
        const kept = [...store.refusals.values()].map(({ userId, day, code, meter, count }) => [
          `${userId}/${dayLabel(day)}/${code}/${meter}`,
          count,
        ]);
        expect(Object.fromEntries(kept)).toEqual(counts);
        const told = [...store.alerts.values()].filter(({ kind }) => kind === "refusal");
        expect(told).toHaveLength(Object.keys(alerts).length);
        expect(
          Object.fromEntries(told.map(({ userId, index, code }) => [`${userId}/${dayLabel(index)}`, code])),
        ).toEqual(alerts);
      }),
      RUNS,
    );
  });

  it("a first crossing of a threshold is one alert, and never of a closed window", () => {
    let crossings = 0;
    fc.assert(
      fc.property(streams, ({ config, operations }) => {
        const { settings } = config;
        const store = new ModelStore(config);
        const date = dateIn(settings.time_zone);
        const sums = new Map<string, Amounts>();
        const expected: Record<string, number> = {};
        for (const operation of operations) {
          // The quotas in force, as the decision on an empty request lists them.
          const name = operationUser(operation);
          const nothing = {
            provider: "",
            model: "",
            feature: "",
            tokens: 0,
            images: 0,
            cost: 0,
            dearest: null,
          };
          const inForce = checkRequest(store.load([operation]), name, nothing, operation.at).quotas;
          const [outcome] = store.apply([operation]);
          if (outcome?.op !== "settle" && outcome?.op !== "record") continue;
          const { event } = outcome;
          const user = userNamed(config, name);
          if (event === null || user === undefined) continue;
          for (const [period, length] of [
            ["day", 10],
            ["month", 7],
          ] as const) {
            const label = date(event.occurredAt).slice(0, length);
            const before = sums.get(`${user.id}/${label}`) ?? noAmounts();
            const tokens = event.input + event.cacheRead + event.cacheWrite + event.output;
            const after = {
              tokens: before.tokens + tokens,
              images: before.images + event.images,
              cost: before.cost + event.cost + event.assumed,
              requests: before.requests + 1,
            };
            sums.set(`${user.id}/${label}`, after);
            if (label !== date(operation.at).slice(0, length)) continue;
            for (const quota of inForce) {
              if (quota.period !== period || quota.limit === 0 || quota.source === "emergency") continue;
              for (const threshold of [settings.warn_at, settings.block_at]) {
                const forgivenDay = period === "day" && label === "2026-10-24";
                const forgiven = forgivenDay
                  ? ([...(user.forgiven?.values() ?? [])][0]?.[quota.meter] ?? 0)
                  : 0;
                const mark = Math.ceil((quota.limit * threshold) / 10_000);
                const crossed =
                  before[quota.meter] - forgiven < mark && after[quota.meter] - forgiven >= mark;
                if (!crossed) continue;
                const key = `${user.id}/${label}/${quota.meter}/${threshold}`;
                expected[key] ??= operation.at;
                crossings++;
              }
            }
          }
        }
        const told = [...store.alerts.values()].filter(({ kind }) => kind === "threshold");
        const kept = told.map(({ userId, period, index, meter, threshold, at }) => [
          `${userId}/${windowLabel({ period, index })}/${meter}/${threshold}`,
          at,
        ]);
        expect(kept).toHaveLength(Object.keys(expected).length);
        expect(Object.fromEntries(kept)).toEqual(expected);
        for (const { period, index, at } of told) {
          expect(date(at).startsWith(windowLabel({ period, index }))).toBe(true);
        }
      }),
      RUNS,
    );
    expect(crossings).toBeGreaterThan(300);
  });
});

describe("meters", () => {
  it("are all in the streams, so that none is passed over", () => {
    const seen = new Set<string>();
    for (const stream of fc.sample(streams, 200)) {
      for (const outcome of inOneBatch(stream).outcomes) {
        if (outcome.op === "reserve" && outcome.decision.outcome === "block") {
          seen.add(outcome.decision.meter ?? outcome.decision.code);
        }
      }
    }
    const codes = ["emergency-stop", "feature-not-in-tier", "unpriced", "user-suspended", "user-unknown"];
    expect([...seen].sort()).toEqual([...METERS, ...codes].sort());
  });
});
