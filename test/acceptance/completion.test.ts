import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { COMPLETION_SCRIPTS, SHELLS } from "../../src/cli/commands/completion/scripts.js";
import { BIN_PATH, type Home } from "../support/cli.js";
import { commandTree, leaves } from "../support/command-tree.js";
import { emptyHome, seededHome } from "../support/homes.js";
import { INSTALL_MS, requirePrograms } from "../support/programs.js";
import { runInTerminal, type Step } from "../support/pty.js";

/** Run as a command, it would make a file. */
const HOSTILE = "key-$(touch$" + "{IFS}pwned)";

let home: Home;
let env: Record<string, string>;

beforeAll(() => requirePrograms("bash", "zsh", "fish"), INSTALL_MS);

beforeEach(async () => {
  home = await seededHome([
    { id: "ada", email: "ada@example.com", name: "Ada Lovelace", tier: "basic" },
    { id: "bob", aliases: [HOSTILE, "key:one:two"] },
  ]);
  const bin = join(home.path, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "alpha"), `#!/bin/sh\nexec '${process.execPath}' '${BIN_PATH}' "$@"\n`);
  chmodSync(join(bin, "alpha"), 0o755);
  for (const log of ["october.jsonl", "nov@b.jsonl"]) writeFileSync(join(home.path, log), "");
  env = { ...home.env, PATH: `${bin}:${home.env.PATH}`, TERM: "xterm", LC_ALL: "C.UTF-8" };
});

/** What is offered behind `alpha`, the last word being begun. */
async function offered(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await home.run(["__complete", "--", ...words]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [kind, ...lines] = stdout.trimEnd().split("\n");
  return kind === "files" ? ["<files>"] : lines.map((line) => line.split("\t")[0] as string);
}

test("every command of the tree is offered, word by word", async () => {
  const paths = leaves(commandTree()).map(([path]) => path.split(" "));
  const nouns = [...new Set(paths.map(([first]) => first as string))];
  expect((await offered("")).sort()).toEqual(nouns.sort());
  const verbs = paths.filter(([first]) => first === "tiers").map(([, verb]) => verb);
  expect(await offered("tiers", "")).toEqual(verbs);
  expect(await offered("tiers", "s")).toEqual(expect.arrayContaining(["show", "set"]));
  expect(await offered("no-such", "")).toEqual([]);
});

test("testers, tiers, settings and files are offered where help names them", async () => {
  expect(await offered("users", "promote", "")).toEqual(["ada@example.com", "bob"]);
  expect(await offered("users", "promote", "ad")).toEqual(["ada@example.com", "ada"]);
  expect(await offered("users", "promote", "ada", "--to", "")).toEqual(["free", "basic", "pro"]);
  expect(await offered("users", "list", "--tier=p")).toEqual(["--tier=pro"]);
  expect(await offered("users", "override", "ad")).toEqual(["add", "ada@example.com", "ada"]);
  expect(await offered("users", "override", "ada", "--grant", "basic")).toEqual(["basic_seo"]);
  expect(await offered("settings", "set", "warn")).toEqual(["warn_at"]);
  expect(await offered("audit", "--action", "users.pro")).toEqual(["users.promote"]);
  expect(await offered("settings", "get", "da")).toEqual(["database"]);
  expect(await offered("settings", "set", "data")).toEqual([]);
  expect(await offered("settings", "set", "default_tier", "")).toEqual(["free", "basic", "pro"]);
  expect(await offered("settings", "set", "default-tier", "b")).toEqual(["basic"]);
  expect(await offered("settings", "set", "unpriced", "")).toEqual(["assume", "block", "ignore"]);
  expect(await offered("settings", "set", "warn_at", "")).toEqual([]);
  expect(await offered("usage", "import", "--user", "b")).toEqual(["bob"]);
  expect(await offered("usage", "import", "oct")).toEqual(["<files>"]);
  expect(await offered("users", "add", "--from", "")).toEqual(["<files>"]);
  expect(await offered("users", "add", "--persona", "p")).toEqual(["power"]);
  expect(await offered("users", "list", "--format", "")).toEqual(["table", "json", "csv", "markdown"]);
});

test("whoever was removed is offered where they can be brought back, and nowhere else", async () => {
  await home.ok(["users", "remove", "ada", "--yes"]);
  expect(await offered("users", "add", "--restore", "")).toEqual(["ada@example.com"]);
  expect(await offered("users", "add", "--restore", "--tier", "p")).toEqual(["pro"]);
  expect(await offered("users", "add", "")).toEqual([]);
  expect(await offered("users", "show", "")).toEqual(["bob"]);
});

test("options are offered once each, and none behind --", async () => {
  const options = await offered("users", "promote", "ada", "--");
  expect(options).toEqual(expect.arrayContaining(["--to", "--reason", "--dry-run", "--json", "--help"]));
  expect(await offered("users", "promote", "ada", "--dry-run", "--dry")).toEqual([]);
  expect(await offered("users", "add", "--alias", "key-1", "--al")).toEqual(["--alias"]);
  expect(await offered("users", "promote", "--", "--t")).toEqual([]);
  // Once there is nothing else to say.
  expect(await offered("users", "promote", "ada", "")).toEqual(options);
});

test("without a database, or with one that is broken, there is less to offer and no error", async () => {
  const nowhere = await emptyHome();
  const { code, stdout, stderr } = await nowhere.run(["__complete", "--", "users", "show", ""]);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "words\n", stderr: "" });
  expect(readdirSync(nowhere.path)).toEqual([]);
  writeFileSync(join(nowhere.path, "broken.db"), "no database at all");
  const broken = ["__complete", "--", "users", "show", "--database", "broken.db", ""];
  expect(await nowhere.run(broken)).toMatchObject({ code: 0, stderr: "" });
  const there = ["__complete", "--", "users", "show", "--database", home.database, "ada@"];
  expect((await nowhere.run(there)).stdout).toBe("words\nada@example.com\tbasic, Ada Lovelace\n");
  expect(await nowhere.run(["__complete"])).toMatchObject({ code: 0, stderr: "" });
});

