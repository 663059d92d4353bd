import { expect, onTestFinished, test } from "vitest";
import type { PriceBook } from "../../src/domain/price-book.js";
import { emergencyOn } from "../../src/engine/emergency.js";
import { initialise } from "../../src/engine/init.js";
import { LimitsEngine, type LimitsRequest } from "../../src/engine/limits.js";
import { Preparing } from "../../src/engine/preparing.js";
import { addUser } from "../../src/engine/users.js";
import { engineOn } from "../support/engine-on.js";
import { openFreshSqlite } from "../support/store.js";

const BOOK: PriceBook = {
  name: "none",
  version: "1",
  rates: () => null,
  dearest: () => null,
  describe: () => null,
};
const PRICED: LimitsRequest = { user: "ada", tokens: 600, model: "gpt-4o" };
const UNPRICED: LimitsRequest = { user: "ada", tokens: 600 };

interface Load {
  done(book: PriceBook): void;
  failed(error: Error): void;
}

/** Free Alpha has 1,000 tokens a day. Each load of the price book goes on until it is told how it went. */
async function product() {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  const loads: Load[] = [];
  const prices = () =>
    new Promise<PriceBook>((done, failed) => {
      loads.push({ done, failed });
    });
  const engine = { ...engineOn(database.store), prices };
  await initialise(engine, { timeZone: "UTC" });
  await addUser(engine, { id: "ada" });
  const limits = new LimitsEngine(engine);
  const reserved = async (request: LimitsRequest) => (await limits.reserve(request)).decision.code;
  return { ...database, engine, limits, loads, reserved };
}

test("a request that needs no price does not overtake one that waits for the price book", async () => {
  const { store, loads, reserved } = await product();
  const answers = Promise.all([reserved(PRICED), reserved(UNPRICED), reserved({ ...PRICED, tokens: 100 })]);
  loads[0]!.done(BOOK);
  expect(await answers).toEqual(["ok", "request-too-large", "ok"]);
  expect(loads).toHaveLength(1);
  const holds = await store.read((tx) => tx.holds.list({}));
  expect(holds.map(({ amounts }) => amounts.tokens).sort()).toEqual([100, 600]);
});

test("nor does one that comes while those that waited are on their way, at whichever moment", async () => {
  for (let moments = 0; moments < 12; moments++) {
    const { loads, reserved } = await product();
    const first = reserved(PRICED);
    loads[0]!.done(BOOK);
    for (let n = 0; n < moments; n++) await null;
    const later = reserved(UNPRICED);
    expect([moments, await first, await later]).toEqual([moments, "ok", "request-too-large"]);
  }
});

test("they stay in their order where the price book cannot be loaded, and it is tried again", async () => {
  const { loads, reserved } = await product();
  const answers = Promise.all([reserved(PRICED), reserved(PRICED), reserved(UNPRICED)]);
  loads[0]!.failed(new Error("it is not there"));
  expect(await answers).toEqual(["ok", "request-too-large", "request-too-large"]);
  expect(loads).toHaveLength(1);
  const again = Promise.all([reserved({ ...PRICED, tokens: 300 }), reserved({ ...UNPRICED, tokens: 300 })]);
  expect(loads).toHaveLength(2);
  loads[1]!.done(BOOK);
  expect(await again).toEqual(["near-limit", "request-too-large"]);
});

test("nothing waits where nothing has to, and nothing any more once the price book is there", async () => {
  const { engine, loads } = await product();
  const preparing = new Preparing(engine, undefined);
  expect(preparing.request(UNPRICED)).not.toBeInstanceOf(Promise);
  expect(preparing.request({ ...PRICED, cost: 1 })).not.toBeInstanceOf(Promise);
  expect(preparing.request({ ...UNPRICED, model: " " })).not.toBeInstanceOf(Promise);
  expect(loads).toHaveLength(0);
  const waiting = [preparing.request(PRICED), preparing.request(UNPRICED)];
  for (const each of waiting) expect(each).toBeInstanceOf(Promise);
  loads[0]!.done(BOOK);
  await Promise.all(waiting);
  expect(preparing.request(PRICED)).not.toBeInstanceOf(Promise);
  expect(preparing.request(UNPRICED)).not.toBeInstanceOf(Promise);
});

test("what a request names is read in one way, whether its price is needed or not", async () => {
  const { engine, limits, loads } = await product();
  const named = { user: "ada", provider: " Gemini ", model: "flash ", feature: "blog_writer " };
  const kind = { provider: "google", model: "flash", feature: "blog_writer" };
  const preparing = new Preparing(engine, undefined);
  expect(preparing.request(named)).toMatchObject(kind);
  expect(preparing.request({ ...named, tokens: 1, cost: 0 })).toMatchObject(kind);
  const priced = preparing.request({ ...named, tokens: 1 });
  loads[0]!.done(BOOK);
  expect(await priced).toMatchObject(kind);

  const { model: _, ...unnamed } = named;
  expect((await limits.check({ ...unnamed, tokens: 1 })).code).toBe("ok");
  await emergencyOn(engine, { model: "flash" });
  expect((await limits.check({ ...named, tokens: 1, cost: 0 })).code).toBe("emergency-stop");
});
