import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Entry, Operation, OperationOutcome } from "../../src/domain/ledger-model.js";
import { previewOperations } from "../../src/domain/ledger-preview.js";
import { SeenEvents } from "../../src/engine/seen-events.js";
import {
  CORRECTED_CONFIG,
  cut,
  cuts,
  LATE,
  operationsOf,
  type Round,
  rounds,
  SNAPSHOTS,
  snapshots,
  standingsOf,
  totalsOf,
} from "../support/corrected-stream.js";
import { dateIn, ModelStore } from "../support/ledger-model.js";

const RUNS = { numRuns: 400 };

/** A total that came back to 0 is as good as none. */
const used = (totals: readonly (readonly [string, readonly number[]])[]) =>
  Object.fromEntries(totals.filter(([, amounts]) => amounts.some((amount) => amount !== 0)));

const recorded = (entries: readonly Entry[]): Operation[] =>
  entries.map((entry) => ({ op: "record", entry, at: LATE }));

/** Plays rounds into an empty store, each in batches of the given sizes. */
function played(all: readonly Round[], sizes: readonly number[]) {
  const store = new ModelStore(CORRECTED_CONFIG);
  const outcomes: OperationOutcome[] = [];
  all.forEach((round, index) => {
    for (const batch of cut(operationsOf(store, round, LATE + index * 600_000), sizes)) {
      outcomes.push(...store.apply(batch));
    }
  });
  return { store, outcomes };
}

describe("corrections", () => {
  it("come to the same in any split into batches", () => {
    fc.assert(
      fc.property(rounds, cuts, (all, sizes) => {
        const one = played(all, [1]);
        const other = played(all, sizes);
        expect(other.outcomes).toEqual(one.outcomes);
        expect(standingsOf(other.store)).toEqual(standingsOf(one.store));
        expect(totalsOf(other.store)).toEqual(totalsOf(one.store));
        expect([...other.store.alerts.keys()].sort()).toEqual([...one.store.alerts.keys()].sort());
      }),
      RUNS,
    );
  });

  it("keep every total what the rows of the ledger add up to", () => {
    const date = dateIn("Europe/Berlin");
    const dayNumber = (label: string) => Date.parse(`${label}T00:00:00Z`) / 86_400_000;
    fc.assert(
      fc.property(rounds, cuts, (all, sizes) => {
        const { store } = played(all, sizes);
        const windows: Record<string, number[]> = {};
        const days: Record<string, number[]> = {};
        const add = (to: Record<string, number[]>, key: string, amounts: number[]) => {
          to[key] = amounts.map((amount, index) => amount + (to[key]?.[index] ?? 0));
        };
        for (const row of store.ledger) {
          const label = date(row.occurredAt);
          const [year = 0, month = 0] = label.split("-").map(Number);
          const tokens = row.input + row.cacheRead + row.cacheWrite + row.output;
          const amounts = [tokens, row.images, row.cost + row.assumed, row.requests];
          add(windows, `${row.userId}/day/${dayNumber(label)}`, amounts);
          add(windows, `${row.userId}/month/${year * 12 + month - 1}`, amounts);
          const isUnpriced = row.pricedBy === "none" && tokens + row.images > 0;
          const unpriced = "corrects" in row ? row.unpriced : Number(isUnpriced);
          const cell = [row.userId, dayNumber(label), row.provider, row.model, row.feature];
          const fields = [row.input, row.cacheRead, row.cacheWrite, row.output, row.reasoning];
          add(days, JSON.stringify(cell), [
            ...fields,
            row.images,
            row.requests,
            row.cost,
            row.assumed,
            unpriced,
          ]);
        }
        const kept = [...store.windows].map(
          ([key, { tokens, images, cost, requests }]) => [key, [tokens, images, cost, requests]] as const,
        );
        expect(used(kept)).toEqual(used(Object.entries(windows)));
        const keptDays = [...store.days].map(([key, { userId: _, day: __, ...cell }]) => {
          const { provider: ___, model: ____, feature: _____, ...amounts } = cell;
          return [key, Object.values(amounts)] as const;
        });
        expect(used(keptDays)).toEqual(used(Object.entries(days)));
      }),
      RUNS,
    );
  });

  it("change nothing when they come again", () => {
    fc.assert(
      fc.property(rounds, (all) => {
        const { store } = played(all, [5]);
        for (const wish of all.flatMap(({ corrections }) => corrections)) {
          const [correction] = operationsOf(store, { corrections: [wish], entries: [] }, LATE + 9_000_000);
          store.apply([correction as Operation]);
          const once = { standings: standingsOf(store), totals: totalsOf(store), rows: store.ledger.length };
          const [outcome] = store.apply([correction as Operation]);
          expect(outcome).toEqual({ op: "correct", status: "unchanged", event: null });
          const twice = { standings: standingsOf(store), totals: totalsOf(store), rows: store.ledger.length };
          expect(twice).toEqual(once);
        }
      }),
      RUNS,
    );
  });
});

