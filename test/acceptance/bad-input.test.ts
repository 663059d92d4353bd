import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Home } from "../support/cli.js";
import { snapshot } from "../support/inside.js";
import { preparedHomes } from "../support/prepared-homes.js";

const { prepared } = preparedHomes();
const LONG = "x".repeat(10_000);
const SPELL = "\u001b]0;owned\u0007\u001b[31mred\u202e";

/** A command line, its exit code, and what the sentence and the hint must say. */
type Case = readonly [args: readonly string[], code: number, ...says: (string | RegExp)[]];

const users: Case[] = [
  [["users", "show", "ad@example.com"], 1, 'no user "ad@example.com"; did you mean ada@example.com?'],
  [["users", "promote", "nobody-like-this"], 1, 'no user "nobody-like-this"', "alpha users list"],
  [["users", "suspend", "adda"], 1, "did you mean ada?"],
  [["usage", "record", "adda", "--images", "1"], 1, "did you mean ada?"],
  [["usage", "events", "--user", "adda"], 1, "did you mean ada?"],
  [["usage", "import", "usage.jsonl", "--user", "adda"], 1, "did you mean ada?"],
  [["emergency-stop", "on", "--user", "adda"], 1, "did you mean ada?"],
  [["check", "adda"], 4, "did you mean ada?"],
  [["users", "add", "ADA@example.com"], 1, "there is already a user ada@example.com"],
  [["users", "add", "new@example.com", "--alias", "bob"], 1, /bob/],
  [["users", "add", "no-at-sign"], 2, "no-at-sign"],
  [["users", "add", "new@example.com", "--persona", "powr"], 2, "did you mean power?"],
  [["users", "add"], 2, "there is nobody to ask here"],
  [["users", "add", "new@example.com", "--from", "users.csv"], 2, "--from"],
  [["users", "promote", "ada", "--to", "basic"], 1, /basic/],
  [["users", "demote", "bob"], 1, /bob/],
  [["users", "promote", "ada", "--to", "free"], 1, /free/],
];

const tiers: Case[] = [
  [["users", "add", "new@example.com", "--tier", "fre"], 1, "did you mean free?"],
  [["users", "list", "--tier", "gold"], 1, 'no tier "gold"'],
  [["users", "promote", "ada", "--to", "gold"], 1, 'no tier "gold"'],
  [["tiers", "show", "prp"], 1, "did you mean pro?"],
  [["emergency-stop", "on", "--tier", "gold"], 1, 'no tier "gold"'],
  [["tiers", "set", "free", "--daily-tokens", "-5"], 2, "--daily-tokens", "unlimited"],
  [["tiers", "set", "free", "--daily-tokens=-5"], 2, "--daily-tokens", "unlimited"],
  [["tiers", "set", "free", "--daily-tokens", "1.5"], 2, "whole number", "1.5"],
  [["tiers", "set", "free", "--daily-images", "many"], 2, "whole number", "many"],
  [["tiers", "set", "free", "--daily-images", "9007199254740993"], 2, "whole number"],
  [["tiers", "set", "free", "--monthly-cost", "-1"], 2, "US dollars"],
  [["tiers", "set", "free", "--monthly-cost", "1,5"], 2, "US dollars"],
  [["tiers", "set", "free", "--monthly-cost", "0.0000000001"], 2, "US dollars"],
  [["tiers", "set", "free", "--daily-tokens", ""], 2, "--daily-tokens"],
  [["tiers", "set", "free", "--rank", "0"], 2, "--rank"],
  [["tiers", "set", "free"], 2, "free"],
  [["tiers", "add", "free", "--daily-tokens", "5"], 1, "free"],
  [["tiers", "add", "Has Spaces", "--daily-tokens", "5"], 2, "Has Spaces"],
  [["tiers", "remove", "free", "--yes"], 1, "free"],
  [["tiers", "remove", "spare"], 2, "--yes"],
];

