import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Home } from "../support/cli.js";
import { emptyHome } from "../support/homes.js";

const CALLS = [
  {
    id: "e1",
    timestamp: "2026-11-18T22:30:00Z",
    user: "ada",
    model: "gpt-4o",
    provider: "openai",
    output_tokens: 10,
  },
  {
    id: "e2",
    timestamp: "2026-11-18T23:30:00Z",
    user: "ben",
    model: "gpt-4o",
    provider: "azure",
    cost_usd: 0.5,
  },
  { id: "e3", timestamp: "2026-11-19T10:00:00Z", user: "ada", feature: "blog_writer", images: 2 },
  {
    id: "e4",
    timestamp: "2026-11-20T10:00:00Z",
    user: "ben",
    model: "m",
    provider: "gemini",
    cost_usd: 0.25,
  },
];

/** In a zone one hour ahead of UTC, with the calls in the ledger in their order. */
async function homeWithCalls(): Promise<Home> {
  const home = await emptyHome();
  await home.ok(["init", "--time-zone", "Europe/Berlin"]);
  for (const id of ["ada", "ben"]) await home.ok(["users", "add", `${id}@example.com`, "--id", id]);
  writeFileSync(join(home.path, "log"), CALLS.map((call) => JSON.stringify(call)).join("\n"));
  await home.ok(["usage", "import", "log"]);
  return home;
}

const idsOf = async (home: Home, ...args: string[]) =>
  (await home.json(["usage", "events", ...args])).map(({ id }: { id: string }) => id);

it("lists the newest entries first, and filters", async () => {
  const home = await homeWithCalls();
  expect(await idsOf(home)).toEqual(["e4", "e3", "e2", "e1"]);
  expect(await idsOf(home, "--user", "ADA@example.com")).toEqual(["e3", "e1"]);
  expect(await idsOf(home, "--model", "gpt-4o")).toEqual(["e2", "e1"]);
  expect(await idsOf(home, "--provider", "Google")).toEqual(["e4"]);
  expect(await idsOf(home, "--feature", "blog_writer")).toEqual(["e3"]);
  expect(await idsOf(home, "--unpriced")).toEqual(["e3"]);
  expect(await idsOf(home, "--model", "gpt-4o", "--user", "ben")).toEqual(["e2"]);
  expect(await idsOf(home, "--model", "nothing")).toEqual([]);
});

it("takes days as those of the accounting zone, and the end as exclusive", async () => {
  const home = await homeWithCalls();
  expect(await idsOf(home, "--since", "2026-11-19", "--until", "2026-11-20")).toEqual(["e3", "e2"]);
  expect(await idsOf(home, "--since", "2026-11-19T10:00:00Z", "--until", "2026-11-20T10:00:00Z")).toEqual([
    "e3",
  ]);
});

it("pages, and tells how to go on", async () => {
  const home = await homeWithCalls();
  const first = await home.run(["usage", "events", "--limit", "3", "--json"]);
  expect(first.stderr).toBe("");
  const { meta } = JSON.parse(first.stdout);
  expect(meta).toEqual({ count: 3, next_before: 2 });
  expect(await idsOf(home, "--limit", "3", "--before", "2")).toEqual(["e1"]);

  const human = await home.run(["usage", "events", "--limit", "3"]);
  expect(human.stderr).toBe("There is more; the next page: the same command with --before 2\n");
  expect((await home.run(["usage", "events", "--limit", "4"])).stderr).toBe("");
});

it("never shows an unpriced call as free", async () => {
  const home = await homeWithCalls();
  const [json] = await home.json(["usage", "events", "--unpriced"]);
  expect(json).toMatchObject({ cost: null, assumed_cost: { usd: "0.1" }, priced_by: "none", unpriced: true });
  const table = await home.ok(["usage", "events", "--unpriced"]);
  expect(table).toContain(" ~$0.10 ");
  expect(table).toContain("~ No price is known: assumed at the planning rates.");
  const [header = "", row = ""] = (await home.ok(["usage", "events", "--unpriced", "--format", "csv"])).split(
    "\n",
  );
  const cells = Object.fromEntries(header.split(",").map((key, at) => [key, row.split(",")[at]]));
  expect(cells).toMatchObject({ cost_usd: "", assumed_usd: "0.1", priced_by: "none" });
});

it("prints times off a terminal in UTC", async () => {
  const home = await homeWithCalls();
  expect(await home.ok(["usage", "events", "--limit", "1"])).toContain("2026-11-20T10:00:00Z");
});

describe("is refused with", () => {
  it.each<[string, string[], number, string]>([
    ["an unknown user", ["--user", "bem"], 1, 'no user "bem"; did you mean ben?'],
    ["no day", ["--since", "yesterday"], 2, '--since "yesterday" is neither a day nor an instant'],
    ["an empty range", ["--since", "2026-12-01", "--until", "2026-11-01"], 2, "the range holds nothing"],
    ["a limit of nothing", ["--limit", "0"], 2, "--limit must be 1 to 100000, not 0"],
    [
      "a limit that is no number",
      ["--limit", "all"],
      2,
      '--limit must be a whole number of 0 or more, not "all"',
    ],
    [
      "a page that is no number",
      ["--before", "e1"],
      2,
      '--before must be a whole number of 0 or more, not "e1"',
    ],
    ["an unknown format", ["--format", "xml"], 2, "argument 'xml' is invalid"],
  ])("%s", async (_what, args, exit, message) => {
    const home = await homeWithCalls();
    const { code, stdout, stderr } = await home.run(["usage", "events", ...args]);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
  });

  it("no database", async () => {
    expect((await (await emptyHome()).run(["usage", "events"])).code).toBe(3);
  });
});

it("says that there is nothing, and explains itself", async () => {
  const home = await emptyHome();
  await home.ok(["init"]);
  expect(await home.ok(["usage", "events"])).toBe("No usage events.\n");
  expect(await home.json(["usage", "events"])).toEqual([]);
  const { code, stdout } = await home.run(["usage", "events", "--help"]);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("Examples:") });
});
