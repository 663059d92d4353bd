import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
// @ts-expect-error the script is plain JavaScript, so that it runs without a build, and has no declarations
import { cliReference, REFERENCE } from "../../scripts/make-cli-reference.mjs";
import { EXIT } from "../../src/cli/exit-codes.js";
import { commandTree, leaves } from "../support/command-tree.js";

const written = readFileSync(REFERENCE, "utf8");

test("docs/cli-reference.md says what the program says; else run: node scripts/make-cli-reference.mjs", () => {
  expect(written).toBe(cliReference(commandTree()));
});

test("it has every command, every option, every exit code and every variable", () => {
  for (const [path, command] of leaves(commandTree())) {
    expect(written).toContain(`\n## alpha ${path}\n`);
    for (const option of command.options) expect(written).toContain(`| \`${option.flags}\` |`);
  }
  for (const code of Object.values(EXIT)) expect(written).toContain(`\n| ${code} |`);
  for (const name of [
    "ALPHA_DATABASE",
    "ALPHA_DATABASE_URL_FILE",
    "ALPHA_ACTOR",
    "NO_COLOR",
    "FORCE_COLOR",
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
  ]) {
    expect(written).toContain(`| \`${name}\` |`);
  }
});
