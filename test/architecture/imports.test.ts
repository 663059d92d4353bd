import { describe, expect, test } from "vitest";
import { importsOf, LAYERS, MOST_LINES, sourcesBelow, violationsOf } from "./scanner.js";

describe("the program", () => {
  const sources = [...sourcesBelow("src"), ...sourcesBelow("migrations")];

  test("every file keeps to its layer", () => {
    expect(sources.flatMap(violationsOf)).toEqual([]);
  });

  test("the scan reaches every layer that there is and sees its imports", () => {
    const paths = sources.map((source) => source.path);
    for (const layer of ["src/domain/", "src/engine/", "src/render/", "src/store/sqlite/", "migrations/"]) {
      expect(paths.filter((path) => path.startsWith(layer)).length).toBeGreaterThan(2);
    }
    const dialect = sources.find((source) => source.path === "src/store/sqlite/dialect.ts")!;
    expect(importsOf(dialect.text)).toEqual(expect.arrayContaining(["kysely", "./busy.js", "../schema.js"]));
  });
});

const violations = (path: string, text: string) => violationsOf({ path, text });

describe("the scan finds", () => {
  test.each([
    ["src/domain/a.ts", 'import { x } from "../engine/ports.js";'],
    ["src/domain/a.ts", 'import type { x } from "../store/schema.js";'],
    ["src/domain/a.ts", 'import { readFileSync } from "node:fs";'],
    ["src/engine/a.ts", 'import { sql } from "kysely";'],
    ["src/engine/a.ts", 'import Sqlite from "better-sqlite3";'],
    ["src/engine/a.ts", 'import { delay } from "node:timers/promises";'],
    ["src/engine/a.ts", 'import { open } from "../store/sqlite/open.js";'],
    ["src/engine/a.ts", 'import { table } from "../render/table.js";'],
    ["src/render/a.ts", 'import type { Store } from "../engine/ports.js";'],
    ["src/render/a.ts", 'import { x } from "../store/usage.js";'],
    ["src/render/a.ts", 'import { stdout } from "node:process";'],
    ["src/importers/a.ts", 'import { readFile } from "node:fs/promises";'],
    ["src/importers/a.ts", 'import { x } from "../input/lines.js";'],
    ["src/input/a.ts", 'import { x } from "../store/usage.js";'],
    ["src/prices/a.ts", 'import { x } from "../engine/ports.js";'],
    ["src/store/a.ts", 'import { x } from "../engine/users.js";'],
    ["src/store/a.ts", 'import Sqlite from "better-sqlite3";'],
    ["src/store/sqlite/a.ts", 'import { x } from "../../engine/users.js";'],
    ["src/store/sqlite/a.ts", 'import chalk from "chalk";'],
    ["src/index.ts", 'export { run } from "./cli/main.js";'],
    ["src/engine/a.ts", 'export * from "../cli/main.js";'],
    ["src/errors.ts", 'import { x } from "./domain/money.js";'],
    ["migrations/0002.ts", 'import { x } from "../src/domain/tier.js";'],
    ["migrations/0002.ts", 'import { x } from "node:fs";'],
    ["src/domain/a.ts", 'const x = await import("kysely");'],
    ["src/render/a.ts", 'import "../cli/main.js";'],
    ["src/render/a.ts", "const x = require('better-sqlite3');"],
    ["src/render/a.ts", 'import {\n  a,\n  b,\n} from "../store/usage.js";'],
  ])("in %s: %s", (path, text) => {
    expect(violations(path, text)).not.toEqual([]);
  });

  test.each([
    ["src/domain/a.ts", "const now = Date.now();"],
    ["src/engine/a.ts", "const now = new Date();"],
    ["src/engine/a.ts", "const id = Math.random();"],
    ["src/domain/a.ts", "if (process.env.X) stop();"],
    ["src/engine/a.ts", "const { env } = process;"],
    ["src/engine/a.ts", 'console.log("x");'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program
    ["src/engine/a.ts", "const text = `it is ${Date.now()}`;"],
    ["src/domain/a.ts", "setTimeout(work, 5);"],
    ["src/domain/a.ts", "export async function decide() {}"],
    ["src/store/a.ts", "const q = sql`select * from json_each(?)`;"],
    ["src/store/a.ts", 'raw.exec("PRAGMA user_version");'],
    ["src/store/a.ts", 'db.orderBy("rowid");'],
    ["src/store/a.ts", "sql`insert or ignore into x values (1)`;"],
    ["migrations/0002.ts", "sql`select name from sqlite_master`.execute(db);"],
  ])("in %s, words: %s", (path, text) => {
    expect(violations(path, text)).toHaveLength(1);
  });

  test("a file that is too long, one without a layer, and an import without its ending", () => {
    expect(violations("src/cli/a.ts", "x;\n".repeat(MOST_LINES))).toEqual([]);
    expect(violations("src/cli/a.ts", "x;\n".repeat(MOST_LINES + 1))).toEqual(["src/cli/a.ts has 401 lines"]);
    expect(violations("src/helpers/a.ts", "")).toEqual(["src/helpers/a.ts is in no layer"]);
    expect(violations("src/other.ts", "")).toEqual(["src/other.ts is in no layer"]);
    expect(violations("src/domain/a.ts", 'import { x } from "./money";')).toHaveLength(1);
  });
});

describe("the scan leaves alone", () => {
  test.each([
    ["src/domain/a.ts", 'import { x } from "./money.js";\nimport { AlphaError } from "../errors.js";'],
    ["src/domain/a.ts", '// import { x } from "kysely"; Date.now()\n/* console.log process.env */'],
    ["src/domain/a.ts", 'const hint = "the process. console.log Date.now()";'],
    ["src/domain/a.ts", "const at = new Date(instant);"],
    ["src/engine/a.ts", 'import type { Store } from "./ports.js";'],
    [
      "src/store/a.ts",
      'import type { Store } from "../engine/ports.js";\nimport { x } from "../../migrations/index.js";',
    ],
    ["src/store/a.ts", "// a pragma would be SQLite's own"],
    ["src/store/sqlite/a.ts", 'import Sqlite from "better-sqlite3";\nraw.pragma("x"); // rowid'],
    [
      "src/cli/commands/a.ts",
      'import { x } from "../../store/sqlite/open.js";\nimport { Command } from "commander";',
    ],
  ])("in %s: %s", (path, text) => {
    expect(violations(path, text)).toEqual([]);
  });

  test("only the command line may know the command line", () => {
    const knowing = Object.entries(LAYERS).filter(([, layer]) => layer.files.includes("src/cli/"));
    expect(knowing.map(([name]) => name)).toEqual(["src/cli/"]);
  });
});
