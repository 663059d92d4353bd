import { expect, test } from "vitest";
import { partIdentity } from "../../src/domain/ledger-model.js";
import { INITIAL_TIERS } from "../../src/domain/tier.js";
import { calendar } from "../../src/domain/window.js";
import type { AsOf } from "../../src/engine/ports/history.js";
import {
  change,
  DAY,
  entry,
  HOUR,
  MINUTE,
  populate,
  record,
  reserve,
  settle,
  T0,
  type TestDatabase,
  TODAY,
} from "../support/store.js";
import { everyStore } from "./describe-store.js";

const utc = calendar("UTC");
const today = utc.windowAt("day", T0);
const thisMonth = utc.windowAt("month", T0);
const [free] = INITIAL_TIERS;

/** A row of the ledger as it is written, whoever wrote it. */
function ledgerRow(database: TestDatabase, row: Record<string, unknown>) {
  return database.insert("usage_event", {
    user_id: 1,
    call_kind_id: 1,
    occurred_at: T0,
    recorded_at: T0,
    input: 0,
    cache_read: 0,
    cache_write: 0,
    output: 0,
    reasoning: 0,
    images: 0,
    requests: 1,
    cost: 0,
    assumed: 0,
    priced_by: "log",
    ...row,
  });
}

function refusedCall(database: TestDatabase, row: Record<string, unknown>) {
  return database.insert("refused_call", {
    user_id: 1,
    day: TODAY,
    at: T0,
    call_kind_id: 1,
    states_amounts: 1,
    tokens: 1,
    images: 0,
    cost: 0,
    requests: 1,
    code: "quota-exhausted",
    meter: "tokens",
    period: "day",
    seen: "{}",
    ...row,
  });
}

