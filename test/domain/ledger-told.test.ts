import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkRequest } from "../../src/domain/ledger.js";
import { type Amounts, METERS, noAmounts } from "../../src/domain/meter.js";
import { dayLabel, windowLabel } from "../../src/domain/window.js";
import {
  dateIn,
  forgivenIn,
  inOneBatch,
  ModelStore,
  operationUser,
  userNamed,
} from "../support/ledger-model.js";
import { streams } from "../support/ledger-stream.js";

const RUNS = { numRuns: 300 };

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
          // A retry of what was counted is no refusal of a call.
          if (code === "already-settled") return;
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
    let ahead = 0;
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
            if (label < date(operation.at).slice(0, length)) continue;
            for (const quota of inForce) {
              if (quota.period !== period || quota.limit === 0 || quota.source === "emergency") continue;
              for (const threshold of [settings.warn_at, settings.block_at]) {
                const forgiven = forgivenIn(user, label, quota.meter);
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
          const label = windowLabel({ period, index });
          expect(label >= date(at).slice(0, label.length)).toBe(true);
          if (label > date(at)) ahead++;
        }
      }),
      RUNS,
    );
    expect(crossings).toBeGreaterThan(150);
    // Usage may be dated ahead.
    expect(ahead).toBeGreaterThan(0);
  });
});

describe("meters", () => {
  it("are all in the streams, so that none is passed over", () => {
    const seen = new Set<string>();
    for (const stream of fc.sample(streams, 3_000)) {
      for (const outcome of inOneBatch(stream).outcomes) {
        if (outcome.op === "reserve" && outcome.decision.outcome === "block") {
          seen.add(outcome.decision.meter ?? outcome.decision.code);
        }
      }
    }
    const codes = ["already-settled", "emergency-stop", "feature-not-in-tier"];
    codes.push("unpriced", "user-suspended", "user-unknown");
    expect([...seen].sort()).toEqual([...METERS, ...codes].sort());
  });
});
