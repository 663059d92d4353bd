import { expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { emptyHome, seededHome } from "../support/homes.js";
import { alphaInTerminal } from "../support/pty.js";
import { HOUR, record } from "../support/store.js";

async function seeded(): Promise<Home> {
  const home = await seededHome([{ id: "ada" }, { id: "bob" }], {
    at: NOW - HOUR,
    prepare: ({ store }) =>
      store.meter.commit([record("1", { input: 600, output: 0, occurredAt: NOW - HOUR }, NOW - HOUR)]),
  });
  return home;
}

test("tiers are listed by rank with their limits", async () => {
  const home = await seeded();
  expect(await home.ok(["tiers", "list"])).toBe(
    [
      "RANK  TIER    LABEL        TOKENS/DAY  IMAGES/DAY  COST/MONTH  USERS  FEATURES",
      "   1  free *  Free Alpha        1,000           5      $10.00      2  basic_seo, blog_writer",
      "   2  basic   Basic Alpha      10,000          50     $100.00      0  blog_writer, content_planning, seo_analysis",
      "   3  pro     Pro Alpha        50,000         200     $500.00      0  advanced_analytics, all_features",
      "",
      "* new testers start here",
      "",
    ].join("\n"),
  );
  expect(await home.json(["tiers", "list"])).toMatchObject([
    {
      key: "free",
      rank: 1,
      users: 2,
      default: true,
      quotas: [{ meter: "tokens", period: "day", limit: 1_000 }, {}, {}],
    },
    { key: "basic" },
    { key: "pro", features: ["advanced_analytics", "all_features"] },
  ]);
  expect(await home.ok(["tiers", "list", "--format", "csv"])).toMatch(
    /^rank,tier,label,tokens_per_day,tokens_per_month,/,
  );
  expect(await home.ok(["tiers", "show", "pro"])).toContain(
    "requests  unlimited\nfeatures  all (advanced_analytics, all_features)",
  );
  expect(await home.json(["tiers", "show", "basic"])).toMatchObject({
    key: "basic",
    label: "Basic Alpha",
    users: 0,
  });
});

test("a tier is added with every kind of limit", async () => {
  const home = await seeded();
  const args = [
    "tiers",
    "add",
    "team",
    "--label",
    "Team Alpha",
    "--daily-tokens",
    "100,000",
    "--daily-images",
    "0",
    "--daily-requests",
    "unlimited",
    "--monthly-requests",
    "9000",
    "--daily-cost",
    "$2.50",
    "--monthly-cost",
    "40",
    "--monthly-tokens",
    "5",
    "--monthly-images",
    "6",
    "--feature",
    "b",
    "--feature",
    "a",
  ];
  expect((await home.run([...args, "--dry-run"])).stdout).toContain("Would add team (Team Alpha)");
  expect(await home.json(["tiers", "list"])).toHaveLength(3);
  const { stdout, stderr } = await home.run(args);
  expect(stdout).toBe(
    [
      "Added team (Team Alpha)",
      "rank      4",
      "tokens    100,000 a day, 5 a month",
      "images    none a day (disabled), 6 a month",
      "cost      $2.50 a day, $40.00 a month",
      "requests  9,000 a month",
      "features  a, b",
      "",
    ].join("\n"),
  );
  expect(stderr).toBe(`in ${home.shown}\n`);
  const empty = await home.run(["tiers", "add", "vip"]);
  expect(empty).toMatchObject({ code: 0, stderr: expect.stringContaining("warning: vip limits nothing") });
});

test("setting a tier says what changed, for whom, and whom it blocks at once", async () => {
  const home = await seeded();
  const args = [
    "tiers",
    "set",
    "free",
    "--daily-tokens",
    "500",
    "--daily-images",
    "unlimited",
    "--add-feature",
    "labs",
    "--remove-feature",
    "basic_seo",
  ];
  const tried = await home.run([...args, "--dry-run"]);
  expect(tried.stdout).toContain("Would change free (Free Alpha), for 2 users from the next call on.");
  expect(await home.json(["tiers", "show", "free"])).toMatchObject({ quotas: [{ limit: 1_000 }, {}, {}] });

  const { code, stdout, stderr } = await home.run(args);
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      "Changed free (Free Alpha), for 2 users from the next call on.",
      "",
      "CHANGED     BEFORE  AFTER",
      "tokens/day  1,000   500",
      "images/day  5       unlimited",
      "",
      "features added    labs",
      "features removed  basic_seo",
      "",
    ].join("\n"),
  );
  expect(stderr).toBe(
    `in ${home.shown}\nwarning: 1 user has already used up 500 tokens a day: blocked until the next day\n`,
  );
  expect(
    await home.json(["tiers", "set", "free", "--daily-tokens", "700", "--label", "Free", "--reason", "x"]),
  ).toMatchObject({
    before: { label: "Free Alpha" },
    after: { label: "Free" },
    limits: [{ meter: "tokens", period: "day", before: 500, after: 700 }],
    users_affected: 2,
    used_up: [],
  });
});

