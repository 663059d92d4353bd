import { createRequire } from "node:module";
import { beforeEach, expect, inject, onTestFinished, test } from "vitest";
import { BIN_PATH, type Home, homeAt, NOW } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { absent, emptyHome } from "../support/homes.js";
import { snapshot } from "../support/inside.js";
import { createDatabase, dropDatabase } from "../support/postgres.js";
import { tcpUrl } from "../support/postgres-server.js";
import { alphaInTerminal, KEY, runInTerminal, type Step } from "../support/pty.js";
import { DAY, HOUR, MINUTE, record, reserve } from "../support/store.js";

const USD = 1_000_000_000;
const SIGTERM = 15;
let home: Home;

beforeEach(async () => {
  home = await emptyHome();
  const users = [{ id: "ada", email: "ada@example.com" }, { id: "bob" }, { id: "cleo", tier: "pro" }];
  await seededDatabase(home.database, users, {
    at: NOW - 3 * HOUR,
    prepare: ({ store }) =>
      store.meter.commit([
        record("a", { user: "cleo", cost: 24 * USD, input: 50, occurredAt: NOW - DAY }, NOW - 2 * HOUR),
        record(
          "b",
          { user: "cleo", cost: 2 * USD, input: 300, output: 0, occurredAt: NOW - 2 * HOUR },
          NOW - 2 * HOUR,
        ),
        record(
          "c",
          { user: "bob", cost: USD, input: 960, output: 0, occurredAt: NOW - 30 * MINUTE },
          NOW - 30 * MINUTE,
        ),
        reserve("r", { tokens: 100, cost: USD / 2 }, "ada", NOW),
      ]),
  });
  await home.ok(["guardrails", "set", "--daily-cost", "25"]);
});

