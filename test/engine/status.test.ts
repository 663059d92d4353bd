import { beforeEach, describe, expect, test } from "vitest";
import { emergencyOff, emergencyOn } from "../../src/engine/emergency.js";
import { setGuardrails } from "../../src/engine/guardrails.js";
import { initialise } from "../../src/engine/init.js";
import { resetDaily } from "../../src/engine/reset.js";
import { systemStatus } from "../../src/engine/status.js";
import { addUsers, setSuspended } from "../../src/engine/users.js";
import { engineOn, type TestEngine } from "../support/engine-on.js";
import {
  DAY,
  HOUR,
  MINUTE,
  openFreshSqlite,
  record,
  reserve,
  T0,
  type TestDatabase,
} from "../support/store.js";

const USD = 1_000_000_000;
/** When the database is made: in the morning of the day of `T0`, which is noon. */
const MORNING = T0 - 6 * HOUR;

let database: TestDatabase;
let engine: TestEngine;

beforeEach(async () => {
  database = await openFreshSqlite();
  engine = engineOn(database.store, MORNING);
  await initialise(engine, { dailyBudget: 100 * USD });
  await addUsers(engine, [{ id: "ada" }, { id: "bob" }, { id: "cleo", tier: "pro" }]);
  engine.at = T0;
  return () => database.drop();
});

const commit = (...operations: Parameters<typeof database.store.meter.commit>[0]) =>
  database.store.meter.commit(operations);
const used = (id: string, user: string, tokens: number, dollars: number, at = T0) =>
  record(id, { user, input: tokens, output: 0, cost: dollars * USD, occurredAt: at }, at);
const codes = async () => (await systemStatus(engine)).concerns.map(({ code }) => code);

test("nothing used and a budget set: all is well", async () => {
  expect(await systemStatus(engine)).toMatchObject({
    at: T0,
    timeZone: "UTC",
    concerns: [],
    stops: [],
    guardrails: [{ used: 0n, held: 0n, trippedAt: null, isOn: false }],
    testers: { active: 3, suspended: 0 },
    users: [],
    refusals: { count: 0, testers: 0, codes: [] },
    unpriced: [],
    held: { live: 0, expired: 0 },
    newAlerts: 0,
    lastEvent: null,
    lastLiveUse: null,
    lastReset: null,
    daysToClose: 0,
  });
});

test("what is spent in the last hour, today, yesterday and this month", async () => {
  const noon = (days: number) => T0 - days * DAY;
  await commit(
    used("a", "cleo", 10, 3, noon(30)),
    used("b", "cleo", 20, 24, noon(1)),
    used("c", "cleo", 30, 1, T0 - 3 * HOUR),
    used("d", "cleo", 40, 2, T0 - 30 * MINUTE),
  );
  const { spending, users } = await systemStatus(engine);
  // T0 is 22 November: 30 days before is October. Yesterday's $24 are a dollar an hour.
  expect(spending).toMatchObject({
    hour: { cost: BigInt(2 * USD), tokens: 40, requests: 1, complete: true },
    today: { cost: BigInt(3 * USD), input: 70, requests: 2 },
    yesterday: { cost: BigInt(24 * USD) },
    yesterdaysHour: BigInt(USD),
    month: { cost: BigInt(27 * USD) },
  });
  expect(users).toMatchObject([{ user: { key: "cleo" }, sums: { cost: BigInt(3 * USD) } }]);
});

test("who used something, and who is near a limit or beyond it, forgiveness and holds counted", async () => {
  await commit(
    used("a", "ada", 800, 0),
    // 99% of Free's $10 a month, yesterday: nothing today, and blocked nevertheless.
    used("b", "bob", 0, 9.9, T0 - DAY),
    used("c", "cleo", 100, 0),
  );
  const standings = async () =>
    (await systemStatus(engine)).users.map(({ user, state, fullest }) => [
      user.key,
      state,
      fullest === null ? null : `${fullest.meter}/${fullest.period}`,
    ]);
  expect(await standings()).toEqual([
    ["ada", "near", "tokens/day"],
    ["bob", "blocked", "cost/month"],
    ["cleo", "free", "tokens/day"],
  ]);
  await commit(reserve("r", { tokens: 150, cost: 0 }, "ada", T0));
  expect((await standings())[0]).toEqual(["ada", "blocked", "tokens/day"]);
  const forgiven = { user_id: 1, period: "day", window_index: Math.floor(T0 / DAY), forgiven_at: T0 };
  await database.insert("forgiveness", { ...forgiven, meter: "tokens", amount: 700 });
  expect((await standings())[0]).toEqual(["ada", "free", "tokens/day"]);
  expect(await codes()).toEqual(["testers-blocked"]);
});

test("a suspended tester is no concern, whatever they used", async () => {
  await commit(used("a", "ada", 2_000, 0));
  expect(await codes()).toEqual(["testers-blocked"]);
  await setSuspended(engine, true, { user: "ada" });
  expect(await codes()).toEqual([]);
  expect((await systemStatus(engine)).testers).toEqual({ active: 2, suspended: 1 });
});

