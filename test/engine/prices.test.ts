import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { Entry } from "../../src/domain/ledger-model.js";
import { NO_RATES } from "../../src/domain/own-price-rules.js";
import { OwnPrices } from "../../src/domain/own-prices.js";
import type { Rates } from "../../src/domain/price.js";
import type { PriceBook } from "../../src/domain/price-book.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { calendar, formatInstant } from "../../src/domain/window.js";
import type { Engine } from "../../src/engine/engine.js";
import { decideOpen } from "../../src/engine/fail-open.js";
import { removePrice, type SetPrice, setPrice } from "../../src/engine/price-changes.js";
import { listPrices, showPrice } from "../../src/engine/prices.js";
import { reprice } from "../../src/engine/reprice.js";
import { engineOn } from "../support/engine-on.js";
import {
  ask,
  change,
  DAY,
  HOUR,
  openFreshSqlite,
  populate,
  record,
  T0,
  type TestDatabase,
} from "../support/store.js";

const USD = 1_000_000_000;
const book: PriceBook = {
  name: "test",
  version: "1",
  rates: () => null,
  dearest: ({ model }) => (model.startsWith("gpt") ? { ...NO_RATES, input: 2 * USD } : null),
  describe: () => null,
};

/** What is kept of a month is of no matter here. */
const NO_SEALED_SUMS = { events: 0, requests: 0n, tokens: 0n, images: 0n, cost: 0n, assumed: 0n };

let database: TestDatabase;
let engine: Engine;

beforeEach(async () => {
  database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  engine = { ...engineOn(database.store), prices: async () => book };
  await populate(database.store, "ada");
});

const set = (model: string, rates: Partial<Rates>, more: Partial<SetPrice> = {}) =>
  setPrice(engine, { model, rates: { ...NO_RATES, ...rates }, ...more });
const calls = (...all: Partial<Entry>[]) =>
  database.store.meter.commit(all.map((each, n) => record(`c${n}`, { cost: null, ...each })));

describe("a price that is set", () => {
  it("begins at the start of today in the accounting zone, or when it is said to", async () => {
    await change(database.store, (tx) => tx.settings.set("time_zone", "Europe/Berlin", T0));
    const { price, hasBegun } = await set("m", { input: USD });
    expect(price.startsAt).toBe(Date.UTC(2026, 10, 21, 23));
    expect(hasBegun).toBe(true);
    const day = await set("m", { input: USD }, { from: "2026-12-01" });
    expect(day).toMatchObject({ hasBegun: false, price: { startsAt: Date.UTC(2026, 10, 30, 23) } });
    const instant = await set("m", { input: USD }, { from: "2026-10-01T06:00:00Z" });
    expect(instant.price.startsAt).toBe(Date.UTC(2026, 9, 1, 6));
  });

  it("replaces that of the same start, however it was spelt, and says what it was", async () => {
    const first = await set("GPT-4o", { input: USD }, { provider: "Gemini" });
    const second = await set(" gpt-4o", { input: 2 * USD }, { provider: "google" });
    expect(second.replaced).toEqual(first.price);
    await expect(set("gpt-4o", { input: 2 * USD }, { provider: "google" })).rejects.toThrow(
      "costs that already",
    );
    // The same rates from another instant are another price.
    await set("gpt-4o", { input: 2 * USD }, { provider: "google", from: "2026-12-01" });
    expect(await database.store.read((tx) => tx.prices.own())).toHaveLength(2);
    const [, entry] = await database.store.read((tx) => tx.records.audit({ limit: 2 }));
    expect(entry).toMatchObject({
      actor: "olga",
      action: "prices.set",
      subject: "price:google/gpt-4o",
      before: { from: "2026-11-22T00:00:00Z", rates: { input: USD } },
      after: { provider: "google", model: "gpt-4o", rates: { input: 2 * USD } },
    });
  });

  it("says about which models it decides, and which have another price before it", async () => {
    await calls({ model: "gpt-4o" }, { model: "gpt-4o-mini" }, { model: "claude" });
    await set("gpt-4o", { input: USD });
    const { models, shadowed } = await set("gpt-*", { input: USD });
    expect(models).toEqual([{ provider: "openai", model: "gpt-4o-mini" }]);
    expect(shadowed).toEqual([{ provider: "openai", model: "gpt-4o" }]);
    // One that is to come decides about them from then on, and not yet.
    expect((await set("gpt-4o", { input: 3 * USD }, { from: "2026-12-01" })).models).toHaveLength(1);
    const { own } = await listPrices(engine);
    expect(own.map(({ model, state, decides }) => [model, state, decides])).toEqual([
      ["gpt-*", "in-force", 1],
      ["gpt-4o", "in-force", 1],
      ["gpt-4o", "upcoming", 0],
    ]);
  });

  it("counts the unpriced events of before that it does not reach", async () => {
    await calls(
      { model: "painter", occurredAt: T0 - 2 * DAY },
      { model: "painter", occurredAt: T0 - DAY },
      { model: "painter", occurredAt: T0 - HOUR },
      { model: "other", occurredAt: T0 - DAY },
      { model: "painter", occurredAt: T0 - DAY, cost: 5 },
    );
    expect((await set("painter", { input: USD, output: USD })).unpricedBefore).toBe(2);
    const reaching = await set("painter", { input: USD, output: USD }, { from: "2026-11-21" });
    expect(reaching.unpricedBefore).toBe(1);
  });

  it("counts no unpriced usage of sealed months, which keeps its cost, and is repriced from where they end", async () => {
    await calls(
      { model: "painter", occurredAt: T0 - 40 * DAY },
      { model: "painter", occurredAt: T0 - 2 * DAY },
      { model: "old", occurredAt: T0 - 40 * DAY },
    );
    const october = calendar("UTC").monthOf(T0) - 1;
    const until = Date.UTC(2026, 10, 1);
    const unpriced = async () =>
      (await listPrices(engine)).models.map((each) => [each.model, each.unpriced, each.assumed > 0n]);
    expect(await unpriced()).toEqual([
      ["old", 1, true],
      ["painter", 2, true],
    ]);
    await change(database.store, (tx) =>
      tx.sealing.seal({ month: october, sealedAt: T0, actor: "olga", ...NO_SEALED_SUMS }),
    );
    expect(await unpriced()).toEqual([
      ["old", 0, false],
      ["painter", 1, true],
    ]);
    expect(await showPrice(engine, { model: "old" })).toMatchObject({ unpriced: 0, assumed: 0n });
    const today = await set("painter", { input: USD, output: USD });
    expect(today).toMatchObject({ unpricedBefore: 1, repriceFrom: today.price.startsAt });
    const earlier = await set("painter", { input: USD, output: USD }, { from: "2026-09-01" });
    expect(earlier).toMatchObject({ unpricedBefore: 0, repriceFrom: until });
    const since = formatInstant(earlier.repriceFrom);
    expect(await reprice(engine, { since })).toMatchObject({ examined: 1, models: [{ events: 1 }] });
  });

  it("is compared with the book's of the model, or of those that a glob is for", async () => {
    await calls({ model: "gpt-5" }, { model: "claude" });
    const doubts = async (model: string) => (await set(model, { input: 2_000_000 })).doubts;
    expect(await doubts("gpt-4o")).toMatchObject([{ book: 2 * USD, meant: "thousand", model: "gpt-4o" }]);
    expect(await doubts("gpt-?")).toMatchObject([{ book: 2 * USD, model: "gpt-5" }]);
    expect(await doubts("claude")).toMatchObject([{ book: null, model: null }]);
  });

  it("changes nothing in a dry run", async () => {
    const before = await database.rows("audit_entry");
    await setPrice(engine, { model: "m", rates: { ...NO_RATES, input: 1 } }, { dryRun: true });
    expect(await database.rows("price")).toEqual([]);
    expect(await database.rows("audit_entry")).toEqual(before);
  });
});

