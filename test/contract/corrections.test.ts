import { describe, expect, test } from "vitest";
import type { Guardrail } from "../../src/domain/guardrail.js";
import type { Entry, Operation } from "../../src/domain/ledger-model.js";
import type { Page, StandingEvent } from "../../src/engine/ports/ledger.js";
import type { Reading, Store } from "../../src/engine/ports.js";
import { verifyTotals } from "../../src/engine/verify.js";
import { engineOn } from "../support/engine-on.js";
import { change, DAY, HOUR, populate, record, T0, type TestDatabase, TODAY } from "../support/store.js";
import { everyStore } from "./describe-store.js";

/** A record of a call as it was known at an instant: so many tokens, at a nano each. */
const snapshot = (id: string, input: number, occurredAt = T0, more: Partial<Entry> = {}): Operation =>
  record(id, {
    source: "snapshots",
    supersedes: true,
    hash: input + (occurredAt % 1e9),
    input,
    output: 0,
    cost: input,
    occurredAt,
    ...more,
  });

const undo = (id: string, event: number, importId: number, source = "snapshots"): Operation => ({
  op: "correct",
  user: "ada",
  event,
  correction: { to: "undo", source, id, importId, undone: new Set() },
  at: T0,
});

type BroughtPage = Awaited<ReturnType<Reading["records"]["broughtBy"]>>;

const unknown = { inserted: 0, superseded: null, duplicate: null, rejected: null, skipped: null };
const none = { inserted: 0, superseded: 0, duplicate: 0, rejected: 0, skipped: 0 };

async function statuses(store: Store, ...operations: Operation[]): Promise<unknown[]> {
  const outcomes = await store.meter.commit(operations);
  return outcomes.map((outcome) => "status" in outcome && outcome.status);
}

