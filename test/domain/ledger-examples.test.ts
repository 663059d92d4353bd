import { describe, expect, it } from "vitest";
import { storeUnavailable } from "../../src/domain/ledger.js";
import {
  type Entry,
  type LedgerRequest,
  type Operation,
  partIdentity,
} from "../../src/domain/ledger-model.js";
import { AlphaError } from "../../src/errors.js";
import { instant, tierNamed, tierWith } from "../support/decision.js";
import { ModelStore, type ModelUser } from "../support/ledger-model.js";
import { BERLIN, entryOf, requestOf } from "../support/ledger-stream.js";

const MINUTE = 60_000;
const EVENING = instant("2026-11-30T23:50:00+01:00");
const MIDNIGHT = instant("2026-12-01T00:00:00+01:00");

function storeFor(change: Partial<ModelUser> = {}): ModelStore {
  const ada = {
    id: 1,
    names: ["ada"],
    status: "active",
    tier: tierNamed("free"),
    overrides: [],
    ...change,
  } as const;
  return new ModelStore({ settings: BERLIN, stops: [], users: [ada] });
}

const reserve = (
  at: number,
  id: string,
  request: Partial<LedgerRequest>,
  holdFor: number | null = null,
): Operation => ({
  op: "reserve",
  user: "ada",
  id,
  request: requestOf(request),
  at,
  holdFor,
});
const settle = (at: number, entry: Partial<Entry>): Operation => ({
  op: "settle",
  entry: entryOf({ occurredAt: at, ...entry }),
  at,
});
const record = (at: number, entry: Partial<Entry>): Operation =>
  ({ ...settle(at, entry), op: "record" }) as Operation;

function codes(store: ModelStore, ...operations: Operation[]): string[] {
  return store
    .apply(operations)
    .map((outcome) => (outcome.op === "reserve" ? outcome.decision.code : outcome.status));
}

describe("a reservation", () => {
  it("holds what was asked for against the next one", () => {
    const store = storeFor();
    expect(
      codes(
        store,
        reserve(EVENING, "a", { tokens: 500 }),
        reserve(EVENING, "b", { tokens: 400 }),
        reserve(EVENING, "c", { tokens: 101 }),
        reserve(EVENING, "d", { tokens: 100 }),
        reserve(EVENING, "e", { tokens: 1 }),
      ),
    ).toEqual(["ok", "near-limit", "request-too-large", "near-limit", "quota-exhausted"]);
  });

  it("gives back what it held when it is released", () => {
    const store = storeFor();
    codes(store, reserve(EVENING, "a", { tokens: 900 }), {
      op: "release",
      user: "ada",
      id: "a",
      at: EVENING,
    });
    expect(codes(store, reserve(EVENING, "b", { tokens: 1_000 }))).toEqual(["near-limit"]);
  });

  it("holds up to the instant at which it expires, ten minutes later unless told otherwise", () => {
    for (const [holdFor, length] of [
      [null, 10 * MINUTE],
      [1_000, 1_000],
    ] as const) {
      const store = storeFor();
      codes(store, reserve(EVENING, "a", { images: 5 }, holdFor));
      expect(codes(store, reserve(EVENING + length - 1, "b", { images: 1 }))).toEqual(["quota-exhausted"]);
      expect(codes(store, reserve(EVENING + length, "c", { images: 1 }))).toEqual(["ok"]);
    }
  });

  it("is in flight in the new day too", () => {
    const store = storeFor();
    codes(store, reserve(EVENING, "a", { images: 5 }, 60 * MINUTE));
    expect(codes(store, reserve(MIDNIGHT, "b", { images: 1 }))).toEqual(["quota-exhausted"]);
    codes(store, settle(MIDNIGHT, { id: "a", images: 2, occurredAt: MIDNIGHT - 1 }));
    expect(codes(store, reserve(MIDNIGHT, "b", { images: 1 }))).toEqual(["ok"]);
  });

  it("made again is not judged against itself, and holds what was granted last", () => {
    const store = storeFor();
    expect(
      codes(store, reserve(EVENING, "a", { tokens: 600 }), reserve(EVENING, "a", { tokens: 600 })),
    ).toEqual(["ok", "ok"]);
    expect(codes(store, reserve(EVENING, "a", { tokens: 900 }))).toEqual(["near-limit"]);
    expect(codes(store, reserve(EVENING, "b", { tokens: 101 }))).toEqual(["request-too-large"]);
  });

  it("that is refused a second time keeps what it held the first time", () => {
    const store = storeFor();
    expect(
      codes(store, reserve(EVENING, "a", { tokens: 900 }), reserve(EVENING, "a", { tokens: 1_001 })),
    ).toEqual(["near-limit", "request-too-large"]);
    expect(store.holds.get("1/a")?.amounts.tokens).toBe(900);
    expect([...store.refusals.values()]).toMatchObject([{ code: "request-too-large", count: 1 }]);
  });

  it("can be extended while it holds", () => {
    const store = storeFor();
    const extend = (at: number): Operation => ({ op: "extend", user: "ada", id: "a", at, holdFor: null });
    codes(store, reserve(EVENING, "a", { images: 5 }));
    expect(codes(store, extend(EVENING + 9 * MINUTE))).toEqual(["extended"]);
    expect(codes(store, reserve(EVENING + 18 * MINUTE, "b", { images: 1 }))).toEqual(["quota-exhausted"]);
    expect(codes(store, extend(EVENING + 19 * MINUTE))).toEqual(["not-held"]);
  });
});

