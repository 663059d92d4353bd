import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyOperations, checkRequest } from "../../src/domain/ledger.js";
import type { Hold } from "../../src/domain/ledger-model.js";
import type { Amounts } from "../../src/domain/meter.js";
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
            const states = request.tokens !== null || request.images !== null;
            if ((meter === "tokens" || meter === "images") && states && !request[meter]) continue;
            const held = live.reduce((total, [, hold]) => total + hold.amounts[meter], 0);
            const label = dateIn(config.settings.time_zone)(at).slice(0, period === "day" ? 10 : 7);
            // Emergency limits know no forgiveness.
            const forgiven = source === "emergency" ? 0 : forgivenIn(user, label, meter);
            const counted = Math.max(0, used[period][meter] - forgiven);
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
          if (operation.op === "correct") return;
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
