import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentHash } from "../../src/domain/content-hash.js";
import { exportedUsage } from "../../src/domain/exported-usage.js";
import { standingOf } from "../../src/domain/ledger-corrections.js";
import {
  type Entry,
  eventKey,
  hashForUser,
  hashWithoutUser,
  type Operation,
} from "../../src/domain/ledger-model.js";
import { OwnPrices } from "../../src/domain/own-prices.js";
import type { UsageRecord } from "../../src/domain/usage.js";
import { alpha } from "../../src/importers/alpha.js";
import { nativeFields } from "../../src/importers/exported.js";
import type { Fields, UsageDraft } from "../../src/importers/importer.js";
import { CORRECTED_CONFIG, LATE, operationsOf, rounds, standingsOf } from "../support/corrected-stream.js";
import { type ModelConfig, ModelStore } from "../support/ledger-model.js";
import { BERLIN, OWN_PRICE_LIST, streamsInParts, USERS } from "../support/ledger-stream.js";

const RUNS = { numRuns: 300 };
const YEAR = 365 * 86_400_000;

/** Another ledger: its users have other numbers, and what it takes for a price is different in every way. */
const ELSEWHERE: ModelConfig = {
  settings: { ...BERLIN, unpriced: "ignore" },
  stops: [],
  ownPrices: new OwnPrices(OWN_PRICE_LIST.map((price) => ({ ...price, model: "*", startsAt: 0 }))),
  users: USERS.map((user) => ({ ...user, id: user.id + 4_000 })),
};

/** As the store hands them out: each event under the identity that it was entered under, or that has its provider's id. */
function exportOf(store: ModelStore): UsageRecord[] {
  return [...store.keys.values()]
    .filter(({ metAgainBy, providerId }) => metAgainBy === null || providerId !== null)
    .sort((a, b) => (a.source + a.id < b.source + b.id ? -1 : 1))
    .map((key) => {
      const standing = standingOf(store.rowsOf(key.event));
      if (standing === null) throw new Error(`there is no event ${key.event}`);
      const user = store.config.users.find(({ id }) => id === standing.userId);
      return exportedUsage(key, user?.names[0] ?? "", standing);
    });
}

/** As a line of JSON Lines, and read from it. */
function throughText(record: UsageRecord): UsageDraft {
  const fields = JSON.parse(JSON.stringify(nativeFields(record))) as Fields;
  expect(alpha.detect(fields)).toBe(true);
  const draft = alpha.read(fields, { now: LATE + YEAR });
  if (draft.kind !== "draft") throw new Error(JSON.stringify(draft));
  return draft;
}

/** What the import of such a line asks the ledger to record. */
function operationOf(draft: UsageDraft): Operation {
  const { kind: _, source, id, user, hash, estimated, ...rest } = draft;
  const entry: Entry = {
    ...rest,
    source: source ?? "",
    id: id ?? "",
    user: user ?? "",
    hash: hash ?? contentHash(draft),
    rates: null,
    estimated: estimated === true,
    importId: 9,
  };
  return { op: "record", entry, at: LATE };
}

function importedElsewhere(records: readonly UsageRecord[]): ModelStore {
  const store = new ModelStore(ELSEWHERE);
  const outcomes = store.apply(records.map((record) => operationOf(throughText(record))));
  expect(outcomes.filter((each) => !("status" in each) || each.status !== "inserted")).toEqual([]);
  return store;
}

/** The totals that are not 0, with the users' numbers of the first ledger. */
function totals(store: ModelStore, shift = 0) {
  const own = (key: string) => key.replace(/^\d+/, (id) => String(Number(id) - shift));
  const { windows, days } = store.snapshot();
  const isUsed = (amounts: object) =>
    Object.values(amounts).some((amount) => typeof amount === "number" && amount !== 0);
  return {
    windows: Object.fromEntries(
      [...windows].filter(([, amounts]) => isUsed(amounts)).map(([key, amounts]) => [own(key), amounts]),
    ),
    days: days
      .map(({ userId, day, ...amounts }) => ({ user: userId - shift, day, amounts }))
      .filter(({ amounts }) => isUsed(amounts)),
  };
}

