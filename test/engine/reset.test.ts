import { expect, onTestFinished, test } from "vitest";
import { dayLabel } from "../../src/domain/window.js";
import { emergencyOn } from "../../src/engine/emergency.js";
import { initialise } from "../../src/engine/init.js";
import { LimitsEngine } from "../../src/engine/limits.js";
import type { Store, Writing } from "../../src/engine/ports.js";
import { resetDaily } from "../../src/engine/reset.js";
import { addUser } from "../../src/engine/users.js";
import { engineOn } from "../support/engine-on.js";
import { DAY, HOUR, MINUTE, openFreshSqlite, T0, TODAY } from "../support/store.js";

async function prepared(timeZone = "UTC") {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  const engine = engineOn(database.store);
  await initialise(engine, { timeZone });
  await addUser(engine, { email: "ada@example.com", id: "ada" });
  const closedDays = async () => (await database.rows("reset_run")).map((row) => dayLabel(Number(row.day)));
  return { ...database, engine, closedDays };
}

test("nothing is closed before the first day is over; then it is closed once", async () => {
  const { engine, closedDays, rows } = await prepared();
  expect(await resetDaily(engine)).toMatchObject({ closed: [], lastClosed: null });
  engine.at = (TODAY + 1) * DAY - 1;
  expect((await resetDaily(engine)).closed).toEqual([]);
  engine.at += 1;
  expect(await resetDaily(engine)).toMatchObject({ closed: [{ day: TODAY }], lastClosed: TODAY });
  const entries = await rows("audit_entry");
  expect(await resetDaily(engine)).toMatchObject({ closed: [], lastClosed: TODAY });
  expect(await closedDays()).toEqual(["2026-11-22"]);
  expect(await rows("audit_entry")).toEqual(entries);
  expect(entries.at(-1)).toMatchObject({ action: "reset.daily", subject: "day:2026-11-22", actor: "olga" });
});

test("days begin and end in the accounting zone", async () => {
  const { engine } = await prepared("Asia/Kathmandu");
  engine.at = Date.UTC(2026, 10, 22, 18, 14, 59);
  expect((await resetDaily(engine)).closed).toEqual([]);
  engine.at = Date.UTC(2026, 10, 22, 18, 15);
  expect(await resetDaily(engine)).toMatchObject({ closed: [{ day: TODAY }], timeZone: "Asia/Kathmandu" });
});

test("missed days are caught up on, each of them once, in slices", async () => {
  const { engine, store, closedDays } = await prepared();
  engine.at = T0 + 100 * DAY;
  let transactions = 0;
  const counted: Store = {
    ...store,
    location: store.location,
    meter: store.meter,
    read: (work) => store.read(work),
    close: () => store.close(),
    size: () => store.size(),
    write: (work, options) => {
      transactions += 1;
      return store.write(work, options);
    },
  };
  const done = await resetDaily({ ...engine, store: counted });
  expect(done.closed).toHaveLength(100);
  // The lease taken and dropped, and four slices of at most 31 days.
  expect(transactions).toBe(6);
  const days = await closedDays();
  expect(days).toEqual(Array.from({ length: 100 }, (_, index) => dayLabel(TODAY + index)));
});

test("--at closes what was over then; before what is closed it does nothing; far ahead it is refused", async () => {
  const { engine, closedDays } = await prepared();
  engine.at = T0 + 10 * DAY;
  expect((await resetDaily(engine, { at: T0 + 2 * DAY })).closed).toHaveLength(2);
  expect((await resetDaily(engine, { at: T0 + DAY })).closed).toEqual([]);
  expect((await resetDaily(engine, { at: T0 - 400 * DAY })).closed).toEqual([]);
  await expect(resetDaily(engine, { at: engine.at + DAY + 1 })).rejects.toMatchObject({ code: "usage" });
  expect(await closedDays()).toEqual(["2026-11-22", "2026-11-23"]);
  expect((await resetDaily(engine, { at: engine.at + DAY })).closed).toHaveLength(9);
});

test("what ran out is ended with the day in which it did", async () => {
  const { engine, rows, insert } = await prepared();
  const limits = new LimitsEngine(engine);
  await limits.reserve({ user: "ada", tokens: 10, cost: 0 });
  await emergencyOn(engine, { model: "gpt-4o", forMs: 30 * HOUR });
  await insert("override", {
    user_id: 1,
    kind: "feature",
    feature: "x",
    granted: 1,
    valid_from: T0,
    valid_to: null,
    expires_at: T0 + 20 * HOUR,
  });
  engine.at = T0 + 3 * DAY;
  const { closed } = await resetDaily(engine);
  expect(closed).toEqual([
    { day: TODAY, holdsEnded: 1, overridesEnded: 0, stopsEnded: 0 },
    { day: TODAY + 1, holdsEnded: 0, overridesEnded: 1, stopsEnded: 1 },
    { day: TODAY + 2, holdsEnded: 0, overridesEnded: 0, stopsEnded: 0 },
  ]);
  expect(await rows("hold")).toEqual([]);
  expect(await rows("stop")).toMatchObject([{ valid_to: T0 + 30 * HOUR }]);
  expect(await rows("reset_run")).toMatchObject([{ holds_ended: 1 }, { stops_ended: 1 }, {}]);
});

test("an instant ahead of the clock ends nothing that is still in force", async () => {
  const { engine, rows } = await prepared();
  await emergencyOn(engine, { forMs: 13 * HOUR });
  expect((await resetDaily(engine, { at: T0 + DAY })).closed).toMatchObject([{ stopsEnded: 0 }]);
  expect(await rows("stop")).toMatchObject([{ valid_to: null }]);
});

