import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { type Home, homeAt } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { alphaInTerminal } from "../support/pty.js";

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/bills/${name}`, import.meta.url));
const OPENAI = [fixture("openai-usage.csv"), fixture("openai-cost.csv")];

const call = (id: string, timestamp: string, model: string, more: Record<string, unknown>) =>
  JSON.stringify({ id, timestamp, user: "ada", provider: "openai", model, ...more });

/** Two of the three calls that the fixtures bill on 2 and 4 November; the second was logged ten seconds after midnight. */
const LOGGED = [
  call("1", "2026-11-02T10:00:00Z", "gpt-4o", {
    input_tokens: 53_440,
    cached_input_tokens: 5_760,
    output_tokens: 10_646,
    cost_usd: "0.24726",
  }),
  call("2", "2026-11-05T00:00:10Z", "gpt-5-mini-2025-08-07", {
    input_tokens: 80_992,
    output_tokens: 274_770,
    cost_usd: "0.569788",
  }),
];
/** The call of the second key, which the log lacks: 800 and 354 tokens at $2.50 and $10 a million are $0.00554. */
const LACKING = call("3", "2026-11-02T23:59:59Z", "gpt-4o-2024-08-06", {
  input_tokens: 800,
  output_tokens: 354,
  cost_usd: "0.00554",
});

const folder = mkdtempSync(join(tmpdir(), "alpha-bills-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const homes = new Map<string, Promise<Home>>();

/** A home with these calls. Reconciling changes nothing, so that tests may share one. */
function homeWith(lines: readonly string[], zone = "UTC"): Promise<Home> {
  const key = `${zone}\n${lines.join("\n")}`;
  const home = homes.get(key) ?? makeHome(join(folder, String(homes.size)), lines, zone);
  homes.set(key, home);
  return home;
}

async function makeHome(path: string, lines: readonly string[], zone: string): Promise<Home> {
  mkdirSync(path);
  const home = homeAt(path);
  await seededDatabase(home.database, [{ id: "ada", email: "ada@example.com" }], {
    at: Date.UTC(2026, 9, 1),
    timeZone: zone,
  });
  if (lines.length > 0) await home.ok(["usage", "import", "-"], { input: lines.join("\n") });
  return home;
}

describe.each(["UTC", "Europe/Berlin"])("with accounting days of %s", (zone) => {
  test("a ledger with every call reconciles, but for the day to which one is dated", async () => {
    const home = await homeWith([...LOGGED, LACKING], zone);
    const { code, stdout, stderr } = await home.run(["reconcile", ...OPENAI]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")[0]).toBe(
      "The bill of openai for 2026-11-02 to 2026-11-05 (4 days, UTC) reconciles with the ledger: 426,762 tokens and $0.82, and nothing differs but day boundaries.",
    );
    expect(stdout).toContain(
      "Day boundary: the bill and the ledger date 355,762 tokens and $0.57 to neighbouring days.",
    );
    expect(stdout).toContain("gpt-4o is compared as one: gpt-4o-2024-08-06 on the bill");
    expect(stdout.includes("the accounting zone is Europe/Berlin")).toBe(zone !== "UTC");
  });
});

test("what a log lacks is missing here, with what it cost, and exit code 1", async () => {
  const home = await homeWith(LOGGED);
  const { code, stdout } = await home.run(["reconcile", ...OPENAI, "--json"]);
  expect(code).toBe(1);
  const { data, kind, meta } = JSON.parse(stdout);
  expect({ kind, meta }).toEqual({ kind: "reconciliation", meta: { count: 4 } });
  expect(data).toMatchObject({
    reconciled: false,
    tolerance: { share: 0, cost: null },
    time_zone: "UTC",
    files: [{ format: "openai-usage", rows: 5, rejected: 0 }, { format: "openai-cost" }],
    bills: [
      {
        provider: "openai",
        token_days: [{ since: "2026-11-02", until: "2026-11-06" }],
        models: expect.arrayContaining([
          {
            model: "gpt-4o",
            matched_by: "family",
            bill_models: ["gpt-4o-2024-08-06"],
            ledger_models: ["gpt-4o"],
          },
        ]),
      },
    ],
    totals: { beyond: { tokens: 1_154, cost: { usd: "0.00554" } } },
  });
  const parts = Object.fromEntries(data.totals.parts.map((part: { cause: string }) => [part.cause, part]));
  expect(parts).toMatchObject({
    "missing-here": {
      tokens: { input_tokens: 800, output_tokens: 354, total: 1_154 },
      cost: { usd: "0.00554" },
    },
    "missing-there": { tokens: { total: 0 }, cost: { nanos: 0 } },
    "day-boundary": { tokens: { total: 0 }, cost: { nanos: 0 } },
    price: { tokens: null, cost: { nanos: 0 } },
    rounding: { cost: { nanos: 0 } },
  });
  expect(data.rows.find((row: { model: string }) => row.model === "gpt-4o")).toMatchObject({
    day: "2026-11-02",
    bill: {
      tokens: { input_tokens: 54_240, cached_input_tokens: 5_760, output_tokens: 11_000 },
      cost: { usd: "0.2528" },
    },
    ledger: { tokens: { input_tokens: 53_440 }, cost: { usd: "0.24726" }, requests: 1 },
  });
});

test.each([
  ["0.3%", 1],
  ["0.7%", 0],
  ["0.00554", 0],
  ["0.005539999", 1],
])("with a tolerance of %s the exit code is %i", async (tolerance, code) => {
  // 1,154 of 426,762 tokens are 0.27 %, $0.00554 of $0.822588 are 0.67 %.
  const home = await homeWith(LOGGED);
  expect(await home.run(["reconcile", ...OPENAI, "--tolerance", tolerance])).toMatchObject({
    code,
    stderr: "",
  });
});

test("the rows of a CSV add up to bill less ledger", async () => {
  const home = await homeWith(LOGGED);
  const { stdout } = await home.run(["reconcile", ...OPENAI, "--format", "csv"]);
  expect(stdout.trim().split("\n")).toEqual([
    "day,provider,model,cause,input_tokens,cached_input_tokens,cache_write_tokens,output_tokens,tokens,cost_usd",
    "2026-11-02,openai,gpt-4o,missing-here,800,0,0,354,1154,0.00554",
    "2026-11-04,openai,gpt-5-mini-2025-08-07,day-boundary,80992,0,0,274770,355762,0.569788",
    "2026-11-05,openai,gpt-5-mini-2025-08-07,day-boundary,-80992,0,0,-274770,-355762,-0.569788",
  ]);
});

test("Anthropic's costs of whole cents are no difference of price", async () => {
  const claude = (id: string, more: Record<string, unknown>) =>
    call(id, "2026-11-02T10:00:00Z", "claude-sonnet-4-5-20250929", { provider: "anthropic", ...more });
  // At $3, $3.75, $0.30 and $15 a million: 0.0375 + 0.00375 + 0.012 + 0.0465; the bill says 0.04 + 0.00 + 0.01 + 0.05.
  const home = await homeWith([
    claude("1", {
      input_tokens: 12_500,
      cache_write_tokens: 1_000,
      cached_input_tokens: 40_000,
      output_tokens: 3_100,
      cost_usd: "0.09975",
    }),
  ]);
  const data = JSON.parse(
    (await home.run(["reconcile", fixture("anthropic-cost.csv"), "--json"])).stdout,
  ).data;
  expect(data.rows.find((row: { model: string }) => row.model === "claude-sonnet-4-5").parts).toEqual(
    expect.arrayContaining([
      { cause: "rounding", tokens: null, cost: { nanos: 250_000, usd: "0.00025" } },
      { cause: "usage-or-price", tokens: null, cost: { nanos: 0, usd: "0" } },
    ]),
  );
  // Web searches and the credit of another model are not in the ledger: two cents and minus three.
  expect(data.totals.beyond.cost.usd).toBe("0.05");
});

describe("files", () => {
  test("gzipped, from standard input, and by a pattern", async () => {
    const home = await homeWith([...LOGGED, LACKING]);
    const packed = gzipSync(readFileSync(OPENAI[0]!));
    expect(await home.run(["reconcile", "-"], { input: packed })).toMatchObject({ code: 0 });
    writeFileSync(join(home.path, "a.csv.gz"), packed);
    expect(await home.run(["reconcile", "*.csv.gz"])).toMatchObject({ code: 0 });
    expect(await home.run(["reconcile", "-", "-"], { input: packed })).toMatchObject({ code: 2 });
  });

  test("rows that cannot be read are told on stderr, and the others are compared", async () => {
    const home = await homeWith([LACKING]);
    const bill = [
      "start_time_iso,model,num_model_requests,input_tokens,output_tokens",
      "2026-11-02T00:00:00,gpt-4o-2024-08-06,1,800,354",
      "2026-11-02T00:00:00,gpt-4o-2024-08-06,1,-8,354",
      "2026-11-02T00:00:00,gpt-image-1,1,,",
    ].join("\n");
    const { code, stdout, stderr } = await home.run(["reconcile", "-"], { input: bill });
    expect(code).toBe(0);
    expect(stdout).toContain("reconciles with the ledger: 1,154 tokens, and nothing differs.");
    expect(stderr).toBe(
      [
        "warning: 1 row of stdin could not be read:",
        '  stdin:3: input_tokens is negative: "-8"',
        "1 row of stdin counts no tokens, but images, characters or seconds.",
        "",
      ].join("\n"),
    );
  });

  test("a file twice counts once, and says so", async () => {
    const home = await homeWith([...LOGGED, LACKING]);
    const { code, stderr } = await home.run(["reconcile", OPENAI[0]!, OPENAI[0]!]);
    expect(code).toBe(0);
    expect(stderr).toContain("3 rows of");
    expect(stderr).toContain("stand in an earlier file too, and counted once.");
  });

  test.each([
    ["no bill", "timestamp,input_tokens\n2026-11-02,1\n", "stdin is no bill that alpha can read"],
    ["nothing readable", "usage_date_utc,cost_usd\nsoon,1\n", "none of its rows can be read"],
    ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1]), "hint: Put `zstd -dc` before it in the pipe."],
    ["JSON", "{}", "stdin is JSON, and bills are read as CSV."],
    ["a header alone", "usage_date_utc,cost_usd\n", "the bill is of no day at all"],
  ])("%s fails with exit code 1 and a sentence", async (_, input, message) => {
    const home = await homeWith([]);
    const { code, stdout, stderr } = await home.run(["reconcile", "-"], { input });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("a file that is not there fails, whatever the others are", async () => {
    const home = await homeWith(LOGGED);
    const { code, stdout, stderr } = await home.run(["reconcile", OPENAI[0]!, "gone.csv"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("There is no file gone.csv.");
  });
});

test("nothing in common is said plainly", async () => {
  const home = await homeWith(LOGGED);
  const { code, stdout } = await home.run([
    "reconcile",
    fixture("anthropic-usage.csv"),
    "--tolerance",
    "100%",
  ]);
  expect(code).toBe(1);
  expect(stdout.split("\n")[0]).toBe(
    "The bill of anthropic for 2026-11-02 to 2026-11-04 (3 days, UTC) and the ledger have nothing in common: on these days the ledger has usage of openai only.",
  );
});

test("--provider names under whom the ledger has it", async () => {
  const azure = [...LOGGED, LACKING].map((line) =>
    line.replace('"provider":"openai"', '"provider":"Azure-OpenAI"'),
  );
  const home = await homeWith(azure);
  expect(await home.run(["reconcile", ...OPENAI])).toMatchObject({ code: 1 });
  expect(await home.run(["reconcile", ...OPENAI, "--provider", "azure_openai"])).toMatchObject({ code: 0 });
});

test("--since and --until are days of UTC", async () => {
  const home = await homeWith([LACKING], "Pacific/Auckland");
  const day = (...more: string[]) => home.run(["reconcile", OPENAI[0]!, "--since", "2026-11-03", ...more]);
  expect(await day("--until", "2026-11-04")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("is of nothing, and the ledger has nothing of it either"),
  });
  expect(await day()).toMatchObject({ code: 1 });
});

test.each([
  [["--tolerance", "some"], '--tolerance "some" is neither a share nor an amount in US dollars'],
  [["--tolerance", "5"], "the bill of openai states no cost"],
  [["--since", "2026-13-01"], '--since "2026-13-01" is not a day'],
  [["--provider", "azure", fixture("anthropic-usage.csv")], "cannot be held against two providers' bills"],
])("%j is refused with exit code 2", async (args, message) => {
  const home = await homeWith([]);
  const { code, stdout, stderr } = await home.run(["reconcile", OPENAI[0]!, ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test("on a terminal of 80 columns it fits", async () => {
  const home = await homeWith(LOGGED);
  const { text, code } = await alphaInTerminal(home, ["reconcile", ...OPENAI], { columns: 80 });
  expect(code).toBe(1);
  for (const line of text.split("\n")) expect(line.trimEnd().length).toBeLessThanOrEqual(80);
  expect(text).toContain("missing here");
});
