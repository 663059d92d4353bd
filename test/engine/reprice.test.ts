import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Entry } from "../../src/domain/ledger-model.js";
import { NO_RATES } from "../../src/domain/own-price-rules.js";
import type { Rates } from "../../src/domain/price.js";
import type { PriceBook } from "../../src/domain/price-book.js";
import type { Engine } from "../../src/engine/engine.js";
import type { Store } from "../../src/engine/ports.js";
import { removePrice, setPrice } from "../../src/engine/price-changes.js";
import { differenceOf, type RepriceWanted, reprice, totalOfRepriced } from "../../src/engine/reprice.js";
import { verifyTotals } from "../../src/engine/verify.js";
import { engineOn } from "../support/engine-on.js";
import { DAY, openFreshSqlite, populate, record, T0, type TestDatabase, TODAY } from "../support/store.js";

const USD = 1_000_000_000;

/** $2 per million tokens and $8 out; knows gpt alone. */
const GPT: Rates = {
  ...NO_RATES,
  input: 2 * USD,
  cacheRead: 2 * USD,
  cacheWrite: 2 * USD,
  output: 8 * USD,
};
let bookRates: Rates;
const book: PriceBook = {
  name: "test",
  version: "1",
  rates: ({ model }, _at, size) =>
    model !== "gpt" ? null : size > 1_000 ? { ...bookRates, input: 4 * USD } : bookRates,
  dearest: ({ model }) => (model === "gpt" ? bookRates : null),
  describe: () => null,
};

let database: TestDatabase;
let store: Store;
let engine: Engine;

beforeEach(async () => {
  database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  store = database.store;
  bookRates = GPT;
  engine = { ...engineOn(store), prices: async () => book };
  await populate(store, "ada", "ben");
});

const call = (id: string, more: Partial<Entry>) =>
  record(id, { provider: "openai", model: "gpt", cost: null, input: 0, output: 0, rates: null, ...more });
const enter = (...calls: ReturnType<typeof call>[]) => store.meter.commit(calls);
const image = (id: string, more: Partial<Entry> = {}) => call(id, { model: "painter", images: 2, ...more });
const set = (model: string, rates: Partial<Rates>, from = "2026-11-01") =>
  setPrice(engine, { model, rates: { ...NO_RATES, ...rates }, from });
const done = async (wanted: RepriceWanted = {}) => {
  const { models, ...rest } = await reprice(engine, wanted);
  const rows = models.map(({ model, events, costBefore, assumedBefore, costAfter, assumedAfter }) => [
    model,
    events,
    costBefore + assumedBefore,
    costAfter + assumedAfter,
  ]);
  return { rows, ...rest };
};
const today = (userId = 1) => store.read((tx) => tx.users.windowUsage(userId, "day", TODAY));
const verified = async () => expect((await verifyTotals(engine)).differences).toEqual([]);