describe("what is known of a model's price", () => {
  it("names the later price that ends one, and which were superseded", async () => {
    await set("m", { input: 1 }, { from: "2026-10-01" });
    await set("m", { input: 2 }, { from: "2026-11-01" });
    await set("m", { input: 3 }, { from: "2026-12-01" });
    const { own, current } = await showPrice(engine, { model: "M" });
    expect(own.map(({ rates, state, until }) => [rates.input, state, until])).toEqual([
      [3, "upcoming", null],
      [2, "in-force", Date.UTC(2026, 11, 1)],
      [1, "superseded", Date.UTC(2026, 10, 1)],
    ]);
    expect(current).toMatchObject({ from: "own", price: { rates: { input: 2 } } });
    const then = await showPrice(engine, { model: "m", at: "2026-10-31" });
    expect(then.current).toMatchObject({ price: { rates: { input: 1 } } });
  });

  it("takes the provider from the ledger where there is one alone", async () => {
    await calls({ model: "m", provider: "azure" }, { model: "n", provider: "azure" }, { model: "n" });
    expect((await showPrice(engine, { model: "m" })).provider).toBe("azure");
    expect(await showPrice(engine, { model: "n" })).toMatchObject({
      provider: "",
      providers: ["azure", "openai"],
    });
    expect((await showPrice(engine, { model: "n", provider: "Vertex_AI" })).provider).toBe("google");
  });

  it("tells each provider once, however the model's name is spelt", async () => {
    await calls({ model: "m", provider: "azure" }, { model: "M", provider: "azure" });
    expect(await showPrice(engine, { model: "m" })).toMatchObject({
      provider: "azure",
      providers: ["azure"],
    });
  });

  it("is remembered for when the database cannot be reached, so that what is charged then is right", async () => {
    const { price } = await set("m", { input: 3 * USD, output: 3 * USD });
    const { meter } = database.store;
    await meter.check("ada", ask(), T0);
    const seen = meter.lastSeen("ada");
    expect(seen?.ownPrices?.priceAt({ provider: "", model: "m" }, T0)).toEqual(price);
    const request = ask({ model: "m", tokens: 1_000, cost: null });
    expect(decideOpen("ada", request, seen, T0, "gone").amounts?.cost).toBe(3_000_000);
    const none = { settings: INITIAL_SETTINGS, stops: [], user: null, ownPrices: new OwnPrices([]) };
    expect(decideOpen("ada", request, none, T0, "gone").amounts?.cost).toBe(100_000_000);
  });
});

describe("a price that is removed", () => {
  it("says about what it decided, and leaves it to the next", async () => {
    await calls({ model: "gpt-4o" });
    await set("gpt-*", { input: 1 });
    await set("gpt-4o", { input: 2 });
    const { models } = await removePrice(engine, { model: "gpt-4o" });
    expect(models).toEqual([{ provider: "openai", model: "gpt-4o" }]);
    const { models: left } = await listPrices(engine);
    expect(left).toMatchObject([{ model: "gpt-4o", price: { from: "own", price: { model: "gpt-*" } } }]);
    await expect(removePrice(engine, { model: "gpt-4o" })).rejects.toThrow(
      "you have set no price for gpt-4o; did you mean gpt-*?",
    );
  });
});
