import { expect, test } from "vitest";
import { change, DAY, HOUR, MINUTE, populate, record, reserve, T0 } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const LAST_HOUR = { since: T0 - HOUR, until: T0 + 1 };

everyStore((fresh) => {
  test("the last hour has what occurred in it, whoever recorded it, and nothing else", async () => {
    const { store } = await fresh();
    await populate(store, "ada", "bob");
    await store.meter.commit([
      record("old", { occurredAt: T0 - 2 * HOUR }, T0 - 2 * HOUR),
      record("first", { occurredAt: T0 - HOUR, input: 100, cacheRead: 20, output: 3, cost: 7 }, T0 - HOUR),
      record("imported", { occurredAt: T0 - MINUTE, importId: 1, user: "bob", images: 2, cost: 5 }, T0),
      // Recorded just now, of a time long ago; and of a clock that is ahead.
      record("late", { occurredAt: T0 - 9 * DAY, importId: 1 }, T0),
      record("ahead", { occurredAt: T0 + 1 }, T0),
      record("now", { occurredAt: T0, cost: null }, T0),
    ]);
    const hour = await store.read((tx) => tx.status.recentUse(LAST_HOUR, 1_000));
    // By hand: 123 + 15 + 15 tokens; 7 + 5 nanos; the unpriced one at $0.10 per 1,000 tokens, 15 tokens: $0.0015.
    expect(hour).toEqual({
      requests: 3,
      tokens: 153,
      images: 2,
      cost: 12n,
      assumed: 1_500_000n,
      complete: true,
    });
  });

  test("an empty ledger has none", async () => {
    const { store } = await fresh();
    await store.read(async (tx) => {
      expect(await tx.status.recentUse(LAST_HOUR, 1_000)).toMatchObject({ requests: 0, complete: true });
      expect(await tx.status.lastEvent(1_000)).toBeNull();
      expect(await tx.status.lastLiveUse(1_000)).toBeNull();
    });
  });

  test("beyond as many entries as are looked at, it says that it is the least", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    const import1 = Array.from({ length: 5_000 }, (_, n) =>
      record(`e${n}`, { importId: 1, occurredAt: n < 10 ? T0 - MINUTE : T0 - DAY }, T0),
    );
    await store.meter.commit(import1);
    const hour = (most: number) => store.read((tx) => tx.status.recentUse(LAST_HOUR, most));
    // The ten that occurred in the hour are the oldest of the five thousand.
    expect(await hour(1_000)).toMatchObject({ requests: 0, complete: false });
    expect(await hour(4_000)).toMatchObject({ requests: 0, complete: false });
    expect(await hour(16_000)).toMatchObject({ requests: 10, complete: true });
    // Recorded long enough ago, they are not looked through.
    await store.meter.commit([record("live", {}, T0 + 3 * HOUR)]);
    const later = { since: T0 + 2 * HOUR, until: T0 + 4 * HOUR };
    expect(await store.read((tx) => tx.status.recentUse(later, 1_000))).toMatchObject({ complete: true });
  });

  test("the last event and the last live one, corrections apart", async () => {
    const { store, rows, insert } = await fresh();
    await populate(store, "ada");
    await store.meter.commit([
      record("a", { model: "gpt-4o" }, T0),
      record("b", { importId: 1, model: "o3", occurredAt: T0 - DAY }, T0 + MINUTE),
    ]);
    const { id, ...event } = (await rows("usage_event")).at(-1)!;
    await insert("usage_event", { ...event, corrects: id, import_id: null, recorded_at: T0 + 2 * MINUTE });
    await store.read(async (tx) => {
      expect(await tx.status.lastEvent(1_000)).toEqual({
        user: "ada",
        email: null,
        provider: "openai",
        model: "o3",
        feature: "blog_writer",
        occurredAt: T0 - DAY,
        recordedAt: T0 + MINUTE,
        live: false,
      });
      expect(await tx.status.lastLiveUse(1_000)).toBe(T0);
      expect(await tx.status.lastLiveUse(1)).toBeNull();
    });
    await store.meter.commit([reserve("r", {}, "ada", T0 + HOUR)]);
    expect(await store.read((tx) => tx.status.lastLiveUse(1))).toBe(T0 + HOUR);
  });

  test("the database takes room, and more of it with more in it", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    const before = await store.size();
    expect(before).toBeGreaterThan(10_000);
    await store.meter.commit(Array.from({ length: 2_000 }, (_, n) => record(`e${n}`)));
    expect(await store.size()).toBeGreaterThan(before);
  });

  test("where guardrails have tripped is kept for as long as their limit is", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    const set = (limit: number, action: "alert" | "stop") =>
      change(store, (tx) => tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit, action }, T0));
    const trips = () =>
      store.read((tx) => tx.emergency.trips().then((all) => all.map(({ index, at }) => ({ index, at }))));
    await set(10, "alert");
    expect(await trips()).toEqual([]);
    await store.meter.commit([record("a")]);
    const tripped = [{ index: Math.floor(T0 / DAY), at: T0 }];
    expect(await trips()).toEqual(tripped);
    // With another action it is still the same limit, which has been told.
    await set(10, "stop");
    expect(await trips()).toEqual(tripped);
    await store.meter.commit([record("b")]);
    expect(await store.read((tx) => tx.emergency.active(T0))).toEqual([]);
    await set(20, "stop");
    expect(await trips()).toEqual([]);
    await store.meter.commit([record("c")]);
    expect(await store.read((tx) => tx.emergency.active(T0))).toHaveLength(1);
  });

  test("a guardrail that was cleared watches nothing", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    const guardrail = { meter: "tokens", period: "day", limit: 10, action: "stop" } as const;
    await change(store, (tx) => tx.emergency.setGuardrail(guardrail, T0));
    const [set] = await store.read((tx) => tx.emergency.guardrails());
    await change(store, (tx) => tx.emergency.clearGuardrail(set!.id, T0 + 1));
    expect(await store.read((tx) => tx.emergency.guardrails())).toEqual([]);
    expect(await rows("guardrail")).toMatchObject([{ valid_to: T0 + 1 }]);
    await store.meter.commit([record("a")]);
    expect(await store.read((tx) => tx.emergency.active(T0))).toEqual([]);
  });
});
