import { beforeEach, expect, test } from "vitest";
import { LimitsEngine } from "../../src/engine/limits.js";
import { openLimits } from "../../src/open-limits.js";
import { type Home, NOW } from "../support/cli.js";
import { emptyHome, seededHome } from "../support/homes.js";
import { program } from "../support/processes.js";

let home: Home;

beforeEach(async () => {
  home = await seededHome([
    { email: "ada@example.com", id: "ada" },
    { email: "bob@example.com", id: "bob", tier: "pro" },
  ]);
});

const product = program(new URL("./children/product.ts", import.meta.url));

/** Every process starts at the same instant, so what is asked after a change is asked a minute later. */
const code = async (...args: string[]) => (await home.run(args, { now: NOW + 60_000 })).code;

test("on stops, status says so with exit 4, off lifts", async () => {
  expect(await code("check", "ada", "--tokens", "1")).toBe(0);
  const on = await home.run(["emergency-stop", "on", "--reason", "runaway"]);
  expect(on.code).toBe(0);
  expect(on.stdout).toBe(`\
Stopped: all calls, until it is lifted
That concerns 2 testers.
Lift it with: alpha emergency-stop off
`);
  expect(on.stderr).toContain("no product has ever opened this database");
  expect(on.stderr).toContain(home.shown);
  expect(await code("check", "ada", "--tokens", "1")).toBe(4);
  const status = await home.run(["emergency-stop", "status"]);
  expect(status.code).toBe(4);
  expect(status.stdout).toMatch(/stop {2}all calls {2}2026-11-22T12:00:0\S+Z {2}lifted {2}tester {2}runaway/);
  expect(await home.ok(["emergency-stop", "off"])).toMatch(
    /^Lifted: all calls \(stopped by tester since 2026-11-22 12:00 UTC: runaway\)$/m,
  );
  expect(await home.run(["emergency-stop", "status"])).toMatchObject({
    code: 0,
    stdout: "Nothing is stopped or throttled.\n",
  });
  expect(await code("check", "ada", "--tokens", "1")).toBe(0);
});

test("a scoped stop says in words what is stopped, and stops only that", async () => {
  const scope = ["--user", "ada@example.com", "--provider", "gemini"];
  const { stdout, stderr } = await home.run(["emergency-stop", "on", ...scope, "--for", "2h"]);
  expect(stdout.split("\n").slice(0, 3)).toEqual([
    "Stopped: calls of ada@example.com to google, until 2026-11-22 14:00 (UTC)",
    "That concerns 1 tester.",
    "A call that does not say its provider is covered too: it might be one of them.",
  ]);
  expect(stderr).toContain("no call with the provider google was ever metered");
  expect(await code("check", "ada", "--provider", "google")).toBe(4);
  expect(await code("check", "ada", "--tokens", "1")).toBe(4);
  expect(await code("check", "ada", "--tokens", "1", "--provider", "openai")).toBe(0);
  expect(await code("check", "bob", "--tokens", "1", "--provider", "google")).toBe(0);
  const later = { now: NOW + 2 * 3_600_000 + 60_000 };
  expect((await home.run(["check", "ada", "--tokens", "1"], later)).code).toBe(0);
  expect((await home.run(["emergency-stop", "status"], later)).code).toBe(0);
});

test("JSON of on, off and status", async () => {
  const on = await home.run(["emergency-stop", "on", "--tier", "pro", "--throttle", "--json"]);
  expect(on.code).toBe(0);
  const envelope = JSON.parse(on.stdout);
  expect(envelope).toMatchObject({
    schema: 1,
    kind: "emergency-stop",
    data: {
      stop: { action: "throttle", scope: { user: null, tier: "pro" }, until: null, actor: "tester" },
      outcome: "on",
      testers: 1,
      last_live_use: null,
    },
    meta: { database: home.shown, dry_run: false },
  });
  const status = await home.run(["emergency-stop", "status", "--json"]);
  expect(status.code).toBe(4);
  expect(JSON.parse(status.stdout)).toMatchObject({ data: [envelope.data.stop], meta: { count: 1 } });
  expect(await home.json(["emergency-stop", "off"])).toEqual({ lifted: [envelope.data.stop], still_on: [] });
  expect(await home.json(["emergency-stop", "status"])).toEqual([]);
});

