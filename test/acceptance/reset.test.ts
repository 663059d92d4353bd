import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { emergencyOn } from "../../src/engine/emergency.js";
import { BIN_PATH, type Home, NOW } from "../support/cli.js";
import { absent, emptyHome, onServer, seededHome } from "../support/homes.js";
import { rowsOf, tamper, whileLocked } from "../support/inside.js";

const DAY = 86_400_000;
const LATER = { now: NOW + 3 * DAY };
const CREATED = NOW;

let home: Home;

beforeEach(async () => {
  home = await seededHome([{ id: "ada" }], {
    at: CREATED,
    prepare: (engine) => emergencyOn(engine, { model: "gpt-4o", forMs: 30 * 3_600_000 }),
  });
});

const days = async () =>
  (await rowsOf(home.database, "select day from reset_run order by day")).map(({ day }) => day);
const FIRST = Math.floor(CREATED / DAY);

test("off a terminal it closes the days in silence, once", async () => {
  expect(await home.run(["reset", "daily"], LATER)).toEqual({
    code: 0,
    signal: null,
    stdout: "",
    stderr: "",
  });
  expect(await days()).toEqual([FIRST, FIRST + 1, FIRST + 2]);
  expect(await home.run(["reset", "daily"], LATER)).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect(await days()).toHaveLength(3);
});

test("JSON says which days were closed and what was ended", async () => {
  expect(await home.json(["reset", "daily"], LATER)).toEqual({
    at: expect.stringMatching(/^2026-11-25T12:00:/),
    time_zone: "UTC",
    closed: [
      { day: "2026-11-22", holds_ended: 0, overrides_ended: 0, stops_ended: 0 },
      { day: "2026-11-23", holds_ended: 0, overrides_ended: 0, stops_ended: 1 },
      { day: "2026-11-24", holds_ended: 0, overrides_ended: 0, stops_ended: 0 },
    ],
    last_closed: "2026-11-24",
  });
  expect(await home.json(["reset", "daily"], LATER)).toMatchObject({ closed: [], last_closed: "2026-11-24" });
});

test("--at closes up to then; before what is closed it does nothing", async () => {
  const at = async (instant: string) =>
    (await home.json(["reset", "daily", "--at", instant], LATER)).closed.length;
  expect(await at("2026-11-24T00:05:00Z")).toBe(2);
  expect(await at("2026-11-23T00:05:00Z")).toBe(0);
  expect(await at("2026-11-25T00:00:00Z")).toBe(1);
});

test("a dry run says which days, off a terminal too, and closes none", async () => {
  const { code, stdout, stderr } = await home.run(["reset", "daily", "--dry-run"], LATER);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout:
      "Would close: 3 days, 2026-11-22 to 2026-11-24 (UTC).\nWould end what had run out: 1 emergency stop.\n",
  });
  expect(stderr).toContain("dry run, nothing was changed");
  expect(await days()).toEqual([]);
});

test("it acts as who it is told; told nothing and without a terminal, as cron", async () => {
  const actors = async (query: string) => (await rowsOf(home.database, query)).map(({ actor }) => actor);
  await home.ok(["reset", "daily", "--at", "2026-11-23T01:00:00Z"], LATER);
  await home.ok(["reset", "daily"], { ...LATER, env: { ALPHA_ACTOR: "" } });
  expect(await actors("select actor from reset_run order by day")).toEqual(["tester", "cron", "cron"]);
  expect(await actors("select actor from audit_entry where action = 'reset.daily' order by id")).toEqual([
    "tester",
    "cron",
    "cron",
  ]);
});

test("on a database that somebody has locked: exit 3, one line, nothing changed", async () => {
  const { code, stdout, stderr } = await whileLocked(home.database, () =>
    home.run(["reset", "daily"], LATER),
  );
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
  expect(stderr).toMatch(/^error: (the database )?\S+ is locked by another process; [^\n]+\n$/);
  expect(await days()).toEqual([]);
});