describe("repricing", () => {
  it("prices unpriced usage by what was set since, and takes back what was assumed", async () => {
    await enter(image("1"), image("2", { user: "ben", images: 3 }), call("3", { input: 100, rates: null }));
    // $0.05 an image and $0.10 per 1,000 tokens are assumed.
    expect((await today()).cost).toBe(100_000_000 + 10_000_000);
    await set("painter", { image: 40_000_000 });

    const tried = await reprice(engine, {}, { dryRun: true });
    expect(tried.models).toEqual([
      {
        provider: "openai",
        model: "painter",
        events: 2,
        costBefore: 0n,
        costAfter: 200_000_000n,
        assumedBefore: 250_000_000n,
        assumedAfter: 0n,
        unpricedBefore: 2,
        unpricedAfter: 0,
      },
      {
        // The book knows it now: 100 tokens at $2 a million.
        provider: "openai",
        model: "gpt",
        events: 1,
        costBefore: 0n,
        costAfter: 200_000n,
        assumedBefore: 10_000_000n,
        assumedAfter: 0n,
        unpricedBefore: 1,
        unpricedAfter: 0,
      },
    ]);
    expect(differenceOf(totalOfRepriced(tried.models))).toBe(200_200_000n - 260_000_000n);
    expect(await database.rows("usage_event")).toHaveLength(3);

    expect(await reprice(engine, {})).toEqual(tried);
    expect(await today()).toEqual({ tokens: 100, images: 2, cost: 80_200_000, requests: 2 });
    expect(await today(2)).toEqual({ tokens: 0, images: 3, cost: 120_000_000, requests: 1 });
    const [cell] = await store.read((tx) =>
      tx.usage.cells({ from: TODAY, to: TODAY + 1, unpriced: true }, "kind"),
    );
    expect(cell).toBeUndefined();
    await verified();
  });

  it("has nothing left to do when it is done", async () => {
    await enter(image("1"));
    await set("painter", { image: 40_000_000 });
    expect((await done()).rows).toEqual([["painter", 1, 100_000_000n, 80_000_000n]]);
    const rows = await database.rows("usage_event");
    const audit = await database.rows("audit_entry");
    expect(await done()).toMatchObject({ rows: [], examined: 1, unpriced: 0, reported: 0 });
    expect(await database.rows("usage_event")).toEqual(rows);
    expect(await database.rows("audit_entry")).toEqual(audit);
  });

  it("follows every change of prices: set, replaced, removed", async () => {
    await enter(call("1", { input: 1_000, output: 500, rates: { from: "book", rates: GPT } }));
    // 1,000 x $2 + 500 x $8 by a million.
    expect((await today()).cost).toBe(6_000_000);
    await set("gpt", { input: 3 * USD, output: 9 * USD });
    expect((await done()).rows).toEqual([["gpt", 1, 6_000_000n, 7_500_000n]]);
    await set("gpt", { input: 1 * USD, output: 1 * USD });
    expect((await done()).rows).toEqual([["gpt", 1, 7_500_000n, 1_500_000n]]);
    await removePrice(engine, { model: "gpt" });
    expect((await done()).rows).toEqual([["gpt", 1, 1_500_000n, 6_000_000n]]);
    // The book forgets the model: what is not known is unpriced, and assumed at the planning rates.
    bookRates = NO_RATES;
    expect(await done()).toMatchObject({ rows: [["gpt", 1, 6_000_000n, 150_000_000n]], unpriced: 1 });
    expect((await today()).cost).toBe(150_000_000);
    await verified();
  });

  it("uses the price that was in force when the call was made", async () => {
    const at = (day: number) => T0 - day * DAY;
    await enter(image("1", { occurredAt: at(9) }), image("2", { occurredAt: at(2) }), image("3"));
    await set("painter", { image: 10_000_000 }, "2026-11-19");
    await set("painter", { image: 30_000_000 }, "2026-11-22");
    expect((await done()).rows).toEqual([["painter", 2, 200_000_000n, 80_000_000n]]);
    expect((await done()).unpriced).toBe(1);
  });

  it("chooses the band by the size of the prompt; of several calls in one record, of the average one", async () => {
    const rates = { from: "book" as const, rates: NO_RATES };
    await enter(call("1", { input: 1_001, rates }), call("2", { input: 1_001, requests: 2, rates }));
    // 1,001 tokens at $4, then at $2 a million, since each of the two calls had about 500.
    await reprice(engine, {});
    expect((await database.rows("usage_event")).slice(2).map(({ cost }) => cost)).toEqual([
      4_004_000, 2_002_000,
    ]);
  });
});

