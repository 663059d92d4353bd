import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { BIN_PATH, type Finished, type Home } from "../support/cli.js";
import { commandTree, examplesOf, leaves, paths } from "../support/command-tree.js";
import { emptyHome } from "../support/homes.js";
import { preparedHomes, usageLog } from "../support/prepared-homes.js";
import { alphaInTerminal, KEY, type Step } from "../support/pty.js";
import { exitOf, workingCommands } from "../support/samples.js";

const { prepared, empty } = preparedHomes();
const tree = commandTree();
const commands = leaves(tree);
/** Examples that need what no test has, and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "alpha db move --to postgres://olga@db.example.com/alpha":
    "there is no such server; test/acceptance/db-move.test.ts moves to one of its own",
};

const allExamples = workingCommands().flatMap(([path, command]) =>
  examplesOf(command).map((line) => [line, path] as const),
);
const examples = allExamples.filter(([line]) => ELSEWHERE[line] === undefined);

/** Examples that ask, and what is answered; the others need nobody. */
const ASKING: Readonly<Record<string, readonly Step[]>> = {
  "alpha users add": [
    { wait: "Email:", send: `eve@example.com${KEY.enter}` },
    { wait: "Name (optional):", send: KEY.enter },
    { wait: "free (Free Alpha)", send: KEY.enter },
    { wait: "not known", send: KEY.enter },
    { wait: "Added eve@example.com" },
  ],
  "alpha prices remove gpt-image-1": [
    { wait: "Remove the price of gpt-image-1", send: `y${KEY.enter}` },
    { wait: "Removed" },
  ],
  "alpha status --watch": [{ wait: "q quit", send: "q" }],
  "alpha users remove ada@example.com": [
    { wait: "Remove ada@example.com", send: `y${KEY.enter}` },
    { wait: "Removed" },
  ],
  "alpha tiers remove team": [{ wait: "Remove the tier team?", send: `y${KEY.enter}` }, { wait: "Removed" }],
};

/** Commands that a database in use is not for. */
const ANEW = ["init", "users add"];

/** What must be so before a command can do its work. */
const BEFORE: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "users add": [
    ["init"],
    ["users", "add", "finn@example.com"],
    ["users", "remove", "finn@example.com", "--yes"],
  ],
  "users persona": [["users", "persona", "ada@example.com", "casual"]],
  "users resume": [["users", "suspend", "ada@example.com"]],
  "tiers remove": [["tiers", "add", "team"]],
  "guardrails clear": [["guardrails", "set", "--daily-cost", "25"]],
  "prices remove": [
    ["prices", "set", "gpt-x", "--provider", "azure", "--input", "1", "--from", "2026-10-01"],
  ],
};

/** Makes of a home one in which every example can run: with the files that they name and stand-ins for programs that are not ours. */
function homeForExamples(home: Home): Home {
  const log = usageLog(5).join("\n");
  writeFileSync(join(home.path, "users.csv"), "email,tier\neve@example.com,free\nfay@example.com,basic\n");
  mkdirSync(join(home.path, "logs", "march"), { recursive: true });
  writeFileSync(join(home.path, "logs", "march", "20.jsonl.gz"), gzipSync(log));
  writeFileSync(join(home.path, "spend.csv"), csv("spend"));
  writeFileSync(join(home.path, "usage.jsonl"), log);
  writeFileSync(join(home.path, "log.csv.zst"), "time,prompt\n2026-11-20T10:00:00Z,12\n");
  const bin = join(home.path, "bin");
  mkdirSync(bin);
  const stub = (name: string, body: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  stub("alpha", `exec '${process.execPath}' '${BIN_PATH}' "$@"`);
  stub("zstd", 'cat "$2"');
  stub("less", "cat");
  stub("crontab", 'if [ "$1" = -l ]; then echo "# mine"; else cat > "$HOME/crontab"; fi');
  return home;
}

function csv(month: string): string {
  return `id,timestamp,user,model,input_tokens\n${month}-1,2026-11-20T10:00:00Z,ada@example.com,gpt-4o,12\n`;
}

function inShell(home: Home, line: string): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const env = { ...home.env, PATH: `${join(home.path, "bin")}:${home.env.PATH}` };
    const child = spawn("bash", ["-o", "pipefail", "-c", line], {
      cwd: home.path,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

describe.concurrent.each(paths(tree).map((path) => [path] as const))("alpha %s --help", (path) => {
  test("explains itself", async () => {
    const { code, stdout, stderr } = await (await prepared()).run([...path.split(" "), "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [usage = "", , sentence = ""] = stdout.split("\n");
    expect(usage).toMatch(new RegExp(`^Usage: alpha ${path}( |$)`));
    expect(sentence).toMatch(/^[A-Z].{10,}/);
    expect(stdout).toMatch(/^ {2}-h, --help/m);
    expect(stdout.split("\n").filter((line) => line.length > 100 && !line.startsWith("  $ "))).toEqual([]);
    if (!commands.some(([leaf]) => leaf === path)) return;
    for (const option of ["--json", "--database <file>", "--no-color", "--no-input", "--debug"]) {
      expect(stdout).toContain(`  ${option}`);
    }
    const lines = stdout.split("\nExamples:\n")[1]?.trimEnd().split("\n") ?? [];
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(new RegExp(`^  \\$ .*alpha ${path}( |$)`));
  });
});

test("every option and argument of every command is described", () => {
  const bare = commands.flatMap(([path, command]) => [
    ...command.options
      .filter((option) => option.description === "")
      .map((option) => `${path} ${option.flags}`),
    ...command.registeredArguments
      .filter((arg) => arg.description === "")
      .map((arg) => `${path} ${arg.name()}`),
  ]);
  expect(bare).toEqual([]);
});

test("alpha alone, --help and --version", async () => {
  const home = await emptyHome();
  const [alone, help, version, noun] = await Promise.all([
    home.run([]),
    home.run(["--help"]),
    home.run(["--version"]),
    home.run(["users"]),
  ]);
  expect(alone).toEqual(help);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  for (const command of tree.commands) expect(help.stdout).toMatch(new RegExp(`^  ${command.name()} `, "m"));
  expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: "" });
  expect(noun).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/^Usage: alpha users/) });
});

describe.concurrent.each(examples)("$ %s", (line, path) => {
  test("runs as the help prints it", async () => {
    const home = homeForExamples(ANEW.includes(path) ? await empty() : await prepared());
    for (const args of BEFORE[path] ?? []) await home.ok(args);
    const steps = ASKING[line];
    if (steps === undefined) {
      expect(await inShell(home, line)).toMatchObject({ code: exitOf(path), signal: null });
    } else {
      expect(await alphaInTerminal(home, line.split(" ").slice(1), { steps })).toMatchObject({ code: 0 });
    }
  });
});

test("the examples that ask, and those that cannot run, are examples still", () => {
  const lines = allExamples.map(([line]) => line);
  expect(lines).toEqual(expect.arrayContaining([...Object.keys(ASKING), ...Object.keys(ELSEWHERE)]));
});