const figures: Case[] = [
  [["check", "ada", "--tokens", "-1"], 2, "--tokens", "-1"],
  [["check", "ada", "--tokens", "1.5"], 2, "whole number"],
  [["check", "ada", "--cost", "NaN"], 2, "US dollars"],
  [["usage", "record", "ada", "--images", "-2"], 2, "--images"],
  [["usage", "record", "ada"], 2, "nothing was used"],
  [["usage", "record", "ada", "--images", "1", "--at", "yesterday"], 2, "--at"],
  [["usage", "events", "--limit", "0"], 2, "--limit"],
  [["usage", "events", "--limit", "1e9"], 2, "--limit"],
  [["usage", "events", "--since", "2026-02-30"], 2, "2026-02-30"],
  [["usage", "report", "--month", "2026-13"], 2, "2026-13", "write it as 2026-11"],
  [["usage", "report", "--month", "November"], 2, "November"],
  [["usage", "report", "--month", "2026-1"], 2, "2026-1"],
  [["usage", "report", "--since", "2026-11-31"], 2, "2026-11-31"],
  [["usage", "report", "--since", "2026-11-20", "--until", "2026-11-10"], 2, "--until"],
  [["usage", "report", "--month", "2026-10", "--since", "2026-10-02"], 2, "--month"],
  [["usage", "report", "--by", "week"], 2, "week"],
  [["usage", "report", "--at-model", "no/such-model"], 1, "no/such-model"],
  [["init", "--time-zone", "Mars/Phobos"], 2, "Mars/Phobos", "Europe/Berlin"],
  [["init", "--time-zone", "Europe/Berlin"], 1, "Europe/Berlin"],
  [["init", "--daily-budget", "-4"], 2, "--daily-budget"],
  [["init", "--daily-budget", "lots"], 2, "lots"],
  [["emergency-stop", "on", "--for", "5parsecs"], 2, "5parsecs", "30m"],
  [["emergency-stop", "on", "--for", "-1h"], 2, "-1h"],
  [["emergency-stop", "on", "--for", "0m"], 2, "0m"],
  [["emergency-stop", "on", "--for", "1.5h"], 2, "1.5h"],
  [["emergency-stop", "on", "--for", "99999999999d"], 2, "99999999999d"],
  [["reset", "daily", "--at", "soon"], 2, "soon"],
  [["reset", "daily", "--at", "2027-11-22T00:00:00Z"], 2, "2027-11-22"],
];

const files: Case[] = [
  [["usage", "import", "missing.jsonl"], 1, "missing.jsonl"],
  [["usage", "import", "folder"], 1, "folder"],
  [["usage", "import", "empty"], 1, "empty"],
  [["usage", "import", "junk.bin"], 1, "junk.bin"],
  [["usage", "import", "broken.gz"], 1, "broken.gz"],
  [["usage", "import", "strange.csv"], 1, "strange.csv"],
  [["usage", "import", "torn.jsonl", "--strict"], 1, "torn.jsonl"],
  [["usage", "import", "usage.jsonl", "--format", "alfa"], 2, "did you mean alpha?"],
  [["usage", "import", "usage.jsonl", "--map", "tokens"], 2, "tokens"],
  [["usage", "import", "usage.jsonl", "--map", "input_token=x"], 2, /[Dd]id you mean input_tokens\?/],
  [["usage", "import", "usage.jsonl", "--rejects", "no/such/folder/r.jsonl"], 1, "no/such/folder"],
  [["usage", "import", "-", "-"], 2, "standard input"],
  [["users", "add", "--from", "missing.csv"], 1, "missing.csv"],
  [["users", "add", "--from", "folder"], 1, "folder"],
  [["users", "add", "--from", "empty"], 1, "empty"],
  [["users", "add", "--from", "junk.bin"], 1, "junk.bin"],
  [["users", "add", "--from", "half-right.csv"], 1, "half-right.csv"],
];

const words: Case[] = [
  [["usrs"], 2, "unknown command 'usrs'", "did you mean users?"],
  [["users", "lst"], 2, "unknown command 'lst'", "did you mean list?"],
  [["zzz"], 2, "unknown command 'zzz'", "alpha --help"],
  [["suggest"], 2, "unknown command 'suggest'", "did you mean alpha users suggest?"],
  [["show"], 2, "unknown command 'show'", "alpha --help"],
  [["tiers", "verify"], 2, "unknown command 'verify'", "did you mean alpha db verify?"],
  [["usage", "record", "ada", "--input", "1"], 2, "unknown option '--input'", "did you mean --input-tokens?"],
  [["init", "--daily"], 2, "unknown option '--daily'", "did you mean --daily-budget?"],
  [["users", "list", "--formt", "csv"], 2, "unknown option '--formt'", "did you mean --format?"],
  [["users", "list", "--format", "yaml"], 2, "yaml", "markdown"],
  [["users", "list", "--format"], 2, "--format", "alpha users list --help"],
  [["tiers", "set", "free", "--daily-tokens"], 2, "--daily-tokens"],
  [["users", "show"], 2, "missing required argument 'user'", "alpha users show --help"],
  [["users", "list", "everybody"], 2, "too many arguments"],
  [["users", "list", "--database", ""], 3, "--database is empty"],
];