function played(all: readonly (readonly Operation[])[], config: ModelConfig): ModelStore {
  const store = new ModelStore(config);
  for (const operations of all) store.apply(operations);
  return store;
}

/** What becomes of a record that comes again. */
function statusAgain(store: ModelStore, entry: Entry): unknown {
  const copy = new ModelStore(store.config);
  copy.ledger.push(...store.ledger);
  for (const [name, key] of store.keys) copy.keys.set(name, key);
  const [outcome] = copy.apply([{ op: "record", entry: { ...entry, supersedes: false }, at: LATE + YEAR }]);
  return outcome !== undefined && "status" in outcome && outcome.status;
}

function checkReproduced(store: ModelStore, met: readonly Operation[]): void {
  const records = exportOf(store);
  const other = importedElsewhere(records);
  expect(totals(other, 4_000)).toEqual(totals(store));
  expect(exportOf(other)).toEqual(records);
  // Into the ledger that it came from it brings nothing.
  const before = standingsOf(store);
  const again = store.apply(records.map((record) => operationOf(throughText(record))));
  expect(again.every((each) => "status" in each && each.status === "duplicate")).toBe(true);
  expect(standingsOf(store)).toEqual(before);
  const ids = new Set(records.map(({ source, id }) => eventKey(source, id)));
  for (const operation of met) {
    if (operation.op !== "record" && operation.op !== "settle") continue;
    const { entry } = operation;
    // A second id of a call is told there by the provider's id alone.
    if (!ids.has(eventKey(entry.source, entry.id))) continue;
    expect(statusAgain(other, entry)).toBe(statusAgain(store, entry));
  }
}

describe("an exported ledger", () => {
  it("counts, costs and knows the same elsewhere, however it was metered", () => {
    fc.assert(
      fc.property(streamsInParts, ({ config, operations }) => {
        fc.pre(config.settings.time_zone === BERLIN.time_zone);
        const met = operations.filter(({ op }) => op !== "correct");
        checkReproduced(played([met], config), met);
      }),
      RUNS,
    );
  });

  it("counts, costs and knows the same elsewhere, whatever was superseded, repriced and undone", () => {
    fc.assert(
      fc.property(rounds, (all) => {
        const store = new ModelStore(CORRECTED_CONFIG);
        for (const [index, round] of all.entries()) {
          store.apply(operationsOf(store, round, LATE + index * 600_000));
        }
        const known = [...store.keys.values()].every(({ hash }) => hash !== -1);
        fc.pre(known);
        checkReproduced(store, []);
      }),
      RUNS,
    );
  });
});

