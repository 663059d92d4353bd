import { describe, expect, onTestFinished, test } from "vitest";
import type { PriceBook } from "../../src/domain/price-book.js";
import { parseTolerance } from "../../src/domain/tolerance.js";
import type { Engine } from "../../src/engine/engine.js";
import { type ReconcileRequest, reconcileBills } from "../../src/engine/reconcile.js";
import { billOf, tokens } from "../support/bills.js";
import { engineOn } from "../support/engine-on.js";
import { change, HOUR, openFreshSqlite, populate, record, T0, TODAY } from "../support/store.js";

const EXACT = parseTolerance("0")!;

/** An engine in a zone, with one call of 100 input tokens at 23:30 UTC of yesterday. */
async function withCall(zone: string): Promise<Engine> {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  const { store } = database;
  await populate(store, "ada");
  await change(store, (tx) => tx.settings.set("time_zone", zone, 0));
  await store.meter.commit([
    record("late", { occurredAt: TODAY * 24 * HOUR - HOUR / 2, input: 100, output: 0, cost: 250_000 }),
  ]);
  return engineOn(store, T0);
}

const usage = billOf("tokens", [
  { day: TODAY - 1, tokens: tokens({ input: 100 }) },
  { day: TODAY, tokens: tokens({}) },
]);

function request(more: Partial<ReconcileRequest> = {}): ReconcileRequest {
  return { bills: [usage], tolerance: EXACT, ...more };
}

describe("days are those of UTC, whatever the accounting zone", () => {
  test.each(["UTC", "Etc/UTC", "Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles"])(
    "in %s",
    async (zone) => {
      const report = await reconcileBills(await withCall(zone), request());
      expect(report).toMatchObject({ isReconciled: true, zone, ledgerProviders: ["openai"] });
      expect(report.totals.tokens).toMatchObject({ off: 0n, moved: 0n });
    },
  );
});

test("prices weigh the tokens, and are loaded only where a bill states both", async () => {
  const engine = await withCall("UTC");
  const costs = billOf("cost", [{ day: TODAY - 1, cost: 1_250_000n }]);
  const both = billOf("tokens", [{ day: TODAY - 1, tokens: tokens({ input: 100, output: 100 }) }]);
  await expect(reconcileBills(engine, request({ bills: [both, costs] }))).rejects.toThrow(
    "no price was to be asked for",
  );
  await reconcileBills(engine, request({ bills: [costs] }));

  // An output token is four times an input token: of 1,250 micro-dollars, 1,000 are missing here and 250 agree.
  const rates = { input: 2_500, cacheRead: null, cacheWrite: 0, output: 10_000, image: null, request: null };
  const prices = { rates: () => rates } as unknown as PriceBook;
  const report = await reconcileBills(
    { ...engine, prices: async () => prices },
    request({ bills: [both, costs] }),
  );
  expect(report.totals.cost).toMatchObject({
    off: 1_000_000n,
    parts: { missingHere: 1_000_000n, price: 0n },
  });
});

describe("what is tolerated", () => {
  const more = billOf("tokens", [{ day: TODAY - 1, tokens: tokens({ input: 101 }) }]);

  test("a share of what is billed", async () => {
    const engine = await withCall("UTC");
    const isReconciled = async (text: string) =>
      (await reconcileBills(engine, request({ bills: [more], tolerance: parseTolerance(text)! })))
        .isReconciled;
    expect([await isReconciled("0"), await isReconciled("0.9%"), await isReconciled("1%")]).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("nothing in common is beyond any tolerance, and money is none of a bill that states no cost", async () => {
    const engine = await withCall("UTC");
    const other = billOf("tokens", [{ day: TODAY, tokens: tokens({ input: 5 }) }], "anthropic");
    const report = await reconcileBills(
      engine,
      request({ bills: [other], tolerance: parseTolerance("100%")! }),
    );
    expect(report).toMatchObject({
      isReconciled: false,
      isShared: false,
      isUsed: false,
      ledgerProviders: [],
    });
    await expect(reconcileBills(engine, request({ tolerance: parseTolerance("5")! }))).rejects.toMatchObject({
      code: "usage",
      message: "the bill of openai states no cost, so that no amount of money can be tolerated",
    });
  });
});

test("another provider's usage, by its canonical name", async () => {
  const engine = await withCall("UTC");
  await engine.store.meter.commit([
    record("azure", { occurredAt: T0, provider: "azure", input: 7, output: 0 }),
  ]);
  const bill = billOf("tokens", [{ day: TODAY, tokens: tokens({ input: 7 }) }]);
  const report = await reconcileBills(engine, request({ bills: [bill], provider: "azure_openai" }));
  expect(report).toMatchObject({ isReconciled: true, servedBy: "azure" });
  const two = [bill, billOf("tokens", [{ day: TODAY, tokens: tokens({ input: 7 }) }], "anthropic")];
  await expect(reconcileBills(engine, request({ bills: two, provider: "azure" }))).rejects.toMatchObject({
    code: "usage",
  });
});

describe("bounds", () => {
  test.each([
    [{ since: "2026-11-31" }, '--since "2026-11-31" is not a day'],
    [{ until: "soon" }, '--until "soon" is not a day'],
    [{ since: "0001-01-01" }, '--since "0001-01-01" is no day that a bill could be of'],
    [
      { since: "2026-11-05", until: "2026-11-05" },
      "the range holds no day: --until is exclusive and must be after --since",
    ],
    [{ since: "2027-01-01" }, "the bill has no day in the range of --since and --until"],
  ])("%j is refused", async (bounds, message) => {
    await expect(reconcileBills(await withCall("UTC"), request(bounds))).rejects.toThrow(message);
  });

  test("a bill of no day at all is refused", async () => {
    const bills = [billOf("tokens", [])];
    await expect(reconcileBills(await withCall("UTC"), request({ bills }))).rejects.toThrow(
      "the bill is of no day at all",
    );
  });

  test("they cut off and reach out", async () => {
    const engine = await withCall("UTC");
    const today = await reconcileBills(engine, request({ since: "2026-11-22" }));
    expect(today).toMatchObject({ isReconciled: true, isBilled: false, isUsed: false });
    const late = billOf("tokens", [{ day: TODAY, tokens: tokens({ input: 1 }) }]);
    const month = await reconcileBills(
      engine,
      request({ bills: [late], since: "2026-11-01", until: "2026-12-01" }),
    );
    expect(month.bills[0]!.tokenDays).toEqual([{ from: TODAY - 21, to: TODAY + 9 }]);
    // Dated to neighbouring days: the one token of the bill, and 99 are missing there.
    expect(month.totals.tokens).toMatchObject({ off: 99n, moved: 1n });
  });
});
