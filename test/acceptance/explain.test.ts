import { beforeEach, expect, test } from "vitest";
import { LimitsEngine } from "../../src/engine/limits.js";
import { moveUser } from "../../src/engine/users.js";
import { displayWidth } from "../../src/render/width.js";
import { type Home, NOW } from "../support/cli.js";
import { seededHome } from "../support/homes.js";
import { snapshot } from "../support/inside.js";
import { alphaInTerminal } from "../support/pty.js";
import { change, DAY, HOUR, MINUTE } from "../support/store.js";

let home: Home;

/**
 * Yesterday ada was on free and refused at 10:00, when 700 tokens were used and a call in progress held 260; since then
 * she is on basic. Today 8,000 tokens are used, 200 are held, and an override gives her 9,000 instead of 10,000.
 */
beforeEach(async () => {
  home = await seededHome([{ email: "ada@example.com", id: "ada" }], {
    at: NOW - 3 * DAY,
    timeZone: "Europe/Berlin",
    prepare: async (engine) => {
      const limits = new LimitsEngine(engine);
      const yesterday = NOW - DAY - 2 * HOUR;
      engine.at = yesterday - HOUR;
      await limits.record("ada", { input: 700, cost: 70_000_000 });
      engine.at = yesterday - MINUTE;
      const { reservation } = await limits.reserve({ user: "ada", tokens: 260, cost: 26_000_000 });
      engine.at = yesterday;
      await limits.reserve({ user: "ada", tokens: 100, cost: 0 });
      engine.at = yesterday + MINUTE;
      await limits.settle(reservation!.handle, { input: 60, cost: 6_000_000 });
      engine.at = NOW - DAY;
      await moveUser(engine, "promote", { user: "ada" });
      engine.at = NOW - HOUR;
      await limits.record("ada", { input: 8_000, cost: 800_000_000 });
      await change(engine.store, async ({ users }) => {
        const user = await users.find("ada");
        const quota = { kind: "quota", meter: "tokens", period: "day", limit: 9_000 } as const;
        await users.addOverride(user!.id, { ...quota, reason: "launch week", until: null }, engine.at);
      });
      engine.at = NOW - MINUTE;
      await limits.reserve({ user: "ada", tokens: 200, cost: 20_000_000 });
    },
  });
});

/** The program's clock goes on while it runs. */
function steady(text: string): string {
  return text.replace(/:00\.\d{3}Z/g, ":00Z").replace("(in 10h 59m)", "(in 11h)");
}

test("the decision, each step of it, and what it was taken from", async () => {
  const printed = await home.ok(["explain", "ada", "--tokens", "1000", "--feature", "seo_analysis"]);
  expect(steady(printed)).toBe(`\
ada@example.com: 1,000 tokens for seo_analysis
decision  block: request-too-large
message   This call asks for 1,000 tokens, but only 800 tokens of your daily limit of 9,000 are left. The limit starts anew at 2026-11-23 00:00 (Europe/Berlin).
now       2026-11-22T12:00:00Z

1 emergency  passes: nothing is on
2 user       passes: active, on basic (Basic Alpha) since 2026-11-21T12:00:00Z
3 feature    passes: seo_analysis: basic has it
4 price      passes: $0.10 at the planning rates: no model is named
5 quotas     BLOCKS: tokens/day: 1,000 asked for, and 800 left; 8,000 used and 200 held of 9,000; starts anew at 2026-11-22T23:00:00Z (in 11h); what calls in progress hold is back by 2026-11-22T12:09:00Z
6 one call   not reached: one call may use any number of tokens

overrides   tokens/day 9,000 until revoked (launch week), instead of 10,000
forgiven    none
day         2026-11-21T23:00:00Z to 2026-11-22T23:00:00Z
month       2026-10-31T23:00:00Z to 2026-11-30T23:00:00Z
held        1 call in progress: 200 tokens, $0.02 and 1 request; the last hold expires at 2026-11-22T12:09:00Z
refused     never
guardrails  none

QUOTA        USED   HELD  ASKED    LIMIT   WARNS  REFUSES    LEFT  RESETS AT             FROM      SAYS
tokens/day  8,000    200  1,000    9,000   7,200    8,550     800  2026-11-22T23:00:00Z  override  block
images/day      0      0      0       50      40       48      50  2026-11-22T23:00:00Z  tier      not touched
cost/month  $0.88  $0.02  $0.10  $100.00  $80.00   $95.00  $99.10  2026-11-30T23:00:00Z  tier      allow
`);
});

