import { type Command, CommanderError } from "commander";
import { describe, expect, test } from "vitest";
import { commandTree, leaves } from "../support/command-tree.js";
import { brokenLinks, commandLines, commandsInText, documents, missingPaths } from "../support/markdown.js";

/** What the command tree says against a command line; null when it would run. */
async function complaint(words: readonly string[]): Promise<string | null> {
  const tree = commandTree();
  for (const [, command] of leaves(tree)) command.action(() => {});
  try {
    await tree.parseAsync([...words], { from: "user" });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? null : `alpha ${words.join(" ")}: ${error.message}`;
  }
}

/** Whether the words before the first that is no command's name lead to a command or a noun. */
function leadsNowhere(words: readonly string[]): boolean {
  let command: Command = commandTree();
  for (const word of words) {
    if (command.commands.length === 0 || word.startsWith("-")) return false;
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) return true;
    command = next;
  }
  return false;
}

describe.each(documents().map((document) => [document.path, document] as const))("%s", (_, document) => {
  test("names nothing that is not there", () => {
    expect({ links: brokenLinks(document), paths: missingPaths(document) }).toEqual({ links: [], paths: [] });
  });

  test("shows only command lines that alpha understands", async () => {
    const complaints = await Promise.all(commandLines(document).map(complaint));
    expect(complaints.filter((each) => each !== null)).toEqual([]);
    expect(commandsInText(document).filter(leadsNowhere)).toEqual([]);
  });
});

test("the documents that there are, are found with their command lines", () => {
  const found = documents();
  expect(found.map(({ path }) => path)).toEqual(
    expect.arrayContaining(["docs/library.md", "docs/cli-reference.md"]),
  );
  expect(found.flatMap(commandLines).length).toBeGreaterThan(40);
});

test("what is wrong is found", async () => {
  const text = [
    "# A heading",
    "[gone](gone.md) [there](library.md) [itself](#a-heading) [nowhere](#no-heading) [web](https://example.com)",
    "`src/gone.ts` `src/index.ts` `alpha users fly` `alpha users list --tier pro` `alpha emergency-stop`",
    "```sh",
    "cat x | alpha users list --fligt >out # alpha zzz",
    "(crontab -l; alpha cron show --only 'crontab') | crontab -",
    "alpha users add 'a b@example.com' \\",
    "  --tier free",
    "```",
    "```console",
    "$ npx alpha nonsense",
    "alpha said this itself",
    "```",
  ].join("\n");
  const document = { path: "docs/sample.md", text };
  expect(brokenLinks(document)).toEqual(["gone.md", "#no-heading"]);
  expect(missingPaths(document)).toEqual(["src/gone.ts"]);
  expect(commandsInText(document).filter(leadsNowhere)).toEqual([["users", "fly"]]);
  const lines = commandLines(document);
  expect(lines).toEqual([
    ["users", "list", "--fligt"],
    ["cron", "show", "--only", "crontab"],
    ["users", "add", "a b@example.com", "--tier", "free"],
    ["nonsense"],
  ]);
  expect(await Promise.all(lines.map(complaint))).toEqual([
    expect.stringContaining("--fligt"),
    null,
    null,
    expect.stringContaining("unknown command"),
  ]);
});
