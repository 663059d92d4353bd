import { expect, test } from "vitest";
import type { CallKind } from "../../src/domain/usage.js";
import type { NewStop } from "../../src/engine/ports.js";
import { change, HOUR, populate, record, T0 } from "../support/store.js";
import { everyStore } from "./describe-store.js";

function stop(more: Partial<NewStop> = {}): NewStop {
  return {
    action: "stop",
    userId: null,
    tier: null,
    provider: null,
    model: null,
    feature: null,
    reason: null,
    actor: "olga",
    until: null,
    ...more,
  };
}

everyStore((fresh) => {
  test("a stop is in force from when it starts until it is lifted", async () => {
    const { store, rows } = await fresh();
    const started = await change(store, (tx) => tx.emergency.start(stop({ reason: "runaway" }), T0));
    expect(started).toEqual({
      id: started.id,
      action: "stop",
      scope: {},
      reason: "runaway",
      actor: "olga",
      since: T0,
      until: null,
    });
    expect(await store.read((tx) => tx.emergency.active(T0))).toEqual([started]);
    await change(store, (tx) => tx.emergency.lift(started.id, T0 + HOUR));
    expect(await store.read((tx) => tx.emergency.active(T0 + HOUR))).toEqual([]);
    expect(await rows("stop")).toMatchObject([{ valid_from: T0, valid_to: T0 + HOUR }]);
  });

  test("lifting what was lifted does not rewrite when that was", async () => {
    const { store, rows } = await fresh();
    const { id } = await change(store, (tx) => tx.emergency.start(stop(), T0));
    await change(store, (tx) => tx.emergency.lift(id, T0 + 1));
    await change(store, (tx) => tx.emergency.lift(id, T0 + 2));
    expect(await rows("stop")).toMatchObject([{ valid_to: T0 + 1 }]);
  });

  test("every scope is kept, and what is not scoped is left out", async () => {
    const { store } = await fresh();
    const [ada] = await populate(store, "ada");
    const all = { provider: "google", model: "gemini-2.5-pro", feature: "blog_writer" };
    await change(store, async (tx) => {
      await tx.emergency.start(stop({ ...all, userId: ada!.id, tier: "pro" }), T0);
      await tx.emergency.start(stop({ provider: "openai", action: "throttle" }), T0 + 1);
      await tx.emergency.start(stop({ tier: "basic" }), T0 + 2);
    });
    const active = await store.read((tx) => tx.emergency.active(T0 + 3));
    expect(active.map(({ action, scope }) => ({ action, scope }))).toEqual([
      { action: "stop", scope: { ...all, userId: ada!.id, tier: "pro" } },
      { action: "throttle", scope: { provider: "openai" } },
      { action: "stop", scope: { tier: "basic" } },
    ]);
  });

  test("a time box ends by itself, exclusively", async () => {
    const { store } = await fresh();
    const until = T0 + 2 * HOUR;
    const { id } = await change(store, (tx) => tx.emergency.start(stop({ until }), T0));
    const ids = (at: number) =>
      store.read(async (tx) => (await tx.emergency.active(at)).map((one) => one.id));
    expect(await ids(until - 1)).toEqual([id]);
    expect(await ids(until)).toEqual([]);
  });

  test("one of several is lifted", async () => {
    const { store } = await fresh();
    const [first, second] = await change(store, async (tx) => [
      await tx.emergency.start(stop(), T0),
      await tx.emergency.start(stop({ model: "gpt-4o" }), T0),
    ]);
    await change(store, (tx) => tx.emergency.lift(first!.id, T0 + 1));
    expect(await store.read((tx) => tx.emergency.active(T0 + 1))).toEqual([second]);
  });

  test("a stop on a tier or user that does not exist is refused", async () => {
    const { store, rows } = await fresh();
    await expect(change(store, (tx) => tx.emergency.start(stop({ tier: "gold" }), T0))).rejects.toThrow();
    await expect(change(store, (tx) => tx.emergency.start(stop({ userId: 99 }), T0))).rejects.toThrow();
    expect(await rows("stop")).toEqual([]);
  });

  test("a guardrail is one a meter and period; setting it again keeps what it was", async () => {
    const { store, rows } = await fresh();
    await change(store, async ({ emergency }) => {
      await emergency.setGuardrail({ meter: "cost", period: "day", limit: 50, action: "alert" }, T0);
      await emergency.setGuardrail({ meter: "tokens", period: "day", limit: 9, action: "throttle" }, T0);
      await emergency.setGuardrail({ meter: "cost", period: "month", limit: 900, action: "stop" }, T0);
      await emergency.setGuardrail({ meter: "cost", period: "day", limit: 60, action: "stop" }, T0 + 1);
    });
    const guardrails = await store.read((tx) => tx.emergency.guardrails());
    expect(guardrails.map(({ id: _, ...rest }) => rest)).toEqual([
      { meter: "tokens", period: "day", limit: 9, action: "throttle" },
      { meter: "cost", period: "month", limit: 900, action: "stop" },
      { meter: "cost", period: "day", limit: 60, action: "stop" },
    ]);
    expect(await rows("guardrail")).toMatchObject([
      { limit_amount: 50, valid_from: T0, valid_to: T0 + 1 },
      { valid_to: null },
      { valid_to: null },
      { limit_amount: 60, valid_from: T0 + 1, valid_to: null },
    ]);
  });

  test("a kind of call is known once it was metered", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    await store.meter.commit([record("1", { provider: "google", model: "flash" }), record("2")]);
    const was = (kind: Partial<CallKind>) => store.read((tx) => tx.emergency.wasMetered(kind));
    expect(await was({ provider: "google" })).toBe(true);
    expect(await was({ provider: "google", model: "flash" })).toBe(true);
    expect(await was({ provider: "google", model: "gpt-4o" })).toBe(false);
    expect(await was({ feature: "seo" })).toBe(false);
  });
});