describe("a cost that the log stated", () => {
  const stated = () =>
    enter(
      call("known", { input: 1_000, cost: 9 }),
      call("free", { input: 1_000, cost: 0 }),
      call("empty", { cost: 5 }),
      image("unknown", { cost: 7 }),
    );

  it("is left alone, and said to be", async () => {
    await stated();
    expect(await done()).toMatchObject({ rows: [], examined: 4, reported: 4 });
  });

  it("is replaced on request, where a price is known, something was used, and it was not free", async () => {
    await stated();
    const wanted = { includeReported: true };
    expect(await done(wanted)).toMatchObject({
      rows: [["gpt", 1, 9n, 2_000_000n]],
      reported: 2,
      unpriced: 0,
    });
    expect(await done(wanted)).toMatchObject({ rows: [] });
    // It is priced by the book from now on, like others.
    bookRates = { ...GPT, input: 1 * USD };
    expect((await done()).rows).toEqual([["gpt", 1, 2_000_000n, 1_000_000n]]);
    await verified();
  });
});

describe("a stated cost that was replaced", () => {
  const stated = () => call("1", { model: "mine", input: 1_000, cost: 250_000_000 });
  const standing = async () =>
    (await store.read((tx) => tx.ledger.standings({ after: null, limit: 9 }))).rows.map(
      ({ standing: { cost, assumed, pricedBy, unpriced } }) => [cost, assumed, pricedBy, unpriced],
    );

  it.each([true, false])(
    "stands again when no price covers the call any more (asked for: %j)",
    async (again) => {
      await enter(stated());
      await set("mine", { input: 200 * USD });
      expect((await done({ includeReported: true })).rows).toEqual([["mine", 1, 250_000_000n, 200_000_000n]]);
      expect(await standing()).toEqual([[200_000_000, 0, "own", 0]]);
      await removePrice(engine, { model: "mine" });
      const wanted = { includeReported: again };
      const tried = await reprice(engine, wanted, { dryRun: true });
      expect(tried).toMatchObject({ unpriced: 0, models: [{ costAfter: 250_000_000n, assumedAfter: 0n }] });
      expect(await reprice(engine, wanted)).toEqual(tried);
      expect(await standing()).toEqual([[250_000_000, 0, "log", 0]]);
      expect((await done(wanted)).rows).toEqual([]);
      await verified();
    },
  );

  it("follows another price first, and comes back as often as it is asked for", async () => {
    await enter(stated());
    for (const input of [200, 100]) {
      await set("mine", { input: input * USD });
      await done({ includeReported: true });
    }
    expect(await standing()).toEqual([[100_000_000, 0, "own", 0]]);
    await removePrice(engine, { model: "mine" });
    await done();
    expect(await standing()).toEqual([[250_000_000, 0, "log", 0]]);
    await set("mine", { input: 200 * USD });
    await done({ includeReported: true });
    await removePrice(engine, { model: "mine" });
    await done();
    expect(await standing()).toEqual([[250_000_000, 0, "log", 0]]);
    await verified();
  });

  it("is that of what stands, not of what a later record has superseded", async () => {
    const snapshot = (output: number, cost: Entry["cost"]) =>
      call("s", { model: "mine", output, cost, supersedes: true, hash: output, occurredAt: T0 + output });
    await enter(snapshot(10, 5_000));
    await enter(snapshot(1_000, null));
    await set("mine", { output: USD });
    await done();
    await removePrice(engine, { model: "mine" });
    await done();
    // $0.10 per 1,000 tokens are assumed.
    expect(await standing()).toEqual([[0, 100_000_000, "none", 1]]);
    await verified();
  });
});

