import { beforeEach, expect, test } from "vitest";
import { LimitsEngine } from "../../src/engine/limits.js";
import { type Home, NOW } from "../support/cli.js";
import { emptyHome, seededHome } from "../support/homes.js";
import { snapshot } from "../support/inside.js";

let home: Home;

beforeEach(async () => {
  home = await seededHome([{ email: "ada@example.com", id: "ada", aliases: ["countess"] }], {
    at: NOW - 60_000,
    prepare: (engine) => new LimitsEngine(engine).record("ada", { input: 700, images: 5, cost: 20_000_000 }),
  });
});

test("allow and warn exit 0, block exits 4, by any name of the user", async () => {
  const outcomeOf = async (...args: string[]) => {
    const { code, stdout } = await home.run(["check", ...args]);
    return [code, /^decision +(\w+)$/m.exec(stdout)?.[1], /^code +(\S+)$/m.exec(stdout)?.[1]];
  };
  expect(await outcomeOf("ada@example.com", "--tokens", "50")).toEqual([0, "allow", "ok"]);
  expect(await outcomeOf("ADA@example.com", "--tokens", "100")).toEqual([0, "warn", "near-limit"]);
  expect(await outcomeOf("ada", "--tokens", "1,200")).toEqual([4, "block", "request-too-large"]);
  expect(await outcomeOf("countess", "--images", "1")).toEqual([4, "block", "quota-exhausted"]);
  expect(await outcomeOf("ada", "--tokens", "1", "--feature", "seo_analysis")).toEqual([
    4,
    "block",
    "feature-not-in-tier",
  ]);
  expect(await outcomeOf("ada", "--tokens", "1", "--cost", "9.99")).toEqual([
    4,
    "block",
    "request-too-large",
  ]);
});

test("it prints the message, what binds and every quota, off a terminal with instants in UTC", async () => {
  expect(await home.ok(["check", "ada", "--tokens", "100", "--cost", "0.01"])).toBe(`\
decision  warn
code      near-limit
message   You have 200 tokens of 1,000 left today after this call. The limit starts anew at 2026-11-23 00:00 (UTC).
binding   tokens/day: 700 used, 0 held and 100 asked for of 1,000 tokens; 300 left; resets at 2026-11-23T00:00:00Z

QUOTA        USED   HELD  ASKED   LIMIT   LEFT  RESETS AT             FROM  SAYS
tokens/day    700      0    100   1,000    300  2026-11-23T00:00:00Z  tier  warn
images/day      5      0      0       5      0  2026-11-23T00:00:00Z  tier  not touched
cost/month  $0.02  $0.00  $0.01  $10.00  $9.98  2026-12-01T00:00:00Z  tier  allow
`);
});

test("JSON is the envelope with the whole decision, also when it blocks", async () => {
  const { code, stdout, stderr } = await home.run(["check", "ada", "--images", "1", "--json"]);
  expect({ code, stderr }).toEqual({ code: 4, stderr: "" });
  const { schema, kind, data, meta } = JSON.parse(stdout);
  expect({ schema, kind, meta }).toEqual({ schema: 1, kind: "decision", meta: { user: "ada" } });
  expect(data).toMatchObject({
    outcome: "block",
    code: "quota-exhausted",
    meter: "images",
    limit: 5,
    used: 5,
    requested: 1,
    granted: 0,
    remaining: 0,
    resets_at: "2026-11-23T00:00:00Z",
  });
  expect(data.quotas[2].limit).toEqual({ nanos: 10_000_000_000, usd: "10" });
});

test("CSV is the quotas", async () => {
  const { stdout } = await home.run(["check", "ada", "--tokens", "1", "--format", "csv"]);
  expect(stdout.split(/\r?\n/)[1]).toBe("tokens/day,700,0,1,1000,300,2026-11-23T00:00:00Z,tier,allow");
});

test("an unknown user is blocked, exit 4, and the operator is told whom they may have meant", async () => {
  const { code, stdout, stderr } = await home.run(["check", "ad@example.com", "--json"]);
  expect(code).toBe(4);
  expect(JSON.parse(stdout).data).toMatchObject({ outcome: "block", code: "user-unknown", quotas: [] });
  expect(stderr).toBe('no user "ad@example.com"; did you mean ada@example.com?\n');
});

test("an emergency stop comes before everything, for whoever it is", async () => {
  await home.ok(["emergency-stop", "on", "--for", "2h"]);
  for (const user of ["ada", "nobody"]) {
    const { code, stdout } = await home.run(["check", user, "--json"], { now: NOW + 60_000 });
    expect(code).toBe(4);
    expect(JSON.parse(stdout).data).toMatchObject({ code: "emergency-stop" });
  }
});

test("nothing is written by a check, whatever it says", async () => {
  const before = await snapshot(home.database);
  for (const args of [
    ["ada", "--tokens", "1"],
    ["ada", "--tokens", "9999"],
    ["nobody"],
    ["ada", "--model", "new"],
  ]) {
    await home.run(["check", ...args]);
  }
  expect(await snapshot(home.database)).toEqual(before);
});

test("the cost of a known model is estimated at its dearest rate", async () => {
  const { quotas } = await home.json([
    "check",
    "ada",
    "--tokens",
    "100",
    "--provider",
    "openai",
    "--model",
    "gpt-4o",
  ]);
  expect(quotas[2]).toMatchObject({ meter: "cost", requested: { usd: "0.001" } });
});

test.each([
  [["--tokens", "-1"], "--tokens must be a whole number of 0 or more"],
  [["--tokens", "1.5"], "--tokens must be a whole number of 0 or more"],
  [["--images", "many"], "--images must be a whole number of 0 or more"],
  [["--cost", "-0.10"], "--cost must be an amount in US dollars"],
])("wrong input %j is a sentence and exit 2", async (args, sentence) => {
  const { code, stdout, stderr } = await home.run(["check", "ada", ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(sentence);
});

test("without a user it is wrong usage; without a database exit 3", async () => {
  expect((await home.run(["check"])).code).toBe(2);
  const empty = await emptyHome();
  const { code, stderr } = await empty.run(["check", "ada"]);
  expect(code).toBe(3);
  expect(stderr).toContain("alpha init");
});

test("help has examples", async () => {
  expect(await home.ok(["check", "--help"])).toContain("Examples:\n  $ alpha check ada@example.com");
});