test("refusals of today, by code and tester", async () => {
  await commit(
    used("a", "ada", 960, 0),
    used("b", "bob", 0, 0),
    ...["r1", "r2"].map((id) => reserve(id, { tokens: 5, cost: 0 }, "ada")),
    reserve("r3", { tokens: 5_000, cost: 0 }, "bob"),
  );
  expect((await systemStatus(engine)).refusals).toEqual({
    count: 3,
    testers: 2,
    codes: [
      { code: "quota-exhausted", count: 2 },
      { code: "request-too-large", count: 1 },
    ],
  });
});

describe("a concern is", () => {
  test("a stop and a throttle, before all else", async () => {
    await commit(used("a", "ada", 2_000, 0));
    await emergencyOn(engine, { user: "bob" });
    await emergencyOn(engine, { throttle: true });
    expect(await codes()).toEqual(["stopped", "throttled", "testers-blocked"]);
    await emergencyOff(engine, {});
    expect(await codes()).toEqual(["testers-blocked"]);
  });

  test("a guardrail that is near, that will be reached today at this pace, that tripped and was lifted", async () => {
    // $78 this morning and $2 in the last hour: 80 of 100.
    await commit(used("a", "cleo", 0, 78, T0 - 3 * HOUR), used("b", "cleo", 0, 1, T0 - 30 * MINUTE));
    expect(await codes()).toEqual([]);
    await commit(used("c", "cleo", 0, 1));
    expect(await codes()).toEqual(["guardrail-near"]);
    await setGuardrails(engine, { limits: [{ meter: "cost", period: "day", limit: 120 * USD }] });
    await commit(used("d", "cleo", 0, 8));
    const { concerns } = await systemStatus(engine);
    // 88 of 120 used; 32 left at 10 an hour: 3.2 hours.
    expect(concerns).toMatchObject([{ code: "guardrail-pace", reachedAt: T0 + 3.2 * HOUR }]);
    await commit(used("e", "cleo", 0, 40));
    expect(await codes()).toEqual(["stopped"]);
    await emergencyOff(engine, {});
    expect(await codes()).toEqual(["guardrail-lifted"]);
    engine.at = T0 + DAY;
    expect(await codes()).not.toContain("guardrail-lifted");
  });

  test("a guardrail that only alerts, when it is reached", async () => {
    await setGuardrails(engine, {
      limits: [{ meter: "tokens", period: "month", limit: 100 }],
      action: "alert",
    });
    await commit(used("a", "cleo", 100, 0));
    expect(await codes()).toEqual(["guardrail-reached"]);
  });

  test("that nothing limits the cost", async () => {
    const guardrails = await database.store.read((tx) => tx.emergency.guardrails());
    await database.store.write((tx) => tx.emergency.clearGuardrail(guardrails[0]!.id, T0));
    expect(await codes()).toEqual(["no-budget"]);
  });

  test("usage without a price, with what it is assumed to cost", async () => {
    await commit(record("a", { user: "cleo", cost: null, input: 1_000, output: 0 }));
    expect(await systemStatus(engine)).toMatchObject({
      concerns: [{ code: "unpriced" }],
      unpriced: [{ model: "gpt-4o", events: 1, assumed: 100_000_000n }],
    });
  });

  test("three calls that were reserved and never settled, and not two", async () => {
    const expire = (...ids: string[]) =>
      commit(...ids.map((id) => reserve(id, { tokens: 1, cost: 0 }, "cleo", T0 - 2 * HOUR)));
    await expire("r1", "r2");
    expect(await codes()).toEqual([]);
    await expire("r3");
    expect(await codes()).toEqual(["holds-expired"]);
  });

  test("a day that is over and was not closed two hours later", async () => {
    const midnight = T0 + 12 * HOUR;
    engine.at = midnight + 2 * HOUR;
    expect(await codes()).toEqual([]);
    engine.at = midnight + 2 * HOUR + 1;
    expect(await codes()).toEqual(["reset-overdue"]);
    await resetDaily(engine);
    expect(await systemStatus(engine)).toMatchObject({
      concerns: [],
      daysToClose: 0,
      lastReset: { actor: "olga" },
    });
    engine.at = midnight + 2 * DAY;
    expect(await systemStatus(engine)).toMatchObject({
      concerns: [{ code: "reset-overdue" }],
      daysToClose: 2,
    });
  });
});

test("the accounting zone says what today is, also of a day of 25 hours", async () => {
  const zoned = await openFreshSqlite();
  // In Berlin 25 October 2026 had 25 hours; the next day began at 23:00 UTC.
  const at = Date.UTC(2026, 9, 26, 10);
  const there = engineOn(zoned.store, at);
  await initialise(there, { timeZone: "Europe/Berlin" });
  await addUsers(there, [{ id: "ada" }]);
  await zoned.store.meter.commit([
    used("a", "ada", 0, 25, Date.UTC(2026, 9, 24, 22)),
    used("b", "ada", 0, 25, Date.UTC(2026, 9, 25, 22, 59)),
    used("c", "ada", 0, 1, Date.UTC(2026, 9, 25, 23)),
  ]);
  const { spending } = await systemStatus(there);
  expect(spending).toMatchObject({ yesterdaysHour: BigInt(2 * USD), today: { cost: BigInt(USD) } });
  await zoned.drop();
});
