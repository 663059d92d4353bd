import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { emptyHome } from "../support/homes.js";
import { rowsOf, snapshot } from "../support/inside.js";
import { program } from "../support/processes.js";
import { alphaInTerminal } from "../support/pty.js";

const manifest = new URL("../../node_modules/@pydantic/genai-prices/package.json", import.meta.url);
const VERSION = JSON.parse(readFileSync(manifest, "utf8")).version;

const CALLS = [
  { id: "1", timestamp: "2026-11-10T10:00:00Z", provider: "openai", model: "gpt-image-1", images: 2 },
  { id: "2", timestamp: "2026-11-20T10:00:00Z", provider: "openai", model: "gpt-image-1", images: 3 },
  {
    id: "3",
    timestamp: "2026-11-20T10:00:00Z",
    provider: "google",
    model: "gemini-2.5-pro",
    input_tokens: 1_000,
    output_tokens: 500,
  },
  {
    id: "4",
    timestamp: "2026-11-20T11:00:00Z",
    model: "our-model-7b",
    input_tokens: 1_000,
    output_tokens: 500,
  },
  {
    id: "5",
    timestamp: "2026-11-20T11:00:00Z",
    provider: "openai",
    model: "gpt-4o",
    input_tokens: 1_000,
    output_tokens: 500,
    cost_usd: 0.5,
  },
];

/** A home whose ledger has calls with and without a price, and one whose log stated its cost. */
async function homeWithCalls(): Promise<Home> {
  const home = await emptyHome();
  await home.ok(["init"]);
  await home.ok(["users", "add", "ada@example.com", "--id", "ada", "--persona", "casual"]);
  writeFileSync(
    join(home.path, "log"),
    CALLS.map((call) => JSON.stringify({ user: "ada", ...call })).join("\n"),
  );
  await home.ok(["usage", "import", "log"]);
  return home;
}

const report = async (home: Home) => (await home.json(["usage", "report", "--by", "model"])).totals;
const IMAGE_PRICE = ["prices", "set", "gpt-image-1", "--image", "0.04", "--from", "2026-11-01"];

