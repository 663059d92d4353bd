import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { emptyHome, seededHome } from "../support/homes.js";
import { HOUR, record, reserve } from "../support/store.js";

async function seeded(): Promise<Home> {
  const home = await seededHome(
    [
      { id: "ada", email: "ada@example.com", name: "Ada", aliases: ["key-1"], persona: "active" },
      { id: "bob", tier: "pro" },
    ],
    {
      at: NOW - HOUR,
      prepare: ({ store }) =>
        store.meter.commit([
          record(
            "1",
            { input: 900, output: 50, images: 2, cost: 250_000_000, occurredAt: NOW - HOUR },
            NOW - HOUR,
          ),
          reserve("r", { tokens: 0, images: 1, cost: 0 }, "ada", NOW - 60_000),
        ]),
    },
  );
  return home;
}

const CHANGING = [
  ["users", "add", "new@example.com"],
  ["users", "promote", "ada"],
  ["users", "demote", "bob"],
  ["users", "suspend", "ada"],
  ["users", "resume", "eve"],
];
const VERBS = ["add", "list", "show", "promote", "demote", "suspend", "resume"];

test("testers are added, one with everything and one with an id alone", async () => {
  const home = await emptyHome();
  await home.ok(["init"]);
  const { stdout, stderr, code } = await home.run([
    "users",
    "add",
    "Ada@Example.com",
    "--id",
    "ada",
    "--name",
    "Ada Lovelace",
    "--tier",
    "basic",
    "--persona",
    "active",
    "--alias",
    "key-1",
    "--alias",
    "k:2",
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: `in ${home.shown}\n` });
  expect(stdout).toBe(
    [
      "Added ada@example.com (id ada) on basic (Basic Alpha).",
      "They may use: 10,000 tokens a day, 50 images a day and $100.00 a month.",
      "Also known as: k:2, key-1.",
      "Expected to use it like: active.",
      "",
    ].join("\n"),
  );
  expect(await home.json(["users", "add", "--id", "bob"])).toMatchObject({
    id: "bob",
    email: null,
    tier: "free",
    limits: [
      { meter: "tokens", period: "day", limit: 1_000 },
      {},
      { limit: { nanos: 10_000_000_000, usd: "10" } },
    ],
  });
  expect(await home.json(["users", "list"])).toMatchObject([
    {
      id: "ada",
      email: "ada@example.com",
      name: "Ada Lovelace",
      tier: "basic",
      persona: "active",
      aliases: ["k:2", "key-1"],
    },
    { id: "bob", created_at: expect.stringMatching(/^2026-11-22T12:00:/) },
  ]);
});

test.each<[string[], number, string]>([
  [["add"], 2, "nobody to ask"],
  [["add", "ada"], 2, '"ada" is not an email address'],
  [["add", "ADA@example.com"], 1, "there is already a user ada@example.com"],
  [["add", "n@x.io", "--id", "key-1"], 1, '"key-1" is already a name of ada@example.com'],
  [["add", "n@x.io", "--tier", "fre"], 1, "did you mean free?"],
  [["add", "n@x.io", "--persona", "lazy"], 2, 'no persona "lazy"'],
  [["add", "n@x.io", "--from", "users.csv"], 2, "--from"],
  [["add", "n@x.io", "m@x.io"], 2, "too many arguments"],
  [["show"], 2, "missing required argument"],
  [["show", "ad@example.com"], 1, 'no user "ad@example.com"; did you mean ada@example.com?'],
  [["list", "--tier", "gold"], 1, 'no tier "gold"'],
  [["promote", "bob"], 1, "bob is already on pro, the highest tier"],
  [["promote", "ada", "--to", "gold"], 1, 'no tier "gold"'],
  [["promote", "bob", "--to", "free"], 1, "alpha users demote bob --to free"],
  [["demote", "ada"], 1, "the lowest tier"],
  [["demote", "nobody-at-all"], 1, 'no user "nobody-at-all"'],
  [["suspend", "nobody-at-all"], 1, 'no user "nobody-at-all"'],
  [["resume", "ada"], 1, "ada@example.com is already active"],
])("what makes no sense is refused and changes nothing: users %j", async (args, code, message) => {
  const home = await seeded();
  const before = await home.json(["users", "list"]);
  const said = await home.run(["users", ...args]);
  expect(said).toMatchObject({ code, stdout: "" });
  expect(said.stderr).toContain(message);
  const json = await home.run(["users", ...args, "--json"]);
  expect(json).toMatchObject({ code, stdout: "" });
  expect(JSON.parse(json.stderr).error.message).toBeTruthy();
  expect(await home.json(["users", "list"])).toEqual(before);
});

