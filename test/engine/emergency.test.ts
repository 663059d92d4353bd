import { expect, onTestFinished, test } from "vitest";
import type { Decision } from "../../src/domain/decide.js";
import { emergencyOff, emergencyOn, emergencyStatus } from "../../src/engine/emergency.js";
import { LimitsEngine, type LimitsRequest } from "../../src/engine/limits.js";
import { engineOn } from "../support/engine-on.js";
import { DAY, HOUR, openFreshSqlite, populate, record, T0 } from "../support/store.js";

async function prepared() {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  await populate(database.store, "ada", "bob");
  const engine = engineOn(database.store);
  // Another process: a store of its own, which has decided before.
  const other = engineOn(await database.open());
  const limits = new LimitsEngine(other);
  const ask = (request: Partial<LimitsRequest> = {}): Promise<Decision> => {
    other.at = engine.at;
    return limits.check({ user: "ada", tokens: 1, cost: 0, ...request });
  };
  return { ...database, engine, ask };
}

test("a stop holds from the next decision on, elsewhere too, and no longer than until it is lifted", async () => {
  const { engine, ask, store } = await prepared();
  expect(await ask()).toMatchObject({ outcome: "allow" });
  await emergencyOn(engine, { reason: " runaway " });
  expect(await ask()).toMatchObject({ outcome: "block", code: "emergency-stop" });
  await emergencyOff(engine, { reason: "fixed" });
  expect(await ask()).toMatchObject({ outcome: "allow" });
  expect(await store.read((tx) => tx.records.audit({ limit: 2 }))).toMatchObject([
    { action: "emergency-stop.off", actor: "olga", reason: "fixed", at: T0 },
    { action: "emergency-stop.on", actor: "olga", reason: "runaway", at: T0 },
  ]);
});

test("a time box ends exclusively, without anybody lifting it", async () => {
  const { engine, ask } = await prepared();
  await emergencyOn(engine, { forMs: 2 * HOUR });
  engine.at = T0 + 2 * HOUR - 1;
  expect(await ask()).toMatchObject({ code: "emergency-stop", resetsAt: T0 + 2 * HOUR });
  expect(await emergencyStatus(engine)).toHaveLength(1);
  engine.at = T0 + 2 * HOUR;
  expect(await ask()).toMatchObject({ outcome: "allow" });
  expect(await emergencyStatus(engine)).toEqual([]);
});

test("scopes are combined, a provider has one name, and a call that does not say is covered", async () => {
  const { engine, ask } = await prepared();
  await emergencyOn(engine, { user: "ada", provider: " Gemini " });
  expect((await ask({ provider: "google" })).code).toBe("emergency-stop");
  expect((await ask()).code).toBe("emergency-stop");
  expect((await ask({ provider: "openai" })).code).toBe("ok");
  expect((await ask({ user: "bob", provider: "google" })).code).toBe("ok");
});

test("the same stop again is already on and changes nothing", async () => {
  const { engine, rows } = await prepared();
  await emergencyOn(engine, { provider: "google", reason: "first" });
  engine.at += HOUR;
  const before = await rows("audit_entry");
  const again = await emergencyOn(engine, { provider: "gemini", reason: "second" });
  expect(again).toMatchObject({ outcome: "already-on", stop: { since: T0, reason: "first" } });
  expect(await emergencyOn(engine, { provider: "google", forMs: HOUR })).toMatchObject({
    outcome: "already-on",
    stop: { until: null },
  });
  expect(await rows("stop")).toHaveLength(1);
  expect(await rows("audit_entry")).toEqual(before);
});

test("the same stop for longer is extended, and is one stop", async () => {
  const { engine, rows } = await prepared();
  await emergencyOn(engine, { forMs: HOUR, reason: "loop" });
  engine.at += 60_000;
  expect(await emergencyOn(engine, { forMs: HOUR })).toMatchObject({
    outcome: "extended",
    stop: { until: T0 + 60_000 + HOUR, reason: "loop" },
  });
  expect(await emergencyOn(engine, {})).toMatchObject({ outcome: "extended", stop: { until: null } });
  expect(await emergencyStatus(engine)).toHaveLength(1);
  expect((await rows("stop")).map((row) => row.valid_to)).toEqual([T0 + 60_000, T0 + 60_000, null]);
});

