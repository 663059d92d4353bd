import { beforeEach, expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { emptyHome } from "../support/homes.js";
import { snapshot } from "../support/inside.js";
import { alphaInTerminal } from "../support/pty.js";
import { DAY, HOUR } from "../support/store.js";

let home: Home;

/** 1 is init, 2 and 3 the users; what follows is numbered in its order. */
beforeEach(async () => {
  home = await emptyHome();
  const users = [{ id: "ada", email: "ada@example.com" }, { id: "bob" }];
  await seededDatabase(home.database, users, { at: NOW - 3 * DAY });
  const changes = [
    ["users", "promote", "ada", "--reason", "launch partner"],
    ["tiers", "set", "free", "--daily-tokens", "2000"],
    ["settings", "set", "warn_at", "75%"],
    ["emergency-stop", "on", "--user", "bob", "--for", "2h"],
  ];
  for (const [n, args] of changes.entries()) await home.ok(args, { now: NOW - (4 - n) * HOUR });
});

const numbers = async (...args: string[]): Promise<number[]> =>
  (await home.json(["audit", ...args])).map(({ entry }: { entry: number }) => entry);

/** Without seconds: the clock of the program runs on while it starts. */
const toTheMinute = (text: string) => text.replace(/(T\d\d:\d\d):\d\d(?:\.\d+)?Z/g, "$1Z");

test("the audit fits 80 columns, and says more on 120", async () => {
  const args = ["audit", "--since", "2026-11-22"];
  expect((await alphaInTerminal(home, args)).text).toBe(
    `ENTRY  TIME              ACTOR   ACTION             SUBJECT
    7  2026-11-22 11:00  tester  emergency-stop.on  stop:1
       action stop, user bob, until 2026-11-22 13:00, actor tester
    6  2026-11-22 10:00  tester  settings.set       setting:warn_at
       80% → 75%
    5  2026-11-22 09:00  tester  tiers.set          tier:free
       tokens/day 1,000 → 2,000
    4  2026-11-22 08:00  tester  users.promote      ada@example.com
       tier free → basic (launch partner)

Times are in UTC. One in full: alpha audit <entry>
`,
  );
  await home.ok(["undo", "5"]);
  const wide = await alphaInTerminal(home, [...args, "--until", "2026-11-22T12:00:00Z"], { columns: 120 });
  expect(wide.text).toBe(
    `ENTRY  TIME              ACTOR   ACTION             SUBJECT          CHANGE                    UNDONE BY  REASON
    7  2026-11-22 11:00  tester  emergency-stop.on  stop:1           action stop, user bob,…
    6  2026-11-22 10:00  tester  settings.set       setting:warn_at  80% → 75%
    5  2026-11-22 09:00  tester  tiers.set          tier:free        tokens/day 1,000 → 2,000          8
    4  2026-11-22 08:00  tester  users.promote      ada@example.com  tier free → basic                    launch partner

Times are in UTC. One in full: alpha audit <entry>
`,
  );
});

test("entries are found by actor, subject, action and time, and page by page", async () => {
  expect(await numbers()).toEqual([7, 6, 5, 4, 3, 2, 1]);
  expect(await numbers("--actor", "tester")).toEqual([7, 6, 5, 4]);
  expect(await numbers("--subject", "ada@example.com")).toEqual([4, 2]);
  expect(await numbers("--subject", "user:ADA@example.com")).toEqual([4, 2]);
  expect(await numbers("--subject", "tier")).toEqual([5]);
  expect(await numbers("--subject", "tier:gold")).toEqual([]);
  expect(await numbers("--action", "users")).toEqual([4, 3, 2]);
  expect(await numbers("--action", "users promote")).toEqual([4]);
  expect(await numbers("--since", "2026-11-22", "--until", "2026-11-22T10:00:00Z")).toEqual([5, 4]);
  expect(await home.ok(["audit", "--actor", "nobody"])).toBe("No audit entries.\n");
  // There are such actions, and nothing of them was done.
  expect(await numbers("--action", "users.erase")).toEqual([]);
  expect(await numbers("--action", "guardrails")).toEqual([]);

  const page = await home.run(["audit", "--limit", "3", "--format", "csv"]);
  expect(
    page.stdout
      .split("\n")
      .slice(1, 4)
      .map((line) => line.split(",")[0]),
  ).toEqual(["7", "6", "5"]);
  expect(page.stderr).toBe("There is more; the next page: the same command with --before 5\n");
  const next = await home.ok(["audit", "--limit", "3", "--before", "5", "--json"]);
  const { data, meta } = JSON.parse(toTheMinute(next));
  expect(meta).toEqual({ count: 3, next_before: 2 });
  expect(data[0]).toEqual({
    entry: 4,
    at: "2026-11-22T08:00Z",
    actor: "tester",
    action: "users.promote",
    subject: "user:ada",
    user: "ada@example.com",
    before: { tier: "free" },
    after: { tier: "basic" },
    reason: "launch partner",
    undoable: true,
    undone_by: null,
    change: { entry: 4, action: "users.promote", subject: "user:ada" },
  });
});

test("one entry is shown in full, with what became of it", async () => {
  expect(toTheMinute(await home.ok(["audit", "5"]))).toBe(`entry       5
time        2026-11-22T09:00Z
actor       tester
action      tiers.set
subject     tier:free
reason      -
tokens/day  1,000 → 2,000
undo        alpha undo 5
`);
  await home.ok(["undo", "5"]);
  expect(await home.ok(["audit", "5"])).toContain("undo        undone by 8\n");
  expect(await home.ok(["audit", "8"])).toContain("action      undo tiers.set\nsubject     tier:free\n");
  expect(await home.ok(["audit", "2"])).toContain("undo     cannot be undone\n");
});

test("an undoing says what it put back, and can be undone", async () => {
  const first = await home.run(["undo", "7", "--reason", "false alarm"]);
  expect({ ...first, stdout: toTheMinute(first.stdout) }).toMatchObject({
    code: 0,
    stdout: `Undid 7: emergency-stop.on of stop:1
action  stop → nothing
user    bob → nothing
until   2026-11-22T13:00Z → nothing
actor   tester → nothing
To take that back: alpha undo 8
`,
    stderr: `in ${home.shown}\n`,
  });
  expect((await home.run(["emergency-stop", "status"])).code).toBe(0);
  expect((await home.run(["check", "bob"])).code).toBe(0);
  const again = await home.json(["undo", "8"]);
  expect(again).toEqual({
    entry: 8,
    undoes: { entry: 7, action: "emergency-stop.on", subject: "stop:1", user: null },
    before: null,
    after: expect.objectContaining({ action: "stop", user: "bob", actor: "tester" }),
    audit_entry: 9,
  });
  expect((await home.run(["check", "bob"])).code).toBe(4);
  expect(await home.json(["audit", "7"])).toMatchObject({ undone_by: null });
  expect(await home.json(["audit", "8"])).toMatchObject({ undone_by: 9, reason: "false alarm" });
});

test.each<[string[], number, string, string]>([
  [["undo"], 2, "missing required argument 'entry'", "alpha undo --help"],
  [["undo", "4", "5"], 2, "too many arguments", "alpha undo --help"],
  [["undo", "last"], 2, 'the entry must be a whole number of 0 or more, not "last"', ""],
  [["undo", "99"], 1, "there is no audit entry 99", "alpha audit"],
  [
    ["audit", "--action", "users.promot"],
    1,
    'no action "users.promot"; did you mean users.promote?',
    "users",
  ],
  [
    ["audit", "--action", "foo"],
    1,
    'no action "foo"',
    "it is a command, such as users.promote, or one of users,",
  ],
  [["undo", "2"], 1, "2 (users.add) cannot be undone", "alpha users remove"],
  [["undo", "1"], 1, "1 (init) cannot be undone", "what can be:"],
  [["audit", "99"], 1, "there is no audit entry 99", "alpha audit"],
  [["audit", "4", "--actor", "olga"], 2, "so --actor has nothing to say about it", ""],
  [["audit", "--since", "yesterday"], 2, '--since "yesterday" is neither a day nor an instant', "2026-11-22"],
  [["audit", "--since", "2026-12-01", "--until", "2026-12-01"], 2, "the range holds nothing", "exclusive"],
  [["audit", "--limit", "0"], 2, "--limit must be 1 to 100000, not 0", "--before"],
  [["audit", "--subject", "adda@example.com"], 1, 'no user "adda@example.com"; did you mean ada@', ""],
])("alpha %j is refused", async (args, code, message, hint) => {
  const before = await snapshot(home.database);
  const finished = await home.run(args);
  expect(finished).toMatchObject({ code, stdout: "" });
  expect(finished.stderr).toContain(message);
  expect(finished.stderr).toContain(hint);
  expect(await snapshot(home.database)).toEqual(before);
});
