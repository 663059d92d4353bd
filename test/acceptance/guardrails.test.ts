import { beforeEach, expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { seededHome } from "../support/homes.js";
import { rowsOf, snapshot } from "../support/inside.js";
import { alphaInTerminal } from "../support/pty.js";
import { DAY, HOUR, record, reserve } from "../support/store.js";

const USD = 1_000_000_000;
let home: Home;

beforeEach(async () => {
  home = await seededHome([{ id: "ada", tier: "pro" }, { id: "bob" }], {
    at: NOW - 3 * HOUR,
    prepare: ({ store }) =>
      store.meter.commit([
        // $3 yesterday, $20 today, and 400 tokens; half a dollar is held.
        record("a", { cost: 3 * USD, input: 50, output: 0, occurredAt: NOW - DAY }, NOW - DAY),
        record("b", { cost: 20 * USD, input: 400, output: 0, occurredAt: NOW - HOUR }, NOW - HOUR),
        reserve("r", { tokens: 100, cost: USD / 2 }, "ada", NOW),
      ]),
  });
});

const show = async () => home.json(["guardrails", "show"]);
const lastEntry = async () =>
  (await rowsOf(home.database, "select * from audit_entry order by id desc limit 1"))[0];

test("one that is set is shown with what all testers used of it, and audited", async () => {
  expect(await home.ok(["guardrails", "show"])).toContain("No guardrails");
  const { stdout, stderr } = await home.run([
    ...["guardrails", "set", "--daily-cost", "25", "--monthly-tokens", "1,000,000"],
    ...["--action", "alert", "--reason", "launch"],
  ]);
  expect(stderr).toBe(`in ${home.shown}\n`);
  expect(stdout).toBe(`\
Set: when all testers together reach $25.00 a day, an alert is written.
Used and held today: $20.50, 82% of it.
Set: when all testers together reach 1,000,000 tokens a month, an alert is written.
Used and held this month: 550, <1% of it.
`);
  expect(await show()).toMatchObject([
    {
      meter: "cost",
      period: "day",
      limit: { usd: "25" },
      used: { usd: "20" },
      held: { usd: "0.5" },
      ratio: 0.82,
      action: "alert",
      state: "watching",
      tripped_at: null,
      resets_at: "2026-11-23T00:00:00Z",
    },
    { meter: "tokens", period: "month", limit: 1_000_000, used: 450, held: 100 },
  ]);
  expect(await lastEntry()).toMatchObject({
    actor: "tester",
    action: "guardrails.set",
    subject: "guardrail:tokens/month",
    before: null,
    after: '{"limit":1000000,"action":"alert"}',
    reason: "launch",
  });
});

test("set again it keeps its action, says what it was, and the same again changes nothing", async () => {
  await home.ok(["guardrails", "set", "--daily-cost", "25", "--action", "throttle"]);
  expect(await home.ok(["guardrails", "set", "--daily-cost", "$30"])).toContain(
    "everybody is held to the emergency limits (before: $25.00, throttle)",
  );
  expect(await lastEntry()).toMatchObject({ before: '{"limit":25000000000,"action":"throttle"}' });
  const before = await snapshot(home.database);
  expect(await home.ok(["guardrails", "set", "--daily-cost", "30"])).toMatch(/^Already so: /);
  expect(await snapshot(home.database)).toEqual(before);
});

test("undoing says when what is put back is used up already, and puts back that it was lifted", async () => {
  const undoLast = async () => home.run(["undo", String((await lastEntry())?.id)]);
  await home.ok(["guardrails", "set", "--daily-cost", "10"]);
  await home.ok(["guardrails", "clear", "--all", "--yes"]);
  expect((await undoLast()).stderr).toContain(
    "warning: cost/day is used up already: with the next call every call is stopped",
  );
  const call = ["usage", "record", "ada", "--cost", "0.01", "--input-tokens", "1"];
  await home.ok(call);
  await home.ok(["emergency-stop", "off"]);
  await home.ok(["guardrails", "clear", "--all", "--yes"]);
  expect((await undoLast()).stderr).not.toContain("used up already");
  await home.ok(call);
  expect(await show()).toMatchObject([{ state: "lifted" }]);
});

test("one that is used up already is warned of, trips with the next call, and lifted stays lifted", async () => {
  const { stderr } = await home.run(["guardrails", "set", "--daily-cost", "10"]);
  expect(stderr).toContain("warning: cost/day is used up already: with the next call every call is stopped");
  const call = ["usage", "record", "ada", "--cost", "0.01", "--input-tokens", "1"];
  await home.ok(call);
  expect(await show()).toMatchObject([{ state: "tripped" }]);
  expect(await home.ok(["guardrails", "show"])).toContain("stays on until it is lifted");
  expect((await home.run(["emergency-stop", "status"])).code).toBe(4);
  await home.ok(["emergency-stop", "off"]);
  expect(await show()).toMatchObject([{ state: "lifted" }]);
  // Another action is no other limit.
  await home.ok(["guardrails", "set", "--daily-cost", "10", "--action", "throttle"]);
  await home.ok(call);
  expect(await show()).toMatchObject([{ state: "lifted", action: "throttle" }]);
  await home.ok(["guardrails", "set", "--daily-cost", "11"]);
  await home.ok(call);
  expect(await show()).toMatchObject([{ state: "tripped", action: "throttle" }]);
});

test("ending one asks, and says what it turned on and is on still", async () => {
  await home.ok(["guardrails", "set", "--daily-cost", "10", "--daily-tokens", "5000"]);
  await home.ok(["usage", "record", "ada", "--cost", "0.01", "--input-tokens", "1"]);
  const before = await snapshot(home.database);
  const refused = await home.run(["guardrails", "clear", "--daily-cost"]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("End the guardrail on cost/day ($10.00)? There is nobody to ask here");
  expect(await snapshot(home.database)).toEqual(before);
  const done = await home.run(["guardrails", "clear", "--daily-cost", "--yes", "--reason", "raised"]);
  expect(done.stdout).toBe("Ended the guardrail on cost/day ($10.00).\n");
  expect(done.stderr).toContain("on still (daily cost of all testers reached $10.00)");
  expect(await lastEntry()).toMatchObject({ action: "guardrails.clear", after: null, reason: "raised" });
  expect(await show()).toHaveLength(1);
  expect(await home.json(["guardrails", "clear", "--all", "--yes"])).toEqual({
    cleared: [{ meter: "tokens", period: "day", limit: 5000, action: "stop" }],
    still_on: [expect.any(Number)],
  });
  expect(await home.ok(["guardrails", "clear", "--all", "--yes"])).toBe("There are no guardrails.\n");
});

test("on a terminal it asks and draws how full each is", async () => {
  await home.ok(["guardrails", "set", "--daily-cost", "25"]);
  const shown = await alphaInTerminal(home, ["guardrails", "show"], { columns: 120 });
  expect(shown.text).toMatch(/^cost\/day +\$20\.00 +\$0\.50 +\$25\.00 +82% +███████░ +stop +watching/m);
  const no = await alphaInTerminal(home, ["guardrails", "clear", "--all"], {
    steps: [{ wait: "End the guardrail on cost/day", send: "n\r" }],
  });
  expect(no.code).toBe(130);
  expect(await show()).toHaveLength(1);
});

test.each<[string[], number, string]>([
  [["set"], 2, "nothing says which guardrail is to be set"],
  [["set", "--daily-cost", "0"], 2, "would stop the first call"],
  [["set", "--daily-cost", "-1"], 2, "--daily-cost must be an amount"],
  [["set", "--daily-cost", "lots"], 2, "--daily-cost must be an amount"],
  [["set", "--daily-tokens", "1.5"], 2, "--daily-tokens must be a whole number"],
  [["set", "--daily-cost", "unlimited"], 2, "--daily-cost cannot be unlimited"],
  [["set", "--daily-cost", "5", "--action", "explode"], 2, "--action"],
  [["clear", "--yes"], 2, "nothing says which guardrails are meant"],
  [["clear", "--all", "--daily-cost", "--yes"], 2, "both --all and another option"],
  [["clear", "--monthly-cost", "--yes"], 1, "there is no guardrail on cost/month"],
])("what makes no sense is refused and changes nothing: guardrails %j", async (args, exit, sentence) => {
  const before = await snapshot(home.database);
  const said = await home.run(["guardrails", ...args]);
  expect(said).toMatchObject({ code: exit, stdout: "" });
  expect(said.stderr).toContain(sentence);
  expect(await snapshot(home.database)).toEqual(before);
});
