import fc from "fast-check";
import { contentHash } from "../../src/domain/content-hash.js";
import { type Standing, standingOf } from "../../src/domain/ledger-corrections.js";
import { type Entry, eventKey, type Operation } from "../../src/domain/ledger-model.js";
import type { QuotedRates } from "../../src/domain/price-rule.js";
import { instant } from "./decision.js";
import type { ModelStore } from "./ledger-model.js";
import { BERLIN, entryOf, USERS } from "./ledger-stream.js";

const HOUR = 3_600_000;

/** Shortly before a day, and the month, end in Berlin. */
export const LATE = instant("2026-10-31T22:30:00Z");

export const CORRECTED_CONFIG = { settings: BERLIN, stops: [], users: USERS };

const RATES: QuotedRates = {
  from: "book",
  rates: {
    input: 3_000_000_000,
    cacheRead: 300_000_000,
    cacheWrite: 0,
    output: 7_000_000_000,
    image: null,
    request: 11,
  },
};

export const SNAPSHOTS = "snapshots";

/** Which event is to be corrected, by a name that it has in every store. */
export type Wish =
  | { readonly to: "price"; readonly source: string; readonly id: string; readonly rates: QuotedRates | null }
  | { readonly to: "undo"; readonly source: string; readonly id: string; readonly importId: number };

const ids = fc.constantFrom("a", "b", "c", "d");
const names = fc.constantFrom("ada", "ada", "ada", "ada", "ada@example.com", "bob", "ghost");
const imports = fc.constantFrom(1, 2);

const entries: fc.Arbitrary<Entry> = fc
  .record({
    user: names,
    id: ids,
    source: fc.constantFrom(SNAPSHOTS, SNAPSHOTS, "gateway", "live"),
    providerId: fc.constantFrom(null, "resp-1", "resp-2"),
    model: fc.constantFrom("flash", "flash", "pro"),
    occurredAt: fc.constantFrom(-30, -1, 0, 0.5, 1, 1.6, 2).map((hours) => LATE + hours * HOUR),
    input: fc.constantFrom(0, 40, 200, 700),
    output: fc.constantFrom(0, 10, 250),
    images: fc.constantFrom(0, 0, 2),
    cost: fc.constantFrom(null, null, 0, 2_000_000, 120_000_000),
    rates: fc.constantFrom(RATES, RATES, null),
    status: fc.constantFrom("ok", "error"),
  })
  .map((content) => {
    const entry = entryOf({ ...content, supersedes: content.source === SNAPSHOTS });
    return { ...entry, hash: contentHash(entry) };
  });

const wishes: fc.Arbitrary<Wish> = fc.oneof(
  fc.record({
    to: fc.constant("price" as const),
    source: fc.constantFrom(SNAPSHOTS, "gateway", "live"),
    id: ids,
    rates: fc.constantFrom(RATES, null),
  }),
  fc.record({
    to: fc.constant("undo" as const),
    source: fc.constantFrom(SNAPSHOTS, SNAPSHOTS, "gateway", "live"),
    id: ids,
    importId: imports,
  }),
);

/** Usage of four calls from several sources, met again and again, with corrections between. A round is of one import. */
export interface Round {
  readonly corrections: readonly Wish[];
  readonly entries: readonly Entry[];
}

export const rounds: fc.Arbitrary<readonly Round[]> = fc.array(
  fc
    .record({
      corrections: fc.array(wishes, { maxLength: 6 }),
      entries: fc.array(entries, { minLength: 1, maxLength: 10 }),
      importId: fc.option(imports, { nil: null }),
    })
    .map(({ corrections, entries: all, importId }) => ({
      corrections,
      entries: all.map((entry) => ({ ...entry, importId })),
    })),
  { minLength: 1, maxLength: 6 },
);

/** Snapshots of three calls of one user: each call's are in no order, and some are equal. */
export const snapshots: fc.Arbitrary<readonly Entry[]> = fc
  .array(entries, { minLength: 2, maxLength: 12 })
  .map((all) =>
    all.map((entry) => {
      const snapshot = {
        ...entry,
        user: "ada",
        source: SNAPSHOTS,
        supersedes: true,
        providerId: null,
        importId: 1,
        // A book has one price for equal snapshots.
        rates: entry.output === 10 ? null : RATES,
      };
      return { ...snapshot, hash: contentHash(snapshot) };
    }),
  );

/** The operations of a round in a store, whose events have numbers of its own. */
export function operationsOf(store: ModelStore, { corrections, entries }: Round, at: number): Operation[] {
  const undone = new Set<number>();
  return [
    ...corrections.map(({ source, id, ...wish }): Operation => {
      const event = store.keys.get(eventKey(source, id))?.event ?? 9_999;
      const user =
        USERS.find(({ id: number }) => number === store.rowsOf(event)[0]?.userId)?.names[0] ?? "ada";
      const correction = wish.to === "price" ? wish : { ...wish, source, id, undone };
      return { op: "correct", user, event, correction, at };
    }),
    ...entries.map((entry): Operation => ({ op: "record", entry, at })),
  ];
}

/** Cuts a list into pieces of the given sizes, which come again and again. */
export function cut<T>(items: readonly T[], sizes: readonly number[]): T[][] {
  const pieces: T[][] = [];
  for (let from = 0, piece = 0; from < items.length; piece++) {
    const size = sizes[piece % sizes.length] ?? 1;
    pieces.push(items.slice(from, from + size));
    from += size;
  }
  return pieces;
}

export const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 6 });

/** How everything stands, whatever rows it took to get there. */
export function standingsOf(store: ModelStore) {
  const events: { names: unknown[]; standing: Standing | null }[] = [];
  store.ledger.forEach((row, index) => {
    if ("corrects" in row) return;
    const number = index + 1;
    const names = [...store.keys.values()].filter((key) => key.event === number);
    const keys = names
      .map(({ event: _, ...key }) => key)
      .sort((a, b) => (a.source + a.id < b.source + b.id ? -1 : 1));
    events.push({ names: keys, standing: standingOf(store.rowsOf(number)) });
  });
  return events.map((event) => JSON.stringify(event)).sort();
}

/** The totals that are not 0: one that came back to 0 is as good as none. */
export function totalsOf(store: ModelStore) {
  const { windows, days } = store.snapshot();
  return {
    windows: [...windows].filter(([, amounts]) => Object.values(amounts).some((amount) => amount !== 0)),
    days: days.filter(({ userId: _, day: __, provider, model, feature, ...amounts }) =>
      Object.values(amounts).some((amount) => amount !== 0),
    ),
  };
}
