import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { freshHome } from "../support/cli.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The fenced blocks of a document, in their order. */
function blocks(markdown: string): { readonly language: string; readonly text: string }[] {
  return [...markdown.matchAll(/```(\w*)\n([\s\S]*?)```/g)].map(([, language = "", text = ""]) => ({
    language,
    text,
  }));
}

it("runs as docs/library.md prints it", async () => {
  const home = freshHome();
  await home.ok(["init"]);
  await home.ok(["users", "add", "ada@example.com"]);
  const [program, output] = blocks(readFileSync(join(ROOT, "docs/library.md"), "utf8"));
  // Inside the package, so that its own name finds it as a user's program would.
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".tmp/example-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "example.mjs");
  writeFileSync(path, program?.text ?? "");

  const { status, stdout, stderr } = spawnSync(process.execPath, [path], {
    env: { ...home.env },
    encoding: "utf8",
  });

  expect(stderr).toBe("");
  expect(stdout).toBe(output?.text);
  expect(status).toBe(0);
  const events = await home.json(["usage", "events"]);
  expect(events).toHaveLength(1);
});
