import { expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { emptyHome } from "../support/homes.js";
import { snapshot } from "../support/inside.js";
import { alphaInTerminal } from "../support/pty.js";

const USAGE = [
  {
    id: "1",
    timestamp: "2026-11-20T08:00:00Z",
    user: "ada",
    model: "gpt-4o",
    input_tokens: 400,
    output_tokens: 100,
    cost_usd: "0.002",
  },
  {
    id: "2",
    timestamp: "2026-11-21T08:00:00Z",
    user: "ada",
    model: "gpt-4o",
    input_tokens: 300,
    output_tokens: 100,
    cost_usd: "0.003",
  },
  { id: "3", timestamp: "2026-11-21T09:00:00Z", user: "ada", model: "gpt-image-1", images: 4 },
  {
    id: "4",
    timestamp: "2026-10-31T23:59:59Z",
    user: "bob",
    model: "gpt-4o",
    input_tokens: 60,
    output_tokens: 40,
    cost_usd: "1.5",
  },
].map((event) => ({ provider: "openai", feature: "blog_writer", ...event }));

/** Ada of 20 November and Bob of 1 October, with four calls between them. */
async function used(): Promise<Home> {
  const home = await emptyHome();
  await home.ok(["init"], { now: Date.UTC(2026, 8, 1) });
  await home.ok(["users", "add", "bob@example.com", "--id", "bob", "--tier", "basic"], {
    now: Date.UTC(2026, 9, 1),
  });
  await home.ok(["users", "add", "ada@example.com", "--id", "ada", "--persona", "casual"], {
    now: Date.UTC(2026, 10, 20, 7),
  });
  await home.ok(["usage", "import", "-"], { input: USAGE.map((event) => JSON.stringify(event)).join("\n") });
  return home;
}

test("by user it is about the running month, unless told otherwise", async () => {
  const home = await used();
  const data = await home.json(["usage", "report"]);
  expect(data).toMatchObject({ by: "user", since: "2026-11-01", until: "2026-12-01", time_zone: "UTC" });
  expect(data.rows).toHaveLength(2);
  expect(data.rows[0]).toMatchObject({
    user: { id: "ada", email: "ada@example.com", status: "active" },
    tier: "free",
    persona: "casual",
    persona_inferred: false,
    tokens: 900,
    images: 4,
    requests: 3,
    cost: { nanos: 5_000_000, usd: "0.005" },
    assumed_cost: { nanos: 200_000_000, usd: "0.2" },
    unpriced_events: 1,
    fullest: { meter: "images", period: "day", ratio: 0.8 },
    // Three of November's eleven days that are left from the 20th on.
    estimate: {
      days: 3,
      tokens: 1_500,
      images: 6,
      stated: { usd: "1.5" },
      computed: { usd: "0.45" },
      actual: { usd: "0.205" },
      projected: { usd: "0.751666667" },
    },
  });
  expect(data.rows[1]).toMatchObject({
    user: { id: "bob" },
    tokens: 0,
    persona: null,
    estimate: { stated: null },
  });
  expect(data.totals).toMatchObject({ tokens: 900, requests: 3, unpriced_events: 1 });

  const october = await home.json(["usage", "report", "--month", "2026-10"]);
  expect(october.rows).toMatchObject([
    {
      user: { id: "bob" },
      tokens: 100,
      estimate: { days: 31, actual: { usd: "1.5" }, projected: { usd: "1.5" } },
    },
  ]);
  const both = await home.json(["usage", "report", "--since", "2026-10-31", "--until", "2026-11-21"]);
  expect(both.rows.map((row: { tokens: number }) => row.tokens)).toEqual([100, 500]);
});

test("by anything the totals agree", async () => {
  const home = await used();
  const totals = [];
  const keys: Record<string, string[]> = {};
  for (const by of ["user", "tier", "model", "provider", "feature", "day"]) {
    const data = await home.json(["usage", "report", "--by", by, "--since", "2026-10-31"]);
    totals.push(data.totals);
    keys[by] = data.rows.map((row: Record<string, unknown>) => row[by]);
  }
  for (const each of totals) expect(each).toEqual(totals[0]);
  expect(totals[0]).toMatchObject({ tokens: 1_000, images: 4, requests: 4, cost: { usd: "1.505" } });
  expect(keys).toMatchObject({
    tier: ["free", "basic", "pro"],
    model: ["gpt-4o", "gpt-image-1"],
    provider: ["openai"],
    feature: ["blog_writer"],
  });
  expect(keys.day).toHaveLength(23);
});

test("unpriced usage shows in every form", async () => {
  const home = await used();
  const note =
    "1 event is unpriced and no part of COST; assumed to cost $0.20, shown apart: openai/gpt-image-1";
  for (const by of ["user", "tier", "model", "provider", "feature", "day"]) {
    const report = (...more: string[]) => home.run(["usage", "report", "--by", by, ...more]);
    expect((await report()).stdout).toContain(note);
    expect((await report("--format", "markdown")).stdout).toContain(note);
    const csv = await report("--format", "csv");
    const [header, ...rows] = csv.stdout.trim().split("\n");
    const column = header!.split(",").indexOf("unpriced_events");
    expect(rows.reduce((sum, row) => sum + Number(row.split(",")[column]), 0)).toBe(1);
    expect(csv.stderr).toContain(note);
    expect(JSON.parse((await report("--json")).stdout).data.unpriced).toMatchObject({
      events: 1,
      models: [{ provider: "openai", model: "gpt-image-1", events: 1, assumed_cost: { usd: "0.2" } }],
    });
  }
});

test("into a pipe it is a table without colour, with every column", async () => {
  const home = await used();
  const { stdout, stderr } = await home.run(["usage", "report"]);
  expect(stderr).toBe("");
  expect(stdout).not.toContain("\u001b");
  expect(stdout.split("\n")[0]!.trim().split(/ +/)).toEqual(
    "USER TIER PERSONA INPUT CACHED OUTPUT TOKENS IMAGES REQUESTS COST ASSUMED UNPRICED LIMIT FULLEST LIMITS STATED COMPUTED ACTUAL PROJECTED".split(
      " ",
    ),
  );
  expect(stdout).toContain("casual on free: the stated $15.00 a month is above the limit of $10.00");
});

test.each([
  [80, ["USER", "TIER", "TOKENS", "IMAGES", "COST", "LIMIT", "PROJECTED"]],
  [120, ["USER", "TIER", "PERSONA", "COST", "STATED", "COMPUTED", "ACTUAL", "PROJECTED"]],
])("on a terminal of %i columns it fits", async (columns, headers) => {
  const home = await used();
  const { text, code } = await alphaInTerminal(home, ["usage", "report"], { columns });
  expect(code).toBe(0);
  const lines = text.trimEnd().split("\n");
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  const shown = lines.find((line) => line.startsWith("USER"))!.split(/ +/);
  expect(shown).toEqual(expect.arrayContaining(headers));
});

test("in the accounting zone, months begin when they begin there", async () => {
  const home = await emptyHome();
  await home.ok(["init", "--time-zone", "Europe/Berlin"], { now: Date.UTC(2026, 8, 1) });
  await home.ok(["users", "add", "--id", "bob"], { now: Date.UTC(2026, 8, 2) });
  await home.ok(["usage", "import", "-"], {
    // 00:59:59 on 1 November in Berlin, an hour after the clocks' month has begun there.
    input: JSON.stringify(USAGE[3]),
  });
  expect((await home.json(["usage", "report"])).totals.tokens).toBe(100);
  expect((await home.json(["usage", "report", "--month", "2026-10"])).totals.tokens).toBe(0);
});

test("estimates can be computed at a real model's price", async () => {
  const home = await used();
  const data = await home.json(["usage", "report", "--at-model", "openai/gpt-4o"]);
  expect(data.computed_at).toMatchObject({
    rates: "model",
    model: "openai/gpt-4o",
    images_at_planning_rate: true,
    token_split: { from: "usage", input: 700, output: 200 },
  });
  expect(data.rows[0].estimate.computed.nanos).toBeGreaterThan(300_000_000);
  const unknown = await home.run(["usage", "report", "--at-model", "gpt-none"]);
  expect(unknown).toMatchObject({ code: 1, stdout: "" });
  expect(unknown.stderr).toContain('no price is known for the model "gpt-none"');
});

test("without any usage, and without anybody, it says so", async () => {
  const home = await emptyHome();
  await home.ok(["init"]);
  expect(await home.ok(["usage", "report"])).toContain("Nobody was a tester then, and nothing was used.");
  expect(await home.ok(["usage", "report", "--by", "model"])).toContain("Nothing was used.");
  expect(await home.json(["usage", "report"])).toMatchObject({ rows: [], totals: { tokens: 0 } });
  await home.ok(["users", "add", "ada@example.com"]);
  expect((await home.json(["usage", "report"])).rows).toMatchObject([
    { tokens: 0, estimate: { projected: null } },
  ]);
});

test.each(["user", "tier", "model", "provider", "feature", "day"])(
  "by %s its CSV and Markdown add up to its totals",
  async (by) => {
    const home = await used();
    const wanted = ["usage", "report", "--since", "2026-10-01", "--by", by];
    const { totals, rows } = await home.json(wanted);
    const csv = (await home.ok([...wanted, "--format", "csv"])).trimEnd().split("\n");
    const markdown = (await home.ok([...wanted, "--format", "markdown"])).split("\n");
    const table = markdown.filter((line) => line.startsWith("|"));
    const inner = (line: string) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
    const printed = [
      csv.map((line) => line.split(",")),
      // Without the rule below the head and the totals in the foot.
      [...table.slice(0, 1), ...table.slice(2, -1)].map(inner),
    ];
    for (const [head = [], ...body] of printed) {
      expect(body).toHaveLength(rows.length);
      const sum = (key: string) => body.reduce((total, cells) => total + Number(cells[head.indexOf(key)]), 0);
      expect(sum("tokens")).toBe(totals.tokens);
      expect(sum("requests")).toBe(totals.requests);
      expect(sum("unpriced_events")).toBe(totals.unpriced_events);
      expect(sum("cost_usd")).toBeCloseTo(Number(totals.cost.usd), 9);
      expect(sum("assumed_usd")).toBeCloseTo(Number(totals.assumed_cost.usd), 9);
    }
  },
);

test.each([
  [["--month", "2026-13"], 2, '--month "2026-13" is not a month'],
  [["--since", "2026-11-31"], 2, '--since "2026-11-31" is not a day'],
  [["--since", "2026-11-05", "--until", "2026-11-04"], 2, "--until is exclusive and must be after --since"],
  [["--month", "2026-11", "--since", "2026-11-05"], 2, "leave out --since and --until"],
  [["--by", "colour"], 2, "colour"],
  [["--by", "day", "--at-model", "gpt-4o"], 2, "--at-model"],
  [["extra"], 2, "too many arguments"],
])("%j is refused", async (args, code, message) => {
  const home = await emptyHome();
  await home.ok(["init"]);
  const before = await snapshot(home.database);
  const { stdout, stderr, ...found } = await home.run(["usage", "report", ...args]);
  expect(found.code).toBe(code);
  expect(stdout).toBe("");
  expect(stderr).toContain(message);
  expect(await snapshot(home.database)).toEqual(before);
  const json = await home.run(["usage", "report", ...args, "--json"]);
  expect(JSON.parse(json.stderr).error.code).toBe("usage");
});

test("without a database it says how to make one", async () => {
  const home = await emptyHome();
  const { code, stdout, stderr } = await home.run(["usage", "report"]);
  expect(code).toBe(3);
  expect(stdout).toBe("");
  expect(stderr).toContain("alpha init");
});

test("explains itself", async () => {
  const home = await emptyHome();
  const help = await home.ok(["usage", "report", "--help"], { now: NOW });
  expect(help).toContain("Examples:");
  for (const option of ["--month", "--since", "--until", "--by", "--at-model"])
    expect(help).toContain(option);
});