everyStore((fresh) => {
  test("tier, status and overrides are those of the instant, and each says since when", async () => {
    const { store } = await fresh();
    const [ada] = await populate(store, "ada");
    const id = ada!.id;
    await change(store, (tx) => tx.users.setMembership(id, { tier: "basic", status: "active" }, T0));
    await change(store, (tx) =>
      tx.users.setMembership(id, { tier: "basic", status: "suspended" }, T0 + HOUR),
    );
    await change(store, (tx) =>
      tx.users.addOverride(
        id,
        { kind: "quota", meter: "tokens", period: "day", limit: 5, reason: "launch", until: null },
        T0 + 2 * HOUR,
      ),
    );
    await change(store, (tx) => tx.users.clearOverrides(id, T0 + 3 * HOUR));
    const at = (asOf: AsOf) => store.read((tx) => tx.history.user(id, asOf));
    expect(await at(T0 - 10 * DAY - 1)).toBeUndefined();
    expect(await at(T0 - 1)).toMatchObject({
      tier: { key: "free" },
      status: "active",
      since: { tier: T0 - 10 * DAY, status: T0 - 10 * DAY },
      overrides: [],
    });
    expect(await at(T0)).toMatchObject({
      tier: { key: "basic" },
      since: { tier: T0, status: T0 - 10 * DAY },
    });
    expect(await at(T0 + 2 * HOUR)).toMatchObject({
      status: "suspended",
      since: { tier: T0, status: T0 + HOUR },
      overrides: [{ meter: "tokens", limit: 5, reason: "launch", since: T0 + 2 * HOUR }],
    });
    expect(await at(T0 + 3 * HOUR)).toMatchObject({ overrides: [] });
    expect(await at(null)).toEqual(await at(T0 + 3 * HOUR));
  });

  test("a tier says what it said then; one that was removed since, too", async () => {
    const { store } = await fresh();
    const [ada] = await populate(store, "ada");
    const id = ada!.id;
    await change(store, (tx) => tx.tiers.save({ ...free!, quotas: [], features: ["labs"] }, T0));
    await change(store, async (tx) => {
      await tx.users.setMembership(id, { tier: "pro", status: "active" }, T0 + 1);
      await tx.tiers.remove("free", T0 + 1);
    });
    const tierAt = async (asOf: AsOf) => (await store.read((tx) => tx.history.user(id, asOf)))?.tier;
    expect(await tierAt(T0 - 1)).toEqual({ ...free, features: [...free!.features].sort() });
    expect(await tierAt(T0)).toMatchObject({ key: "free", quotas: [], features: ["labs"] });
    expect(await tierAt(T0 + 1)).toMatchObject({ key: "pro" });
  });

  test("settings, stops, guardrails and own prices are those in force then", async () => {
    const { store } = await fresh();
    const stop = { userId: null, tier: null, provider: null, model: null, feature: null, reason: null };
    const rates = { input: 1, cacheRead: null, cacheWrite: null, output: 1, image: null, request: null };
    await change(store, async (tx) => {
      await tx.settings.set("block_at", 9_000, T0);
      const { id } = await tx.emergency.start({ ...stop, action: "stop", actor: "olga", until: null }, T0);
      await tx.emergency.lift(id, T0 + HOUR);
      await tx.emergency.setGuardrail({ meter: "cost", period: "day", limit: 5, action: "stop" }, T0);
      const price = await tx.prices.add({ provider: "", model: "m", startsAt: 0, rates }, T0);
      await tx.prices.end(price.id, T0 + HOUR);
      await tx.emergency.setGuardrail({ meter: "cost", period: "day", limit: 9, action: "alert" }, T0 + HOUR);
    });
    const at = (asOf: AsOf) => store.read((tx) => tx.history.rules(asOf));
    const kind = { provider: "any", model: "m" };
    const told = async (asOf: AsOf) => {
      const { settings, stops, guardrails, ownPrices } = await at(asOf);
      const limits = guardrails.map(({ limit }) => limit);
      return [settings.block_at, stops.length, limits, ownPrices?.at(kind, T0)?.rates.input ?? null];
    };
    expect(await told(T0 - 1)).toEqual([9_500, 0, [], null]);
    expect(await told(T0)).toEqual([9_000, 1, [5], 1]);
    expect(await told(T0 + HOUR)).toEqual([9_000, 0, [9], null]);
    expect(await told(null)).toEqual(await told(T0 + HOUR));
  });

  test("used is what had been recorded by then of a window, corrections too, whenever it occurred in it", async () => {
    const database = await fresh();
    const { store } = database;
    const [ada] = await populate(store, "ada", "bob");
    const id = ada!.id;
    await store.meter.commit([
      record("1", { input: 10, output: 5, cost: 100, occurredAt: T0 - 1 }, T0),
      record(
        "2",
        { input: 20, cacheRead: 3, output: 5, cost: 50, images: 2, occurredAt: T0 - HOUR },
        T0 + HOUR,
      ),
      record("3", { input: 40, output: 0, cost: 1, occurredAt: T0 - 2 * DAY }, T0 + HOUR),
      record("4", { user: "bob", input: 500, output: 0, cost: 7 }, T0),
    ]);
    // Half of the first one is taken back.
    const correction = { user_id: id, occurred_at: T0 - 1, corrects: 1, unpriced: 0, requests: 0 };
    await ledgerRow(database, { ...correction, recorded_at: T0 + 2 * HOUR, input: -5, cost: -50 });
    const used = (asOf: AsOf, window = today) => store.read((tx) => tx.history.used(id, window, asOf));
    expect(await used(T0 - 1)).toEqual({ tokens: 0, images: 0, cost: 0, requests: 0 });
    expect(await used(T0)).toEqual({ tokens: 15, images: 0, cost: 100, requests: 1 });
    expect(await used(T0 + HOUR)).toEqual({ tokens: 43, images: 2, cost: 150, requests: 2 });
    expect(await used(T0 + HOUR, thisMonth)).toEqual({ tokens: 83, images: 2, cost: 151, requests: 3 });
    expect(await used(T0 + 2 * HOUR)).toEqual({ tokens: 38, images: 2, cost: 100, requests: 2 });
    // Now is told from the totals, which the row put in by hand did not move.
    expect(await used(null)).toEqual({ tokens: 43, images: 2, cost: 150, requests: 2 });
  });

  test("a guardrail counts everybody, and has tripped from when it did", async () => {
    const database = await fresh();
    const { store } = database;
    await populate(store, "ada", "bob");
    await change(store, (tx) =>
      tx.emergency.setGuardrail({ meter: "cost", period: "day", limit: 150, action: "alert" }, T0 - DAY),
    );
    const [guardrail] = await store.read((tx) => tx.emergency.guardrails());
    const guarded = (asOf: AsOf) => store.read((tx) => tx.history.guarded(guardrail!, today, asOf));
    expect(await guarded(null)).toEqual({ used: 0, tripped: false });
    await store.meter.commit([record("1", { cost: 100 }, T0)]);
    await store.meter.commit([record("2", { user: "bob", cost: 60, occurredAt: T0 + MINUTE }, T0 + MINUTE)]);
    expect(await guarded(T0 - 1)).toEqual({ used: 0, tripped: false });
    expect(await guarded(T0)).toEqual({ used: 100, tripped: false });
    expect(await guarded(T0 + MINUTE)).toEqual({ used: 160, tripped: true });
    expect(await guarded(null)).toEqual({ used: 160, tripped: true });
  });

  test("forgiveness counts from when it was given, in its window only", async () => {
    const { store } = await fresh();
    const [ada] = await populate(store, "ada");
    await change(store, async ({ users }) => {
      await users.forgive(ada!.id, { period: "day", index: TODAY }, { meter: "tokens", amount: 40 }, T0);
      await users.forgive(ada!.id, { period: "day", index: TODAY - 1 }, { meter: "tokens", amount: 9 }, T0);
    });
    const forgiven = (asOf: AsOf) => store.read((tx) => tx.history.forgiven(ada!.id, today, asOf));
    expect(await forgiven(T0 - 1)).toEqual([]);
    expect(await forgiven(T0)).toEqual([{ period: "day", meter: "tokens", amount: 40, at: T0 }]);
    expect(await forgiven(null)).toEqual(await forgiven(T0));
  });

  test("what was held is known from calls that settled later and from those still held", async () => {
    const database = await fresh();
    const { store } = database;
    const [ada] = await populate(store, "ada", "bob");
    await store.meter.commit([
      reserve("long", { tokens: 7, model: "m" }, "ada", T0),
      reserve("other", { tokens: 90 }, "bob", T0),
    ]);
    const asked = { user_id: ada!.id, reserved_at: T0 - MINUTE, asked_images: 1, asked_cost: 4 };
    await ledgerRow(database, { ...asked, recorded_at: T0 + MINUTE, asked_tokens: 300 });
    const held = async (at: number, user: number | null = ada!.id) =>
      (await store.read((tx) => tx.history.heldThen(user, at))).map(({ amounts }) => amounts.tokens).sort();
    expect(await held(T0 - MINUTE)).toEqual([]);
    expect(await held(T0 - 1)).toEqual([300]);
    // A call is not in its own way at the instant at which it asks.
    expect(await held(T0)).toEqual([300]);
    expect(await held(T0 + 1)).toEqual([300, 7]);
    expect(await held(T0 + 1, null)).toEqual([300, 7, 90]);
    expect(await held(T0 + MINUTE)).toEqual([7]);
    expect(await held(T0 + 10 * MINUTE)).toEqual([]);
    const [hold] = await store.read((tx) => tx.history.heldThen(ada!.id, T0));
    expect(hold).toMatchObject({
      amounts: { tokens: 300, images: 1, cost: 4, requests: 1 },
      createdAt: T0 - MINUTE,
      expiresAt: T0 + MINUTE,
    });
  });

  test("a call that settled after its hold had run out held nothing from then on", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    await store.meter.commit([
      reserve("late", { tokens: 7 }, "ada", T0),
      reserve("extended", { tokens: 20 }, "ada", T0 + 1),
      reserve("in-parts", { tokens: 300 }, "ada", T0 + 2),
    ]);
    await store.meter.commit([
      { op: "extend", user: "ada", id: "extended", at: T0 + 5 * MINUTE, holdFor: HOUR },
      {
        op: "settle",
        entry: { ...entry("in-parts", { input: 100, output: 0 }), ...partIdentity("test", "in-parts", 1) },
        at: T0 + 5 * MINUTE,
        part: { source: "test", hold: "in-parts", number: 1, holdFor: null },
      },
    ]);
    await store.meter.commit(
      ["late", "extended", "in-parts"].map((id) => settle(id, { input: 1, output: 0 }, T0 + HOUR)),
    );
    const held = async (at: number, user: number | null = null) =>
      (await store.read((tx) => tx.history.heldThen(user, at)))
        .map(({ amounts }) => amounts.tokens)
        .sort((a, b) => a - b);
    expect(await held(T0 + MINUTE)).toEqual([7, 20, 300]);
    expect(await held(T0 + 10 * MINUTE - 1)).toEqual([7, 20, 200]);
    expect(await held(T0 + 10 * MINUTE)).toEqual([20, 200]);
    expect(await held(T0 + 15 * MINUTE)).toEqual([20]);
    expect(await held(T0 + HOUR - 1)).toEqual([20]);
    expect(await held(T0 + HOUR)).toEqual([]);
    const until = (await store.read((tx) => tx.history.heldThen(null, T0 + 6 * MINUTE))).map(
      ({ expiresAt }) => expiresAt,
    );
    expect(until.sort()).toEqual([T0 + 10 * MINUTE, T0 + 15 * MINUTE, T0 + HOUR]);
  });

  test("a call in parts held what it did at its next report, and is one call", async () => {
    const database = await fresh();
    const { store } = database;
    const [ada] = await populate(store, "ada");
    await store.meter.commit([reserve("warm-up", { tokens: 0 }, "ada", T0 - DAY)]);
    const call = { user_id: ada!.id, reserved_at: T0 };
    await ledgerRow(database, { ...call, recorded_at: T0 + 10, asked_tokens: 100, part: 1, requests: 1 });
    await ledgerRow(database, { ...call, recorded_at: T0 + 20, asked_tokens: 60, part: 2, requests: 0 });
    await ledgerRow(database, { ...call, recorded_at: T0 + 30, asked_tokens: 20, requests: 0 });
    const held = async (at: number) =>
      (await store.read((tx) => tx.history.heldThen(ada!.id, at))).map(({ amounts }) => [
        amounts.tokens,
        amounts.requests,
      ]);
    expect(await held(T0 + 5)).toEqual([[100, 1]]);
    expect(await held(T0 + 15)).toEqual([[60, 0]]);
    expect(await held(T0 + 25)).toEqual([[20, 0]]);
    expect(await held(T0 + 30)).toEqual([]);
  });

  test("refusals are counted for the day, and by an instant as far as they were kept one by one", async () => {
    const database = await fresh();
    const { store } = database;
    const [ada] = await populate(store, "ada", "bob");
    const user_id = ada!.id;
    await store.meter.commit([record("1", { user: "bob" })]);
    await database.insert("refusal", {
      user_id,
      day: TODAY,
      code: "quota-exhausted",
      meter: "tokens",
      count: 2,
    });
    await database.insert("refusal", {
      user_id,
      day: TODAY,
      code: "feature-not-in-tier",
      meter: "",
      count: 1,
    });
    await database.insert("refusal", {
      user_id,
      day: TODAY - 1,
      code: "user-suspended",
      meter: "",
      count: 9,
    });
    const call = { user_id, call_kind_id: 1 };
    await refusedCall(database, { ...call, at: T0 });
    await refusedCall(database, { ...call, at: T0 + 1, code: "feature-not-in-tier", meter: "", period: "" });
    await refusedCall(database, { ...call, at: T0 + 2 });
    const of = (asOf: AsOf, day = TODAY) => store.read((tx) => tx.history.refusals(user_id, day, asOf));
    const exhausted = { code: "quota-exhausted", meter: "tokens" };
    expect(await of(null)).toEqual({
      tallies: [
        { ...exhausted, count: 2 },
        { code: "feature-not-in-tier", meter: "", count: 1 },
      ],
      last: { ...exhausted, period: "day", at: T0 + 2 },
      complete: true,
    });
    expect(await of(T0)).toEqual({
      tallies: [{ ...exhausted, count: 1 }],
      last: { ...exhausted, period: "day", at: T0 },
      complete: true,
    });
    expect(await of(T0 - 1)).toEqual({ tallies: [], last: null, complete: true });
    expect(await of(T0, TODAY - 1)).toEqual({ tallies: [], last: null, complete: false });
  });

  test("a month whose events were let go of is sealed", async () => {
    const database = await fresh();
    const sealed = (month: number) => database.store.read((tx) => tx.history.isSealed(month));
    const sums = { events: 1, requests: 1, tokens: 1, images: 0, cost: 0, assumed: 0 };
    await database.insert("sealed_month", { month: 24_317, sealed_at: T0, actor: "olga", ...sums });
    expect([await sealed(24_316), await sealed(24_317), await sealed(24_318)]).toEqual([false, true, false]);
  });
});
