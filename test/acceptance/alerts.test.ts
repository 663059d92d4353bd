import { beforeEach, expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { seededHome } from "../support/homes.js";
import { snapshot } from "../support/inside.js";
import { alphaInTerminal } from "../support/pty.js";
import { HOUR, MINUTE, record, reserve } from "../support/store.js";

let home: Home;

beforeEach(async () => {
  home = await seededHome([{ id: "ada", email: "ada@example.com" }, { id: "bob" }], {
    at: NOW - 3 * HOUR,
    prepare: async ({ store }) => {
      const used = (id: string, input: number, at: number) =>
        record(id, { input, output: 0, cost: 0, occurredAt: at }, at);
      // Free has 1,000 tokens a day: 80% at 800, blocked from 950 on.
      await store.meter.commit([used("a", 800, NOW - HOUR), used("b", 160, NOW - 30 * MINUTE)]);
      await store.meter.commit([reserve("r", { tokens: 5, cost: 0 }, "ada", NOW - MINUTE)]);
    },
  });
});

const LINES = `\
2026-11-22T11:00:00Z  ada@example.com  tokens/day at 80%
2026-11-22T11:30:00Z  ada@example.com  tokens/day at 95%: calls are blocked
2026-11-22T11:59:00Z  ada@example.com  first refusal: quota-exhausted
`;

test("--new prints each once, one line each and the oldest first, and then nothing at all", async () => {
  expect(await home.run(["alerts", "--new"])).toEqual({
    code: 0,
    signal: null,
    stdout: LINES,
    stderr: `in ${home.shown}\n`,
  });
  expect(await home.run(["alerts", "--new"])).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  const printed = JSON.parse(await home.ok(["alerts", "--new", "--json"]));
  expect(printed).toMatchObject({ kind: "alerts", data: [], meta: { count: 0, dry_run: false } });
  await home.ok(["usage", "record", "bob", "--input-tokens", "820", "--cost", "0"]);
  expect(await home.ok(["alerts", "--new"])).toMatch(/^2026-11-22T12:\S+Z {2}bob {2}tokens\/day at 80%\n$/);
});

test("a dry run prints them and leaves them new", async () => {
  const before = await snapshot(home.database);
  const { stdout, stderr } = await home.run(["alerts", "--new", "--dry-run"]);
  expect(stdout).toBe(LINES);
  expect(stderr).toContain("dry run, nothing was changed in");
  expect(await snapshot(home.database)).toEqual(before);
});

test("of several that run at once each alert is printed by one", async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => home.ok(["alerts", "--new"])));
  expect(all.filter((each) => each !== "")).toEqual([LINES]);
});

test("the list has all of them, newest first, in pages and by tester; told ones too", async () => {
  await home.ok(["alerts", "--new"]);
  await home.ok(["usage", "record", "bob", "--input-tokens", "820", "--cost", "0"]);
  const list = async (...args: string[]): Promise<string[]> =>
    (await home.json(["alerts", ...args])).map((each: { message: string }) => each.message);
  expect(await list("--user", "ada@example.com")).toEqual([
    "ada@example.com: first refusal: quota-exhausted",
    "ada@example.com: tokens/day at 95%: calls are blocked",
    "ada@example.com: tokens/day at 80%",
  ]);
  expect(await list("--limit", "2")).toHaveLength(2);
  const page = await home.run(["alerts", "--limit", "2"]);
  expect(page.stderr).toBe("There are more; the next page: the same command with --before 3\n");
  expect(await list("--before", "3")).toHaveLength(2);
  const [newest, told] = await home.json(["alerts", "--limit", "2"]);
  expect(newest).toMatchObject({ user: "bob", kind: "threshold", threshold: 0.8, printed_at: null });
  expect(told).toMatchObject({
    code: "quota-exhausted",
    printed_at: expect.stringMatching(/^2026-11-22T12:/),
  });
  expect((await home.ok(["alerts", "--format", "csv"])).split("\n")[0]).toBe(
    "number,at,kind,who,what,printed_at",
  );
});

test("a guardrail that trips is one, of all testers", async () => {
  await home.ok(["guardrails", "set", "--daily-tokens", "900"]);
  await home.ok(["usage", "record", "bob", "--input-tokens", "1", "--cost", "0"]);
  expect(await home.ok(["alerts", "--new"])).toMatch(
    /all testers {6}tokens\/day reached: every call is stopped\n/,
  );
});

test("on a terminal they have times of the zone, and nothing new is said", async () => {
  const first = await alphaInTerminal(home, ["alerts", "--new"], { columns: 80 });
  expect(first.text).toContain("2026-11-22 11:30  ada@example.com  tokens/day at 95%: calls are blocked\n");
  expect((await alphaInTerminal(home, ["alerts", "--new"])).text).toBe("Nothing new.\n");
  const list = await alphaInTerminal(home, ["alerts"], { columns: 80 });
  expect(list.text).toContain("Times are in UTC.");
});

test.each<[string[], number, string]>([
  [["--new", "--user", "ada"], 2, "--new prints everything that is new, and takes no --user"],
  [["--new", "--limit", "1"], 2, "takes no --limit"],
  [["--limit", "0"], 2, "--limit must be 1 to"],
  [["--user", "adda@example.com"], 1, "did you mean ada@example.com?"],
  [["--before", "x"], 2, "--before must be a whole number"],
])("what makes no sense is refused and changes nothing: alerts %j", async (args, exit, sentence) => {
  const before = await snapshot(home.database);
  const said = await home.run(["alerts", ...args]);
  expect(said).toMatchObject({ code: exit, stdout: "" });
  expect(said.stderr).toContain(sentence);
  expect(await snapshot(home.database)).toEqual(before);
});
