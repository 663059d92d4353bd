import { describe, expect, it } from "vitest";
import type { Home } from "../support/cli.js";
import { emptyHome } from "../support/homes.js";
import { rowsOf, snapshot } from "../support/inside.js";

async function homeWithAda(): Promise<Home> {
  const home = await emptyHome();
  await home.ok(["init"]);
  await home.ok(["users", "add", "ada@example.com", "--id", "ada"]);
  return home;
}

const record = (...args: string[]) => ["usage", "record", "ada@example.com", ...args];
const GPT = ["--provider", "openai", "--model", "gpt-4o"];

describe("what a call cost, and how that is known", () => {
  it("is the stated cost", async () => {
    const home = await homeWithAda();
    const said = await home.ok(record("--images", "1", "--cost", "0.04", "--id", "call-1"));
    expect(said).toBe("Recorded one call of ada@example.com: $0.04, as stated.\nIts id is call-1.\n");
  });

  it("is the price book's", async () => {
    const home = await homeWithAda();
    const data = await home.json(
      record(...GPT, "--input-tokens", "1,000", "--output-tokens", "100", "--id", "c"),
    );
    // At $2.50 and $10 per million.
    expect(data).toEqual({
      id: "c",
      status: "inserted",
      user: "ada",
      cost: { nanos: 3_500_000, usd: "0.0035" },
      assumed_cost: null,
      priced_by: "book",
      unpriced: false,
    });
  });

  it("is assumed where no price is known", async () => {
    const home = await homeWithAda();
    expect(await home.ok(record("--model", "no-such-model", "--images", "2", "--id", "c"))).toContain(
      "unpriced, since no price is known; assumed to cost $0.10 at the planning rates",
    );
  });
});

it("is nothing where nothing was used, and no price is missing", async () => {
  const home = await homeWithAda();
  const failed = record("--model", "no-such-model", "--input-tokens", "0", "--status", "error");
  expect(await home.ok([...failed, "--id", "a"])).toContain(": $0.00, since nothing was used.\n");
  expect(await home.json([...failed, "--id", "b"])).toMatchObject({
    cost: { nanos: 0 },
    assumed_cost: null,
    priced_by: "none",
    unpriced: false,
  });
  expect(await home.json(["usage", "events", "--unpriced"])).toEqual([]);
  expect(await home.json(["usage", "report"])).toMatchObject({ totals: { requests: 2, unpriced_events: 0 } });
});

it("records everything that is said", async () => {
  const home = await homeWithAda();
  const counts = [
    "--input-tokens=1",
    "--cached-input-tokens=2",
    "--cache-write-tokens=3",
    "--output-tokens=5",
  ];
  const rest = [
    "--reasoning-tokens=4",
    "--images=6",
    "--cost=0.5",
    "--feature=blog_writer",
    "--status=timeout",
  ];
  const ids = ["--id=mine", "--provider-id=theirs", "--at=2026-11-20T08:00:00Z"];
  await home.ok(record("--provider", "Gemini", "--model", "m", ...counts, ...rest, ...ids));
  const [event] = await home.json(["usage", "events"]);
  expect(event).toMatchObject({
    occurred_at: "2026-11-20T08:00:00Z",
    user: "ada",
    provider: "google",
    model: "m",
    feature: "blog_writer",
    input_tokens: 1,
    cached_input_tokens: 2,
    cache_write_tokens: 3,
    output_tokens: 5,
    reasoning_tokens: 4,
    images: 6,
    cost: { usd: "0.5" },
    priced_by: "log",
    status: "timeout",
    id: "mine",
    provider_id: "theirs",
    source: "live",
    import: null,
  });
});

it("counts the same id once, and says so", async () => {
  const home = await homeWithAda();
  await home.ok(record("--images", "1", "--id", "c"));
  expect(await home.ok(record("--images", "1", "--id", "c"))).toBe(
    "Duplicate: this call of ada@example.com is in the ledger already; nothing was counted.\n",
  );
  expect(await home.json(record("--images", "1", "--id", "c"))).toMatchObject({
    status: "duplicate",
    cost: null,
  });
  expect(await rowsOf(home.database, "select images from usage_event")).toEqual([{ images: 1 }]);
});

it("writes one audit entry for each call that was counted", async () => {
  const home = await homeWithAda();
  for (const id of ["a", "a", "b"]) await home.ok(record("--cost", "0.25", "--id", id));
  expect(
    await rowsOf(
      home.database,
      `select actor, subject, after from audit_entry where action = 'usage.record'`,
    ),
  ).toEqual([
    { actor: "tester", subject: "user:ada", after: '{"id":"a","cost":250000000,"assumed":0}' },
    { actor: "tester", subject: "user:ada", after: '{"id":"b","cost":250000000,"assumed":0}' },
  ]);
});

it("only says what it would do in a dry run", async () => {
  const home = await homeWithAda();
  const before = await snapshot(home.database);
  const said = await home.ok(record(...GPT, "--input-tokens", "1000", "--id", "c", "--dry-run"));
  expect(said).toBe("Would record one call of ada@example.com: $0.0025, by the price book.\nIts id is c.\n");
  expect(await snapshot(home.database)).toEqual(before);
});

describe("is refused, with the database as it was:", () => {
  it.each<[string, string[], number, string]>([
    ["no usage", [], 2, "nothing was used: no tokens, no images and no cost"],
    ["a negative count", ["--images", "-1"], 2, '--images must be a whole number of 0 or more, not "-1"'],
    ["a fraction", ["--images", "1.5"], 2, '--images must be a whole number of 0 or more, not "1.5"'],
    ["a bad cost", ["--cost", "free"], 2, '--cost must be an amount in US dollars of 0 or more, not "free"'],
    ["no time", ["--images", "1", "--at", "noon"], 2, '--at is not a time: "noon"'],
    [
      "the future",
      ["--images", "1", "--at", "2026-11-24T12:00:00Z"],
      2,
      "--at is more than 24 hours in the future",
    ],
    ["long ago", ["--images", "1", "--at", "2014-12-31"], 2, "--at is before 2015"],
    ["more reasoning than output", ["--reasoning-tokens", "1"], 2, "reasoning is a part of output"],
    ["an empty id", ["--images", "1", "--id", ""], 2, "--id is empty"],
    [
      "an id of another call",
      ["--images", "2", "--id", "known"],
      1,
      'the id "known" is in the ledger already with other',
    ],
  ])("%s", async (_what, args, exit, message) => {
    const home = await homeWithAda();
    await home.ok(record("--images", "1", "--id", "known"));
    const before = await snapshot(home.database);
    const { code, stdout, stderr } = await home.run(record(...args));
    expect(stderr).toContain(`error: ${message}`);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
    expect(await snapshot(home.database)).toEqual(before);
  });

  it("an unknown user", async () => {
    const home = await homeWithAda();
    const { code, stderr } = await home.run(["usage", "record", "adda@example.com", "--images", "1"]);
    expect(code).toBe(1);
    expect(stderr).toContain('no user "adda@example.com"; did you mean ada@example.com?');
  });

  it("without a database", async () => {
    expect((await (await emptyHome()).run(record("--images", "1"))).code).toBe(3);
  });
});

it("explains itself", async () => {
  const { code, stdout } = await (await emptyHome()).run(["usage", "record", "--help"]);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("Examples:") });
});
