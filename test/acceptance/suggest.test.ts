import { beforeEach, expect, test } from "vitest";
import { LimitsEngine } from "../../src/engine/limits.js";
import { addOverrides } from "../../src/engine/overrides.js";
import { type Home, NOW } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { emptyHome } from "../support/homes.js";
import { rowsOf, snapshot } from "../support/inside.js";
import { alphaInTerminal } from "../support/pty.js";
import { DAY } from "../support/store.js";

let home: Home;

/**
 * Three weeks: ada is at free's limit on four days and refused on one of them, cleo on pro uses little, gus nothing, and
 * bob what fits.
 */
beforeEach(async () => {
  home = await emptyHome();
  const users = [
    { id: "ada", email: "ada@example.com" },
    { id: "bob", email: "bob@example.com" },
    { id: "cleo", email: "cleo@example.com", tier: "pro" },
    { id: "gus", tier: "basic" },
  ];
  await seededDatabase(home.database, users, {
    at: NOW - 21 * DAY,
    prepare: async (engine) => {
      const limits = new LimitsEngine(engine);
      for (const ago of [4, 3, 2, 1]) {
        engine.at = NOW - ago * DAY;
        await limits.record("ada", { input: 1_000, cost: 100_000_000, feature: "basic_seo" });
        await limits.record("bob", { input: 600, cost: 60_000_000 });
        await limits.record("cleo", { input: 2_000, cost: 200_000_000, feature: "content_planning" });
      }
      await limits.reserve({ user: "ada", tokens: 100 });
    },
  });
});

test("each suggestion comes with its reason and what it may cost", async () => {
  // Ada: 4 days of $0.10 in 14 are $0.86 in 30; a token costs $0.0001, so that 30,000 cost $3 and 300,000 $30. Cleo: 4
  // days of $0.20 are $1.71; 1,500,000 tokens at $0.0001 cost $150, basic's 300,000 $30.
  expect(await home.ok(["users", "suggest"])).toBe(`\
Promote ada@example.com from free to basic
  why    the limit of 1,000 tokens a day was in the way on 4 of 14 days (1 call refused)
  cost   $0.86 a month at this pace; their limits let through $3.00 now, and $30.00 then
  loses  basic_seo, in use now

Demote cleo@example.com from pro to basic
  why   used at most 2,000 tokens a day in 14 days, and basic allows 10,000 tokens a day
  cost  $1.71 a month at this pace; their limits let through $150.00 now, and $30.00 then

Demote gus from basic to free
  why   no calls in 14 days
  cost  $0.00 a month at this pace; their limits let through $100.00 now, and $10.00 then

From the 14 days up to 2026-11-22. A month is 30 days, and what limits let through is told for the same mix of calls.
Apply them one by one with: alpha users suggest --apply
`);
});

test("refusals by a limit that was raised since, or by an override that ended, are no reason", async () => {
  home = await emptyHome();
  await seededDatabase(home.database, [{ id: "ada" }, { id: "bob" }], {
    at: NOW - 21 * DAY,
    prepare: async (engine) => {
      await addOverrides(engine, {
        user: "bob",
        quotas: [{ meter: "tokens", period: "day", limit: 100 }],
        until: new Date(NOW - DAY).toISOString(),
        reason: "a loop",
      });
      const limits = new LimitsEngine(engine);
      for (const ago of [6, 5, 4, 3]) {
        engine.at = NOW - ago * DAY;
        await limits.record("ada", { input: 900, cost: 0 });
        await limits.record("bob", { input: 60, cost: 0 });
        for (const user of ["ada", "ada", "bob", "bob"]) await limits.reserve({ user, tokens: 450 });
      }
      engine.at = NOW;
    },
  });
  // Ada's two of 450 do not fit into 1,000 after 900; both fit into 2,000, and one into 1,500.
  const reasonsOf = async () =>
    (await home.json(["users", "suggest"])).map(({ user, reason }: { user: string; reason: string }) => [
      user,
      reason,
    ]);
  expect(await reasonsOf()).toEqual([
    ["ada", "the limit of 1,000 tokens a day was in the way on 4 of 14 days (8 calls refused)"],
  ]);
  await home.ok(["tiers", "set", "free", "--daily-tokens", "1500"]);
  expect(await reasonsOf()).toEqual([
    ["ada", "the limit of 1,500 tokens a day was in the way on 4 of 14 days (4 calls refused)"],
  ]);
  await home.ok(["tiers", "set", "free", "--daily-tokens", "2000"]);
  expect(await reasonsOf()).toEqual([]);
});