describe("only what is asked for is repriced:", () => {
  beforeEach(async () => {
    await enter(
      image("1", { occurredAt: T0 - 5 * DAY }),
      image("2", { provider: "azure", occurredAt: T0 - 4 * DAY }),
      image("3", { model: "painter-mini", occurredAt: T0 - 3 * DAY }),
      call("4", { input: 10 }),
    );
    await set("*", { image: 40_000_000, input: 1 * USD });
  });

  it.each<[RepriceWanted, [string, number][]]>([
    [
      { since: "2026-11-18" },
      [
        ["painter", 1],
        ["gpt", 1],
        ["painter-mini", 1],
      ],
    ],
    [{ until: "2026-11-18" }, [["painter", 1]]],
    [{ since: "2026-11-18T12:00:00Z", until: "2026-11-18T12:00:01Z" }, [["painter", 1]]],
    [
      { model: "Painter" },
      [
        ["painter", 1],
        ["painter", 1],
      ],
    ],
    [
      { model: "painter*", provider: "openai" },
      [
        ["painter", 1],
        ["painter-mini", 1],
      ],
    ],
    [{ provider: "a*" }, [["painter", 1]]],
    [{ model: "nothing" }, []],
  ])("%j", async (wanted, expected) => {
    const { models } = await reprice(engine, wanted);
    const got = models.map(({ model, events }) => [model, events]);
    expect(got.sort()).toEqual([...expected].sort());
  });

  it.each(["2026-11-01", "2026-12-01"])("no range that ends at %s before it begins", async (until) => {
    await expect(reprice(engine, { since: "2026-12-01", until })).rejects.toMatchObject({
      code: "usage",
      message: "the range holds nothing: --until is exclusive and must be after --since",
    });
  });
});

it("counts no call as unpriced that used nothing, whatever its model", async () => {
  await enter(call("failed", { model: "nobody's" }), image("1"));
  expect(await done()).toMatchObject({ examined: 2, unpriced: 1 });
  await set("*", { input: USD });
  await done();
  await removePrice(engine, { model: "*" });
  await done();
  await verified();
  const cells = await store.read((tx) =>
    tx.usage.cells({ from: TODAY, to: TODAY + 1, unpriced: true }, "kind"),
  );
  expect(cells.map(({ model, unpriced }) => [model, unpriced])).toEqual([["painter", 1]]);
  const listed = await store.read((tx) => tx.usage.events({ limit: 9, unpriced: true }));
  expect(listed.map(({ id }) => id)).toEqual(["1"]);
});

describe("an audit entry", () => {
  it("says what was asked for and what came of it, once", async () => {
    await enter(image("1"));
    await set("painter", { image: 40_000_000 });
    await done({ since: "2026-11-01", model: "painter" });
    const [entry] = await store.read((tx) => tx.records.audit({ limit: 1 }));
    expect(entry).toEqual({
      id: expect.any(Number),
      at: T0,
      actor: "olga",
      action: "usage.reprice",
      subject: "ledger",
      before: { cost_usd: "0", assumed_usd: "0.1" },
      after: {
        since: "2026-11-01T00:00:00Z",
        until: null,
        model: "painter",
        provider: null,
        include_reported: false,
        events: 1,
        cost_usd: "0.08",
        assumed_usd: "0",
        complete: true,
      },
      reason: null,
    });
  });
});

describe("a repricing that is stopped", () => {
  it("keeps what it corrected, says so, and goes on when it is run again", async () => {
    await enter(...Array.from({ length: 900 }, (_, n) => image(`i${n}`)));
    await set("painter", { image: 40_000_000 });
    const stop = new AbortController();
    const commit = store.meter.commit.bind(store.meter);
    const spy = vi.spyOn(store.meter, "commit").mockImplementation((...args) => {
      stop.abort();
      return commit(...args);
    });
    const first = await reprice(engine, {}, { signal: stop.signal });
    spy.mockRestore();
    expect(first).toMatchObject({ interrupted: true, examined: 400 });
    expect(totalOfRepriced(first.models).events).toBe(400);
    const [audit] = await store.read((tx) => tx.records.audit({ limit: 1 }));
    expect(audit?.after).toMatchObject({ events: 400, complete: false });
    await verified();

    expect((await done()).rows).toEqual([["painter", 500, 50_000_000_000n, 40_000_000_000n]]);
    expect((await today()).cost).toBe(900 * 80_000_000);
    await verified();
  });
});
