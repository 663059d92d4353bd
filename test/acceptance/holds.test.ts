import { beforeEach, expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { emptyHome, seededHome } from "../support/homes.js";
import { rowsOf, snapshot } from "../support/inside.js";
import { alphaInTerminal } from "../support/pty.js";
import { HOUR, MINUTE, reserve } from "../support/store.js";

let home: Home;

beforeEach(async () => {
  home = await seededHome([{ id: "ada", email: "ada@example.com" }, { id: "bob" }], {
    at: NOW - 3 * HOUR,
    prepare: ({ store }) =>
      store.meter.commit([
        reserve("job-1", { tokens: 400, cost: 4_000_000, model: "gpt-4o" }, "ada", NOW - HOUR),
        reserve("job-2", { tokens: 500, cost: 5_000_000, provider: "openai" }, "ada", NOW - 2 * MINUTE),
        reserve("job-3", { tokens: 0, images: 2, cost: 100_000_000 }, "bob", NOW - MINUTE),
        reserve("job-4", { tokens: 100, cost: 0, feature: "basic_seo" }, "bob", NOW - MINUTE),
      ]),
  });
});

const ids = async (...args: string[]): Promise<string[]> =>
  (await home.json(["holds", "list", ...args])).map((hold: { id: string }) => hold.id);
const code = async (...args: string[]) => (await home.run(args)).code;

test("the list shows everything off a terminal, with totals and what expired marked", async () => {
  const { code, stdout, stderr } = await home.run(["holds", "list"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(
    /^ada@example\.com +job-1 +- +gpt-4o +- +400 +0 +1 +\$0\.0040 +2026-11-22T11:00:00Z +2026-11-22T11:10:00Z +expired$/m,
  );
  expect(stdout).toMatch(/^3 live +600 +2 +3 +\$0\.11$/m);
  expect(stdout).toMatch(/^1 expired +400 +0 +1 +\$0\.0040$/m);
  expect(stdout).toContain("Clear them with: alpha holds release --expired");
  expect((await home.ok(["holds", "list", "--format", "csv"])).trimEnd().split("\n")).toHaveLength(5);
  expect(await home.ok(["holds", "list", "--format", "markdown"])).toMatch(/^\| user \| hold \|/);
});

test("JSON, by user and by what expired", async () => {
  const printed = JSON.parse(await home.ok(["holds", "list", "--json"]));
  expect(printed).toMatchObject({
    schema: 1,
    kind: "holds",
    meta: { count: 4, live: { holds: 3, tokens: 600 }, expired: { holds: 1, cost: { usd: "0.004" } } },
  });
  expect(printed.data[0]).toMatchObject({ user: "ada", id: "job-1", expired: true });
  expect(await ids("--user", "ada@example.com")).toEqual(["job-1", "job-2"]);
  expect(await ids("--expired")).toEqual(["job-1"]);
  expect(await ids("--user", "bob", "--expired")).toEqual([]);
  expect(await home.ok(["holds", "list", "--user", "bob", "--expired"])).toBe("Nothing is held.\n");
});

test("a released hold gives its room back, and is audited", async () => {
  expect(await code("check", "ada", "--tokens", "600", "--cost", "0")).toBe(4);
  const { code: exit, stdout, stderr } = await home.run(["holds", "release", "job-2", "--reason", "crashed"]);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: `in ${home.shown}\n` });
  expect(stdout).toContain(
    "Released 1 hold.\nFree again from the next decision on: 500 tokens, $0.0050 and 1 request.\n",
  );
  expect(await code("check", "ada", "--tokens", "600", "--cost", "0")).toBe(0);
  expect(await rowsOf(home.database, "select * from audit_entry order by id desc limit 1")).toMatchObject([
    { action: "holds.release", subject: "user:ada", actor: "tester", reason: "crashed" },
  ]);
});

test("one live hold and any that expired are released without asking; several live ones need --yes", async () => {
  const refused = await home.run(["holds", "release", "--user", "bob"]);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain(
    "Release 2 holds of calls that may be in progress? There is nobody to ask here",
  );
  expect(refused.stderr).toContain("--yes");
  expect(await ids()).toHaveLength(4);
  expect(await home.ok(["holds", "release", "--user", "ada"])).toContain("1 had expired and took no room");
  const done = await home.json(["holds", "release", "job-3", "job-4", "--yes"]);
  expect(done).toMatchObject({
    released: [{ id: "job-3" }, { id: "job-4" }],
    freed: { tokens: 100, images: 2, requests: 2, cost: { usd: "0.1" } },
  });
  expect(await ids()).toEqual([]);
  expect(await home.ok(["holds", "release", "--expired"])).toBe("There was nothing to release.\n");
});

test("--expired leaves what is live", async () => {
  const json = JSON.parse(await home.ok(["holds", "release", "--expired", "--json"]));
  expect(json).toMatchObject({ kind: "holds-release", meta: { dry_run: false, database: home.shown } });
  expect(json.data).toMatchObject({ released: [{ id: "job-1" }], freed: { tokens: 0, requests: 0 } });
  expect(await ids()).toEqual(["job-2", "job-3", "job-4"]);
});

test("a dry run asks nothing and changes nothing", async () => {
  const before = await snapshot(home.database);
  const { code, stdout, stderr } = await home.run(["holds", "release", "--user", "bob", "--dry-run"]);
  expect(code).toBe(0);
  expect(stdout).toContain("Would release 2 holds.");
  expect(stderr).toContain("dry run, nothing was changed in");
  expect(await snapshot(home.database)).toEqual(before);
});

test("on a terminal it says how old and how long, and asks", async () => {
  const list = await alphaInTerminal(home, ["holds", "list"], { columns: 80 });
  expect(list.text).toMatch(/^USER +HOLD +/m);
  expect(list.text).toMatch(/^ada@\S+ +job-2 .* 2m\b.* in [78]m/m);
  expect(list.text).toMatch(/^ada@\S+ +job-1 .* 1h\b.* 50m.* ago/m);
  const no = await alphaInTerminal(home, ["holds", "release", "--user", "bob"], {
    steps: [{ wait: "Release 2 holds", send: "n\r" }],
  });
  expect(no.code).toBe(130);
  expect(await ids()).toHaveLength(4);
  const yes = await alphaInTerminal(home, ["holds", "release", "--user", "bob"], {
    steps: [{ wait: "Release 2 holds", send: "y\r" }, { wait: "Released 2 holds" }],
  });
  expect(yes.code).toBe(0);
  expect(await ids()).toEqual(["job-1", "job-2"]);
});

test.each<[string[], number, string]>([
  [["list", "--user", "adda@example.com"], 1, 'no user "adda@example.com"; did you mean ada@example.com?'],
  [["list", "job-1"], 2, "too many arguments"],
  [["list", "--since", "now"], 2, "unknown option"],
  [["release"], 2, "nothing says which holds are meant"],
  [["release", "job-9"], 1, 'no hold "job-9"; did you mean job-1?'],
  [["release", "job-2", "nothing-like-it"], 1, 'no hold "nothing-like-it"'],
  [["release", "job-2", "--user", "bob"], 1, 'no hold "job-2" of bob'],
  [["release", "job-2", "--expired"], 2, "both ids and --expired"],
  [["release", "--user", "nobody-at-all"], 1, 'no user "nobody-at-all"'],
])("what makes no sense is refused and changes nothing: holds %j", async (args, exit, sentence) => {
  const before = await snapshot(home.database);
  const said = await home.run(["holds", ...args]);
  expect(said).toMatchObject({ code: exit, stdout: "" });
  expect(said.stderr).toContain(sentence);
  const json = await home.run(["holds", ...args, "--json"]);
  expect(json).toMatchObject({ code: exit, stdout: "" });
  expect(JSON.parse(json.stderr).error.message).toContain(sentence);
  expect(await snapshot(home.database)).toEqual(before);
});

test.each([
  ["list", []],
  ["release", ["job-1"]],
])("%s without a database exits 3, and has help with examples", async (verb, args) => {
  const { code, stderr } = await (await emptyHome()).run(["holds", verb, ...args]);
  expect(code).toBe(3);
  expect(stderr).toContain("alpha init");
  expect(await home.ok(["holds", verb, "--help"])).toContain(`Examples:\n  $ alpha holds ${verb}`);
});