describe("the rounds that are played here", () => {
  it("have every outcome in them, so that none is passed over", () => {
    const seen: Record<string, number> = {};
    fc.assert(
      fc.property(rounds, cuts, (all, sizes) => {
        for (const outcome of played(all, sizes).outcomes) {
          const name = `${outcome.op} ${"status" in outcome ? outcome.status : ""}`;
          seen[name] = (seen[name] ?? 0) + 1;
        }
      }),
      RUNS,
    );
    expect(Object.keys(seen).sort()).toEqual([
      "correct corrected",
      "correct kept",
      "correct unchanged",
      "record conflict",
      "record duplicate",
      "record inserted",
      "record superseded",
      "record user-unknown",
    ]);
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10);
  });
});

describe("a preview", () => {
  it("answers one batch after the other as the ledger would, with nothing written", () => {
    fc.assert(
      fc.property(rounds, rounds, cuts, ([before], all, sizes) => {
        const store = new ModelStore(CORRECTED_CONFIG);
        store.apply(recorded(before?.entries ?? []));
        const rows = store.ledger.length;
        const memory = new SeenEvents();
        const entries = all.flatMap((round) => round.entries.map((entry) => ({ ...entry, importId: 9 })));
        const batches = cut(recorded(entries), sizes);
        const previewed = batches.map((batch) => previewOperations(store.load(batch), batch, memory));
        expect(store.ledger).toHaveLength(rows);
        expect(previewed).toEqual(batches.map((batch) => store.apply(batch)));
      }),
      RUNS,
    );
  });
});

describe("snapshots of one call", () => {
  it("come to the same in any order and any split: the latest stands", () => {
    const shuffled = snapshots.chain((all) =>
      fc.record({
        all: fc.constant(all),
        other: fc.shuffledSubarray([...all], { minLength: all.length }),
        sizes: cuts,
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ all, other, sizes }) => {
        const one = new ModelStore(CORRECTED_CONFIG);
        for (const operation of recorded(all)) one.apply([operation]);
        const two = new ModelStore(CORRECTED_CONFIG);
        for (const batch of cut(recorded(other), sizes)) two.apply(batch);
        expect(standingsOf(two)).toEqual(standingsOf(one));
        expect(totalsOf(two)).toEqual(totalsOf(one));

        // The latest of each call, found by sorting: what is left when nothing is ever superseded.
        const latest = new Map<string, Entry>();
        const tokens = ({ input, cacheRead, cacheWrite, output }: Entry) =>
          input + cacheRead + cacheWrite + output;
        for (const entry of [...all].sort(
          (a, b) => a.occurredAt - b.occurredAt || tokens(a) - tokens(b) || a.hash - b.hash,
        )) {
          latest.set(entry.id, entry);
        }
        const only = new ModelStore(CORRECTED_CONFIG);
        only.apply(recorded([...latest.values()]));
        expect(totalsOf(one)).toEqual(totalsOf(only));
      }),
      RUNS,
    );
  });

  it("met again change nothing, whichever of them", () => {
    fc.assert(
      fc.property(snapshots, cuts, (all, sizes) => {
        const store = new ModelStore(CORRECTED_CONFIG);
        for (const batch of cut(recorded(all), sizes)) store.apply(batch);
        const once = { rows: store.ledger.length, standings: standingsOf(store), totals: totalsOf(store) };
        const outcomes = store.apply(recorded(all));
        expect(outcomes.map((outcome) => "status" in outcome && outcome.status)).toEqual(
          all.map(() => "duplicate"),
        );
        expect({ rows: store.ledger.length, standings: standingsOf(store), totals: totalsOf(store) }).toEqual(
          once,
        );
      }),
      RUNS,
    );
  });
});

