import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { emptyHome, onServer, seededHome } from "../support/homes.js";
import { snapshot } from "../support/inside.js";
import { alphaInTerminal, KEY } from "../support/pty.js";
import { HOUR, record, reserve } from "../support/store.js";

/** ada has used 950 of Free's 1,000 tokens, bob 8,500 of Basic's 10,000, cleo nothing. */
async function seeded(): Promise<Home> {
  const home = await emptyHome();
  const at = NOW - HOUR;
  await seededDatabase(
    home.database,
    [
      { id: "ada", email: "ada@example.com", name: "Ada Lovelace", aliases: ["key-1"] },
      { id: "bob", email: "bob@example.com", tier: "basic" },
      { id: "cleo", tier: "pro" },
    ],
    {
      at,
      prepare: ({ store }) =>
        store.meter.commit([
          record("1", { input: 950, output: 0, cost: 250_000_000, occurredAt: at }, at),
          record("2", { user: "bob", input: 8_500, output: 0, images: 2, cost: 0, occurredAt: at }, at),
        ]),
    },
  );
  return home;
}

const WEEK = ["--until", "2026-12-01", "--reason", "launch week"];

test("an override is laid over the tier, seen, and revoked", async () => {
  const home = await seeded();
  const add = ["users", "override", "ada@example.com", "--daily-tokens", "5000", "--grant", "labs", ...WEEK];
  const tried = await home.run([...add, "--dry-run"]);
  expect(tried.stdout).toBe(
    [
      "Would override what ada@example.com may use on free (Free Alpha), from the next call on.",
      "",
      "from now on  tokens/day 5,000 until 2026-12-01T00:00:00Z (launch week)",
      "             labs granted until 2026-12-01T00:00:00Z (launch week)",
      "",
    ].join("\n"),
  );
  expect(tried.stderr).toBe(
    `dry run, nothing was changed in ${home.shown}\nwarning: no tier names the feature labs, and no call with it was ever metered here; check that it is spelt as the product spells it\n`,
  );
  expect((await home.run(["check", "ada", "--tokens", "10"])).code).toBe(4);
  expect(await home.json(add)).toMatchObject({
    user: { id: "ada" },
    added: [
      { kind: "quota", meter: "tokens", period: "day", limit: 5_000 },
      { feature: "labs", granted: true },
    ],
    replaced: [],
  });
  expect((await home.run(["check", "ada", "--tokens", "10"])).code).toBe(0);
  expect(await home.ok(["users", "override", "list", "--format", "csv"])).toMatch(
    /^user,tier,override,value,tier_value,since,until,reason\nada@example.com,free,tokens\/day,5000,1000,2026-11-22T12:00:\S+Z,2026-12-01T00:00:00Z,launch week\nada@example.com,free,labs,granted,denied,/,
  );
  const replaced = await home.ok(["users", "override", "add", "ada", "--daily-tokens", "unlimited", ...WEEK]);
  expect(replaced).toContain("instead of   tokens/day 5,000 until");
  expect(await home.json(["users", "override", "list", "ada"])).toMatchObject([
    { feature: "labs", tier_says: false },
    { user: "ada", limit: null, tier_says: 1_000, reason: "launch week", until: "2026-12-01T00:00:00Z" },
  ]);
  expect(await home.ok(["users", "override", "revoke", "ada", "tokens/day", "--reason", "over"])).toMatch(
    /^Revoked 1 override of ada@example.com: free \(Free Alpha\) decides again from the next call on.\n\nrevoked +tokens\/day unlimited until .*\nstill on +labs granted/,
  );
  expect((await home.run(["check", "ada", "--tokens", "10"])).code).toBe(4);
  await home.ok(["users", "override", "revoke", "ada"]);
  expect(await home.ok(["users", "override", "list"])).toBe(
    "No overrides: every tester may use what their tier says.\n",
  );
});

