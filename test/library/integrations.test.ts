import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { freshHome } from "../support/cli.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCUMENT = readFileSync(join(ROOT, "docs/integrations.md"), "utf8");

/** The program under a heading, and what the document says that it prints. */
function exampleOf(heading: string): { readonly program: string; readonly output: string } {
  const section = DOCUMENT.slice(DOCUMENT.indexOf(`\n## ${heading}\n`));
  const [, program, output] = /```js\n([\s\S]*?)```[\s\S]*?```\n([\s\S]*?)```/.exec(section)!;
  return { program: program!, output: output! };
}

it.each([
  ["Express", [{ input_tokens: 120, output_tokens: 380 }]],
  [
    "AI SDK",
    [1, 2].map(() => ({
      input_tokens: 20,
      cached_input_tokens: 100,
      output_tokens: 330,
      reasoning_tokens: 100,
    })),
  ],
])("runs the program of %s as docs/integrations.md prints it", async (heading, counted) => {
  const home = freshHome();
  await home.ok(["init"]);
  await home.ok(["users", "add", "ada@example.com"]);
  const { program, output } = exampleOf(heading);
  // Inside the package, so that its own name finds it as a user's program would.
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".tmp/example-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "example.mjs");
  writeFileSync(path, program);

  const { status, stdout, stderr } = spawnSync(process.execPath, [path], {
    env: { ...home.env },
    encoding: "utf8",
  });

  expect(stderr).toBe("");
  expect(stdout).toBe(output);
  expect(status).toBe(0);
  expect(await home.json(["usage", "events"])).toMatchObject(counted);
});