test.each<[string[], number, string]>([
  [
    ["set", "free", "--daily-tokens", "-5"],
    2,
    '--daily-tokens must be a whole number of 0 or more, not "-5"',
  ],
  [["set", "free", "--daily-tokens=-5"], 2, 'not "-5"'],
  [["set", "free", "--daily-images", "1.5"], 2, 'not "1.5"'],
  [["set", "free", "--monthly-requests", "lots"], 2, "the word unlimited removes the limit"],
  [["set", "free", "--daily-tokens", ""], 2, "whole number"],
  [["set", "free", "--daily-tokens", "99999999999999999999"], 2, "whole number"],
  [["set", "free", "--monthly-cost", "-1"], 2, "US dollars of 0 or more"],
  [["set", "free", "--rank", "-1"], 2, '--rank must be a whole number of 1 or more, not "-1"'],
  [["set", "free", "--rank", "2"], 1, "rank 2 is taken by basic"],
  [["set", "free", "--nonsense", "2"], 2, "unknown option"],
  [["set", "free"], 2, "say what is to be different about free"],
  [["set", "free", "--reason", "x"], 2, "say what is to be different about free"],
  [["set", "free", "--daily-tokens", "1000"], 1, "free already is as you want it"],
  [["set", "free", "--remove-feature", "nope"], 1, 'free has no feature "nope"'],
  [["set", "free", "--add-feature", "No Such"], 2, "cannot be the name of a feature"],
  [["set", "fre", "--daily-tokens", "1"], 1, "did you mean free?"],
  [["add", "free"], 1, 'there is already a tier "free"'],
  [["add", "-5"], 2, "-5"],
  [["add", "Team One"], 2, "cannot be the name of a tier"],
  [["add", "team", "--daily-cost", "1.2.3"], 2, "--daily-cost"],
  [["show", "gold"], 1, "there are: free, basic, pro"],
  [["remove", "gold", "--yes"], 1, 'no tier "gold"'],
  [["remove", "free", "--yes"], 1, "new testers start"],
  [["remove", "pro"], 2, "add --yes"],
])("what makes no sense is refused and changes nothing: tiers %j", async (args, code, message) => {
  const home = await seeded();
  const before = await home.json(["tiers", "list"]);
  const said = await home.run(["tiers", ...args]);
  expect(said).toMatchObject({ code, stdout: "" });
  expect(said.stderr).toContain(message);
  const json = await home.run(["tiers", ...args, "--json"]);
  expect(json).toMatchObject({ code, stdout: "" });
  expect(JSON.parse(json.stderr).error.code).toBeTruthy();
  expect(await home.json(["tiers", "list"])).toEqual(before);
});

test("a tier that nobody is on is removed when it is confirmed", async () => {
  const home = await seeded();
  expect(await home.ok(["tiers", "remove", "pro", "--dry-run"])).toContain("Would remove pro (Pro Alpha)");
  const no = await alphaInTerminal(home, ["tiers", "remove", "pro"], {
    steps: [{ wait: "Remove the tier pro?", send: "n\r" }],
  });
  expect(no.code).toBe(130);
  expect(await home.json(["tiers", "list"])).toHaveLength(3);
  const yes = await alphaInTerminal(home, ["tiers", "remove", "pro"], {
    steps: [{ wait: "Remove the tier pro?", send: "y\r" }],
  });
  expect(yes.code).toBe(0);
  expect(yes.text).toContain("Removed pro");
  expect(await home.json(["tiers", "remove", "basic", "--yes"])).toMatchObject({ key: "basic" });
  expect(await home.json(["tiers", "list"])).toMatchObject([{ key: "free" }]);
  const inUse = await home.run(["tiers", "remove", "free", "--yes"]);
  expect(inUse).toMatchObject({ code: 1 });
});

test("without a database every command says so; every command explains itself", async () => {
  const home = await emptyHome();
  for (const [verb, ...args] of [
    ["list"],
    ["show", "free"],
    ["add", "team"],
    ["set", "free", "--daily-tokens", "1"],
    ["remove", "free", "--yes"],
  ] as [string, ...string[]][]) {
    const { code, stdout, stderr } = await home.run(["tiers", verb, ...args]);
    expect({ verb, code, stdout }).toEqual({ verb, code: 3, stdout: "" });
    expect(stderr).toContain("alpha init");
    expect(await home.ok(["tiers", verb, "--help"])).toContain("Examples:\n  $ alpha tiers");
  }
});

test.each([80, 140])("on a terminal of %i columns nothing is wider", async (columns) => {
  const home = await seeded();
  for (const args of [["list"], ["show", "pro"], ["set", "pro", "--daily-requests", "9", "--dry-run"]]) {
    const { text, code } = await alphaInTerminal(home, ["tiers", ...args], { columns });
    expect(code).toBe(0);
    const lines = text.split("\n").filter((line) => !line.includes(home.shown));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  }
});

test("a tier has its own ceiling for one call, none at all, or what the setting says", async () => {
  const home = await seeded();
  const ceiling = async () => (await home.json(["tiers", "show", "free"])).call_tokens;
  expect(await ceiling()).toBeNull();
  expect(await home.ok(["tiers", "set", "free", "--call-tokens", "4,000"])).toContain("tokens per call");
  expect(await ceiling()).toBe(4_000);
  expect(await home.ok(["tiers", "show", "free"])).toMatch(/tokens per call +4,000/);
  expect(await home.ok(["tiers", "list"])).toContain("TOKENS/CALL");
  // Another change keeps it.
  await home.ok(["tiers", "set", "free", "--label", "Free"]);
  expect(await ceiling()).toBe(4_000);
  await home.ok(["tiers", "set", "free", "--call-tokens", "unlimited"]);
  expect(await ceiling()).toBe("unlimited");
  await home.ok(["tiers", "set", "free", "--call-tokens", "setting"]);
  expect(await ceiling()).toBeNull();
  await home.ok(["tiers", "add", "team", "--call-tokens", "500"]);
  expect((await home.json(["tiers", "show", "team"])).call_tokens).toBe(500);
});

test.each(["0", "-1", "many", "1.5"])("a ceiling of %s is refused, and nothing is changed", async (text) => {
  const home = await seeded();
  const { code, stderr } = await home.run(["tiers", "set", "free", `--call-tokens=${text}`]);
  expect(code).toBeGreaterThan(0);
  expect(stderr).toContain("--call-tokens");
  expect((await home.json(["tiers", "show", "free"])).call_tokens).toBeNull();
});