test.each<[string[], number, string]>([
  [["override", "ada", "--daily-tokens", "5000"], 2, "an override needs a reason"],
  [["override", "ada", "--reason", "x"], 2, "say what is to be different for them"],
  [
    ["override", "ada", "--daily-tokens", "many", ...WEEK],
    2,
    'must be a whole number of 0 or more, not "many"',
  ],
  [
    ["override", "ada", "--daily-tokens", "1", "--until", "2026-11-22", "--reason", "x"],
    2,
    "is over already",
  ],
  [["override", "nobody-at-all", "--daily-tokens", "1", ...WEEK], 1, 'no user "nobody-at-all"'],
  [["override", "revoke", "ada"], 1, "nothing is laid over the tier of ada@example.com"],
  [["override", "list", "adda"], 1, "did you mean ada?"],
  [["reset", "cleo"], 1, "limits count nothing of cleo today"],
  [["reset", "ada", "--meter", "token"], 2, "Allowed choices are tokens"],
  [["reset", "ada", "--meter", "requests"], 1, "no limit of ada@example.com is for requests"],
  [["rename", "ada"], 2, "say what they are called from now on"],
  [["rename", "ada", "ada@"], 2, '"ada@" is not an email address'],
  [["rename", "ada", "bob@example.com"], 1, "there is already a user bob@example.com"],
  [["persona", "ada"], 2, "missing required argument"],
  [["persona", "ada", "lazy"], 2, 'no persona "lazy"'],
  [["persona", "ada", "none"], 1, "ada@example.com has no persona"],
  [["persona", "nobody-at-all", "power"], 1, 'no user "nobody-at-all"'],
  [["alias", "add", "ada"], 2, "missing required argument"],
  [["alias", "add", "ada", "bob"], 1, '"bob" is already a name of bob@example.com'],
  [["alias", "remove", "ada", "ada@example.com"], 1, "is the email of ada@example.com, and no alias"],
  [["remove", "ada"], 2, "There is nobody to ask here"],
  [["remove", "nobody-at-all", "--yes"], 1, 'no user "nobody-at-all"'],
  [["erase", "ada"], 2, "There is nobody to ask here"],
  [["add", "ada", "--restore"], 1, "ada@example.com was not removed"],
  [["add", "--restore"], 2, "--restore takes one name"],
  [["add", "ada", "--restore", "--persona", "power"], 2, "--restore takes one name"],
  [["list", "--near", "--tier", "gold"], 1, 'no tier "gold"'],
  [["show", "nobody-at-all", "--for-tester"], 1, 'no user "nobody-at-all"'],
])("what makes no sense is refused and changes nothing: users %j", async (args, code, message) => {
  const home = await seeded();
  const before = await snapshot(home.database);
  const said = await home.run(["users", ...args]);
  expect(said).toMatchObject({ code, stdout: "" });
  expect(said.stderr).toContain(message);
  expect(said.stderr).toMatch(/^error: .+\nhint: .+\n$/);
  const json = await home.run(["users", ...args, "--json"]);
  expect(json).toMatchObject({ code, stdout: "" });
  expect(JSON.parse(json.stderr).error.message).toContain(message);
  expect(await snapshot(home.database)).toEqual(before);
});

test("a reset forgives today for the limits, tells what still blocks, and leaves the report as it is", async () => {
  const home = await seeded();
  const { at: _, ...report } = await home.json(["usage", "report"]);
  const out = await home.ok(["users", "reset", "ada", "--reason", "our bug"]);
  expect(out).toMatch(
    /^Forgave ada@example.com 950 tokens, \$0.25 and 1 request of 2026-11-22.\nLimits count it no more; /,
  );
  expect(out).toMatch(/^tokens\/day +0 +0 +1,000 +0% /m);
  expect((await home.run(["check", "ada", "--tokens", "10"])).code).toBe(0);
  expect(await home.json(["usage", "report"])).toMatchObject(report);
  await home.ok(["users", "override", "ada", "--monthly-cost", "0.20", "--reason", "x"]);
  const blocked = await home.run(["users", "reset", "bob", "--dry-run"]);
  expect(blocked.stderr).not.toContain("warning");
  await home.ok(["usage", "record", "ada", "--input-tokens", "500", "--cost", "0"]);
  const still = await home.run(["users", "reset", "ada"]);
  expect(still.stderr).toBe(`in ${home.shown}\nwarning: ada@example.com is still blocked by cost/month\n`);
  expect(await home.json(["users", "reset", "ada", "--meter", "cost"])).toMatchObject({
    forgiven: [{ meter: "cost", period: "month", window: "2026-11", amount: { usd: "0.25" } }],
    quotas: [{}, {}, { meter: "cost", state: "allow" }],
  });
});

test("a tester is renamed, and found under every name that they had", async () => {
  const home = await seeded();
  expect(await home.ok(["users", "rename", "key-1", "Ada@King.example", "--name", "Ada King"])).toBe(
    "Renamed ada@example.com to ada@king.example.\nTheir name is Ada King.\nada@example.com still finds them, as an alias.\n",
  );
  expect(await home.ok(["users", "alias", "add", "ada", "slack:U1", "key-2"])).toBe(
    "Added key-2 and slack:U1: they find ada@king.example from now on.\nAliases of ada@king.example: ada@example.com, key-1, key-2, slack:U1.\n",
  );
  expect(await home.json(["users", "alias", "remove", "slack:U1", "key-1"])).toMatchObject({
    id: "ada",
    aliases: ["ada@example.com", "key-2", "slack:U1"],
    before: { aliases: ["ada@example.com", "key-1", "key-2", "slack:U1"] },
  });
  expect((await home.run(["users", "show", "key-1"])).code).toBe(1);
  expect(await home.json(["users", "show", "ada@example.com"])).toMatchObject({ email: "ada@king.example" });
});