everyStore((fresh) => {
  const guarded = async (more: Partial<Guardrail> = {}) => {
    const database = await fresh();
    await populate(database.store, "ada", "bob");
    await change(database.store, (tx) =>
      tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit: 100, action: "stop", ...more }, T0),
    );
    return database;
  };
  const totals = async ({ rows }: TestDatabase) => {
    const sums = new Map<string, [unknown, number]>();
    for (const { guardrail_id, window_index, used } of await rows("guardrail_total")) {
      const key = `${guardrail_id}/${window_index}`;
      sums.set(key, [window_index, (sums.get(key)?.[1] ?? 0) + Number(used)]);
    }
    return [...sums.values()];
  };
  const stops = ({ store }: TestDatabase) => store.read((tx) => tx.emergency.active(T0));

  describe("a guardrail", () => {
    test("trips when superseding makes the running window reach it", async () => {
      const database = await guarded();
      await database.store.meter.commit([snapshot("m", 40)]);
      await database.store.meter.commit([snapshot("m", 99, T0 + 1)]);
      expect(await stops(database)).toEqual([]);
      await database.store.meter.commit([snapshot("m", 100, T0 + 2)]);
      expect(await totals(database)).toEqual([[TODAY, 100]]);
      expect(await stops(database)).toMatchObject([{ actor: "guardrail" }]);
    });

    test("never trips by what a correction adds to a closed window, whose total still moves", async () => {
      const database = await guarded();
      const { store } = database;
      const yesterday = T0 - DAY;
      await store.meter.commit([{ ...snapshot("old", 50, yesterday), at: yesterday }]);
      await store.meter.commit([snapshot("new", 60)]);
      await store.meter.commit([snapshot("old", 500, yesterday + 1)]);
      await store.meter.commit([record("late", { input: 7, output: 0, occurredAt: yesterday })]);
      expect(await totals(database)).toEqual([
        [TODAY - 1, 507],
        [TODAY, 60],
      ]);
      expect(await stops(database)).toEqual([]);
      expect(await database.rows("alert")).toEqual([]);
    });

    test("is lowered by what shrinks, and does not trip by it, however high it still is", async () => {
      const database = await guarded({ limit: 1_000 });
      await database.store.meter.commit([snapshot("m", 900)]);
      await change(database.store, (tx) =>
        tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit: 100, action: "stop" }, T0),
      );
      expect(await statuses(database.store, snapshot("m", 400, T0 + 1))).toEqual(["superseded"]);
      expect(await stops(database)).toEqual([]);
      // The total of the new guardrail begins with all that was used before it was set.
      expect((await totals(database)).at(-1)).toEqual([TODAY, 400]);
    });
  });

  test("a threshold that a correction crosses is told once; one that it falls below, never", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    const told = async () => (await rows("alert")).map(({ meter, threshold }) => `${meter} ${threshold}`);
    // Free Alpha has 1,000 tokens a day: 80 % are 800, 95 % are 950.
    await store.meter.commit([snapshot("m", 700)]);
    expect(await told()).toEqual([]);
    await store.meter.commit([snapshot("m", 960, T0 + 1)]);
    expect(await told()).toEqual(["tokens 8000", "tokens 9500"]);
    await store.meter.commit([snapshot("m", 10, T0 + 2)]);
    await store.meter.commit([snapshot("m", 990, T0 + 3)]);
    expect(await told()).toEqual(["tokens 8000", "tokens 9500"]);
  });

  test("a call that moves to another day is taken from the one and added to the other", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    const midnight = (TODAY + 1) * DAY;
    await store.meter.commit([snapshot("m", 30, midnight - 1)]);
    expect(await statuses(store, snapshot("m", 50, midnight))).toEqual(["superseded"]);
    expect(await rows("usage_event")).toMatchObject([
      { id: 1, input: 30, corrects: null, unpriced: null },
      { id: 2, input: -30, corrects: 1, unpriced: 0, occurred_at: midnight - 1 },
      { id: 3, input: 50, corrects: 1, unpriced: 0, occurred_at: midnight },
    ]);
    const days = (await rows("usage_window")).filter(({ period }) => period === "day");
    expect(days).toMatchObject([
      { window_index: TODAY, tokens: 0, cost: 0, requests: 0 },
      { window_index: TODAY + 1, tokens: 50, cost: 50, requests: 1 },
    ]);
  });

  test("within one batch the latest stands in the ledger, and nothing is corrected", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    const batch = [
      snapshot("m", 1),
      snapshot("m", 9, T0 + 9),
      snapshot("m", 5, T0 + 5),
      snapshot("m", 9, T0 + 9),
    ];
    expect(await statuses(store, ...batch)).toEqual(["inserted", "superseded", "duplicate", "duplicate"]);
    expect(await rows("usage_event")).toMatchObject([{ input: 9, occurred_at: T0 + 9 }]);
  });

  test("another user's record of a call never supersedes it", async () => {
    const { store } = await fresh();
    await populate(store, "ada", "bob");
    await store.meter.commit([snapshot("m", 1)]);
    const bobs = snapshot("m", 5, T0 + 5, { user: "bob" });
    expect(
      await statuses(store, bobs, { ...snapshot("n", 5), at: T0 }, snapshot("n", 6, T0, { user: "bob" })),
    ).toEqual(["conflict", "inserted", "conflict"]);
  });

  describe("an event that is undone", () => {
    test("counts no more, and its ids are free for the same batch", async () => {
      const database = await fresh();
      const { store, rows } = database;
      await populate(store, "ada");
      const import1 = { importId: 1, providerId: "resp" };
      await store.meter.commit([snapshot("m", 30, T0, import1)]);
      const again = snapshot("m", 30, T0, { ...import1, importId: 2 });
      expect(await statuses(store, undo("m", 1, 1), again, undo("m", 1, 1))).toEqual([
        "corrected",
        "inserted",
        "unchanged",
      ]);
      expect(await rows("usage_event")).toMatchObject([
        { input: 30, import_id: 1, status: null },
        { input: -30, import_id: 1, corrects: 1, status: "undone", requests: -1 },
        { input: 30, import_id: 2, corrects: null },
      ]);
      expect(await rows("event_key")).toMatchObject([
        { id: "m", event_id: 3, provider_id: "resp", import_id: null },
      ]);
    });

    test("stays while somebody else has met the same call, whose identity then has the provider's id", async () => {
      const { store, rows } = await fresh();
      await populate(store, "ada");
      const met = { providerId: "resp" };
      await store.meter.commit([record("a", { ...met, importId: 1 })]);
      // The call is found again live, and in a second import.
      await store.meter.commit([record("b", met), record("c", { ...met, importId: 2 })]);
      expect(await rows("event_key")).toMatchObject([
        { id: "a", provider_id: "resp", import_id: null },
        { id: "b", provider_id: null, import_id: 0 },
        { id: "c", provider_id: null, import_id: 2 },
      ]);
      expect(await statuses(store, undo("a", 1, 1, "test"))).toEqual(["kept"]);
      expect(await rows("event_key")).toMatchObject([
        { id: "b", event_id: 1, provider_id: "resp", import_id: 0 },
        { id: "c", event_id: 1, provider_id: null, import_id: 2 },
      ]);
      expect(await statuses(store, record("a", { ...met, importId: 3 }))).toEqual(["duplicate"]);
      expect(await statuses(store, undo("c", 1, 2, "test"))).toEqual(["unchanged"]);
      expect(await rows("usage_event")).toHaveLength(1);
    });
  });

  describe("what is read of the ledger", () => {
    test("events stand as their corrections left them, a page at a time", async () => {
      const { store } = await fresh();
      await populate(store, "ada", "bob");
      await store.meter.commit([
        snapshot("a", 1, T0, { importId: 1 }),
        snapshot("b", 2, T0, { user: "bob" }),
      ]);
      await store.meter.commit([snapshot("a", 10, T0 + 1), snapshot("c", 3)]);
      await store.meter.commit([undo("c", 4, 1), snapshot("a", 20, T0 + 2)]);
      const all: unknown[] = [];
      let after: number | null = null;
      do {
        const wanted = { after, limit: 1 };
        const page: Page<StandingEvent, number> = await store.read((tx) => tx.ledger.standings(wanted));
        all.push(
          ...page.rows.map(({ number, user, standing }) => [
            number,
            user,
            standing.input,
            standing.occurredAt,
          ]),
        );
        after = page.next;
      } while (after !== null);
      expect(all).toEqual([
        [1, "ada", 20, T0 + 2],
        [2, "bob", 2, T0],
        [4, "ada", 3, T0],
      ]);
    });

    test("unpriced are the events that no price covers as they stand", async () => {
      const { store } = await fresh();
      await populate(store, "ada");
      const rates = {
        from: "book" as const,
        rates: { input: 1e6, cacheRead: null, cacheWrite: null, output: 1e6, image: null, request: null },
      };
      const unpriced = { cost: null, rates: null };
      await store.meter.commit([
        record("a", unpriced),
        record("b", { cost: null, rates }),
        record("c", unpriced),
        // What used nothing costs nothing, whatever its model.
        record("d", { ...unpriced, input: 0, output: 0 }),
      ]);
      const price = (event: number, to: typeof rates | null): Operation => ({
        op: "correct",
        user: "ada",
        event,
        correction: { to: "price", rates: to },
        at: T0,
      });
      await store.meter.commit([price(1, rates), price(2, null)]);
      const listed = await store.read((tx) => tx.usage.events({ limit: 10, unpriced: true }));
      expect(listed.map(({ number }) => number)).toEqual([3, 2]);
      const corrections = await store.read((tx) => tx.usage.events({ limit: 2 }));
      expect(corrections).toMatchObject([
        { number: 6, corrects: 2, id: null, cost: -15, pricedBy: "none" },
        { number: 5, corrects: 1, id: null, cost: 15, pricedBy: "book" },
      ]);
      expect(await store.read((tx) => tx.usage.cells({ from: TODAY, to: TODAY + 1 }, "day"))).toMatchObject([
        { requests: 4, unpriced: 2 },
      ]);
      expect((await verifyTotals(engineOn(store))).differences).toEqual([]);
    });

    test("what was all taken back is in no report, and no first day of use", async () => {
      const { store } = await fresh();
      const [ada] = await populate(store, "ada");
      await store.meter.commit([
        snapshot("a", 5, T0 - 3 * DAY, { importId: 1, model: "gone" }),
        snapshot("b", 5, T0, { importId: 2 }),
      ]);
      await store.meter.commit([undo("a", 1, 1)]);
      const range = { from: TODAY - 9, to: TODAY + 1 };
      const cells = await store.read((tx) => tx.usage.cells(range, "kind"));
      expect(cells).toMatchObject([{ model: "gpt-4o", input: 5, requests: 1 }]);
      expect(await store.read((tx) => tx.usage.report.firstUse())).toEqual(new Map([[ada?.id, TODAY]]));
    });

    test("a correction is no live use", async () => {
      const { store } = await fresh();
      await populate(store, "ada");
      await store.meter.commit([record("a", { cost: null }, T0 - HOUR)]);
      const correction = { to: "price" as const, rates: null };
      await store.meter.commit([record("b", { importId: 1 })]);
      await store.meter.commit([{ op: "correct", user: "ada", event: 1, correction, at: T0 }]);
      expect(await store.read((tx) => tx.status.lastLiveUse(1_000))).toBe(T0 - HOUR);
    });
  });

  describe("an import", () => {
    const start = { at: T0, actor: "olga", file: "a.jsonl", format: "snapshots", options: "{}" };

    test("is listed with what became of its records, newest first", async () => {
      const { store } = await fresh();
      const tally = { inserted: 5, superseded: 4, duplicate: 3, rejected: 2, skipped: 1 };
      await store.write(async ({ records }) => {
        const number = await records.startImport(start);
        await records.finishImport(number, { at: T0 + 1, ...tally });
        await records.startImport({ ...start, file: "b.csv", format: null });
        await records.endImport(number, T0 + 2);
      });
      await store.read(async ({ records }) => {
        const [second, first] = await records.imports({ limit: 5 });
        expect(first).toEqual({
          number: 1,
          startedAt: T0,
          finishedAt: T0 + 1,
          undoneAt: T0 + 2,
          isHalfUndone: false,
          actor: "olga",
          file: "a.jsonl",
          format: "snapshots",
          ...tally,
        });
        expect(second).toMatchObject({
          number: 2,
          finishedAt: null,
          undoneAt: null,
          format: null,
          ...unknown,
        });
        expect(await records.imports({ limit: 5, before: 2 })).toEqual([first]);
        expect(await records.import(1)).toEqual(first);
        expect(await records.import(3)).toBeUndefined();
        expect(await records.undoneImports()).toEqual(new Set([1]));
      });
    });

    test("that was killed has brought what the ledger has of it, and its undoing may be killed too", async () => {
      const { store } = await fresh();
      await populate(store, "ada");
      for (const file of ["a", "b", "c"]) {
        await store.write(({ records }) => records.startImport({ ...start, file }));
      }
      await store.write(({ records }) => records.finishImport(1, { at: T0, ...none, inserted: 1 }));
      await store.meter.commit([
        snapshot("a", 1, T0, { importId: 1 }),
        snapshot("b", 1, T0, { importId: 2 }),
        snapshot("c", 1, T0, { importId: 2 }),
        snapshot("d", 1),
      ]);
      await store.meter.commit([snapshot("b", 5, T0 + 1, { importId: 2 })]);
      const listed = async () =>
        (await store.read((tx) => tx.records.imports({ limit: 9 }))).map(
          ({ number, inserted, superseded, isHalfUndone }) => [number, inserted, superseded, isHalfUndone],
        );
      expect(await listed()).toEqual([
        [3, 0, null, false],
        [2, 2, null, false],
        [1, 1, 0, false],
      ]);
      await store.meter.commit([undo("c", 3, 2), undo("a", 1, 1)]);
      await store.write(({ records }) => records.endImport(1, T0 + 2));
      expect(await listed()).toEqual([
        [3, 0, null, false],
        [2, 2, null, true],
        [1, 1, 0, false],
      ]);
      expect(await store.read((tx) => tx.records.import(2))).toMatchObject({
        inserted: 2,
        isHalfUndone: true,
      });
    });

    test("knows what it brought: its events, what it met again, what it superseded; not what others brought", async () => {
      const { store } = await fresh();
      await populate(store, "ada", "bob");
      const begin = () => store.write((tx) => tx.records.startImport(start));
      await store.meter.commit([record("live", { providerId: "p" }), snapshot("old", 1)]);
      const one = await begin();
      const brought = { importId: one };
      await store.meter.commit([
        snapshot("x", 1, T0, brought),
        snapshot("y", 1, T0, { ...brought, user: "bob" }),
        snapshot("old", 2, T0 + 1, brought),
        snapshot("again", 1, T0, { ...brought, providerId: "p" }),
      ]);
      await store.write((tx) => tx.records.finishImport(one, { at: T0, ...none }));
      const two = await begin();
      await store.meter.commit([
        snapshot("x", 5, T0 + 5, { importId: two }),
        snapshot("z", 1, T0, { importId: two }),
      ]);
      const all = async (number: number) => {
        const names: string[] = [];
        let after: { sourceId: number; id: string } | null = null;
        do {
          const wanted = { after, limit: 2 };
          const page: BroughtPage = await store.read((tx) => tx.records.broughtBy(number, wanted));
          names.push(...page.identities.map(({ id, event, user }) => `${id} ${event} ${user}`));
          after = page.next;
        } while (after !== null);
        return names;
      };
      expect(await all(one)).toEqual(["again 1 ada", "old 2 ada", "x 4 ada", "y 5 bob"]);
      expect(await all(two)).toEqual(["x 4 ada", "z 7 ada"]);
      expect(await all(99)).toEqual([]);
    });
  });
});