test("a past instant is told from what was in force and recorded by then", async () => {
  const printed = await home.ok([
    "explain",
    "ada@example.com",
    "--tokens",
    "100",
    "--cost",
    "0",
    "--at",
    "2026-11-21T10:00:00Z",
  ]);
  expect(printed).toContain("decision  block: quota-exhausted");
  expect(printed).toContain("as of     2026-11-21T10:00:00Z");
  expect(printed).toContain("2 user       passes: active, on free (Free Alpha) since 2026-11-19T12:00:00Z");
  expect(printed).toContain(
    "5 quotas     BLOCKS: tokens/day is used up: 700 used and 260 held of 1,000; calls are refused from 950 on; starts anew at 2026-11-21T23:00:00Z\n",
  );
  expect(printed).toContain("overrides   none");
  expect(printed).toContain("held        1 call in progress: 260 tokens, $0.03 and 1 request\n");
  expect(printed).toContain(
    "refused     once that day by then: 1 quota-exhausted (tokens); the last at 2026-11-21T10:00:00Z",
  );
  expect(printed).toContain("Told from what was in force then and from what had been recorded by then.");
  // A day is its beginning in the accounting zone.
  const { at, windows } = await home.json(["explain", "ada", "--at", "2026-11-21"]);
  expect(at).toBe("2026-11-20T23:00:00Z");
  expect(windows.day).toEqual({ label: "2026-11-21", start: at, end: "2026-11-21T23:00:00Z" });
});

test("it explains the very decision that check gives, and writes nothing", async () => {
  await seedStop();
  const before = await snapshot(home.database);
  for (const args of [
    [],
    ["--tokens", "100", "--images", "0"],
    ["--images", "60"],
    ["--tokens", "5", "--feature", "labs"],
    ["--tokens", "10", "--provider", "gemini"],
    ["--tokens", "200", "--model", "gpt-4o", "--provider", "openai"],
    ["--tokens", "1", "--cost", "99.50"],
  ]) {
    const checked = await home.run(["check", "ada", ...args, "--json"]);
    const { decision } = await home.json(["explain", "ada", ...args]);
    expect(decision).toEqual(JSON.parse(checked.stdout).data);
  }
  expect(await snapshot(home.database)).toEqual(before);
});

async function seedStop(): Promise<void> {
  await home.ok(["emergency-stop", "on", "--provider", "google", "--reason", "bill too high"]);
}

test("a limit that an override made 0 says when the override ends", async () => {
  const zero = ["users", "override", "ada", "--daily-images", "0", "--reason", "no images yet"];
  await home.ok([...zero, "--until", "2026-12-01"]);
  const explained = () => home.run(["explain", "ada", "--images", "1"]);
  expect((await explained()).stdout).toContain(
    "images/day is 0, which disables it; no window brings it back, but its override ends at 2026-11-30T23:00:00Z\n",
  );
  await home.ok(zero);
  expect((await explained()).stdout).toContain(
    "no window brings it back, nor does its override end by itself\n",
  );
  await home.ok(["users", "override", "revoke", "ada", "images/day"]);
  await home.ok(["tiers", "set", "basic", "--daily-images", "0"]);
  expect((await explained()).stdout).toContain("no window brings it back\n");
});

test("a stop is told with who, since when and why, also to a call that leaves its scope out", async () => {
  await seedStop();
  expect(steady(await home.ok(["explain", "ada", "--tokens", "1"]))).toContain(
    "1 emergency  BLOCKS: calls to google stopped by tester since 2026-11-22T12:00:00Z: bill too high; this call does not say its provider, and might be one of them\n",
  );
  expect(await home.ok(["explain", "ada", "--tokens", "1", "--provider", "openai"])).toContain(
    "1 emergency  passes: what is on does not cover this call: calls to google stopped by tester",
  );
});