test("a persona is changed, compared with in reports, and put back", async () => {
  const home = await seeded();
  const told =
    "Gave ada@example.com the persona power: expected to use 5,000 tokens and 25 images a day.\nThey had none before.\n";
  const tried = await home.run(["users", "persona", "key-1", "power", "--dry-run"]);
  expect(tried.stdout).toBe(told.replace("Gave", "Would give"));
  expect(await home.json(["users", "show", "ada"])).toMatchObject({ persona: null });
  expect(await home.ok(["users", "persona", "key-1", "power", "--reason", "writes all day"])).toBe(told);
  expect(await home.json(["usage", "report"])).toMatchObject({
    rows: expect.arrayContaining([expect.objectContaining({ persona: "power", persona_inferred: false })]),
  });
  expect(await home.json(["users", "persona", "ada", "casual"])).toMatchObject({
    id: "ada",
    persona: "casual",
    before: { persona: "power" },
  });
  const [{ entry }] = await home.json(["audit", "--action", "users persona"]);
  await home.ok(["undo", String(entry)]);
  expect(await home.json(["users", "show", "ada"])).toMatchObject({ persona: "power" });
});

test("a tester is removed and brought back", async () => {
  const home = await seeded();
  const out = await home.ok(["users", "remove", "ada", "--yes"]);
  expect(out).toMatch(/^Removed ada@example.com: every call is refused from the next decision on.\n/);
  expect(out).toContain("alpha users add ada@example.com --restore");
  expect((await home.run(["check", "ada"])).stderr).toContain("ada@example.com was removed");
  expect(await home.json(["users", "list"])).toHaveLength(2);
  expect(await home.json(["users", "list", "--status", "removed"])).toMatchObject([{ id: "ada" }]);
  const refused = await home.run(["users", "add", "key-1@x.io", "--alias", "key-1"]);
  expect(refused.stderr).toBe(
    'error: "key-1" is reserved: it belonged to a user who was removed\nhint: bring them back with: alpha users add key-1 --restore\n',
  );
  expect(await home.ok(["users", "add", "key-1", "--restore"])).toMatch(
    /^Brought back ada@example.com on free \(Free Alpha\), with everything they had used.\n/,
  );
  expect(await home.json(["users", "show", "ada"])).toMatchObject({
    status: "active",
    quotas: [{ used: 950 }, {}, {}],
  });
});

test("on a terminal removing and erasing ask first, and no means no", async () => {
  const home = await seeded();
  for (const verb of ["remove", "erase"]) {
    const { code, text } = await alphaInTerminal(home, ["users", verb, "ada"], {
      steps: [{ wait: "(y/N)", send: `n${KEY.enter}` }],
    });
    expect(code).toBe(130);
    expect(text).toContain("ada@example.com");
    expect(text).toContain("error: nothing was changed");
  }
  expect(await home.json(["users", "list"])).toHaveLength(3);
  const { code, text } = await alphaInTerminal(home, ["users", "erase", "ada"], {
    steps: [{ wait: "(y/N)", send: `y${KEY.enter}` }],
  });
  expect(code).toBe(0);
  expect(text).toContain("Erased ada@example.com");
});

test("whoever was erased is nowhere in the database any more, and every total is as before", async () => {
  const home = await seeded();
  await home.ok(["users", "rename", "ada", "lovelace@engine.example", "--name", "Countess of L."]);
  await home.ok(["users", "override", "ada", "--grant", "labs", "--reason", "Ada Lovelace asked for it"]);
  await home.ok(["emergency-stop", "on", "--user", "ada", "--reason", "key-1 leaked"]);
  await home.ok(["emergency-stop", "off"]);
  const report = (lines: string) => JSON.parse(lines).data.totals;
  const before = await home.ok(["usage", "report", "--json"]);
  const erased = await home.json([
    "users",
    "erase",
    "ada",
    "--reason",
    "lovelace@engine.example wrote",
    "--yes",
  ]);
  expect(erased).toMatchObject({ id: expect.stringMatching(/^erased-u_/), names_forgotten: 5 });
  const kept = onServer
    ? JSON.stringify(await snapshot(home.database))
    : readFileSync(home.database).toString("latin1");
  for (const name of ["ada", "Lovelace", "lovelace@", "key-1", "Countess"]) {
    expect(kept.toLowerCase().includes(name.toLowerCase())).toBe(false);
  }
  expect(kept).toContain(erased.id);
  expect(report(await home.ok(["usage", "report", "--json"]))).toEqual(report(before));
  await home.ok(["db", "verify"]);
  const again = await home.run(["users", "add", erased.id, "--restore"]);
  expect(again).toMatchObject({ code: 1 });
  expect(again.stderr).toContain("was erased: nothing is known of who that was");
});