test("off a terminal it is everything in plain text, with times in RFC 3339", async () => {
  const { code, stdout, stderr } = await home.run(["status"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^Something to look at\. 2026-11-22T12:00:\S+Z\n/);
  expect(stdout).toContain("! A tester is blocked by a limit: bob\n");
  expect(stdout).toMatch(/^last hour +\$1\.00 +960 +0 +1 +yesterday \$1\.00 an hour$/m);
  expect(stdout).toMatch(/^today +\$3\.00 +1,260 +0 +2$/m);
  expect(stdout).toMatch(/^yesterday +\$24\.00 +55 +0 +1$/m);
  expect(stdout).toMatch(
    /^cost\/day +\$3\.00 +\$0\.50 +\$25\.00 +14% +stop +watching +2026-11-23T00:00:00Z$/m,
  );
  expect(stdout).toMatch(/^cleo +pro +\$2\.00 +300 +0 +1 +cost\/month +5%$/m);
  expect(stdout).toMatch(/^bob +free +\$1\.00 +960 +0 +1 +tokens\/day +96% +blocked$/m);
  expect(stdout).toMatch(/^in progress +1 call, holding 100 tokens and \$0\.50$/m);
  expect(stdout).toContain(`${home.shown} (`);
});

test("JSON has the same and more, in one envelope", async () => {
  const printed = JSON.parse(await home.ok(["status", "--json"]));
  expect(printed).toMatchObject({ schema: 1, kind: "status", meta: { database: home.shown } });
  expect(printed.data).toMatchObject({
    all_well: false,
    concerns: [{ code: "testers-blocked", severity: "warning" }],
    spending: {
      last_hour: { cost: { usd: "1" }, tokens: 960, complete: true },
      yesterday: { cost: { usd: "24" } },
      yesterdays_hourly_cost: { usd: "1" },
    },
    testers: { active: 3, suspended: 0, blocked: 1, near: 0 },
    users: [
      { user: "bob", state: "blocked", today: { cost: { usd: "1" } }, fullest: { meter: "tokens" } },
      { user: "cleo", state: "free" },
    ],
    holds: { live: 1, tokens: 100, expired: 0 },
    last_event: { user: "bob", live: true },
    new_alerts: 2,
  });
});

test("CSV and Markdown have one figure a row, amounts as numbers and cost in dollars", async () => {
  await home.ok(["emergency-stop", "on", "--tier", "pro", "--reason", "=runaway"]);
  const csv = await home.ok(["status", "--format", "csv", "--sort", "limit"]);
  expect(csv.startsWith("section,name,figure,value\nstatus,,at,2026-11-22T12:00:")).toBe(true);
  for (const row of [
    "status,,all_well,false",
    "concern,testers-blocked,message,A tester is blocked by a limit: bob",
    "stop,1,scope_tier,pro",
    "stop,1,reason,'=runaway",
    "stop,1,until,",
    "spending,last_hour,tokens,960",
    "spending,yesterday,cost_usd,24",
    "spending,yesterday,hourly_cost_usd,1",
    "guardrail,cost/day,used_usd,3",
    "guardrail,cost/day,state,watching",
    "tester,bob,fullest,tokens/day",
    "tester,bob,ratio,0.96",
    "tester,cleo,cost_usd,2",
    "testers,,active,3",
    "holds,,cost_usd,0.5",
    "last_event,,user,bob",
    "system,,new_alerts,2",
  ]) {
    expect(csv).toContain(`\n${row}\n`);
  }
  // By cost the other one comes first.
  expect(csv.indexOf("tester,bob")).toBeLessThan(csv.indexOf("tester,cleo"));
  expect(await home.ok(["status", "--format", "markdown"])).toContain(
    "\n| guardrail | cost/day | limit_usd | 25 |\n",
  );
});

test("a stop comes first, and is red on a terminal", async () => {
  await home.ok(["emergency-stop", "on", "--reason", "runaway loop"]);
  const { raw, text } = await alphaInTerminal(home, ["status"], { columns: 100 });
  expect(text).toMatch(
    /^Not all is well\. 2026-11-22 12:00 UTC\n! Stopped: all calls, until it is lifted, by tester since 2026-11-22 12:00 \(runaway loop\)\n/,
  );
  expect(raw).toContain("\u001b[31mNot all is well.");
});

/** Runs a statement on a PostgreSQL database, from outside of the test. */
const QUERY = `
  const { Client } = require(${JSON.stringify(createRequire(import.meta.url).resolve("pg"))});
  const client = new Client({ connectionString: process.argv[1] });
  client.connect().then(() => client.query(process.argv[2])).then(() => client.end());
`;

const ESC = "\u001b";
const SCREEN = `${ESC}[?1049h`;
const LEFT = `${ESC}[?25h${ESC}[?1049l`;
const watch = (
  steps: readonly Step[],
  size: { columns?: number; rows?: number } = {},
  args: readonly string[] = [],
) => alphaInTerminal(home, ["status", "--watch", ...args], { ...size, steps });

test("--watch draws in place, sorts, pauses and quits by keys, and leaves the terminal as it was", async () => {
  const { code, raw } = await watch([
    { wait: "q quit   s sort (by cost)   p pause   every 2s", send: "s" },
    { wait: "(by tokens)", send: "p" },
    { wait: "paused: p goes on", send: "s" },
    { wait: "(by calls)", send: "p" },
    { wait: "p pause", send: KEY.down },
    { send: "q" },
  ]);
  expect(code).toBe(0);
  expect(raw.startsWith(SCREEN)).toBe(true);
  expect(raw.trimEnd().endsWith(LEFT)).toBe(true);
  // What did not change was not sent again.
  expect(raw.split("this month")).toHaveLength(2);
});

test("--watch shows what happens meanwhile", async () => {
  const call = ["usage", "record", "ada", "--input-tokens", "5", "--cost", "0"];
  const { code } = await watch(
    [
      { wait: "3.00   1,260", run: [process.execPath, BIN_PATH, ...call] },
      { wait: "3.00   1,265", send: "q" },
    ],
    {},
    ["--interval", "100ms"],
  );
  expect(code).toBe(0);
});

test("--watch follows the size of the terminal, and fits a low one", async () => {
  const { raw, code } = await watch(
    [
      { wait: "q quit", resize: [120, 30] },
      { wait: "yesterday $1.00 an hour", resize: [60, 8] },
      { wait: "and more on a higher terminal", send: "q" },
    ],
    { columns: 60, rows: 30 },
  );
  expect(code).toBe(0);
  // Its last row is drawn on, and the one behind it never.
  expect(raw).toContain(`${ESC}[30;1H`);
  expect(raw).not.toContain(`${ESC}[31;1H`);
});

test("--watch tells of a server that does not answer, and goes on when it does", async () => {
  const name = await createDatabase();
  onTestFinished(() => dropDatabase(name));
  const address = tcpUrl(inject("postgres"), name);
  const there = homeAt(home.path, address);
  await seededDatabase(address, [{ id: "ada" }], { at: NOW });
  const sql = (statement: string) => [process.execPath, "-e", QUERY, address, statement];
  const { code, raw } = await alphaInTerminal(there, ["status", "--watch", "--interval", "100ms"], {
    steps: [
      { wait: "every 100ms", run: sql("alter table alert rename to away") },
      { wait: "trying again: ", run: sql("alter table away rename to alert") },
      { wait: "every 100ms", send: "q" },
    ],
  });
  expect(code).toBe(0);
  expect(raw).toContain(`${ESC}[31mq quit   trying again: `);
});

test("Ctrl-C and SIGTERM leave the terminal as it was, and exit 130", async () => {
  for (const last of [{ send: KEY.ctrlC }, { signal: SIGTERM }]) {
    const script = 'trap : TERM; "$0" "$@"; echo "exit $?"; stty -a';
    const { text, raw } = await runInTerminal(
      ["sh", "-c", script, process.execPath, BIN_PATH, "status", "--watch"],
      {
        cwd: home.path,
        env: { ...home.env, TERM: "xterm-256color" },
        steps: [{ wait: "q quit", ...last }, { wait: "exit " }],
      },
    );
    expect(text).toContain("exit 130");
    expect(text).toMatch(/[^-]icanon/);
    expect(text).toMatch(/[^-]echo /);
    expect(raw).toContain(LEFT);
  }
});

test("without a database the screen is not taken", async () => {
  const none = await emptyHome();
  const { text, raw, code } = await alphaInTerminal(none, ["status", "--watch"]);
  expect(code).toBe(3);
  expect(text).toContain(absent(none).split("\n")[0]);
  expect(raw).not.toContain(SCREEN);
});

test.each<[string[], string]>([
  [["--watch"], "--watch draws on a terminal, and the output goes elsewhere"],
  [["--watch", "--json"], "--watch draws a screen, and that is no JSON"],
  [["--interval", "5s"], "--interval says how often --watch draws"],
  [["--sort", "name"], "--sort"],
  [["--watch", "--format", "csv"], "--watch draws a screen, and that is no CSV"],
  [["--format", "xml"], "--format"],
])("what makes no sense is refused and changes nothing: status %j", async (args, sentence) => {
  const before = await snapshot(home.database);
  const said = await home.run(["status", ...args]);
  expect(said).toMatchObject({ code: 2, stdout: "" });
  expect(said.stderr).toContain(sentence);
  expect(await snapshot(home.database)).toEqual(before);
});

test.each(["1ms", "2h", "soon"])(
  "an interval of %s is refused before the screen is taken",
  async (interval) => {
    const { code, text, raw } = await watch([], {}, ["--interval", interval]);
    expect(code).toBe(2);
    expect(text).toContain("--interval");
    expect(raw).not.toContain(SCREEN);
  },
);