test("the scripts are what the command prints, and no other shell has one", async () => {
  for (const shell of SHELLS) expect(await home.ok(["completion", shell])).toBe(COMPLETION_SCRIPTS[shell]);
  expect(await home.run(["completion", "tcsh"])).toMatchObject({
    code: 2,
    stderr: 'error: there is no completion for "tcsh"\nhint: there is one for bash, zsh, fish\n',
  });
});

/** What is typed, the end that shows that it was completed, and the line that is then there to be run. */
type Typed = readonly [text: string, end: string, line: string];

const TYPED: readonly Typed[] = [
  ["alpha tiers sh\t", "show", "alpha tiers show"],
  ["alpha users promote ada@\t", "example.com", "alpha users promote ada@example.com"],
  ["alpha users promote ada@ex\t", "ample.com", "alpha users promote ada@example.com"],
  ["alpha users show key:o\t", "two", "alpha users show key:one:two"],
  ["alpha users list --ti\tpr\t", "pro", "alpha users list --tier pro"],
  ["alpha check ada --feature=content\t", "_planning", "alpha check ada --feature=content_planning"],
  ["alpha usage import oct\t", "ober.jsonl", "alpha usage import october.jsonl"],
  ["alpha usage import no\t", "b.jsonl", "alpha usage import nov@b.jsonl"],
];
/** Where bash takes words apart is a variable, which not everybody leaves as it was. */
const TYPED_IN_BASH: readonly Typed[] = [
  ...TYPED,
  ["alpha usage import nov@\t", "b.jsonl", "alpha usage import nov@b.jsonl"],
  ["alpha users promote --to=b\t", "asic", "alpha users promote --to=basic"],
  ['alpha users show "ada@e\t', "xample.com", "alpha users show ada@example.com"],
];
const LINE_START = "\x01";

/** Types into a shell in a terminal, each text once the shell is ready for it. */
async function typeInto(shell: readonly string[], start: string, texts = TYPED): Promise<void> {
  const steps: Step[] = [{ wait: "$ ", send: `${start}; echo re''ady\r` }, { wait: "ready" }];
  for (const [text, end, line] of texts) {
    steps.push(
      { wait: "$ ", send: text },
      { wait: end, send: `${LINE_START}echo th''ere: \r` },
      { wait: `there: ${line}` },
    );
  }
  steps.push({ wait: "$ ", send: "exit\r" });
  await runInTerminal(shell, { cwd: home.path, env: { ...env, PS1: "$ " }, steps, columns: 120 });
}

describe("in a shell that completes", () => {
  const BASH = ["bash", "--norc", "-i"];
  const START_BASH = "source <(alpha completion bash)";

  test("bash", () => typeInto(BASH, START_BASH, TYPED_IN_BASH));

  test("bash that takes words apart at less", () =>
    typeInto(BASH, `COMP_WORDBREAKS=' =<>|&;(\\"'; ${START_BASH}`, TYPED_IN_BASH));

  test("bash types what a shell would run so that it is not run", async () => {
    const hostile = [["alpha users show key-\t", "pwned", `alpha users show ${HOSTILE}`]] as const;
    await typeInto(BASH, START_BASH, hostile);
    expect(readdirSync(home.path)).not.toContain("pwned");
  });

  test("zsh", () =>
    typeInto(["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D; source <(alpha completion zsh)"));

  test("fish", () => {
    const completed = (line: string) => {
      const script = `alpha completion fish | source; complete -C '${line}'`;
      const { stdout, stderr } = spawnSync("fish", ["--no-config", "-c", script], {
        cwd: home.path,
        env,
        encoding: "utf8",
      });
      expect(stderr).toBe("");
      return stdout.trimEnd().split("\n");
    };
    expect(completed("alpha tiers sh")).toEqual([
      "show\tShow one tier: limits, features, how many are on it",
    ]);
    expect(completed("alpha users promote ada@")).toEqual(["ada@example.com\tbasic, Ada Lovelace"]);
    expect(completed("alpha users list --tier pr")).toEqual(["pro\tPro Alpha"]);
    expect(completed("alpha usage import oct")).toEqual(["october.jsonl"]);
    expect(completed("alpha ").length).toBeGreaterThan(10);
  });
});
