import { expect, test } from "vitest";
import type { RefusedByLimit } from "../../src/domain/suggest-refusals.js";
import { change, DAY, HOUR, populate, record, reserve, T0, TODAY } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const LAST_TWO = { from: TODAY - 1, to: TODAY + 1 };

everyStore((fresh) => {
  test("what everybody used, by day of the range", async () => {
    const { store } = await fresh();
    const [ada, bob] = await populate(store, "ada", "bob");
    await store.meter.commit([
      record("1", { input: 10, output: 0, cost: 5 }),
      record("2", { input: 30, output: 0, cost: 5, images: 1 }),
      record("3", { input: 7, output: 0, cost: 1, occurredAt: T0 - DAY }),
      record("4", { input: 9, output: 0, cost: 1, occurredAt: T0 - 2 * DAY }),
      record("5", { user: "bob", input: 1, output: 0, cost: 1, occurredAt: T0 - DAY }),
    ]);
    expect(await store.read((tx) => tx.recent.days(LAST_TWO))).toEqual([
      { userId: ada!.id, day: TODAY - 1, used: { tokens: 7, images: 0, cost: 1, requests: 1 } },
      { userId: ada!.id, day: TODAY, used: { tokens: 40, images: 1, cost: 10, requests: 2 } },
      { userId: bob!.id, day: TODAY - 1, used: { tokens: 1, images: 0, cost: 1, requests: 1 } },
    ]);
  });

  test("refusals by day, and features that were refused and used by how many days", async () => {
    const { store } = await fresh();
    const [ada] = await populate(store, "ada");
    const userId = ada!.id;
    const times = [T0 - 2 * DAY, T0 - DAY, T0 - DAY + HOUR, T0];
    for (const [n, at] of times.entries()) {
      await store.meter.commit([
        reserve(`labs-${n}`, { feature: "labs" }, "ada", at),
        record(`event-${n}`, { feature: "basic_seo", occurredAt: at }, at),
      ]);
    }
    await store.meter.commit([
      reserve("seo", { feature: "seo_analysis" }, "ada", T0),
      reserve("much", { tokens: 5_000 }, "ada", T0),
      record("unnamed", { feature: "" }),
    ]);
    const { refusals, refusedFeatures, usedFeatures } = await store.read(async ({ recent }) => ({
      refusals: await recent.refusals(LAST_TWO),
      refusedFeatures: await recent.featureRefusals(LAST_TWO),
      usedFeatures: await recent.featureUse(LAST_TWO),
    }));
    expect(refusals).toEqual([
      { userId, day: TODAY - 1, code: "feature-not-in-tier", meter: "", count: 2 },
      { userId, day: TODAY, code: "feature-not-in-tier", meter: "", count: 2 },
      { userId, day: TODAY, code: "request-too-large", meter: "tokens", count: 1 },
    ]);
    expect(refusedFeatures).toEqual([
      { userId, feature: "labs", days: 2, calls: 3 },
      { userId, feature: "seo_analysis", days: 1, calls: 1 },
    ]);
    expect(usedFeatures).toEqual([{ userId, feature: "basic_seo", days: 2, calls: 3 }]);
  });

  test("calls that limits refused, with what they were decided from", async () => {
    const { store } = await fresh();
    const [ada, bob] = await populate(store, "ada", "bob");
    await store.meter.commit([
      reserve("before", { tokens: 5_000 }, "ada", T0 - 2 * DAY),
      reserve("late", { tokens: 5_000 }, "bob", T0 - DAY),
      record("used", { input: 990, output: 0, occurredAt: T0 }),
      reserve("much", { tokens: 5_000 }, "ada", T0 - DAY),
      reserve("more", { tokens: 20, cost: 3 }, "ada", T0 + 1),
      reserve("labs", { feature: "labs" }, "ada", T0 + 2),
      reserve("silent", { tokens: null, images: null, cost: 0 }, "ada", T0 + 3),
    ]);
    const kept = await store.read(async ({ recent }) => {
      const calls: RefusedByLimit[] = [];
      for await (const call of recent.refusedByLimits(LAST_TWO)) calls.push(call);
      return calls;
    });
    const told = kept.map(({ seen, ...call }) => ({ ...call, used: seen.day.used.tokens }));
    const tokensADay = { meter: "tokens", period: "day" };
    const asked = { images: 0, requests: 1 };
    const ofAda = { ...tokensADay, userId: ada!.id, statesAmounts: true };
    expect(told).toMatchObject([
      { ...ofAda, day: TODAY - 1, code: "request-too-large", amounts: { ...asked, tokens: 5_000 }, used: 0 },
      { ...ofAda, day: TODAY, at: T0 + 1, amounts: { ...asked, tokens: 20, cost: 3 }, used: 990 },
      { ...ofAda, day: TODAY, code: "quota-exhausted", statesAmounts: false, used: 990 },
      { ...tokensADay, userId: bob!.id, day: TODAY - 1 },
    ]);
    expect(kept[0]?.seen).toMatchObject({ tier: "free", blockAt: 9_500, maxTokens: null });
  });

  test("since when everybody is on their tier, whatever their status was", async () => {
    const { store } = await fresh();
    const [ada, bob] = await populate(store, "ada", "bob");
    const move = (userId: number, tier: string, status: "active" | "suspended", at: number) =>
      change(store, (tx) => tx.users.setMembership(userId, { tier, status }, at));
    await move(ada!.id, "basic", "active", T0);
    await move(ada!.id, "free", "active", T0 + 1);
    await move(ada!.id, "free", "suspended", T0 + 2);
    await move(ada!.id, "free", "active", T0 + 3);
    await move(bob!.id, "free", "suspended", T0);
    expect(await store.read((tx) => tx.recent.tierSince())).toEqual(
      new Map([
        [ada!.id, T0 + 1],
        [bob!.id, T0 - 10 * DAY],
      ]),
    );
  });
});
