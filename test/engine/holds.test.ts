import { expect, onTestFinished, test } from "vitest";
import { dayLabel } from "../../src/domain/window.js";
import { listHolds, releaseHolds } from "../../src/engine/holds.js";
import { initialise } from "../../src/engine/init.js";
import { LimitsEngine } from "../../src/engine/limits.js";
import { resetDaily } from "../../src/engine/reset.js";
import { addUser } from "../../src/engine/users.js";
import { engineOn } from "../support/engine-on.js";
import { DAY, HOUR, MINUTE, openFreshSqlite, reserve, T0, TODAY } from "../support/store.js";

async function prepared(timeZone = "UTC") {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  const engine = engineOn(database.store);
  await initialise(engine, { timeZone });
  await addUser(engine, { email: "ada@example.com", id: "ada", aliases: ["key-1"] });
  await addUser(engine, { id: "bob" });
  const { meter } = database.store;
  const hold = (id: string, more: Parameters<typeof reserve>[1] = {}, user = "ada", at = engine.at) =>
    meter.commit([reserve(id, more, user, at)]);
  const ids = async (...given: Parameters<typeof listHolds> extends [unknown, ...infer R] ? R : never) =>
    (await listHolds(engine, ...given)).holds.map((each) => each.id);
  const audits = () => database.store.read((tx) => tx.records.audit({ limit: 50 }));
  return { ...database, engine, hold, ids, audits };
}

test("holds are listed oldest first, with whose and what for; an expired one is marked from its instant on", async () => {
  const { engine, hold, ids } = await prepared();
  const kind = { provider: "openai", model: "gpt-4o", feature: "blog_writer" };
  await hold("late", { tokens: 20, images: 1, cost: 300, ...kind }, "bob", T0);
  await hold("early", { tokens: 10, cost: 100 }, "ada", T0 - 5 * MINUTE);
  expect(await listHolds(engine)).toMatchObject({
    now: T0,
    holds: [
      { id: "early", user: "ada", email: "ada@example.com", expiresAt: T0 + 5 * MINUTE, expired: false },
      {
        id: "late",
        user: "bob",
        email: null,
        kind,
        amounts: { tokens: 20, images: 1, cost: 300, requests: 1 },
        createdAt: T0,
        expired: false,
      },
    ],
  });
  expect(await ids({ user: "KEY-1" })).toEqual(["early"]);
  engine.at = T0 + 5 * MINUTE - 1;
  expect(await ids({ expired: true })).toEqual([]);
  engine.at += 1;
  expect(await ids({ expired: true })).toEqual(["early"]);
  expect((await listHolds(engine)).holds.map((each) => each.expired)).toEqual([true, false]);
  await expect(ids({ user: "adda" })).rejects.toMatchObject({ code: "not-found" });
});

test("a product that has the database open has the room back at its next decision", async () => {
  const { engine, open } = await prepared();
  const product = new LimitsEngine(engineOn(await open()));
  const { reservation } = await product.reserve({ user: "ada", tokens: 900, cost: 0 });
  const ask = () => product.check({ user: "ada", tokens: 500, cost: 0 });
  expect(await ask()).toMatchObject({ outcome: "block", code: "request-too-large" });
  await releaseHolds(engine, { ids: [reservation!.handle.id] });
  expect(await ask()).toMatchObject({ outcome: "allow" });
  // What the call then used is the truth all the same.
  await product.settle(reservation!.handle, { input: 950, cost: 0 });
  expect(await ask()).toMatchObject({ code: "quota-exhausted" });
});

test("a guardrail has the room back too", async () => {
  const { engine, open, store } = await prepared();
  await store.write((tx) =>
    tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit: 1_000, action: "stop" }, T0),
  );
  const product = new LimitsEngine(engineOn(await open()));
  const { reservation } = await product.reserve({ user: "ada", tokens: 900, cost: 0 });
  await releaseHolds(engine, { ids: [reservation!.handle.id] });
  expect(await product.reserve({ user: "bob", tokens: 900, cost: 0 })).toMatchObject({
    decision: { outcome: "warn", code: "near-limit" },
  });
});

test("a release is audited once for every user, with what was held and why", async () => {
  const { engine, hold, ids, audits, rows } = await prepared();
  await hold("a1", { tokens: 10, cost: 100 }, "ada", T0 - HOUR);
  await hold("a2", {}, "ada");
  await hold("b1", {}, "bob");
  const before = (await audits()).length;
  const { holds } = await releaseHolds(engine, { ids: ["b1", "a1", "a2", "b1"], reason: " crashed " });
  expect(holds.map(({ id, expired }) => [id, expired])).toEqual([
    ["b1", false],
    ["a1", true],
    ["a2", false],
  ]);
  expect(await ids()).toEqual([]);
  expect(await rows("hold")).toEqual([]);
  const entries = await audits();
  expect(entries).toHaveLength(before + 2);
  expect(entries.slice(0, 2)).toMatchObject([
    {
      subject: "user:ada",
      before: {
        holds: [
          { id: "a1", tokens: 10, cost: 100, expires_at: "2026-11-22T11:10:00Z", expired: true },
          { id: "a2", expired: false },
        ],
      },
    },
    { action: "holds.release", subject: "user:bob", actor: "olga", at: T0, reason: "crashed" },
  ]);
});

