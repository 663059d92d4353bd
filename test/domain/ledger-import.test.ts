import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Alert } from "../../src/domain/alert.js";
import { ENTERED, type ImportColumns } from "../../src/domain/import-columns.js";
import { spanOf } from "../../src/domain/import-ids.js";
import {
  enterSlice,
  openWindows,
  type Slice,
  type SliceEntered,
  sliceAlerts,
} from "../../src/domain/ledger-import.js";
import type { DayDelta, LedgerEvent, LedgerUser } from "../../src/domain/ledger-model.js";
import { OwnPrices } from "../../src/domain/own-prices.js";
import { PRICED_BY } from "../../src/domain/price-rule.js";
import type { Settings } from "../../src/domain/settings.js";
import { AlphaError } from "../../src/errors.js";
import { instant, tierNamed, tierWith } from "../support/decision.js";
import {
  BOOK,
  columnsOf,
  IMPORT,
  operationsOf,
  type PlainRecord,
  plainRecords,
  SOURCE,
} from "../support/import-columns.js";
import { type ModelConfig, ModelStore, type ModelUser } from "../support/ledger-model.js";
import { BERLIN, OWN_PRICE_LIST, USERS } from "../support/ledger-stream.js";

/** The evening before a month ends in Berlin; in Kathmandu it has. */
const AT = instant("2026-10-31T21:30:00Z");

const REMOVED: ModelUser = {
  id: 5,
  names: ["gone"],
  status: "removed",
  tier: tierNamed("free"),
  overrides: [],
};
const NAMES = ["ada", "ada@example.com", "bob", "eve", "mallory", "gone", "ghost"];

const configs: fc.Arbitrary<ModelConfig> = fc.record({
  settings: fc.constantFrom<Settings>(
    { ...BERLIN, time_zone: "UTC" },
    BERLIN,
    { ...BERLIN, time_zone: "Asia/Kathmandu", unpriced: "ignore" },
    { ...BERLIN, time_zone: "America/St_Johns", unpriced: "block" },
  ),
  stops: fc.constant([]),
  users: fc.constant([...USERS, REMOVED]),
  ownPrices: fc.constantFrom(null, new OwnPrices(OWN_PRICE_LIST)),
  // Among the times of the records, or before them all.
  sealedUntil: fc.constantFrom(0, instant("2026-10-25T00:00:00Z"), instant("2026-10-31T10:00:00Z")),
});

type Outcome = { readonly status: string; readonly reason?: string };

/** The way one by one, in which a record that cannot be counted keeps nobody else from it. */
function oneByOne(store: ModelStore, records: readonly PlainRecord[], at: number): Outcome[] {
  return operationsOf(records, at).map((operation) => {
    try {
      const [outcome] = store.apply([operation]);
      return { status: outcome?.op === "record" ? outcome.status : "" };
    } catch (error) {
      if (!(error instanceof AlphaError)) throw error;
      return { status: "refused", reason: error.message };
    }
  });
}

/** Enters a slice as a store would. `null`: it has to go one by one. */
function enter(
  store: ModelStore,
  records: readonly PlainRecord[],
  slice: Slice,
  at: number,
): Outcome[] | null {
  const columns = columnsOf(records);
  const { from, to } = slice;
  const { settings, ownPrices, sealedUntil, users, knownEvents } = store.load(
    operationsOf(records.slice(from, to), at),
  );
  const entered = enterSlice(columns, slice, {
    settings,
    ownPrices,
    sealedUntil,
    book: BOOK,
    userIds: Float64Array.from(columns.users, (name) => users.get(name)?.id ?? 0),
    known: new Map([...knownEvents].map(([key, hash]) => [key.slice(SOURCE.length + 1), hash])),
    distinct: spanOf(columns.ids, from, to).ascending,
  });
  if (entered === null) return null;
  const byId = new Map([...users.values()].map((user): [number, LedgerUser] => [user.id, user]));
  const alerts = sliceAlerts(openWindows(entered.windows, at, settings), byId, settings, at);
  if (alerts === null) return null;
  save(store, columns, entered, alerts, at);
  return [...entered.outcome].map((outcome, i) => {
    const reason = entered.refusals.get(from + i);
    return { status: ENTERED[outcome] ?? "", ...(reason === undefined ? {} : { reason }) };
  });
}