test("from an unpriced model to a priced one: list, set, reprice, report", async () => {
  const home = await homeWithCalls();
  expect(await home.ok(["prices", "list", "--unpriced"])).toBe(
    [
      "MODEL         PROVIDER  INPUT  CACHED  WRITTEN  OUTPUT  PRICED BY       SINCE  UNPRICED",
      "our-model-7b  -             -       -        -       -  none: unpriced                1",
      "gpt-image-1   openai    $5.00   $1.25    $5.00  $40.00  book                          2",
      "",
      "US dollars per million tokens; IMAGE and CALL each.",
      `book: @pydantic/genai-prices ${VERSION}. Your own prices go before it.`,
      "UNPRICED: 3 events in the ledger, assumed to cost $0.40. Set a price from before they occurred with: alpha prices set --from; then: alpha usage reprice",
      "",
    ].join("\n"),
  );

  const said = await home.run(IMAGE_PRICE);
  expect(said).toMatchObject({ code: 0, stderr: `in ${home.shown}\n` });
  expect(said.stdout).toBe(
    [
      "Set the price of gpt-image-1 from 2026-11-01T00:00:00Z on.",
      "per image  $0.04",
      "1 image costs $0.04.",
      "It decides about openai/gpt-image-1 in the ledger.",
      "Usage that is in the ledger keeps its cost. What it would cost now:",
      "  alpha usage reprice --since 2026-11-01T00:00:00Z --dry-run",
      "",
    ].join("\n"),
  );
  // Two images and three, which were assumed to cost $0.05 each; nothing of it changes by itself.
  expect(await report(home)).toMatchObject({ unpriced_events: 3, assumed_cost: { usd: "0.4" } });

  const before = await snapshot(home.database);
  const tried = await home.run(["usage", "reprice", "--dry-run"]);
  expect(tried.stdout).toBe(
    [
      "MODEL        PROVIDER  EVENTS  BEFORE  AFTER  DIFFERENCE  UNPRICED",
      "gpt-image-1  openai         2  ~$0.25  $0.20      -$0.05    2 to 0",
      "",
      "~ No price is known: assumed at the planning rates.",
      "1 event with a stated cost: left as stated (--include-reported prices them).",
      "1 event that no price covers; see: alpha prices list --unpriced",
      "",
    ].join("\n"),
  );
  expect(tried.stderr).toContain("dry run, nothing was changed in");
  expect(await snapshot(home.database)).toEqual(before);
  expect(await home.run(["usage", "reprice"])).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("Correct the cost of 2 events of 1 model, by -$0.05 in all?"),
  });
  expect(await snapshot(home.database)).toEqual(before);

  expect(await home.ok(["usage", "reprice", "--yes"])).toBe(tried.stdout);
  // $0.20 for images, 1,000 x $1.25 and 500 x $10 by a million for gemini, $0.50 as stated.
  expect(await report(home)).toMatchObject({
    unpriced_events: 1,
    cost: { usd: "0.70625" },
    assumed_cost: { usd: "0.15" },
    images: 5,
    requests: 5,
  });
  const [entry] = await rowsOf(home.database, "select * from audit_entry order by id desc limit 1");
  expect(entry).toMatchObject({ actor: "tester", action: "usage.reprice", subject: "ledger" });
  expect(JSON.parse(String(entry?.after))).toMatchObject({ events: 2, cost_usd: "0.2", complete: true });
  const corrections = await home.json(["usage", "events", "--model", "gpt-image-1", "--limit", "2"]);
  expect(corrections).toMatchObject([
    { priced_by: "own", cost: { usd: "0.12" }, images: 0 },
    { priced_by: "own", cost: { usd: "0.08" }, images: 0 },
  ]);

  const after = await snapshot(home.database);
  expect(await home.ok(["usage", "reprice", "--yes"])).toContain(
    "Nothing to change: 5 events cost what the prices say.",
  );
  expect(await snapshot(home.database)).toEqual(after);
  expect(await home.ok(["prices", "list", "--unpriced"])).not.toContain("gpt-image-1");
});

test("a stated cost is priced only on request", async () => {
  const home = await homeWithCalls();
  const args = ["usage", "reprice", "--model", "gpt-4o", "--include-reported"];
  // 1,000 x $2.50 + 500 x $10 by a million.
  expect(await home.json([...args, "--dry-run"])).toMatchObject({
    models: [
      {
        provider: "openai",
        model: "gpt-4o",
        events: 1,
        cost_before: { usd: "0.5" },
        cost_after: { usd: "0.0075" },
        difference: { nanos: -492_500_000, usd: "-0.4925" },
      },
    ],
    examined_events: 1,
    reported_events: 0,
  });
  expect(await home.ok([...args, "--yes", "--format", "csv"])).toBe(
    [
      "model,provider,events,cost_before_usd,cost_after_usd,assumed_before_usd,assumed_after_usd,difference_usd,unpriced_before,unpriced_after",
      "gpt-4o,openai,1,0.5,0.0075,0,0,-0.4925,0,0",
      "",
    ].join("\n"),
  );
});