test("while another holds the lease: exit 5, one line, nothing changed", async () => {
  const now = LATER.now;
  await tamper(
    home.database,
    `insert into job_lease (name, holder, expires_at)
      values ('reset', '2026-11-25T11:58:00Z e_other', ${now + 3 * 60_000})`,
  );
  const { code, stdout, stderr } = await home.run(["reset", "daily"], LATER);
  expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
  expect(stderr).toBe(
    "error: another reset is running (since 2026-11-25T11:58:00Z); wait until it is done; if it was killed, its lock runs out at 2026-11-25T12:03:00Z\n",
  );
  const json = await home.run(["reset", "daily", "--json"], LATER);
  expect(json.code).toBe(5);
  expect(JSON.parse(json.stderr).error).toMatchObject({ code: "busy", hint: expect.any(String) });
  expect(await days()).toEqual([]);
  expect((await home.run(["reset", "daily"], { now: now + 4 * 60_000 })).code).toBe(0);
  expect(await days()).toHaveLength(3);
});

test("two at once close every day once", async () => {
  const later = { now: NOW + 120 * DAY };
  const [one, two] = await Promise.all([
    home.run(["reset", "daily"], later),
    home.run(["reset", "daily"], later),
  ]);
  expect([0, 5]).toContain(one.code);
  expect([0, 5]).toContain(two.code);
  expect([one.code, two.code]).toContain(0);
  expect(await days()).toEqual(Array.from({ length: 120 }, (_, index) => FIRST + index));
});

/** A day in the second slice takes forever, so that a run is killed there for certain. */
const STUCK = `when (new.day = ${FIRST + 40})`;
const HANG = onServer
  ? `create function sleep() returns trigger language plpgsql as $$ begin perform pg_sleep(3600); return new; end $$;
     create trigger hang after insert on reset_run for each row ${STUCK} execute function sleep()`
  : `create view forever as
       with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 1000000000000)
       select count(*) as c from numbers;
     create trigger hang after insert on reset_run ${STUCK} begin
       insert into job_lease (name, holder, expires_at) select 'never', c, 0 from forever;
     end`;
/** A server that sleeps does not notice that its client is gone. */
const GO_ON = onServer
  ? `select pg_terminate_backend(pid, 5000) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend';
     drop trigger hang on reset_run; drop function sleep()`
  : "drop trigger hang; drop view forever";

test("killed in the middle: its lease runs out, and the next run closes the rest", async () => {
  await tamper(home.database, HANG);
  const later = NOW + 60 * DAY;
  const child = spawn(process.execPath, [BIN_PATH, "reset", "daily"], {
    env: { ...home.env, TEST_NOW: String(later) },
    stdio: "ignore",
  });
  const ended = once(child, "close");
  while ((await days()).length === 0) await delay(5);
  child.kill("SIGKILL");
  await ended;
  await tamper(home.database, GO_ON);
  expect(await days()).toHaveLength(31);
  expect((await home.run(["reset", "daily"], { now: later + 60_000 })).code).toBe(5);
  expect((await home.run(["reset", "daily"], { now: later + 6 * 60_000 })).code).toBe(0);
  expect(await days()).toEqual(Array.from({ length: 60 }, (_, index) => FIRST + index));
  expect(await rowsOf(home.database, "select * from job_lease")).toEqual([]);
});

test("a day that nobody closed is a new day all the same", async () => {
  expect((await home.run(["check", "ada", "--model", "gpt-4o-mini", "--tokens", "960"])).code).toBe(0);
  await tamper(
    home.database,
    `insert into usage_window values (1, 'day', ${FIRST}, 950, 0, 0, 1);
      update generation set config = config + 1`,
  );
  expect((await home.run(["check", "ada", "--model", "gpt-4o-mini", "--tokens", "1"])).code).toBe(4);
  expect(
    (await home.run(["check", "ada", "--model", "gpt-4o-mini", "--tokens", "700"], { now: NOW + DAY })).code,
  ).toBe(0);
  expect(await days()).toEqual([]);
});

test.each([
  [["--at", "yesterday"], '--at "yesterday" is not an instant'],
  [["--at", "2026-11-27T00:00:00Z"], "more than 24 hours ahead of the clock"],
  [["--until", "now"], "unknown option"],
])("wrong input %j is a sentence, exit 2, and closes nothing", async (args, sentence) => {
  const { code, stdout, stderr } = await home.run(["reset", "daily", ...args], LATER);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(sentence);
  expect(await days()).toEqual([]);
});

test("without a database: exit 3 and one line", async () => {
  const none = await emptyHome();
  const { code, stderr } = await none.run(["reset", "daily"]);
  expect({ code, stderr }).toEqual({ code: 3, stderr: absent(none).replace("\nhint: ", "; ") });
});

test("help has examples", async () => {
  expect(await home.ok(["reset", "daily", "--help"])).toContain("Examples:\n  $ alpha reset daily");
});
