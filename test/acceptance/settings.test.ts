import { beforeEach, expect, test } from "vitest";
import { type Home, NOW } from "../support/cli.js";
import { emptyHome, seededHome } from "../support/homes.js";
import { snapshot } from "../support/inside.js";
import { alphaInTerminal } from "../support/pty.js";
import { HOUR, record } from "../support/store.js";

let home: Home;

beforeEach(async () => {
  home = await seededHome([{ id: "ada" }], { at: NOW - HOUR, timeZone: "Europe/Berlin" });
});

test("each setting is listed with its value and where that came from", async () => {
  await home.ok(["settings", "set", "hold-ttl", "15m", "--reason", "slow models"]);
  const text = async (columns: number) =>
    (await alphaInTerminal(home, ["settings", "list"], { columns })).text.replaceAll(home.path, "~");
  const wide = await text(140);
  expect(wide).toContain(
    `
SETTING           VALUE                FROM                      DEFAULT  WHAT IT IS
time_zone         Europe/Berlin        olga, 2026-11-22 12:00    UTC      accounting zone: where days and months begin
default_tier      free                 default                            tier on which new testers start
`.trimStart(),
  );
  expect(wide).toContain(
    "\nhold_ttl          15m                  tester, 2026-11-22 13:00  10m      how long a reservation",
  );
  expect(wide).toContain("\nNot in the database, and nothing that decides; a flag, the environment");
  expect(wide).toMatch(/^database +where the database is +ALPHA_DATABASE +\S+$/m);
  expect(wide).toContain(`ALPHA_DATABASE  ${home.shown.replace(home.path, "~")}\n`);
  const narrow = await text(80);
  expect(narrow).toContain("\nhold_ttl          15m                  tester, 2026-11-22 13:00");
  expect(narrow.split("\n").filter((line) => line.length > 80)).toEqual([]);
});

test("JSON has values as programs read them, and what is not in the database apart", async () => {
  await home.ok(["settings", "set", "call_tokens", "8,000"], { env: { ALPHA_ACTOR: "olga" } });
  const { settings, local } = await home.json(["settings", "list"]);
  const byKey = Object.fromEntries(settings.map((each: { key: string }) => [each.key, each]));
  expect(byKey.call_tokens).toEqual({
    key: "call_tokens",
    value: 8_000,
    text: "8000",
    default: null,
    from: "database",
    set_by: "olga",
    set_at: expect.stringMatching(/^2026-11-22T12:0\d:[\d.]+Z$/),
    reason: null,
    entry: 3,
    describes: "tokens that one call may use at most, where its tier says nothing",
  });
  expect(byKey.time_zone).toMatchObject({
    value: "Europe/Berlin",
    default: "UTC",
    set_at: "2026-11-22T11:00:00Z",
  });
  expect(byKey.planning_image).toMatchObject({ value: { nanos: 50_000_000, usd: "0.05" }, from: "default" });
  expect(byKey.hold_ttl).toMatchObject({ value: 600_000, text: "10m", set_by: null, entry: null });
  expect(local).toEqual([
    { key: "database", value: home.shown, from: "ALPHA_DATABASE", describes: "where the database is" },
    { key: "actor", value: "tester", from: "ALPHA_ACTOR", describes: "who acts, for the audit" },
    { key: "format", value: "json", from: "--json", describes: "how to print" },
  ]);
  expect(await home.ok(["settings", "list", "--format", "csv"])).toMatch(
    /^setting,value,from,default,describes\ntime_zone,/,
  );
});

test("get prints the bare value for scripts, and where it came from beside it", async () => {
  const plain = await home.run(["settings", "get", "warn_at"]);
  expect(plain).toEqual({ code: 0, signal: null, stdout: "80%\n", stderr: "the default\n" });
  const zone = await home.run(["settings", "get", "time-zone"]);
  expect(zone).toMatchObject({
    stdout: "Europe/Berlin\n",
    stderr: "set by olga, 2026-11-22T11:00:00Z; the default is UTC\n",
  });
  expect(await home.ok(["settings", "get", "actor"], { env: { ALPHA_ACTOR: "" } })).toMatch(/^\S+\n$/);
  expect(await home.json(["settings", "get", "unpriced"])).toMatchObject({
    value: "assume",
    from: "default",
  });
  expect(await home.run(["settings", "get", "warn_at", "--format", "csv"])).toMatchObject({
    stdout: "setting,value,from,describes\nwarn_at,80%,default,part of a limit from which a decision warns\n",
    stderr: "",
  });
  expect(await home.ok(["settings", "get", "actor", "--format", "markdown"])).toContain(
    "| setting | value | from | describes |\n| --- | --- | --- | --- |\n| actor | tester | ALPHA_ACTOR | who acts, for the audit |\n",
  );
  // Where the database is can be asked before there is one.
  const nowhere = await emptyHome();
  expect(await nowhere.ok(["settings", "get", "database"])).toBe(`${nowhere.shown}\n`);
});