test("where each price comes from, since when, and for which prompts", async () => {
  const home = await homeWithCalls();
  await home.ok(IMAGE_PRICE);
  await home.ok(["prices", "set", "our-model-*", "--input", "1.5", "--output", "6"]);
  await home.ok(["prices", "set", "our-model-*", "--input", "2", "--output", "6", "--from", "2026-12-01"]);
  const listed = await home.ok(["prices", "list"]);
  expect(listed).toContain(
    [
      "Your own prices",
      "MODEL        PROVIDER  FROM                  INPUT  OUTPUT  IMAGE  STATE     DECIDES",
      "gpt-image-1  any       2026-11-01T00:00:00Z      -       -  $0.04  in force  1 model",
      "our-model-*  any       2026-11-22T00:00:00Z  $1.50   $6.00      -  in force  1 model",
      "our-model-*  any       2026-12-01T00:00:00Z  $2.00   $6.00      -  upcoming  0 models",
      "",
    ].join("\n"),
  );
  expect(listed).toContain(
    [
      "gemini-2.5-pro  google    up to 200,000 input tokens  $1.25  $0.125    $1.25  $10.00      -  book",
      "                          above 200,000 input tokens  $2.50   $0.25    $2.50  $15.00      -",
    ].join("\n"),
  );
  const { models, own, book } = await home.json(["prices", "list"]);
  expect(book).toEqual({ name: "@pydantic/genai-prices", version: VERSION });
  expect(own).toMatchObject([{}, { state: "in-force", models: 1 }, { state: "upcoming", models: 0 }]);
  const priceOf = (name: string) => models.find(({ model }: { model: string }) => model === name).price;
  expect(priceOf("our-model-7b")).toMatchObject({
    priced_by: "own",
    price: "our-model-*",
    from: "2026-11-22T00:00:00Z",
    bands: [{ above_input_tokens: null, rates: { cached_input_per_million: { usd: "1.5" } } }],
  });
  expect(priceOf("gemini-2.5-pro")).toMatchObject({
    priced_by: "book",
    price: "google/gemini-2.5-pro",
    bands: [{ above_input_tokens: null }, { above_input_tokens: 200_000 }],
  });
  const csv = await home.ok(["prices", "list", "--format", "csv"]);
  expect(csv).toContain("\ngemini-2.5-pro,google,200000,2.5,0.25,2.5,15,,,book,google/gemini-2.5-pro,,0\n");
  expect(await home.ok(["prices", "list", "--own", "--format", "csv"])).toContain(
    "\nour-model-*,,2026-12-01T00:00:00Z,2,,,6,,,upcoming,0\n",
  );
});

test("one model, also one that nobody called", async () => {
  const home = await homeWithCalls();
  await home.ok(IMAGE_PRICE);
  const show = (...args: string[]) => home.ok(["prices", "show", ...args]);
  expect(await show("o3")).toContain(
    [
      "   BY    PRICE      FROM                   INPUT  CACHED  WRITTEN  OUTPUT",
      "   book  openai/o3                        $10.00   $0.50   $10.00  $40.00",
      "*  book  openai/o3  2025-06-10T00:00:00Z   $2.00   $0.50    $2.00   $8.00",
    ].join("\n"),
  );
  expect((await show("o3", "--at", "2025-06-01")).split("\n")).toContainEqual(
    "*  book  openai/o3                        $10.00   $0.50   $10.00  $40.00",
  );
  expect(await show("deepseek-chat")).toContain("00:30-16:30 UTC");
  const images = await show("gpt-image-1");
  expect(images).toContain("priced by  your own price for gpt-image-1");
  expect(images).toContain("unpriced   2 events in the ledger, assumed to cost $0.25");
  expect(images).toContain("the book decides about others");
  expect(await home.json(["prices", "show", "gpt-image-1", "--at", "2026-10-31"])).toMatchObject({
    provider: "openai",
    price: { priced_by: "book" },
    own: [{ model: "gpt-image-1", provider: null, state: "upcoming", rates: { per_image: { usd: "0.04" } } }],
    ledger: { providers: ["openai"], unpriced_events: 2 },
  });
  expect(await show("gpt-4p")).toContain("nothing; did you mean gpt-4o?");
  expect(await home.json(["prices", "show", "gpt-4p"])).toMatchObject({ price: null, own: [] });
});