test("JSON is complete, CSV is the quotas", async () => {
  const printed = JSON.parse(await home.ok(["explain", "ada", "--tokens", "100", "--json"]));
  expect(printed).toMatchObject({
    schema: 1,
    kind: "explanation",
    data: {
      user: "ada",
      past: false,
      time_zone: "Europe/Berlin",
      request: { tokens: 100, cost: { usd: "0.01" }, cost_basis: "planning", feature: null },
      decision: { outcome: "warn", code: "near-limit" },
      binds_first: "tokens/day",
      tier: { key: "basic", since: "2026-11-21T12:00:00Z" },
      overrides: [{ limit: 9_000, reason: "launch week" }],
      holds: [{ tokens: 200, cost: { usd: "0.02" }, expires_at: "2026-11-22T12:09:00Z" }],
      refusals: { by: [], last: null, complete: true },
      stops: [],
      notes: [],
    },
  });
  expect(printed.data.thresholds[0]).toEqual({
    meter: "tokens",
    period: "day",
    source: "override",
    warn_from: 7_200,
    block_from: 8_550,
    tier_limit: 10_000,
  });
  expect(printed.data.steps.map(({ verdict }: { verdict: string }) => verdict)).toEqual([
    "passes",
    "passes",
    "passes",
    "passes",
    "warns",
    "passes",
  ]);
  const csv = await home.ok(["explain", "ada", "--tokens", "100", "--format", "csv"]);
  expect(csv.split(/\r?\n/).slice(0, 2)).toEqual([
    "quota,used,held,requested,limit,warn_from,block_from,remaining,resets_at,source,outcome",
    "tokens/day,8000,200,100,9000,7200,8550,800,2026-11-22T23:00:00Z,override,warn",
  ]);
});

test.each([80, 120])(
  "at %i columns it fits, with times on the clocks of the accounting zone",
  async (columns) => {
    const { code, text } = await alphaInTerminal(home, ["explain", "ada", "--tokens", "1000"], { columns });
    expect(code).toBe(0);
    for (const line of text.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    expect(text).toContain("now       2026-11-22 13:00 Europe/Berlin");
    expect(text).toMatch(/^day +2026-11-22 00:00 to 2026-11-23 00:00$/m);
    expect(text).toMatch(/^tokens\/day +8,000 +200 +1,000 +9,000 .* block$/m);
    expect(text).toContain("Times are in Europe/Berlin.");
  },
);

test.each<[string[], number, string]>([
  [["ad@example.com"], 1, 'no user "ad@example.com"; did you mean ada@example.com?'],
  [["ada", "--at", "2026-11-23"], 2, "--at 2026-11-22T23:00:00Z has not come yet"],
  [
    ["ada", "--at", "2026-11-18"],
    2,
    "ada@example.com was not there yet: they were added at 2026-11-19T12:00:00Z",
  ],
  [["ada", "--at", "noon"], 2, '--at "noon" is neither a day nor an instant'],
  [["ada", "--tokens", "-1"], 2, "--tokens must be a whole number of 0 or more"],
  [[], 2, "missing required argument"],
])("wrong input %j is a sentence", async (args, exit, sentence) => {
  const { code, stdout, stderr } = await home.run(["explain", ...args]);
  expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
  expect(stderr).toContain(sentence);
});

test("an emergency stop of the past that was lifted since is told for its time", async () => {
  await home.ok(["emergency-stop", "on", "--reason", "runaway"]);
  await home.ok(["emergency-stop", "off"], { now: NOW + HOUR });
  const at = (when: string) =>
    home.json(["explain", "ada", "--tokens", "1", "--at", when], { now: NOW + 2 * HOUR });
  expect((await at("2026-11-22T12:30:00Z")).decision.code).toBe("emergency-stop");
  expect((await at("2026-11-22T13:01:00Z")).decision.code).toBe("near-limit");
  expect((await at("2026-11-22T11:59:59Z")).decision.code).toBe("near-limit");
});