describe("an import that is undone", () => {
  /** As `usage undo-import` does it: every identity that the import brought or whose event it superseded. */
  function undoAll(
    store: ModelStore,
    importId: number,
    sizes: readonly number[],
    undone: readonly number[] = [],
  ) {
    const brought = [...store.keys.values()].filter(({ event, metAgainBy }) => {
      const rows = store.rowsOf(event);
      return metAgainBy === null ? rows.some((row) => row.importId === importId) : metAgainBy === importId;
    });
    const wishes = brought.map(({ source, id }) => ({ to: "undo" as const, source, id, importId }));
    const operations = operationsOf(store, { corrections: wishes, entries: [] }, LATE + 3_600_000).map(
      (operation): Operation =>
        operation.op === "correct" && operation.correction.to === "undo"
          ? { ...operation, correction: { ...operation.correction, undone: new Set(undone) } }
          : operation,
    );
    for (const batch of cut(operations, sizes)) store.apply(batch);
  }

  const byImport = (entries: readonly Entry[], importId: number) =>
    entries.map((entry) => ({ ...entry, importId }));

  it("leaves the totals and standings of everything else as if it had never been, and its records count again", () => {
    fc.assert(
      fc.property(rounds, rounds, cuts, ([before], [brought], sizes) => {
        const store = new ModelStore(CORRECTED_CONFIG);
        for (const batch of cut(recorded(byImport(before?.entries ?? [], 1)), sizes)) store.apply(batch);
        const clean = { standings: standingsOf(store).filter(counts), totals: totalsOf(store) };
        const records = recorded(byImport(brought?.entries ?? [], 2));
        const first = cut(records, sizes).flatMap((batch) => store.apply(batch));
        const imported = totalsOf(store);
        undoAll(store, 2, sizes);
        const standings = standingsOf(store).filter(counts);
        expect(standings.map(withoutHash)).toEqual(clean.standings.map(withoutHash));
        expect(totalsOf(store)).toEqual(clean.totals);
        const second = cut(records, sizes).flatMap((batch) => store.apply(batch));
        expect(second.map(isNew)).toEqual(first.map(isNew));
        expect(totalsOf(store)).toEqual(imported);
      }),
      RUNS,
    );
  });

  const counts = (event: string) => JSON.parse(event).standing.requests !== 0;
  const isNew = (outcome: OperationOutcome) => "status" in outcome && outcome.status === "inserted";
  /** The content that stood before is not known any more: whatever comes next is taken for another. */
  const withoutHash = (event: string) => event.replaceAll(/"hash":-?\d+/g, "");

  const snapshot = (input: number, importId: number): Entry => {
    const at = LATE + input;
    return {
      ...(EXAMPLE as Entry),
      input,
      occurredAt: at,
      hash: input,
      importId,
    };
  };
  const EXAMPLE: Partial<Entry> = {
    source: SNAPSHOTS,
    id: "m",
    supersedes: true,
    providerId: null,
    user: "ada",
    provider: "anthropic",
    model: "opus",
    feature: "",
    cacheRead: 0,
    cacheWrite: 0,
    output: 0,
    reasoning: 0,
    images: 0,
    cost: 5,
    rates: null,
    status: "ok",
    estimated: false,
  };
  const tokensOf = (store: ModelStore) => [...store.windows.values()][0]?.tokens;

  it.each([
    // Three imports saw 100, then 200, then 300 tokens of one call.
    { undo: [3], left: 200 },
    { undo: [3, 2], left: 100 },
    // What import 2 added is a part of what import 3 says, until that is undone, too.
    { undo: [2], left: 300 },
    { undo: [2, 3], left: 100 },
    // The event was import 1's: without it there is nothing to supersede.
    { undo: [1], left: 0 },
    { undo: [1, 2, 3], left: 0 },
  ])("of three that superseded one another: undoing $undo leaves $left tokens", ({ undo, left }) => {
    const store = new ModelStore(CORRECTED_CONFIG);
    for (const [index, input] of [100, 200, 300].entries())
      store.apply(recorded([snapshot(input, index + 1)]));
    expect(tokensOf(store)).toBe(300);
    for (const [index, importId] of undo.entries()) undoAll(store, importId, [1], undo.slice(0, index));
    expect(tokensOf(store)).toBe(left);
  });
});