describe("settling", () => {
  it("twice with the same id is one settle", () => {
    const store = storeFor();
    const operation = settle(EVENING, { id: "a", input: 300, output: 100 });
    expect(codes(store, reserve(EVENING, "a", { tokens: 500 }), operation, operation)).toEqual([
      "ok",
      "inserted",
      "duplicate",
    ]);
    expect(codes(store, operation)).toEqual(["duplicate"]);
    expect(store.windows.get(`1/day/20787`)).toMatchObject({ tokens: 400, requests: 1 });
    expect(store.holds.size).toBe(0);
  });

  it("with other content is a conflict, and the first stays", () => {
    const store = storeFor();
    const first = settle(EVENING, { id: "a", input: 300, hash: 1 });
    expect(codes(store, first, settle(EVENING, { id: "a", input: 900, hash: 2 }))).toEqual([
      "inserted",
      "conflict",
    ]);
    expect(store.events).toMatchObject([{ input: 300 }]);
  });

  it("records usage above the hold, and after it expired", () => {
    const store = storeFor();
    codes(store, reserve(EVENING, "a", { tokens: 10 }, MINUTE));
    expect(codes(store, settle(EVENING + 5 * MINUTE, { id: "a", input: 5_000 }))).toEqual(["inserted"]);
    expect(codes(store, reserve(EVENING + 5 * MINUTE, "b", { tokens: 1 }))).toEqual(["quota-exhausted"]);
  });

  it("counts a response once that a gateway's log has too", () => {
    const store = storeFor();
    expect(
      codes(
        store,
        settle(EVENING, { id: "a", providerId: "resp-1", input: 10 }),
        record(EVENING, { source: "gateway", id: "77", providerId: "resp-1", input: 10 }),
        record(EVENING, { source: "gateway", id: "a", input: 10 }),
      ),
    ).toEqual(["inserted", "duplicate", "inserted"]);
  });

  it("of nobody's is told, and counts nowhere", () => {
    const store = storeFor();
    expect(codes(store, settle(EVENING, { user: "ghost", input: 1 }))).toEqual(["user-unknown"]);
    expect(store.windows.size + store.events.length).toBe(0);
  });

  it("of a suspended user counts: it was used", () => {
    const store = storeFor({ status: "suspended" });
    expect(codes(store, settle(EVENING, { input: 1 }))).toEqual(["inserted"]);
  });
});