function save(
  store: ModelStore,
  columns: ImportColumns,
  entered: SliceEntered,
  alerts: readonly Alert[],
  at: number,
): void {
  const none = {
    sameEvents: [],
    holdsPut: [],
    holdsGone: [],
    refusals: [],
    refusedCalls: [],
    guardrailUse: [],
    trips: [],
  };
  const { windows } = entered;
  store.save({
    ...none,
    events: eventsOf(columns, entered, at),
    windows,
    days: daysOf(columns, entered),
    alerts,
  });
}

function eventsOf(columns: ImportColumns, { rows }: SliceEntered, recordedAt: number): LedgerEvent[] {
  return Array.from({ length: rows.count }, (_, row) => {
    const i = rows.record[row]!;
    return {
      ...columns.kinds[columns.kind[i]!]!,
      userId: rows.userId[row]!,
      source: columns.source,
      id: columns.ids[i]!,
      hash: rows.hash[row]!,
      providerId: null,
      occurredAt: columns.occurredAt[i]!,
      recordedAt,
      input: columns.input[i]!,
      cacheRead: columns.cacheRead[i]!,
      cacheWrite: columns.cacheWrite[i]!,
      output: columns.output[i]!,
      reasoning: columns.reasoning[i]!,
      images: columns.images[i]!,
      requests: columns.requests[i]!,
      cost: rows.cost[row]!,
      assumed: rows.assumed[row]!,
      pricedBy: PRICED_BY[rows.pricedBy[row]!]!,
      status: columns.statuses[columns.status[i]!]!,
      estimated: false,
      importId: IMPORT,
      reserved: null,
      part: null,
    };
  });
}

function daysOf({ kinds }: ImportColumns, { totals }: SliceEntered): DayDelta[] {
  return Array.from({ length: totals.count }, (_, cell) => {
    const values: number[] = [];
    totals.copyCell(cell, values, 0);
    const [userId, day, kind, input, cacheRead, cacheWrite, output] = values as Tuple;
    const [reasoning, images, requests, cost, assumed, unpriced] = values.slice(7) as Tuple;
    const { provider, model, feature } = kinds[kind]!;
    const tokens = { input, cacheRead, cacheWrite, output, reasoning };
    return { userId, day, provider, model, feature, ...tokens, images, requests, cost, assumed, unpriced };
  });
}
type Tuple = [number, number, number, number, number, number, number];

/** In an order of their own: those of one slice are found together. */
function alertsOf(store: ModelStore): string[] {
  return store
    .snapshot()
    .alerts.map((alert) => JSON.stringify(alert))
    .sort();
}

/** The model adds up numbers, which says nothing exact of totals that no number holds. Databases count on. */
function asCounted(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, each: unknown) => {
      if (each instanceof Map) return [...each];
      return typeof each === "number" && each > Number.MAX_SAFE_INTEGER ? "beyond" : each;
    }),
  );
}