test("a setting decides from the next call on, says what it was, and is undone", async () => {
  expect(await home.json(["check", "ada", "--tokens", "790"])).toMatchObject({ outcome: "allow" });
  expect(await home.ok(["settings", "set", "warn_at", "70%"])).toBe(
    "Set warn_at: part of a limit from which a decision warns.\nfrom  80%\nto    70%\n",
  );
  expect(await home.json(["check", "ada", "--tokens", "790"])).toMatchObject({ outcome: "warn" });
  await home.ok(["undo", "3"]);
  expect(await home.json(["check", "ada", "--tokens", "790"])).toMatchObject({ outcome: "allow" });
  const { set_by, entry } = await home.json(["settings", "get", "warn_at"]);
  expect({ set_by, entry }).toEqual({ set_by: "tester", entry: 4 });
});

test("the default tier must be there, and the zone stays once anything is counted", async () => {
  await home.ok(["settings", "set", "default_tier", "basic"]);
  await home.ok(["users", "add", "eve@example.com"]);
  expect(await home.json(["users", "show", "eve@example.com"])).toMatchObject({ tier: "basic" });
  expect(await home.ok(["settings", "set", "time_zone", "america/new_york"])).toContain(
    "to    America/New_York",
  );

  const used = await seededHome([{ id: "ada" }], {
    prepare: ({ store }) => store.meter.commit([record("1", { occurredAt: NOW - HOUR }, NOW)]),
  });
  const { code, stderr } = await used.run(["settings", "set", "time_zone", "Asia/Tokyo"]);
  expect(code).toBe(1);
  expect(stderr).toBe(
    "error: there is usage, and its totals are by days of the accounting zone\nhint: count everything anew with: alpha db rebuild --time-zone Asia/Tokyo\n",
  );
});

test.each<[string[], number, string, string]>([
  [["get", "warnat"], 1, 'no setting "warnat"; did you mean warn_at?', "alpha settings list"],
  [["set", "warn_at"], 2, "missing required argument 'value'", ""],
  [["set", "warn_at", "80%"], 1, "warn_at already is 80%", "alpha settings get warn_at"],
  [["set", "warn_at", "lots"], 2, '"lots" is not a threshold', "80%"],
  [
    ["set", "block_at", "95"],
    2,
    '"95" could mean 95% or 95 basis points',
    "write 95%, or 9500 in basis points",
  ],
  [
    ["set", "warn_at", "96%"],
    1,
    "with warn_at 96% above block_at 95% nobody would be warned",
    "give 95% or less",
  ],
  [
    ["set", "block_at", "70%"],
    1,
    "with warn_at 80% above block_at 70% nobody would be warned",
    "give 80% or more",
  ],
  [["set", "default_tier", "gold"], 1, 'no tier "gold"', "there are: free, basic, pro"],
  [["set", "hold_ttl", "0s"], 2, '"0s" is not a duration of a second or more', "10m"],
  [["set", "unpriced", "free"], 2, '"free" is not one of assume, block, ignore', ""],
  [["set", "time_zone", "Mars"], 2, 'There is no time zone "Mars"', "Europe/Berlin"],
  [["set", "emergency_cost", "-1"], 2, '"-1" is not an amount in US dollars', "5.00"],
  [["set", "planning_image", "a dime"], 2, '"a dime" is not an amount in US dollars', ""],
  [["set", "database", "x.db"], 2, "database is not in the database", "alpha init"],
])("alpha settings %j is refused", async (args, code, message, hint) => {
  const before = await snapshot(home.database);
  const finished = await home.run(["settings", ...args]);
  expect(finished).toMatchObject({ code, stdout: "" });
  expect(finished.stderr).toContain(message);
  expect(finished.stderr).toContain(hint);
  expect(await snapshot(home.database)).toEqual(before);
});