test("a throttle beside a stop of the same scope is another one; off lifts both", async () => {
  const { engine } = await prepared();
  await emergencyOn(engine, { tier: "free" });
  expect(await emergencyOn(engine, { tier: "free", throttle: true })).toMatchObject({ outcome: "on" });
  expect((await emergencyOff(engine, { tier: "free" })).lifted).toHaveLength(2);
});

test("off with a scope lifts exactly that; without one, everything", async () => {
  const { engine } = await prepared();
  await emergencyOn(engine, { user: "ada" });
  await emergencyOn(engine, { user: "ada", provider: "google" });
  await emergencyOn(engine, {});
  const off = await emergencyOff(engine, { user: "ada" });
  expect(off.lifted.map((stop) => stop.scope)).toEqual([{ userId: expect.any(Number) }]);
  expect(off.still).toHaveLength(2);
  await expect(emergencyOff(engine, { user: "ada" })).rejects.toMatchObject({ code: "not-found" });
  expect((await emergencyOff(engine, {})).lifted).toHaveLength(2);
});

test("off when nothing is on is no error, with a scope or without", async () => {
  const { engine, rows } = await prepared();
  const before = await rows("audit_entry");
  expect(await emergencyOff(engine, {})).toEqual({ lifted: [], still: [] });
  expect(await emergencyOff(engine, { user: "ada" })).toEqual({ lifted: [], still: [] });
  expect(await rows("audit_entry")).toEqual(before);
});

test.each(["by scope", "all"])("a stop on somebody who was removed comes off: %s", async (how) => {
  const { engine, store } = await prepared();
  const { stop } = await emergencyOn(engine, { user: "ada" });
  const userId = stop.scope.userId as number;
  await store.write((tx) => tx.users.setMembership(userId, { tier: "free", status: "removed" }, T0));
  const { lifted } = await emergencyOff(engine, how === "all" ? {} : { user: "ada" });
  expect(lifted).toMatchObject([{ user: "ada" }]);
  expect(await emergencyStatus(engine)).toEqual([]);
});

test("a stop on a tier that is gone comes off", async () => {
  const { engine, store } = await prepared();
  await emergencyOn(engine, { tier: "pro" });
  await store.write((tx) => tx.tiers.remove("pro", T0));
  expect((await emergencyOff(engine, { tier: "pro" })).lifted).toHaveLength(1);
});

test("on tells whom it concerns, when the database was last used, and what was never metered", async () => {
  const { engine, store } = await prepared();
  expect(await emergencyOn(engine, {})).toMatchObject({
    testers: 2,
    products: 0,
    lastLiveUse: null,
    unseen: [],
  });
  await store.meter.commit([record("1", { provider: "google", model: "gemini-2.5-pro", feature: "" })]);
  const on = await emergencyOn(engine, {
    tier: "free",
    provider: "google",
    model: "gemini-2.5-por",
    feature: "blog_writer",
  });
  expect(on).toMatchObject({ testers: 2, lastLiveUse: T0, unseen: ["model"] });
  expect(await emergencyOn(engine, { user: "bob" })).toMatchObject({ testers: 1 });
  expect(await emergencyOn(engine, { user: "bob", tier: "pro" })).toMatchObject({ testers: 0 });
});

test("what makes no sense is refused and stops nothing", async () => {
  const { engine } = await prepared();
  await expect(emergencyOn(engine, { user: "adda" })).rejects.toThrow('no user "adda"; did you mean ada?');
  await expect(emergencyOn(engine, { tier: "gold" })).rejects.toMatchObject({ code: "not-found" });
  await expect(emergencyOn(engine, { model: " " })).rejects.toThrow("--model is empty");
  expect(() => emergencyOn(engine, { forMs: 4_000 * DAY })).toThrow("ten years");
  expect(await emergencyStatus(engine)).toEqual([]);
});

test("a dry run says what would be and changes nothing", async () => {
  const { engine, ask } = await prepared();
  expect(await emergencyOn(engine, {}, { dryRun: true })).toMatchObject({ outcome: "on" });
  expect((await ask()).outcome).toBe("allow");
  await emergencyOn(engine, {});
  expect((await emergencyOff(engine, {}, { dryRun: true })).lifted).toHaveLength(1);
  expect((await ask()).code).toBe("emergency-stop");
});

test("a throttle holds everybody to the emergency limits", async () => {
  const { engine, ask } = await prepared();
  await emergencyOn(engine, { throttle: true });
  const { quotas } = await ask();
  expect(quotas.filter((quota) => quota.source === "emergency").map((quota) => quota.limit)).toEqual([
    1_000, 5_000_000_000,
  ]);
});
