import { expect, test } from "vitest";
import { type Operation, partIdentity } from "../../src/domain/ledger-model.js";
import { MOST_REFUSED_CALLS } from "../../src/domain/refused-call.js";
import { entry, HOUR, MINUTE, populate, record, reserve, settle, T0, TODAY } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const part = (hold: string, number: number, tokens: number, at: number): Operation => ({
  op: "settle",
  entry: { ...entry(hold, { input: tokens, output: 0 }), ...partIdentity("test", hold, number) },
  at,
  part: { source: "test", hold, number, holdFor: null },
});

everyStore((fresh) => {
  test("usage says when its call was let through, for how much and until when, unless it was only recorded", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    await store.meter.commit([reserve("r", { tokens: 300, images: 2, cost: 5_000 })]);
    await store.meter.commit([record("log"), settle("r", {}, T0 + MINUTE)]);
    // Expired, and nobody has cleared it away.
    await store.meter.commit([reserve("late", { tokens: 7 }, "ada", T0 + MINUTE)]);
    await store.meter.commit([settle("late", {}, T0 + HOUR), settle("never-reserved", {}, T0 + HOUR)]);
    const nothing = { reserved_at: null, asked_tokens: null, asked_images: null, asked_cost: null };
    expect(await rows("usage_event")).toMatchObject([
      nothing,
      {
        reserved_at: T0,
        asked_tokens: 300,
        asked_images: 2,
        asked_cost: 5_000,
        part: null,
        expired_at: null,
      },
      {
        reserved_at: T0 + MINUTE,
        asked_tokens: 7,
        asked_images: 0,
        asked_cost: 0,
        part: null,
        expired_at: T0 + 11 * MINUTE,
      },
      nothing,
    ]);
  });

  test("the parts of a call say which they are, and what its reservation still held", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    await store.meter.commit([reserve("r", { tokens: 300 })]);
    await store.meter.commit([part("r", 1, 100, T0 + 1), part("r", 2, 50, T0 + 2)]);
    await store.meter.commit([settle("r", { input: 20, output: 0 }, T0 + 3)]);
    expect(await rows("usage_event")).toMatchObject([
      { reserved_at: T0, asked_tokens: 300, requests: 1, part: 1 },
      { reserved_at: T0, asked_tokens: 200, requests: 0, part: 2 },
      { reserved_at: T0, asked_tokens: 150, requests: 0, part: null },
    ]);
  });

  const end = (id: string): Operation => settle(id, { input: 20, output: 0 }, T0 + 3);
  const first = (id: string): Operation => part(id, 1, 100, T0 + 2);
  const second = (id: string): Operation => part(id, 2, 50, T0 + 4);

  test.each([
    ["its first part, as it should", [first, second, end]],
    ["its end", [end, first, second]],
    ["its second part, then its end", [second, end, first]],
  ])("a call in parts is one request, if what is written first is %s", async (_, order) => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    await store.meter.commit([reserve("a", { tokens: 300 }), reserve("b", { tokens: 300 })]);
    await store.meter.commit(order.map((operation) => operation("a")));
    for (const operation of order) await store.meter.commit([operation("b")]);
    const requests = (await rows("usage_event")).map((row) => Number(row.requests));
    expect(requests).toHaveLength(6);
    expect(requests.reduce((sum, each) => sum + each)).toBe(2);
  });

  test("the parts of a call are no other's calls, whatever their ids", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    const asked = (id: string): Operation => ({ ...reserve(id, { tokens: 9 }), source: "test" }) as Operation;
    await store.meter.commit([asked("r"), first("r"), end("r")]);
    const again = await store.meter.commit([asked("r#1"), settle("r#1"), asked("r#1")]);
    expect(again).toMatchObject([
      { decision: { code: "ok" } },
      { status: "inserted" },
      { decision: { code: "already-settled" } },
    ]);
    expect((await rows("usage_event")).map((row) => Number(row.requests))).toEqual([1, 0, 1]);
  });

  test("a call of which a part was counted is not made again under its id", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    const asked: Operation = { ...reserve("r", { tokens: 300 }), source: "test" } as Operation;
    await store.meter.commit([asked, first("r")]);
    for (const before of [[], [{ op: "release", user: "ada", id: "r", at: T0 + 3 } as const]]) {
      await store.meter.commit(before);
      expect(await store.meter.commit([asked])).toMatchObject([
        { decision: { code: "already-settled" }, hold: null },
      ]);
    }
  });

  test("a refused call is kept with what was asked and what it was decided from", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    await store.meter.commit([
      record("used", { input: 400, output: 100, cost: 2_000 }),
      reserve("held", { tokens: 200, cost: 3_000 }),
      // A retry is not judged against its own reservation, so that is not among what it saw.
      reserve("held", { tokens: 900, images: 1, cost: 7_000, model: "gpt-4o", provider: "openai" }),
      reserve("other", { tokens: null, images: null, cost: 0 }, "ada", T0 + 1),
    ]);
    const [call, ...others] = await rows("refused_call");
    expect(others).toEqual([]);
    expect(call).toMatchObject({
      day: TODAY,
      at: T0,
      states_amounts: 1,
      tokens: 900,
      images: 1,
      cost: 7_000,
      requests: 1,
      code: "request-too-large",
      meter: "tokens",
      period: "day",
    });
    const kind = (await rows("call_kind")).find(({ id }) => id === call?.call_kind_id);
    expect(kind).toMatchObject({ provider: "openai", model: "gpt-4o", feature: "" });
    const used = { tokens: 500, images: 0, cost: 2_000, requests: 1 };
    const forgiven = { tokens: 0, images: 0, cost: 0, requests: 0 };
    expect(JSON.parse(String(call?.seen))).toEqual({
      tier: "free",
      quotas: [
        { meter: "tokens", period: "day", limit: 1_000, source: "tier" },
        { meter: "images", period: "day", limit: 5, source: "tier" },
        { meter: "cost", period: "month", limit: 10_000_000_000, source: "tier" },
      ],
      day: { used, forgiven },
      month: { used, forgiven },
      held: { tokens: 0, images: 0, cost: 0, requests: 0 },
      blockAt: 9_500,
      callTokens: null,
      maxTokens: null,
    });
  });

  test("of one user and day the first thousand are kept, and all are counted", async () => {
    const { store, open, rows } = await fresh();
    await populate(store, "ada", "bob");
    const refused = (from: number, to: number, user = "ada", at = T0) =>
      Array.from({ length: to - from }, (_, n) => reserve(`${from + n}`, { tokens: 2_000 }, user, at));
    await store.meter.commit([...refused(0, 900), ...refused(0, 1, "bob")]);
    // Most of this batch fits, the last of it does not.
    await (await open()).meter.commit(refused(900, 1_050));
    await store.meter.commit([...refused(1_050, 1_060), ...refused(0, 2, "bob")]);
    await store.meter.commit(refused(0, 3, "ada", T0 + 12 * HOUR));
    const kept = await rows("refused_call");
    const of = (user: number, day: number) =>
      kept.filter((row) => row.user_id === user && row.day === day).length;
    expect([of(1, TODAY), of(2, TODAY), of(1, TODAY + 1)]).toEqual([MOST_REFUSED_CALLS, 3, 3]);
    expect((await rows("refusal")).map(({ user_id, day, count }) => [user_id, day, count])).toEqual(
      expect.arrayContaining([
        [1, TODAY, 1_060],
        [2, TODAY, 3],
        [1, TODAY + 1, 3],
      ]),
    );
  });

  test("a preview keeps nothing", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    await store.meter.preview([reserve("r", { tokens: 2_000 })]);
    expect(await rows("refused_call")).toEqual([]);
  });
});