const spells: Case[] = [
  [[SPELL], 2, "unknown command", "\\u001b[31mred\\u202e"],
  [["users", "show", SPELL], 1, "\\u001b[31mred"],
  [["users", "list", "--format", SPELL], 2, "\\u001b[31mred"],
  [["users", "list", `--${SPELL}`], 2, "\\u001b[31mred"],
  [["users", "add", `${SPELL}@example.com`], 2, "\\u001b[31mred"],
  [["users", "add", "new@example.com", "--alias", "a\nb"], 2, "alias"],
  [["users", "add", "new@example.com", "--tier", SPELL], 1, "\\u001b[31mred"],
  [["usage", "import", `${SPELL}.jsonl`], 1, "\\u001b[31mred"],
  [["usage", "report", "--month", SPELL], 2, "\\u001b[31mred"],
  [["tiers", "add", SPELL, "--daily-tokens", "1"], 2, "\\u001b[31mred"],
  [["init", "--time-zone", SPELL], 2, "\\u001b[31mred"],
  [[LONG], 2, "unknown command"],
  [["users", "show", LONG], 1, "no user"],
  [["users", "add", `${LONG}@example.com`], 2],
  [["users", "add", "new@example.com", "--alias", LONG], 2],
  [["tiers", "add", LONG, "--daily-tokens", "1"], 2],
  [["tiers", "set", "free", "--daily-tokens", "9".repeat(10_000)], 2, "--daily-tokens"],
  [["usage", "record", "ada", "--images", "1", "--model", LONG], 2],
  [["usage", "import", LONG], 1],
  [["init", "--time-zone", LONG], 2],
  [["users", "list", "--database", `/${LONG}`], 3],
];

async function withFiles(): Promise<Home> {
  const home = await prepared();
  const put = (name: string, content: string | Buffer) => writeFileSync(join(home.path, name), content);
  mkdirSync(join(home.path, "folder"));
  put("empty", "");
  put("junk.bin", Buffer.from(Array.from({ length: 4_096 }, (_, n) => (n * 197) % 256)));
  put("broken.gz", Buffer.from([0x1f, 0x8b, 0x08, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
  put("strange.csv", "colour,shape\nred,round\n");
  put("torn.jsonl", '{"id":"a","timestamp":"2026-11-22T10:00:00Z","us');
  put("half-right.csv", "email,tier\nnew@example.com,free\nada@example.com,free\n");
  put("users.csv", "email\nnew@example.com\n");
  return home;
}

const shown = (args: readonly string[]) => args.map((arg) => JSON.stringify(arg).slice(0, 60)).join(" ");

describe.concurrent.each([
  ["users", users],
  ["tiers", tiers],
  ["figures, days and times", figures],
  ["files", files],
  ["words", words],
  ["control characters and long arguments", spells],
])("wrong %s", (_, cases) => {
  test.each(cases.map((each) => [shown(each[0]), each] as const))("%s", async (_, [args, code, ...says]) => {
    const home = await withFiles();
    const before = await snapshot(home.database);
    const result = await home.run(args);
    expect({ code: result.code, signal: result.signal, stderr: result.stderr }).toMatchObject({
      code,
      signal: null,
    });
    if (code !== 4) {
      expect(result.stdout).toBe("");
      expect(result.stderr).toMatch(/^error: \S/m);
    }
    for (const part of says) expect(result.stderr).toMatch(typeof part === "string" ? literal(part) : part);
    expect(result.stderr).not.toMatch(/did not foresee|^\s+at |\[object |undefined|\bNaN is\b/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them
    expect(result.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(result.stderr.length).toBeLessThan(1_000);
    expect(await snapshot(home.database)).toEqual(before);
  });
});

function literal(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
}

test("under --json, too, an error is one line with what is wrong and what to do", async () => {
  const home = await withFiles();
  for (const args of [
    ["users", "show", SPELL],
    ["users", "lst"],
    ["usage", "report", "--month", "x"],
  ]) {
    const { stdout, stderr } = await home.run([...args, "--json"]);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: expect.any(String), message: expect.any(String), hint: expect.any(String) },
    });
  }
});

test("long text where any text may stand is kept whole, and steers no terminal", async () => {
  const home = await prepared();
  await home.ok(["users", "add", "long@example.com", "--name", LONG, "--id", "long"]);
  await home.ok(["users", "suspend", "long", "--reason", LONG]);
  await home.ok(["usage", "record", "ada", "--images", "1", "--model", SPELL, "--id", "spell"]);
  expect(await home.json(["users", "show", "long"])).toMatchObject({ name: LONG });
  expect(await home.json(["usage", "events", "--model", SPELL])).toMatchObject([{ model: SPELL }]);
  expect(await home.ok(["usage", "events"])).toContain("\\u001b[31mred");
});

test("--debug adds where it happened, and nothing else does", async () => {
  const { stderr } = await (await prepared()).run(["users", "show", "nobody", "--debug"]);
  expect(stderr).toMatch(/^error: no user "nobody"/);
  expect(stderr).toMatch(/^\s+at /m);
});