test("a price is replaced, and removed when that is confirmed", async () => {
  const home = await homeWithCalls();
  await home.ok(IMAGE_PRICE);
  expect(
    await home.ok(["prices", "set", "GPT-Image-1", "--image", "$0.05", "--from", "2026-11-01"]),
  ).toContain(
    "Replaced the price of gpt-image-1 from 2026-11-01T00:00:00Z on.\nper image  $0.05 (was $0.04)\n",
  );
  expect(await home.json(["prices", "list", "--own"])).toHaveLength(1);
  await home.ok(["prices", "set", "gpt-image-1", "--image", "0.06"]);
  const several = await home.run(["prices", "remove", "gpt-image-1", "--yes"]);
  expect(several).toMatchObject({ code: 1, stdout: "" });
  expect(several.stderr).toContain(
    "there are 2 prices of your own for gpt-image-1\nhint: say which one by its start with --from: 2026-11-01T00:00:00Z, 2026-11-22T00:00:00Z",
  );
  const remove = ["prices", "remove", "gpt-image-1", "--from", "2026-11-01"];
  expect(await home.ok([...remove, "--dry-run"])).toContain("Would remove the price of gpt-image-1");
  const no = await alphaInTerminal(home, remove, {
    steps: [{ wait: "Remove the price of gpt-image-1", send: "n\r" }],
  });
  expect(no.code).toBe(130);
  expect(await home.json(["prices", "list", "--own"])).toHaveLength(2);
  expect(await home.json([...remove, "--yes", "--reason", "typo"])).toMatchObject({
    model: "gpt-image-1",
    rates: { per_image: { usd: "0.05" } },
  });
  expect(await home.json(["prices", "list", "--own"])).toMatchObject([{ from: "2026-11-22T00:00:00Z" }]);
  const audited = await rowsOf(
    home.database,
    `select action, subject, reason from audit_entry where action like 'prices%'`,
  );
  expect(audited).toEqual([
    { action: "prices.set", subject: "price:gpt-image-1", reason: null },
    { action: "prices.set", subject: "price:gpt-image-1", reason: null },
    { action: "prices.set", subject: "price:gpt-image-1", reason: null },
    { action: "prices.remove", subject: "price:gpt-image-1", reason: "typo" },
  ]);
});

test.each<[string[], number, string]>([
  [["set", "m"], 2, "say what it costs"],
  [["set", "m", "--call", "0.01"], 2, "a fee per call comes on top of other rates"],
  [["set", "m", "--input", "-1"], 2, '--input must be an amount in US dollars of 0 or more, not "-1"'],
  [["set", "m", "--input=-1"], 2, 'not "-1"'],
  [
    ["set", "m", "--output", "cheap"],
    2,
    '--output must be an amount in US dollars of 0 or more, not "cheap"',
  ],
  [["set", "m", "--input", "2,5"], 2, 'not "2,5"'],
  [["set", "m", "--input", "0.0000000001"], 2, "is less than any amount"],
  [["set", "m", "--input", "2500"], 2, "$2,500.00 per million tokens is more than any model costs"],
  [["set", "", "--input", "1"], 2, "the name of the model is empty"],
  [["set", "m", "--input", "1", "--from", "soon"], 2, '--from "soon" is neither a day nor an instant'],
  [["set", "gpt-image-1", "--image", "0.04", "--from", "2026-11-01"], 1, "costs that already"],
  [["remove", "gpt-image", "--yes"], 1, "you have set no price for gpt-image; did you mean gpt-image-1?"],
  [
    ["remove", "gpt-image-1", "--provider", "azure", "--yes"],
    1,
    "you have set no price for azure/gpt-image-1",
  ],
  [["remove", "gpt-image-1", "--from", "2026-11-02", "--yes"], 1, "from 2026-11-02T00:00:00Z on"],
  [["remove", "gpt-image-1"], 2, "add --yes"],
  [["show", "m", "--at", "soon"], 2, '--at "soon" is neither'],
])("what makes no sense is refused and changes nothing: prices %j", async (args, code, message) => {
  const home = await homeWithCalls();
  await home.ok(IMAGE_PRICE);
  const before = await snapshot(home.database);
  const said = await home.run(["prices", ...args]);
  expect(said).toMatchObject({ code, stdout: "" });
  expect(said.stderr).toContain(message);
  expect(await snapshot(home.database)).toEqual(before);
});

