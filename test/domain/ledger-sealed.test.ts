import { expect, it } from "vitest";
import type { Entry, Operation } from "../../src/domain/ledger-model.js";
import { isSealed, sealedUntil } from "../../src/domain/sealing.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { calendar, parseMonth } from "../../src/domain/window.js";
import { instant, tierNamed } from "../support/decision.js";
import { ModelStore } from "../support/ledger-model.js";
import { entry } from "../support/store.js";

const AT = instant("2026-11-22T12:00:00Z");
const OLD = instant("2026-05-31T23:59:59.999Z");
const OPEN = instant("2026-06-01T00:00:00Z");

const ADA = { id: 1, names: ["ada"], status: "active", tier: tierNamed("pro"), overrides: [] } as const;

/** A store whose months before June are sealed from some operations on. */
function sealedAfter(operations: readonly Operation[]): ModelStore {
  const config = { settings: INITIAL_SETTINGS, stops: [], users: [ADA] };
  const store = new ModelStore(config);
  store.apply(operations);
  Object.assign(store.config, { sealedUntil: OPEN });
  return store;
}

const record = (id: string, more: Partial<Entry> = {}): Operation => ({
  op: "record",
  entry: entry(id, { occurredAt: OLD, ...more }),
  at: AT,
});
const statuses = (store: ModelStore, ...operations: readonly Operation[]) =>
  store.apply(operations).map((outcome) => (outcome.op === "reserve" ? "" : outcome.status));

it("ends where the month after the last sealed one begins, in the accounting zone", () => {
  const may = parseMonth("2026-05");
  // Berlin is two hours ahead in summer.
  expect(sealedUntil(may, calendar("Europe/Berlin"))).toBe(instant("2026-05-31T22:00:00Z"));
  expect(sealedUntil(may, calendar("UTC"))).toBe(OPEN);
  expect(sealedUntil(null, calendar("UTC"))).toBeUndefined();
  expect([isSealed(OLD, OPEN), isSealed(OPEN, OPEN), isSealed(0, undefined)]).toEqual([true, false, false]);
});

it("enters nothing into a sealed month, and everything from its end on", () => {
  const store = sealedAfter([]);
  expect(statuses(store, record("1"), record("2", { occurredAt: OPEN }))).toEqual(["sealed", "inserted"]);
  const settled: Operation = { op: "settle", entry: entry("3", { occurredAt: OLD }), at: AT };
  expect(statuses(store, settled)).toEqual(["sealed"]);
  expect(store.events.map(({ id }) => id)).toEqual(["2"]);
  // The one event: 15 tokens in June, by its day and its month.
  expect([...store.windows.values()].map(({ tokens }) => tokens)).toEqual([15, 15]);
});

it("still knows what was entered before the month was sealed", () => {
  const store = sealedAfter([record("1", { providerId: "p-1" }), record("2")]);
  const before = store.snapshot();
  const again = [
    record("1", { providerId: "p-1" }),
    record("2", { hash: 2 }),
    // Another source has met the first.
    record("1", { source: "other", providerId: "p-1" }),
  ];
  expect(statuses(store, ...again)).toEqual(["duplicate", "conflict", "duplicate"]);
  expect(store.snapshot()).toEqual(before);
});

it("refuses the same event each time, and frees neither its id nor its provider's", () => {
  const store = sealedAfter([]);
  const twice = [record("1", { providerId: "p-1" }), record("1", { providerId: "p-1" })];
  expect(statuses(store, ...twice)).toEqual(["sealed", "sealed"]);
  const late = record("1", { providerId: "p-1", occurredAt: AT });
  expect(statuses(store, late, record("x", { providerId: "p-1" }))).toEqual(["inserted", "duplicate"]);
});

it("corrects nothing in a sealed month, whether its rows are still there or not", () => {
  const store = sealedAfter([record("1", { importId: 7 }), record("2", { importId: 7, supersedes: true })]);
  const before = store.snapshot();
  const undo = { to: "undo", source: "test", id: "1", importId: 7, undone: new Set<number>() } as const;
  const price = { to: "price", rates: null } as const;
  const later = record("2", { importId: 8, supersedes: true, hash: 2, output: 50 });
  const operations: Operation[] = [
    { op: "correct", user: "ada", event: 1, correction: undo, at: AT },
    { op: "correct", user: "ada", event: 1, correction: price, at: AT },
    later,
  ];
  expect(statuses(store, ...operations)).toEqual(["unchanged", "unchanged", "duplicate"]);
  expect(store.snapshot()).toEqual(before);
});

it("moves no call into a sealed month or out of one", () => {
  const store = sealedAfter([
    record("1", { occurredAt: OPEN, supersedes: true, output: 1 }),
    record("2", { supersedes: true }),
  ]);
  const before = store.snapshot();
  const back = record("1", { occurredAt: OLD, supersedes: true, hash: 2, output: 99 });
  const forth = record("2", { occurredAt: AT, supersedes: true, hash: 2 });
  // What occurred later stands, so that the first is no later record; the second has nothing left to stand against.
  expect(statuses(store, back, forth)).toEqual(["duplicate", "duplicate"]);
  expect(store.snapshot()).toEqual(before);
});