test("a user and --expired say which; nothing matching is no error and leaves no trace", async () => {
  const { engine, hold, ids, audits } = await prepared();
  await hold("a-old", {}, "ada", T0 - HOUR);
  await hold("a-new", {}, "ada");
  await hold("b-old", {}, "bob", T0 - HOUR);
  await hold("b-new", {}, "bob");
  const { holds } = await releaseHolds(engine, { user: "ada@example.com", expired: true });
  expect(holds.map((each) => each.id)).toEqual(["a-old"]);
  await releaseHolds(engine, { expired: true });
  expect(await ids()).toEqual(["a-new", "b-new"]);
  const entries = (await audits()).length;
  expect((await releaseHolds(engine, { expired: true })).holds).toEqual([]);
  expect(await audits()).toHaveLength(entries);
  await releaseHolds(engine, { user: "bob" });
  expect(await ids()).toEqual(["a-new"]);
});

test("two users may have holds of one id: then it has to be said whose is meant", async () => {
  const { engine, hold } = await prepared();
  await hold("job-1", {}, "ada");
  await hold("job-1", {}, "bob");
  await expect(releaseHolds(engine, { ids: ["job-1"] })).rejects.toMatchObject({
    code: "conflict",
    message: 'ada@example.com and bob both have a hold "job-1"',
  });
  await releaseHolds(engine, { ids: ["job-1"], user: "bob" });
  expect((await listHolds(engine)).holds).toMatchObject([{ id: "job-1", user: "ada" }]);
});

test.each([
  [{ ids: ["a1", "hold-b"] }, "not-found", 'no hold "hold-b"; did you mean hold-a?'],
  [{ ids: ["hold-a"], user: "bob" }, "not-found", 'no hold "hold-a" of bob'],
  [{ ids: ["a1"], expired: true }, "usage", "both ids and --expired say which holds are meant"],
  [{}, "usage", "nothing says which holds are meant"],
  [{ user: "nobody-at-all" }, "not-found", 'no user "nobody-at-all"'],
])("%j is refused and releases nothing", async (input, code, message) => {
  const { engine, hold, ids } = await prepared();
  await hold("a1");
  await hold("hold-a");
  await expect(releaseHolds(engine, input)).rejects.toMatchObject({ code, message });
  expect(await ids()).toEqual(["a1", "hold-a"]);
});

test("a dry run says what would be released and releases nothing", async () => {
  const { engine, hold, ids, audits } = await prepared();
  await hold("a1");
  const entries = await audits();
  expect((await releaseHolds(engine, { user: "ada" }, { dryRun: true })).holds).toHaveLength(1);
  expect(await ids()).toEqual(["a1"]);
  expect(await audits()).toEqual(entries);
});

/** Reserves so many for a user that all expire at one instant, with nobody settling them. */
async function expiring(hold: Awaited<ReturnType<typeof prepared>>["hold"], user: string, at: number[]) {
  for (const [n, instant] of at.entries())
    await hold(`${user}-${instant}-${n}`, {}, user, instant - 10 * MINUTE);
}

test("three holds that expire unsettled in one day are one alert; two, settled and released ones are none", async () => {
  const { engine, hold, rows } = await prepared();
  const day = TODAY * DAY;
  await expiring(hold, "ada", [T0 + HOUR, T0 + HOUR, day + DAY - 1]);
  await expiring(hold, "bob", [T0 + HOUR, T0 + HOUR]);
  await hold("released", {}, "bob");
  await releaseHolds(engine, { ids: ["released"] });
  const { settled } = await settledOne(engine);
  engine.at = day + DAY + 5 * MINUTE;
  expect((await resetDaily(engine, {}, { dryRun: true })).closed).toHaveLength(1);
  expect(await rows("alert")).toEqual([]);
  await resetDaily(engine);
  expect(settled.status).toBe("inserted");
  expect(await rows("alert")).toMatchObject([
    {
      kind: "holds-expired",
      user_id: 1,
      period: "day",
      window_index: TODAY,
      meter: "",
      threshold: 0,
      code: "3",
      at: engine.at,
      printed_at: null,
    },
  ]);
  engine.at += DAY;
  await resetDaily(engine);
  expect(await rows("alert")).toHaveLength(1);
});

async function settledOne(engine: Awaited<ReturnType<typeof prepared>>["engine"]) {
  const product = new LimitsEngine(engine);
  const { reservation } = await product.reserve({ user: "bob", tokens: 1, cost: 0 });
  return { settled: await product.settle(reservation!.handle, { input: 1, cost: 0 }) };
}

test("holds count for the day of the accounting zone in which they expired, whenever the reset runs", async () => {
  const { engine, hold, rows } = await prepared("Asia/Kathmandu");
  // Midnight in Kathmandu.
  const midnight = Date.UTC(2026, 10, 22, 18, 15);
  await expiring(hold, "ada", [midnight - 2, midnight - 1, midnight + 1]);
  engine.at = midnight + 5 * MINUTE;
  await resetDaily(engine);
  expect(await rows("alert")).toEqual([]);
  expect(await rows("hold")).toHaveLength(1);
  await expiring(hold, "ada", [midnight + HOUR, midnight + 2 * HOUR]);
  engine.at = midnight + 3 * DAY;
  expect((await resetDaily(engine)).closed.map((each) => each.holdsEnded)).toEqual([3, 0, 0]);
  expect((await rows("alert")).map((row) => [row.code, dayLabel(Number(row.window_index))])).toEqual([
    ["3", "2026-11-23"],
  ]);
});

test("a call whose hold the reset has ended may still settle, and is counted", async () => {
  const { engine, rows } = await prepared();
  const product = new LimitsEngine(engine);
  const { reservation } = await product.reserve({ user: "ada", tokens: 10, cost: 0 });
  engine.at = T0 + DAY;
  await resetDaily(engine);
  expect(await rows("hold")).toEqual([]);
  expect(await product.settle(reservation!.handle, { input: 7, cost: 0 })).toMatchObject({
    status: "inserted",
  });
  expect(await rows("usage_window")).toMatchObject([{ tokens: 7 }, { tokens: 7 }]);
});