describe("reserving under an id that is settled", () => {
  const again = (at: number, id: string, request: Partial<LedgerRequest> = { tokens: 1 }): Operation => ({
    ...(reserve(at, id, request) as Extract<Operation, { op: "reserve" }>),
    source: "live",
  });

  it("is refused and changes nothing, whatever the limits say, in its batch and later", () => {
    const store = storeFor();
    expect(
      codes(store, again(EVENING, "a"), settle(EVENING, { id: "a", input: 700 }), again(EVENING, "a")),
    ).toEqual(["ok", "inserted", "already-settled"]);
    const before = store.snapshot();
    expect(codes(store, again(EVENING, "a"), again(EVENING, "a", { tokens: 5_000 }))).toEqual([
      "already-settled",
      "already-settled",
    ]);
    codes(store, settle(EVENING, { id: "b", input: 300 }));
    expect(codes(store, again(EVENING, "b"), again(EVENING, "c"))).toEqual([
      "already-settled",
      "quota-exhausted",
    ]);
    expect(codes(store, again(MIDNIGHT + 40 * 24 * 60 * MINUTE, "a"))).toEqual(["already-settled"]);
    expect(store.holds).toEqual(before.holds);
    expect([...store.refusals.values()]).toMatchObject([{ code: "quota-exhausted", count: 1 }]);
  });

  it("says so with the quotas beside it, and grants nothing", () => {
    const store = storeFor();
    codes(store, settle(EVENING, { id: "a", input: 700 }));
    const [outcome] = store.apply([again(EVENING, "a")]);
    expect(outcome).toMatchObject({ op: "reserve", hold: null });
    const { decision } = outcome as Extract<typeof outcome, { op: "reserve" }>;
    expect(decision).toMatchObject({
      outcome: "block",
      message: "This call was made before, and has been counted.",
      meter: null,
      granted: 0,
      remaining: 0,
      resetsAt: null,
    });
    expect(decision.quotas[0]).toMatchObject({ meter: "tokens", used: 700 });
  });

  it("is refused as well where the usage was recorded, or is another tester's: it could not be counted", () => {
    const bob = { id: 2, names: ["bob"], status: "active", tier: tierNamed("free"), overrides: [] } as const;
    const store = new ModelStore({
      settings: BERLIN,
      stops: [],
      users: [...storeFor().config.users, bob],
    });
    const bobs = { ...again(EVENING, "a"), user: "bob" } as Operation;
    expect(codes(store, record(EVENING, { id: "a", input: 1 }), again(EVENING, "a"), bobs)).toEqual([
      "inserted",
      "already-settled",
      "already-settled",
    ]);
    expect(codes(store, { ...bobs, user: "ghost" } as Operation)).toEqual(["user-unknown"]);
  });

  it("holds anew what was released and what expired, but not what has reported a part", () => {
    const store = storeFor();
    const part = (id: string, number: number): Operation => ({
      op: "settle",
      entry: entryOf({ ...partIdentity("live", id, number), input: 1, occurredAt: EVENING }),
      part: { source: "live", hold: id, number, holdFor: null },
      at: EVENING,
    });
    expect(
      codes(
        store,
        again(EVENING, "a"),
        { op: "release", user: "ada", id: "a", at: EVENING },
        again(EVENING, "a"),
        again(EVENING, "b"),
        again(EVENING + 10 * MINUTE, "b"),
        part("c", 1),
        again(EVENING, "c"),
        again(EVENING, "d"),
        part("d", 1),
        again(EVENING, "d"),
      ),
    ).toEqual([
      ...["ok", "released", "ok", "ok", "ok"],
      ...["inserted", "already-settled", "ok", "inserted", "already-settled"],
    ]);
  });
});

describe("a new window", () => {
  it("begins by itself at midnight in Berlin, and at the month's end", () => {
    const store = storeFor();
    codes(store, settle(EVENING, { id: "a", input: 1_000, images: 5, cost: 10_000_000_000 }));
    const all = { tokens: 799, images: 1, cost: 1 };
    expect(codes(store, reserve(MIDNIGHT - 1, "b", all))).toEqual(["quota-exhausted"]);
    expect(codes(store, reserve(MIDNIGHT, "c", all))).toEqual(["ok"]);
  });

  it("has no row, and refuses nobody for it: the whole limit may be asked for", () => {
    for (const meter of ["tokens", "images", "cost"] as const) {
      for (const period of ["day", "month"] as const) {
        const store = storeFor({ tier: tierWith({ meter, period, limit: 5 }) });
        expect(codes(store, reserve(MIDNIGHT, "a", { [meter]: 5 }))).toEqual(["near-limit"]);
      }
    }
  });

  it("is counted by when the usage occurred, and warns nobody when it is closed", () => {
    const store = storeFor();
    codes(store, record(MIDNIGHT, { id: "a", input: 990, occurredAt: MIDNIGHT - 1 }));
    expect(store.alerts.size).toBe(0);
    codes(store, record(MIDNIGHT, { id: "b", input: 990 }));
    expect([...store.alerts.values()].map(({ threshold, index }) => [threshold, index])).toEqual([
      [8_000, 20_788],
      [9_500, 20_788],
    ]);
  });
});

describe("a tier without limits", () => {
  it("never refuses, and still holds and counts", () => {
    const store = storeFor({ tier: tierWith() });
    expect(codes(store, reserve(EVENING, "a", { tokens: 10 ** 9 }))).toEqual(["ok"]);
    expect(store.holds.size).toBe(1);
  });
});

describe("what cannot be counted", () => {
  it("is refused loudly: one user's costs beyond the safe integers", () => {
    const store = storeFor();
    const cost = 6_000_000_000_000_000;
    expect(codes(store, record(EVENING, { id: "a", cost }))).toEqual(["inserted"]);
    expect(() => codes(store, record(EVENING, { id: "b", cost }))).toThrow(AlphaError);
  });

  it("is not the same as a limit: a store that cannot be reached", () => {
    expect(storeUnavailable()).toMatchObject({ outcome: "block", code: "store-unavailable", quotas: [] });
  });
});