test("without any reset nobody is blocked or let through wrongly", async () => {
  const { engine, rows } = await prepared();
  const limits = new LimitsEngine(engine);
  const codeFor = async (tokens: number) => (await limits.check({ user: "ada", tokens, cost: 0 })).code;
  await limits.record("ada", { input: 940, cost: 0 });
  await limits.reserve({ user: "ada", tokens: 60, cost: 0 });
  expect(await codeFor(1)).toBe("quota-exhausted");
  await emergencyOn(engine, { forMs: HOUR });
  engine.at = T0 + 10 * MINUTE;
  expect(await codeFor(1)).toBe("emergency-stop");
  // The stop and the hold have run out, nobody has ended them, and the day is still the same.
  engine.at = T0 + HOUR;
  expect(await codeFor(60)).toBe("near-limit");
  expect(await codeFor(61)).toBe("request-too-large");
  engine.at = (TODAY + 1) * DAY - 1;
  expect(await codeFor(61)).toBe("request-too-large");
  engine.at += 1;
  expect(await codeFor(700)).toBe("ok");
  engine.at += 40 * DAY;
  expect(await codeFor(700)).toBe("ok");
  expect(await codeFor(1_001)).toBe("request-too-large");
  expect(await rows("hold")).toHaveLength(1);
  expect(await rows("reset_run")).toEqual([]);
});

test("while another reset holds the lease it is refused; when that was killed, the lease runs out", async () => {
  const { engine, open, closedDays } = await prepared();
  engine.at = T0 + DAY;
  const other = await open();
  const held = (tx: Writing) =>
    tx.records.takeLease("reset", "2026-11-23T11:59:00Z e_1", engine.at, engine.at + 5 * MINUTE);
  await other.write(held);
  await expect(resetDaily(engine)).rejects.toMatchObject({
    code: "busy",
    message: "another reset is running (since 2026-11-23T11:59:00Z)",
    hint: expect.stringContaining("2026-11-23T12:05:00Z"),
  });
  expect(await closedDays()).toEqual([]);
  engine.at += 5 * MINUTE;
  expect((await resetDaily(engine)).closed).toHaveLength(1);
});

test("two at once close every day once", async () => {
  const { engine, open, closedDays } = await prepared();
  engine.at = T0 + 70 * DAY;
  const other = { ...engine, store: await open() };
  const outcomes = await Promise.allSettled([resetDaily(engine), resetDaily(other)]);
  const failed = outcomes.filter((outcome) => outcome.status === "rejected");
  for (const outcome of failed) expect(outcome.reason).toMatchObject({ code: "busy" });
  expect(failed.length).toBeLessThan(2);
  expect(await closedDays()).toHaveLength(70);
});

test("a plan that another run has carried out meanwhile is carried out no second time", async () => {
  const { engine, store, open, closedDays } = await prepared();
  engine.at = T0 + 3 * DAY;
  const other = { ...engine, store: await open() };
  let overtaken = false;
  const late: Store = {
    location: store.location,
    meter: store.meter,
    close: () => store.close(),
    size: () => store.size(),
    write: (work, options) => store.write(work, options),
    async read(work) {
      const planned = await store.read(work);
      overtaken = (await resetDaily(other)).closed.length === 3;
      return planned;
    },
  };
  expect((await resetDaily({ ...engine, store: late })).closed).toEqual([]);
  expect(overtaken).toBe(true);
  expect(await closedDays()).toHaveLength(3);
});

test("the lease is given back at the end, and when closing fails", async () => {
  const { engine, rows, store } = await prepared();
  engine.at = T0 + DAY;
  const failing: Store = {
    location: store.location,
    meter: store.meter,
    read: (work) => store.read(work),
    close: () => store.close(),
    size: () => store.size(),
    write: (work, options) =>
      store.write(
        (tx) =>
          work({
            ...tx,
            records: { ...tx.records, saveReset: () => Promise.reject(new Error("disk gone")) },
          }),
        options,
      ),
  };
  await expect(resetDaily({ ...engine, store: failing })).rejects.toThrow("disk gone");
  expect(await rows("job_lease")).toEqual([]);
  expect(await rows("reset_run")).toEqual([]);
  await resetDaily(engine);
  expect(await rows("job_lease")).toEqual([]);
});

test("interrupted, it stops between two slices and the next run goes on", async () => {
  const { engine, closedDays, rows } = await prepared();
  engine.at = T0 + 40 * DAY;
  let looks = 0;
  const signal = {
    get aborted() {
      looks += 1;
      return looks > 1;
    },
  };
  await expect(resetDaily(engine, { signal })).rejects.toMatchObject({
    code: "interrupted",
    message: "interrupted; 31 of 40 days are closed",
  });
  expect(await rows("job_lease")).toEqual([]);
  expect((await resetDaily(engine)).closed).toHaveLength(9);
  expect(await closedDays()).toHaveLength(40);
});

test("a dry run says which days and changes nothing, not even the lease", async () => {
  const { engine, rows } = await prepared();
  engine.at = T0 + 2 * DAY;
  const before = [await rows("reset_run"), await rows("audit_entry"), await rows("job_lease")];
  expect((await resetDaily(engine, {}, { dryRun: true })).closed.map((each) => each.day)).toEqual([
    TODAY,
    TODAY + 1,
  ]);
  expect([await rows("reset_run"), await rows("audit_entry"), await rows("job_lease")]).toEqual(before);
});

test("a date that the zone skipped is no day to close", async () => {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  const engine = engineOn(database.store, Date.UTC(2011, 11, 29, 20));
  await initialise(engine, { timeZone: "Pacific/Apia" });
  engine.at = Date.UTC(2012, 0, 1, 0);
  const { closed } = await resetDaily(engine);
  expect(closed.map((each) => dayLabel(each.day))).toEqual(["2011-12-29", "2011-12-31"]);
});