describe("the hash of an exported record", () => {
  const hashes = fc.maxSafeNat().filter((hash) => hash < Number.MAX_SAFE_INTEGER);

  it("is the one that was kept with its user, whatever their number", () => {
    fc.assert(
      fc.property(hashes, fc.integer({ min: 1, max: 2_000_000 }), (hash, userId) => {
        const kept = hashForUser(hash, userId);
        expect(kept).toBeGreaterThanOrEqual(0);
        expect(hashWithoutUser(kept, userId)).toBe(hash);
      }),
    );
    // An odd sum beyond the safe integers would be rounded to an even one.
    expect(hashWithoutUser(hashForUser(9_007_199_254_740_002, 3), 3)).toBe(9_007_199_254_740_002);
    expect(hashWithoutUser(hashForUser(9_007_199_254_740_003, 3), 3)).toBe(9_007_199_254_740_003);
    expect(hashWithoutUser(-1, 7)).toBeNull();
  });

  const record: UsageRecord = {
    ...{ source: "live", id: "r_1", providerId: null, user: "ada", occurredAt: LATE },
    ...{ provider: "openai", model: "gpt-4o", feature: "", status: "ok", cost: 2_500 },
    ...{ input: 10, cacheRead: 0, cacheWrite: 0, output: 5, reasoning: 0, images: 0 },
  };

  it("is written where the record does not say it, and is forgotten when the record was changed", () => {
    expect(nativeFields(record)).not.toHaveProperty("content_hash");
    const fields = nativeFields({ ...record, hash: 12_345 });
    const read = (more: Fields) => alpha.read({ ...fields, ...more }, { now: LATE });
    expect(read({})).toMatchObject({ hash: 12_345 });
    for (const change of [{ output_tokens: 6 }, { model: "gpt-5" }, { cost_usd: 1 }, { requests: 1 }]) {
      expect(read(change)).not.toHaveProperty("hash");
    }
    // Whose it is says the import, which may be told otherwise.
    expect(read({ user: "bob" })).toMatchObject({ hash: 12_345, user: "bob" });
    expect(read({ content_hash: "12" })).toMatchObject({ field: "content_hash" });
    expect(read({ content_hash: "zzzzzzzzzzz-1" })).toMatchObject({ field: "content_hash" });
  });
});

describe("the price of an exported record", () => {
  const read = (fields: Fields) =>
    alpha.read({ timestamp: "2026-11-01T10:00:00Z", output_tokens: 5, ...fields }, { now: LATE + YEAR });

  it("is what its ledger said, also where that was nothing", () => {
    expect(read({ priced_by: "log", cost_usd: 0 })).toMatchObject({ cost: 0 });
    expect(read({ priced_by: "book", cost_usd: 0.25 })).toMatchObject({
      cost: null,
      priced: { cost: 250_000_000, assumed: 0, pricedBy: "book" },
    });
    expect(read({ priced_by: "own", cost_usd: 0 })).toMatchObject({
      cost: null,
      priced: { cost: 0, assumed: 0, pricedBy: "own" },
    });
    expect(read({ priced_by: "none", assumed_usd: 0.1 })).toMatchObject({
      cost: null,
      priced: { cost: 0, assumed: 100_000_000, pricedBy: "none" },
    });
    expect(read({ priced_by: "none", estimated: true })).toMatchObject({
      priced: { assumed: 0 },
      estimated: true,
    });
  });

  it.each<[Fields, string, string]>([
    [{ priced_by: "me", cost_usd: 1 }, "priced_by", 'is none of log, own, book, none: "me"'],
    [{ priced_by: "book" }, "cost_usd", "is missing, but priced_by says book"],
    [{ priced_by: "none", cost_usd: 1 }, "cost_usd", "is there, but priced_by says that nothing priced it"],
    [{ priced_by: "own", cost_usd: 1, assumed_usd: 1 }, "assumed_usd", "is there, but priced_by says own"],
    [{ priced_by: "none", assumed_usd: -1 }, "assumed_usd", "is negative: -1"],
  ])("of %j is rejected", (fields, field, reason) => {
    expect(read(fields)).toEqual({ kind: "rejection", field, reason });
  });

  it("is exact, however large", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.constantFrom("log", "book", "none" as const), (nanos, pricedBy) => {
        const priced =
          pricedBy === "log"
            ? { cost: nanos }
            : {
                cost: null,
                priced: { cost: pricedBy === "none" ? 0 : nanos, assumed: 0, pricedBy } as const,
              };
        const record: UsageRecord = {
          ...{ source: "alpha", id: "1", providerId: "p", user: "ada", occurredAt: LATE, ...priced },
          ...{ provider: "openai", model: "gpt-4o", feature: "", status: "ok" },
          ...{ input: 10, cacheRead: 0, cacheWrite: 0, output: 5, reasoning: 0, images: 0 },
        };
        const { kind: _, ...draft } = throughText(record);
        expect(draft).toEqual(record);
      }),
    );
  });
});
