import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { seededHome } from "../support/homes.js";
import { rowsOf, snapshot, tamper } from "../support/inside.js";
import { alphaInTerminal, KEY } from "../support/pty.js";
import { HOUR } from "../support/store.js";

let home: Home;

/** Twenty calls of ten input and five output tokens, each at $0.001. */
const CALLS = Array.from({ length: 20 }, (_, n) =>
  JSON.stringify({
    id: `log-${n}`,
    timestamp: new Date(NOW - HOUR + n).toISOString(),
    user: "ada@example.com",
    provider: "openai",
    model: "gpt-4o",
    input_tokens: 10,
    output_tokens: 5,
    cost_usd: 0.001,
  }),
);

beforeEach(async () => {
  home = await seededHome([{ id: "ada", email: "ada@example.com" }, { id: "bob" }]);
  writeFileSync(join(home.path, "calls.jsonl"), `${CALLS.join("\n")}\n`);
});

const summary = (...args: string[]) => home.json(["usage", "import", "calls.jsonl", ...args]);
const verified = async () => {
  const { code, stdout } = await home.run(["db", "verify"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^Equal: /) });
};

test("an import again changes nothing; undone, the same file counts again, for another tester too", async () => {
  await summary();
  await summary();
  await verified();
  expect(await home.ok(["usage", "undo-import", "1", "--yes"])).toBe(
    [
      "Undone: import 1 (calls.jsonl).",
      "Took back 20 calls: 300 tokens and $0.02.",
      "Import 2 (calls.jsonl) met 20 duplicates since. Those that were calls of this import count no more: import the file again.",
      "Its ids are free: the same records, imported again, count.",
      "",
    ].join("\n"),
  );
  await verified();
  await summary("--user", "bob");
  await verified();
  const totals = await rowsOf(
    home.database,
    "select * from usage_window where period = 'day' order by user_id",
  );
  expect(totals).toMatchObject([
    { user_id: 1, tokens: 0, requests: 0 },
    { user_id: 2, tokens: 300, requests: 20 },
  ]);
});

test("imports are listed with where from, by whom and how much, and what became of them", async () => {
  await summary();
  await home.ok(["usage", "import", "calls.jsonl"], { env: { ALPHA_ACTOR: "olga" } });
  await home.ok(["usage", "undo-import", "1", "--yes"]);
  const { code, stdout, stderr } = await home.run(["usage", "imports"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^ +2 +2026-11-22T\S+Z +calls\.jsonl +alpha +olga +0 +0 +20 +0 +0 +complete$/m);
  expect(stdout).toMatch(/^ +1 +2026-11-22T\S+Z +calls\.jsonl +alpha +tester +20 +0 +0 +0 +0 +undone$/m);
  const [second] = await home.json(["usage", "imports", "--limit", "1"]);
  expect(second).toMatchObject({
    number: 2,
    state: "complete",
    undone_at: null,
    actor: "olga",
    duplicate: 20,
  });
  const next = await home.run(["usage", "imports", "--limit", "1"]);
  expect(next.stderr).toContain("--before 2");
  expect(await home.json(["usage", "imports", "--before", "2"])).toMatchObject([
    { number: 1, state: "undone", undone_at: expect.stringMatching(/^2026-11-22T/) },
  ]);
});

test("a dry run says the same and changes nothing", async () => {
  await summary();
  const before = await snapshot(home.database);
  const tried = await home.json(["usage", "undo-import", "1", "--dry-run"]);
  expect(await snapshot(home.database)).toEqual(before);
  expect(tried).toEqual({
    import: 1,
    file: "calls.jsonl",
    events: 20,
    kept: 0,
    restored: 0,
    requests: 20,
    tokens: 300,
    images: 0,
    cost: { nanos: 20_000_000, usd: "0.02" },
    assumed_cost: { nanos: 0, usd: "0" },
    met_since: [],
  });
  expect(await home.json(["usage", "undo-import", "1", "--yes"])).toEqual(tried);
});

test("it asks first: off a terminal --yes is needed, on one the answer counts", async () => {
  await summary();
  const before = await snapshot(home.database);
  const refused = await home.run(["usage", "undo-import", "1"]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("Undo import 1 of calls.jsonl, which inserted 20 records?");
  const steps = [{ wait: "Undo import 1 of calls.jsonl", send: `n${KEY.enter}` }];
  expect(await alphaInTerminal(home, ["usage", "undo-import", "1"], { steps })).toMatchObject({ code: 130 });
  expect(await snapshot(home.database)).toEqual(before);
});

test("what is no import, and what was undone already, is refused with what to do", async () => {
  await summary();
  await home.ok(["usage", "undo-import", "1", "--yes"]);
  const again = await home.run(["usage", "undo-import", "1", "--yes"]);
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toBe(
    "error: import 1 (calls.jsonl) was undone already\nhint: see them with: alpha usage imports\n",
  );
  expect(await home.run(["usage", "undo-import", "7", "--yes"])).toMatchObject({ code: 1 });
  expect(await home.run(["usage", "undo-import", "first", "--yes"])).toMatchObject({ code: 2 });
});

test("corrections are listed as what they are", async () => {
  await summary();
  await home.ok(["usage", "undo-import", "1", "--yes"]);
  const [last] = await home.json(["usage", "events", "--limit", "1"]);
  expect(last).toMatchObject({
    corrects: expect.any(Number),
    input_tokens: -10,
    requests: -1,
    status: "undone",
    import: 1,
    cost: { nanos: -1_000_000, usd: "-0.001" },
  });
  const { stdout } = await home.run(["usage", "events", "--limit", "1"]);
  expect(stdout).toContain("CORRECTS");
  expect(stdout).toContain("A row that corrects another one says by how much what counts changed.");
});

test("db verify names each total that is not what the ledger adds up to, and exits 1", async () => {
  await summary();
  await tamper(
    home.database,
    "update usage_window set tokens = 299 where period = 'day'; delete from usage_day",
  );
  const { code, stdout, stderr } = await home.run(["db", "verify"]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  // The window's tokens; of the day and model its input, output, requests and cost.
  expect(stdout).toMatch(/^5 differences: 2 totals of days and months, 0 of reports and 0 of guardrails/);
  expect(stdout).toMatch(/^window +ada +2026-11-22 +- +tokens +299 +300$/m);
  expect(stdout).toMatch(/^day +ada +2026-11-22 +openai \/ gpt-4o +cost +\$0 +\$0\.02$/m);
  const json = JSON.parse((await home.run(["db", "verify", "--json"])).stdout);
  expect(json).toMatchObject({
    kind: "db-verify",
    data: { equal: false, ledger_rows: 20, difference_count: 5 },
  });
  expect(json.data.differences).toContainEqual({
    total: "day",
    user: "ada",
    window: "2026-11-22",
    of: "openai / gpt-4o",
    field: "cost",
    stored: { nanos: 0, usd: "0" },
    computed: { nanos: 20_000_000, usd: "0.02" },
  });
  expect(await home.run(["db", "verify", "--format", "csv"])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("window,ada,2026-11-22,,tokens,299,300\n"),
  });
});