test("many are added from a file and from stdin, all or none", async () => {
  const home = await seeded();
  const text =
    '\ufeffemail,id,name,tier,persona,alias\r\neve@x.io,eve,"Eve, E",basic,casual,k-8 k-9\r\nmax@x.io,,,,,\r\n';
  writeFileSync(join(home.path, "users.csv"), text);
  expect(await home.ok(["users", "add", "--from", "users.csv", "--dry-run"])).toContain(
    "Would add 2 testers.",
  );
  expect(await home.json(["users", "list"])).toHaveLength(2);
  const out = await home.ok(["users", "add", "--from", "users.csv"]);
  expect(out).toContain("Added 2 testers.");
  expect(out).toMatch(/^eve +eve@x.io +Eve, E +basic +casual +active +2026-11-22$/m);
  expect(await home.json(["users", "show", "k-9"])).toMatchObject({ id: "eve", tier: "basic" });

  const again = await home.run(["users", "add", "--from", "users.csv"]);
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toContain(
    "2 rows of users.csv cannot be added, so nobody was:\n  line 2: there is already a user eve@x.io\n  line 3:",
  );
  const piped = await home.json(["users", "add", "--from", "-", "--tier", "pro"], {
    input: "id,tier\nx,\ny,free\n",
  });
  expect(piped).toMatchObject([
    { id: "x", tier: "pro" },
    { id: "y", tier: "free" },
  ]);
});

test("every bad row of a file is told with its line, and nobody is added", async () => {
  const home = await seeded();
  const input =
    "email,id,tier,persona\nbad,,gold,\nada@example.com,,,\nq@x.io,q,,\nQ@x.io,,,lazy\nshort\nok@x.io,,,\n";
  const { code, stdout, stderr } = await home.run(["users", "add", "--from", "-"], { input });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toBe(
    [
      "error: 4 rows of stdin cannot be added, so nobody was:",
      '  line 2: "bad" is not an email address; no tier "gold"',
      "  line 3: there is already a user ada@example.com",
      '  line 5: no persona "lazy"; "q@x.io" stands on line 4 already',
      "  line 6: has 1 fields where the header has 4",
      "hint: mend the file and run it again; --dry-run only tries it",
      "",
    ].join("\n"),
  );
  expect(await home.json(["users", "list"])).toHaveLength(2);
});

test("files that are no list of testers get a sentence", async () => {
  const home = await seeded();
  mkdirSync(join(home.path, "folder"));
  writeFileSync(join(home.path, "empty.csv"), "");
  writeFileSync(join(home.path, "notes.db"), `SQLite format 3\0${"\0".repeat(4_080)}`);
  writeFileSync(join(home.path, "binary.csv"), Buffer.from([0, 1, 2, 250, 0]));
  writeFileSync(join(home.path, "headless.csv"), "a@x.io\nb@x.io\n");
  for (const [file, message] of [
    ["folder", "folder is a directory."],
    ["empty.csv", "empty.csv is empty."],
    ["binary.csv", "binary.csv is a binary file"],
    ["headless.csv", "names neither a column email nor a column id"],
    ["none.csv", "There is no file none.csv."],
    ["notes.db", "notes.db is an SQLite database"],
  ] as const) {
    const { code, stderr } = await home.run(["users", "add", "--from", file]);
    expect({ file, code }).toEqual({ file, code: 1 });
    expect(stderr).toContain(message);
    expect(stderr).toContain("\nhint: ");
  }
  expect(await home.json(["users", "list"])).toHaveLength(2);
});