test("who is blocked or near a limit is listed, most urgent first", async () => {
  const home = await seeded();
  await home.ok(["users", "suspend", "cleo"]);
  const lines = (await home.ok(["users", "list", "--near", "--blocked"])).split("\n");
  expect(lines[0]).toMatch(/^ID +EMAIL +TIER +STATE +BY +USED +LIMIT +FULL +BACK$/);
  expect(lines.slice(1, 4).map((line) => line.split(/ {2,}/))).toEqual([
    [
      "ada",
      "ada@example.com",
      "free",
      "blocked",
      "tokens/day",
      "950",
      "1,000",
      "95%",
      "2026-11-23T00:00:00Z",
    ],
    ["cleo", "cleo", "pro", "blocked", "suspended", "-", "-", "-", "-"],
    [
      "bob",
      "bob@example.com",
      "basic",
      "near",
      "tokens/day",
      "8,500",
      "10,000",
      "85%",
      "2026-11-23T00:00:00Z",
    ],
  ]);
  expect(await home.json(["users", "list", "--near"])).toMatchObject([
    { id: "bob", standing: { state: "near", code: "near-limit", quota: { meter: "tokens", ratio: 0.85 } } },
  ]);
  expect(await home.ok(["users", "list", "--blocked", "--format", "csv"])).toBe(
    [
      "id,email,tier,state,by,used,limit,full,resets_at",
      "ada,ada@example.com,free,blocked,tokens/day,950,1000,0.95,2026-11-23T00:00:00Z",
      "cleo,,pro,blocked,suspended,,,,",
      "",
    ].join("\n"),
  );
  expect(await home.ok(["users", "list", "--near", "--tier", "pro"])).toBe(
    "Nobody of them is near a limit.\n",
  );
});

test("what a tester is sent says what they may use, what is left, and when it comes back", async () => {
  const home = await seeded();
  expect(await home.ok(["users", "show", "ada", "--for-tester"])).toBe(
    [
      "Hello Ada Lovelace,",
      "",
      "you are on Free Alpha. This is what you may use, and what is left of it:",
      "",
      "- 1,000 tokens a day: used up today (950 of 1,000)",
      "- 5 images a day: all left today",
      "- a budget of $10.00 a month: $9.75 left this month",
      "",
      "The daily limits start anew at 2026-11-23 00:00, the monthly ones at 2026-12-01 00:00 (UTC).",
      "",
      "Features that are open to you: basic_seo and blog_writer.",
      "",
    ].join("\n"),
  );
  await home.ok(["users", "override", "bob", "--daily-images", "0", "--daily-tokens", "9000", ...WEEK]);
  await home.ok(["users", "suspend", "bob"]);
  const text = await home.ok(["users", "show", "bob", "--for-tester"]);
  expect(text).toMatch(/^Hello,\n\nThis account is suspended. Please write to us to have it resumed.\n/);
  expect(text).toContain("- 9,000 tokens a day until 2026-12-01 00:00 (UTC): 500 left today\n");
  expect(text).toContain("- no images until 2026-12-01 00:00 (UTC)\n");
  // What the tier does not limit is not told of.
  const unlimited = ["--daily-images", "unlimited", "--monthly-tokens", "unlimited", ...WEEK];
  await home.ok(["users", "override", "ada", ...unlimited]);
  expect(await home.ok(["users", "show", "ada", "--for-tester"])).toContain(
    "- 1,000 tokens a day: used up today (950 of 1,000)\n- unlimited images a day until 2026-12-01 00:00 (UTC)\n- a budget",
  );
  expect((await home.json(["users", "show", "ada", "--for-tester"])).unlimited).toEqual([
    { meter: "images", period: "day", until: "2026-12-01T00:00:00Z" },
  ]);
  const data = await home.json(["users", "show", "cleo", "--for-tester"]);
  expect(data.text).toContain("You may use every feature.");
  expect(data).toMatchObject({ id: "cleo", tier: "pro", outcome: "allow", time_zone: "UTC" });
});

test("calls in progress keep their tester from being erased, and the sentence says what to do", async () => {
  const home = await seeded();
  await home.ok(["users", "remove", "cleo", "--yes"]);
  const held = await seededHome([{ id: "ada" }], {
    prepare: ({ store }) => store.meter.commit([reserve("r", { tokens: 5 }, "ada", NOW)]),
  });
  const { code, stderr } = await held.run(["users", "erase", "ada", "--yes"]);
  expect(code).toBe(1);
  expect(stderr).toBe(
    "error: ada has a call in progress, whose usage would not be counted\nhint: remove them first and wait until it has settled, or let go of it with: alpha holds release --user ada\n",
  );
});
