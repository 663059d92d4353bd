import { expect, test } from "vitest";
import type { Decision } from "../../src/domain/decide.js";
import { partIdentity } from "../../src/domain/ledger-model.js";
import { NO_RATES } from "../../src/domain/own-price-rules.js";
import type { OwnPrice } from "../../src/domain/own-prices.js";
import { ask, change, DAY, entry, populate, record, reserve, settle, T0 } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const DEAR: Omit<OwnPrice, "id"> = {
  provider: "openai",
  model: "gpt-4o",
  startsAt: T0 - DAY,
  // Free's budget is $10 a month: 1,000 tokens cost $20.
  rates: { ...NO_RATES, input: 20_000_000_000_000, output: 20_000_000_000_000 },
};
const CALL = { provider: "openai", model: "gpt-4o", cost: null, tokens: 1_000 };

everyStore((fresh) => {
  test("prices are read back as entered, in one order, whatever that of entry", async () => {
    const { store } = await fresh();
    expect(await store.read((tx) => tx.prices.own())).toEqual([]);
    const all = [
      { ...DEAR, startsAt: T0 },
      DEAR,
      {
        provider: "",
        model: "gpt-*",
        startsAt: 0,
        rates: { ...NO_RATES, image: 0, request: 900_719_925_474_099 },
      },
      { ...DEAR, model: "a*", rates: { ...DEAR.rates, cacheRead: 1, cacheWrite: 2 } },
    ];
    const added: OwnPrice[] = [];
    for (const price of all) added.push(await change(store, (tx) => tx.prices.add(price, T0)));
    const [later, first, cheap, other] = added;
    expect(await store.read((tx) => tx.prices.own())).toEqual([cheap, other, first, later]);
    expect(added.map(({ id: _, ...price }) => price)).toEqual(all);
  });

  test("a price that was ended is gone, and stays known; the same may be entered again", async () => {
    const { store, rows } = await fresh();
    const { id } = await change(store, (tx) => tx.prices.add(DEAR, T0));
    await expect(change(store, (tx) => tx.prices.add(DEAR, T0))).rejects.toThrow();
    await change(store, (tx) => tx.prices.end(id, T0 + 5));
    expect(await store.read((tx) => tx.prices.own())).toEqual([]);
    const again = await change(store, (tx) => tx.prices.add(DEAR, T0 + 5));
    expect(await store.read((tx) => tx.prices.own())).toEqual([again]);
    expect(await rows("price")).toMatchObject([
      { id, starts_at: T0 - DAY, valid_from: T0, valid_to: T0 + 5 },
      { id: again.id, valid_from: T0 + 5, valid_to: null },
    ]);
  });

  test("a dry run enters and ends nothing", async () => {
    const { store, rows } = await fresh();
    await store.write((tx) => tx.prices.add(DEAR, T0), { dryRun: true });
    expect(await rows("price")).toEqual([]);
  });

  test("the models that were called are known by name, each once", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    await store.meter.commit([
      record("1", { provider: "openai", model: "gpt-4o", feature: "a" }),
      record("2", { provider: "openai", model: "gpt-4o", feature: "b" }),
      record("3", { provider: "azure", model: "gpt-4o" }),
      record("4", { provider: "", model: "" }),
      reserve("5", { provider: "google", model: "flash" }),
    ]);
    expect(await store.read((tx) => tx.prices.models())).toEqual([
      { provider: "", model: "" },
      { provider: "azure", model: "gpt-4o" },
      { provider: "google", model: "flash" },
      { provider: "openai", model: "gpt-4o" },
    ]);
  });

  test("a price set, replaced or removed elsewhere decides the very next call", async () => {
    const { store, open } = await fresh();
    const other = await open();
    await populate(store, "ada");
    let calls = 0;
    const costs = async () => {
      const decision: Decision = await store.meter.check("ada", ask(CALL), T0);
      const [outcome] = await store.meter.commit([reserve(`r${++calls}`, CALL)]);
      await store.meter.commit([{ op: "release", user: "ada", id: `r${calls}`, at: T0 }]);
      const reserved = outcome?.op === "reserve" ? outcome.decision : null;
      expect(reserved?.code).toBe(decision.code);
      return [decision.code, decision.quotas.find(({ meter }) => meter === "cost")?.requested];
    };
    // No price is known: $0.10 at the planning rates.
    expect(await costs()).toEqual(["near-limit", 100_000_000]);
    const { id } = await change(other, (tx) => tx.prices.add(DEAR, T0));
    expect(await costs()).toEqual(["request-too-large", 20_000_000_000]);
    await change(other, async (tx) => {
      await tx.prices.end(id, T0);
      await tx.prices.add({ ...DEAR, rates: { ...DEAR.rates, input: 5_000_000, output: 5_000_000 } }, T0);
    });
    expect(await costs()).toEqual(["near-limit", 5_000]);
    const [cheap] = await other.read((tx) => tx.prices.own());
    await change(other, (tx) => tx.prices.end(cheap!.id, T0));
    expect(await costs()).toEqual(["near-limit", 100_000_000]);
  });

  test("an event is entered at the own price of its instant, and a settle in parts too", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    await store.meter.settings();
    await change(store, (tx) =>
      tx.prices.add({ ...DEAR, rates: { ...NO_RATES, image: 40_000_000, request: 9 } }, T0),
    );
    const image = { cost: null, input: 0, output: 0, images: 2 };
    await store.meter.commit([
      record("early", { ...image, occurredAt: T0 - DAY - 1 }),
      record("covered", image),
      record("tokens", { ...image, input: 5 }),
      record("stated", { ...image, cost: 7 }),
      reserve("call", CALL),
      {
        op: "settle",
        entry: { ...entry("call", image), ...partIdentity("test", "call", 1) },
        at: T0,
        part: { source: "test", hold: "call", number: 1, holdFor: null },
      },
      settle("call", image),
    ]);
    // $0.05 an image at the planning rates, and $0.0005 for 5 tokens; the fee per call is in the first part alone.
    expect(
      (await rows("usage_event")).map(({ cost, assumed, priced_by }) => [cost, assumed, priced_by]),
    ).toEqual([
      [0, 100_000_000, "none"],
      [80_000_009, 0, "own"],
      [0, 100_500_000, "none"],
      [7, 0, "log"],
      [80_000_009, 0, "own"],
      [80_000_000, 0, "own"],
    ]);
  });
});