test("what is odd about a price is said", async () => {
  const home = await homeWithCalls();
  const warnings = async (...args: string[]) => {
    const { code, stderr } = await home.run(["prices", "set", ...args, "--dry-run"]);
    expect(code).toBe(0);
    return stderr.split("\n").filter((line) => line.startsWith("warning: "));
  };
  expect(await warnings("gpt-4o", "--input", "0.0025", "--output", "10")).toEqual([
    "warning: --input $0.0025 per million input tokens is 1,000 times less than the $2.50 of the price book for gpt-4o; if it was meant per 1,000 tokens, say --input 2.50",
  ]);
  expect(await warnings("our-model-*", "--input", "0.000002", "--output", "6")).toEqual([
    "warning: --input $0.000002 per million input tokens is unusually little; if it was meant per token, say --input 2.00",
  ]);
  expect(await warnings("nothing-*", "--input", "1")).toEqual([
    "warning: no call of nothing-* is in the ledger yet; check that it is spelt as the product spells it",
  ]);
  expect(await warnings("openai/gpt-4o", "--input", "1")).toEqual([
    "warning: no call of openai/gpt-4o is in the ledger yet; if openai is the provider, say --provider openai and leave it out of the name",
  ]);
  await home.ok(IMAGE_PRICE);
  expect(await warnings("gpt-*", "--input", "1", "--output", "4")).toEqual([
    "warning: for openai/gpt-image-1 another price of your own goes before it; see: alpha prices list",
  ]);
  const late = await home.ok(["prices", "set", "our-model-7b", "--input", "1", "--output", "2"]);
  expect(late).toContain("1,000 input and 500 output tokens then cost $0.002.\n");
  expect(late).toContain("1 event of before has no price; with an earlier --from, it is for that, too.\n");
});

const product = program(new URL("./children/reserving-product.ts", import.meta.url));

test("a product that is running reserves at the new price with its very next call", async () => {
  const home = await homeWithCalls();
  const spawn = await product.start();
  const child = spawn(home.database, String(NOW + 60_000));
  const answer = (n: number) => child.line((line) => line.startsWith(`${n} `));
  // The book has no price for its images: $0.05 is held, as planned.
  expect(await answer(1)).toBe("1 ok 50000000");
  await home.ok(["prices", "set", "gpt-image-1", "--image", "0.04"]);
  child.say("again");
  expect(await answer(2)).toBe("2 ok 40000000");
  // Free's budget is $10 a month.
  await home.ok(["prices", "set", "gpt-image-1", "--provider", "openai", "--image", "11"]);
  child.say("again");
  expect(await answer(3)).toBe("3 request-too-large -");
  await home.ok(["prices", "remove", "gpt-image-1", "--provider", "openai", "--yes"]);
  child.say("again");
  expect(await answer(4)).toBe("4 ok 40000000");
});

test("a call is recorded at the own price, and a report computes at it", async () => {
  const home = await homeWithCalls();
  await home.ok(["prices", "set", "our-model-*", "--input", "1", "--output", "4"]);
  const record = [
    "usage",
    "record",
    "ada",
    "--model",
    "our-model-7b",
    "--input-tokens",
    "1000",
    "--output-tokens",
    "500",
  ];
  expect(await home.ok([...record, "--id", "x"])).toBe(
    "Recorded one call of ada@example.com: $0.0030, by your own price.\nIts id is x.\n",
  );
  expect(await home.json([...record, "--id", "y"])).toMatchObject({
    priced_by: "own",
    cost: { usd: "0.003" },
  });
  const at = await home.ok(["usage", "report", "--at-model", "our-model-7b"]);
  expect(at).toContain("$1.00 per million input and $4.00 per million output tokens");
});

test.each([80, 120])("on a terminal of %i columns nothing is wider", async (columns) => {
  const home = await homeWithCalls();
  await home.ok(IMAGE_PRICE);
  for (const args of [
    ["prices", "list"],
    ["prices", "list", "--unpriced"],
    ["prices", "show", "gemini-2.5-pro"],
    ["prices", "set", "our-model-*", "--input", "1", "--dry-run"],
    ["usage", "reprice", "--dry-run"],
  ]) {
    const { text, code } = await alphaInTerminal(home, args, { columns });
    expect(code).toBe(0);
    // Progress is drawn over itself, and the path of the database is as long as it is.
    const isOurs = (line: string) => !/looking at|warning:/.test(line) && !line.includes(home.shown);
    const lines = text.split("\n").filter(isOurs);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  }
});