test("twice on is already on; twice off says that nothing is on; both exit 0", async () => {
  await home.ok(["emergency-stop", "on"]);
  expect(await home.ok(["emergency-stop", "on", "--for", "1h"])).toContain(
    "Already stopped: all calls, until it is lifted\n",
  );
  await home.ok(["emergency-stop", "off"]);
  expect(await home.ok(["emergency-stop", "off"])).toBe("Nothing was on.\n");
  expect(await home.ok(["emergency-stop", "off", "--user", "ada"])).toBe("Nothing was on.\n");
});

test("off with a scope that nothing has, while something is on, exits 1 and leaves it", async () => {
  await home.ok(["emergency-stop", "on", "--user", "ada", "--model", "gpt-4o"]);
  const off = await home.run(["emergency-stop", "off", "--user", "ada"]);
  expect(off.code).toBe(1);
  expect(off.stderr).toContain("nothing is on with exactly that scope");
  expect(await code("emergency-stop", "status")).toBe(4);
});

test("when the last live call was is told, and that no product was there", async () => {
  const used = await seededHome([{ id: "ada" }], {
    at: NOW - 3 * 60_000,
    prepare: (engine) => new LimitsEngine(engine).record("ada", { input: 1, cost: 0 }),
  });
  const { stdout, stderr } = await used.run(["emergency-stop", "on"]);
  expect(stdout).toContain("The last live call was 3m ago, at 2026-11-22 11:57 (UTC).");
  expect(stderr).toContain("no product has ever opened this database");
  await (await openLimits({ database: used.database, now: () => NOW })).close();
  expect((await used.run(["emergency-stop", "on"])).stderr).not.toContain("warning");
});

test("a process that has the engine open obeys at its next decision, and is let go on again", async () => {
  const spawn = await product.start();
  const child = spawn(home.database, String(NOW));
  expect(await child.line((line) => line.startsWith("1 "))).toBe("1 ok");
  await home.ok(["emergency-stop", "on"]);
  child.say("ask");
  expect(await child.line((line) => line.startsWith("2 "))).toBe("2 emergency-stop");
  await home.ok(["emergency-stop", "off"]);
  child.say("ask");
  expect(await child.line((line) => line.startsWith("3 "))).toBe("3 ok");
});

test("a dry run stops and lifts nothing", async () => {
  const tried = await home.run(["emergency-stop", "on", "--dry-run"]);
  expect(tried.stdout).toMatch(/^Would stop: all calls/);
  expect(tried.stderr).toContain("dry run, nothing was changed in");
  expect(await code("emergency-stop", "status")).toBe(0);
  await home.ok(["emergency-stop", "on"]);
  expect(await home.ok(["emergency-stop", "off", "--dry-run"])).toMatch(/^Would lift: all calls/);
  expect(await code("emergency-stop", "status")).toBe(4);
});

test.each([
  [["on", "--user", "adda@example.com"], 1, 'no user "adda@example.com"; did you mean ada@example.com?'],
  [["on", "--tier", "gold"], 1, 'no tier "gold"'],
  [["on", "--for", "soon"], 2, '--for "soon" is not a length of time'],
  [["on", "--for", "4000d"], 2, "ten years"],
  [["on", "--for", "0s"], 2, "is not a length of time"],
  [["on", "--provider", ""], 2, "--provider is empty"],
  [["on", "--force"], 2, "unknown option"],
  [["off", "--user", "nobody-at-all"], 1, 'no user "nobody-at-all"'],
])("wrong input %j is a sentence and changes nothing", async (args, exit, sentence) => {
  const { code, stdout, stderr } = await home.run(["emergency-stop", ...args]);
  expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
  expect(stderr).toContain(sentence);
  expect((await home.run(["emergency-stop", "status"])).code).toBe(0);
});

test.each(["on", "off", "status"])(
  "%s without a database exits 3, and has help with examples",
  async (verb) => {
    const { code, stderr } = await (await emptyHome()).run(["emergency-stop", verb]);
    expect(code).toBe(3);
    expect(stderr).toContain("alpha init");
    expect(await home.ok(["emergency-stop", verb, "--help"])).toContain(
      `Examples:\n  $ alpha emergency-stop ${verb}`,
    );
  },
);
