import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { BIN_PATH, type Home } from "../support/cli.js";
import { preparedHomes, usageLog } from "../support/prepared-homes.js";
import { exitOf, sampleOf, workingCommands } from "../support/samples.js";

const { prepared } = preparedHomes();
const commands = workingCommands();
// biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them
const ESCAPES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
const LONG = `n${"a".repeat(150)}me`;

/** Runs a command whose reader is gone before it has printed anything. */
function unread(home: Home, args: readonly string[], unread: readonly ("stdout" | "stderr")[], input = "") {
  return new Promise<{ code: number | null; signal: string | null; rest: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [BIN_PATH, ...args], { cwd: home.path, env: { ...home.env } });
    let rest = "";
    for (const name of ["stdout", "stderr"] as const) {
      if (unread.includes(name)) child[name].destroy();
      else
        child[name].setEncoding("utf8").on("data", (text: string) => {
          rest += text;
        });
    }
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, rest }));
  });
}

describe.concurrent.each(commands)("alpha %s", (path) => {
  test("prints into a pipe without colour, and with times of one form", async () => {
    const { code, stdout, stderr } = await (await prepared()).run(sampleOf(path));
    expect(code).toEqual(exitOf(path));
    expect(stdout).not.toMatch(ESCAPES);
    expect(stderr).not.toMatch(ESCAPES);
    for (const [time] of stdout.matchAll(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d\S*( \(UTC\)| UTC)?/g)) {
      // A sentence for a tester names the zone instead, in which it tells the time.
      expect(time).toMatch(/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{3})?Z| \d\d:\d\d( \(UTC\)| UTC)$)/);
    }
  });

  test("does not mind that nobody reads on", async () => {
    const { code, signal, rest } = await unread(await prepared(), sampleOf(path), ["stdout"]);
    expect({ code, signal }).toEqual({ code: exitOf(path), signal: null });
    expect(rest).not.toMatch(/EPIPE|error|^\s+at /m);
  });

  test("obeys NO_COLOR before FORCE_COLOR", async () => {
    const env = { FORCE_COLOR: "1", NO_COLOR: "1" };
    const { code, stdout, stderr } = await (await prepared()).run(sampleOf(path), { env });
    expect(code).toEqual(exitOf(path));
    expect(stdout + stderr).not.toMatch(ESCAPES);
  });
});

test("FORCE_COLOR colours a table and an error off a terminal", async () => {
  const home = await prepared();
  const env = { FORCE_COLOR: "1" };
  expect((await home.run(["users", "list"], { env })).stdout).toContain("\u001b[");
  expect((await home.run(["users", "show", "nobody"], { env })).stderr).toContain("\u001b[");
  expect((await home.run(["users", "list", "--no-color"], { env })).stdout).not.toMatch(ESCAPES);
  const json = await home.run(["users", "list", "--json"], { env });
  expect(json.stdout).not.toMatch(ESCAPES);
});

test("nothing is cut short in a pipe, however wide", async () => {
  const home = await prepared();
  await home.ok(["users", "add", "long@example.com", "--name", LONG]);
  for (const format of ["table", "csv", "markdown", "json"]) {
    expect(await home.ok(["users", "list", "--format", format])).toContain(LONG);
  }
  expect(await home.ok(["users", "list"], { env: { COLUMNS: "40" } })).toContain(LONG);
});

test("a decision that nobody reads is still told by its exit code", async () => {
  const home = await prepared();
  await home.ok(["emergency-stop", "on"]);
  expect(await unread(home, ["check", "ada"], ["stdout"])).toMatchObject({ code: 4 });
});

test("an import whose output nobody reads is done to its end", async () => {
  const home = await prepared();
  const log = usageLog(5_000).join("\n");
  expect(await unread(home, ["usage", "import", "-"], ["stdout", "stderr"], log)).toMatchObject({ code: 0 });
  const report = await home.json(["usage", "events", "--user", "ada", "--limit", "100000"]);
  expect(report).toHaveLength(5_001);
});

test("a list longer than a pipe's buffer may be left in its middle", async () => {
  const home = await prepared();
  await home.ok(["usage", "import", "-"], { input: usageLog(5_000).join("\n") });
  const result = await new Promise<{ code: number | null; first: string; errors: string }>((resolve) => {
    const args = ["usage", "events", "--limit", "100000", "--format", "csv"];
    const child = spawn(process.execPath, [BIN_PATH, ...args], { env: { ...home.env } });
    let errors = "";
    let first = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.stdout.once("data", (chunk: Buffer) => {
      first = chunk.toString("utf8").split("\n")[0] ?? "";
      child.stdout.destroy();
    });
    child.on("close", (code) => resolve({ code, first, errors }));
  });
  expect(result).toEqual({ code: 0, first: expect.stringMatching(/^number,occurred_at,/), errors: "" });
});