test("one tester is shown with how full their limits are", async () => {
  const home = await seeded();
  expect(await home.ok(["users", "show", "key-1"])).toMatch(
    /^ada@example.com\nid +ada\nname +Ada\naliases +key-1\ntier +free \(Free Alpha\), since 2026-11-22T11:00:00Z\nstatus +active\n/,
  );
  expect(await home.json(["users", "show", "ada@example.com"])).toMatchObject({
    id: "ada",
    tier_since: "2026-11-22T11:00:00Z",
    quotas: [
      {
        meter: "tokens",
        used: 950,
        held: 0,
        remaining: 0,
        state: "block",
        resets_at: "2026-11-23T00:00:00Z",
      },
      { meter: "images", used: 2, held: 1, remaining: 2, state: "allow" },
      { meter: "cost", used: { usd: "0.25" }, limit: { usd: "10" }, resets_at: "2026-12-01T00:00:00Z" },
    ],
    features: ["basic_seo", "blog_writer"],
    overrides: [],
  });
  const csv = await home.ok(["users", "show", "ada", "--format", "csv"]);
  expect(csv.split("\n")[1]).toBe("tokens/day,950,0,1000,0.95,2026-11-23T00:00:00Z,tier");
});

test("a promotion says what changed; a demotion warns when the new limits are used up", async () => {
  const home = await seeded();
  const tried = await home.run(["users", "promote", "ada", "--dry-run"]);
  expect(tried.stderr).toBe(`dry run, nothing was changed in ${home.shown}\n`);
  expect(tried.stdout).toContain("Would promote ada@example.com from free to basic (Basic Alpha).");
  const out = await home.ok(["users", "promote", "ada", "--reason", "good tester"]);
  expect(out).toMatch(/^Promoted ada@example.com from free to basic/);
  expect(out).toMatch(/^tokens\/day +1,000 +10,000 +950 +9%$/m);
  expect(out).toMatch(/^features gained +content_planning, seo_analysis\nfeatures lost +basic_seo$/m);
  expect(out).toMatch(/^usage +kept/m);
  const down = await home.run(["users", "demote", "ada", "--json"]);
  expect(JSON.parse(down.stdout)).toMatchObject({
    kind: "demotion",
    data: {
      from: "basic",
      to: "free",
      features_gained: ["basic_seo"],
      limits: [{ before: 10_000, after: 1_000 }, {}, {}],
    },
    meta: { dry_run: false, database: home.shown },
  });
  expect(down.stderr).toBe("warning: ada@example.com is blocked at once; used up: tokens/day\n");
  expect(await home.json(["users", "show", "ada"])).toMatchObject({ tier: "free" });
});

test("a suspension says when it holds, and how it is undone", async () => {
  const home = await seeded();
  expect(await home.ok(["users", "suspend", "key-1", "--dry-run"])).toContain(
    "Would suspend ada@example.com",
  );
  const out = await home.ok(["users", "suspend", "key-1", "--reason", "shared the key"]);
  expect(out).toContain("every call is refused from the next decision on");
  expect(out).toContain("alpha users resume ada@example.com");
  expect(await home.json(["users", "list", "--status", "suspended"])).toMatchObject([{ id: "ada" }]);
  expect(await home.ok(["users", "show", "ada"])).toMatch(/^status +suspended, since 2026-11-22T12:00:/m);
  expect(await home.json(["users", "resume", "ada"])).toMatchObject({ id: "ada", status: "active" });
});

test("without a database every command says so", async () => {
  const home = await emptyHome();
  for (const args of [...CHANGING, ["users", "list"], ["users", "show", "ada"]]) {
    const { code, stdout, stderr } = await home.run(args);
    expect({ args, code, stdout }).toEqual({ args, code: 3, stdout: "" });
    expect(stderr).toContain("alpha init");
  }
});

test("every command explains itself", async () => {
  const home = await emptyHome();
  for (const verb of VERBS) {
    const help = await home.ok(["users", verb, "--help"]);
    expect(help).toContain("Examples:\n  $ alpha users");
  }
});