test("JSON and CSV say the same, and one kind alone can be asked for", async () => {
  const printed = JSON.parse(await home.ok(["users", "suggest", "--json"]));
  expect(printed).toMatchObject({ schema: 1, kind: "suggestions", meta: { count: 3, testers: 4 } });
  expect(printed.data[0]).toEqual({
    user: "ada",
    email: "ada@example.com",
    direction: "promote",
    from: "free",
    to: "basic",
    reason: "the limit of 1,000 tokens a day was in the way on 4 of 14 days (1 call refused)",
    reasons: [
      {
        kind: "limit-in-the-way",
        meter: "tokens",
        period: "day",
        limit: 1_000,
        becomes: 10_000,
        days: 4,
        of_days: 14,
        refused: 1,
      },
    ],
    monthly_cost: { nanos: 857_142_857, usd: "0.857142857" },
    most_monthly_cost: {
      before: { nanos: 3_000_000_000, usd: "3" },
      after: { nanos: 30_000_000_000, usd: "30" },
    },
    features_lost_in_use: ["basic_seo"],
  });
  const csv = await home.ok(["users", "suggest", "--only", "demotions", "--format", "csv"]);
  expect(csv).toBe(`\
user,direction,from,to,monthly_cost,most_before,most_after,reason,features_lost_in_use
cleo@example.com,demote,pro,basic,1.714285714,150,30,"used at most 2,000 tokens a day in 14 days, and basic allows 10,000 tokens a day",
gus,demote,basic,free,0,100,10,no calls in 14 days,
`);
  expect(await home.json(["users", "suggest", "--only", "promotions"])).toHaveLength(1);
  expect(await home.ok(["users", "suggest", "--days", "2", "--only", "promotions"])).toBe(
    "Nothing to suggest: what 4 active testers used in the 2 days up to 2026-11-22 fits their tiers.\n",
  );
});

test("--apply --yes applies all, each audited with its reason, and then there is nothing left", async () => {
  const before = await snapshot(home.database);
  const tried = await home.run(["users", "suggest", "--apply", "--dry-run"]);
  expect(tried).toMatchObject({ code: 0, stderr: `dry run, nothing was changed in ${home.shown}\n` });
  expect(tried.stdout).toContain("Would promote ada@example.com from free to basic\n");
  expect(await snapshot(home.database)).toEqual(before);

  const { data, meta } = JSON.parse(await home.ok(["users", "suggest", "--apply", "--yes", "--json"]));
  expect(meta).toMatchObject({ dry_run: false, database: home.shown, count: 3 });
  expect(data.map(({ applied }: { applied: boolean }) => applied)).toEqual([true, true, true]);
  const query = "select action, subject, reason, actor from audit_entry order by id desc limit 3";
  expect((await rowsOf(home.database, query)).reverse()).toEqual([
    {
      action: "users.promote",
      subject: "user:ada",
      reason: "the limit of 1,000 tokens a day was in the way on 4 of 14 days (1 call refused)",
      actor: "tester",
    },
    {
      action: "users.demote",
      subject: "user:cleo",
      reason: "used at most 2,000 tokens a day in 14 days, and basic allows 10,000 tokens a day",
      actor: "tester",
    },
    { action: "users.demote", subject: "user:gus", reason: "no calls in 14 days", actor: "tester" },
  ]);
  expect(await home.json(["users", "suggest"])).toEqual([]);
});

test("off a terminal without --yes nothing is applied", async () => {
  const before = await snapshot(home.database);
  const { code, stdout, stderr } = await home.run(["users", "suggest", "--apply"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("Apply 3 suggestions? There is nobody to ask here\nhint: add --yes");
  expect(await snapshot(home.database)).toEqual(before);
});

test("on a terminal it asks one by one; what was agreed to stays when the rest is left", async () => {
  const asked = await alphaInTerminal(home, ["users", "suggest", "--apply"], {
    columns: 100,
    steps: [
      { wait: "Promote ada@example.com from free to basic?", send: "y\r" },
      { wait: "Demote cleo@example.com from pro to basic?", send: "n\r" },
      { wait: "Demote gus from basic to free?", send: "\u0003" },
    ],
  });
  expect(asked.code).toBe(130);
  expect(asked.text).toContain("Promoted ada@example.com from free to basic");
  expect(asked.text).toContain("Left: demote cleo@example.com from pro to basic");
  expect(asked.text).toContain("Left: demote gus from basic to free");
  expect(asked.text).toContain("The rest was left as it was.");
  const tiers = (await home.json(["users", "list"])).map((user: { tier: string }) => user.tier);
  expect(tiers).toEqual(["basic", "free", "pro", "basic"]);
});

test("why it asks is broken between words on a narrow terminal", async () => {
  const { text } = await alphaInTerminal(home, ["users", "suggest", "--apply"], {
    columns: 40,
    steps: [{ wait: "Promote ada@example.com", send: "\u0003" }],
  });
  const why = text.slice(0, text.indexOf("? Promote")).trimEnd().split("\n");
  expect(why.length).toBeGreaterThan(2);
  for (const line of why) expect(line.length).toBeLessThanOrEqual(40);
  expect(why[0]).toBe("the limit of 1,000 tokens a day was in");
});

test.each([
  [["--days", "0"], "--days must be from 1 to 90, not 0"],
  [["--days", "91"], "--days must be from 1 to 90, not 91"],
  [["--days", "two"], '--days must be a whole number of 0 or more, not "two"'],
  [["--only", "all"], "promotions, demotions"],
  [["ada"], "too many arguments"],
])("wrong input %j is a sentence and exit 2", async (args, sentence) => {
  const { code, stdout, stderr } = await home.run(["users", "suggest", ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(sentence);
});