describe("records in columns", () => {
  it("give the outcomes, rows, totals and alerts that they give one by one, in any slices", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 });
    const met = new Set<string>();
    fc.assert(
      fc.property(configs, plainRecords(AT, NAMES), cuts, (config, records, sizes) => {
        const [expected, actual] = [new ModelStore(config), new ModelStore(config)];
        for (let from = 0, n = 0; from < records.length; n++) {
          const to = Math.min(records.length, from + (sizes[n % sizes.length] ?? 1));
          const at = AT + n * 3_600_000;
          const outcomes = oneByOne(expected, records.slice(from, to), at);
          const entered = enter(actual, records, { from, to }, at);
          if (entered === null) {
            met.add("null");
            oneByOne(actual, records.slice(from, to), at);
          } else {
            expect(entered).toEqual(outcomes);
            for (const { status } of entered) met.add(status);
          }
          from = to;
        }
        const { alerts: _, ...wanted } = expected.snapshot();
        const { alerts: __, ...rest } = actual.snapshot();
        expect(asCounted(rest)).toEqual(asCounted(wanted));
        expect(alertsOf(actual)).toEqual(alertsOf(expected));
        if (wanted.events.length > 0 && alertsOf(expected).length > 0) met.add("alert");
      }),
      { numRuns: 400 },
    );
    expect([...met].sort()).toEqual(expect.arrayContaining([...ENTERED, "alert"].sort()));
  });

  const RECORD: PlainRecord = {
    id: "a",
    user: "ada",
    occurredAt: AT,
    provider: "",
    model: "",
    feature: "",
    input: 0,
    cacheRead: 0,
    cacheWrite: 0,
    output: 0,
    reasoning: 0,
    images: 0,
    cost: 6_000_000_000_000_000,
    requests: 1,
    status: "ok",
    hash: 1,
  };
  const ADA: ModelUser = { id: 1, names: ["ada"], status: "active", tier: tierWith(), overrides: [] };
  const config: ModelConfig = { settings: BERLIN, stops: [], users: [ADA] };

  it("go one by one where a window comes to more than can be counted: $6 million twice", () => {
    const store = new ModelStore(config);
    const late = { ...RECORD, id: "b", model: "late" };
    expect(enter(store, [RECORD, late], { from: 0, to: 2 }, AT)).toBeNull();
    expect(store.events).toEqual([]);
    // The second is refused by what the first has left, whichever way it came.
    expect(enter(store, [RECORD, late], { from: 0, to: 1 }, AT)).toEqual([{ status: "inserted" }]);
    expect(enter(store, [RECORD, late], { from: 1, to: 2 }, AT)).toBeNull();
    expect(oneByOne(store, [late], AT)[0]?.status).toBe("refused");
  });

  it("have exact sums, however large: 3 months of 9,007,199,254,740,990 tokens", () => {
    const most = 9_007_199_254_740_990;
    const records = [0, 1, 2].map((n) => ({
      ...RECORD,
      id: `${n}`,
      occurredAt: AT - n * 31 * 86_400_000,
      cost: n,
      output: most,
    }));
    const columns = columnsOf(records);
    const state = { settings: BERLIN, ownPrices: null, book: null, known: new Map(), distinct: true };
    const entered = enterSlice(columns, { from: 0, to: 3 }, { ...state, userIds: Float64Array.of(1) });
    // 3 * 9,007,199,254,740,990, and 0 + 1 + 2 nanos.
    expect(entered?.totals.inserted(3)).toEqual({
      count: 3,
      unpriced: 0,
      input: 0n,
      output: 27_021_597_764_222_970n,
      images: 0n,
      cost: 3n,
      assumed: 0n,
    });
  });
});

describe("a run of ids", () => {
  const id = fc.string({ unit: "grapheme", maxLength: 3 });

  it("is bounded in the order of a database, or says that it is not", () => {
    fc.assert(
      fc.property(fc.array(id, { minLength: 1, maxLength: 9 }), (ids) => {
        const { least, greatest, ascending, inByteOrder } = spanOf(ids, 0, ids.length);
        if (ascending) expect(new Set(ids).size).toBe(ids.length);
        if (!inByteOrder) return;
        for (const each of ids) {
          expect(Buffer.compare(Buffer.from(least), Buffer.from(each))).toBeLessThanOrEqual(0);
          expect(Buffer.compare(Buffer.from(greatest), Buffer.from(each))).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it("is in no such order where a surrogate stands beside what UTF-16 sorts after it", () => {
    // U+1F600 is D83D DE00 in UTF-16 and so before U+FFEE, but F0 9F 98 80 in UTF-8 and after EF BF AE.
    expect(spanOf(["\u{1f600}", "\uffee"], 0, 2).inByteOrder).toBe(false);
    expect(spanOf(["a", "é", "漢"], 0, 3)).toEqual({
      least: "a",
      greatest: "漢",
      ascending: true,
      inByteOrder: true,
    });
  });

  it("with an id twice is not ascending", () => {
    expect(spanOf(["a", "b", "b"], 0, 3).ascending).toBe(false);
    expect(spanOf(["a", "b", "b"], 0, 2).ascending).toBe(true);
  });
});
