import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Home } from "../support/cli.js";
import { formatsOf, offers } from "../support/command-tree.js";
import { absent } from "../support/homes.js";
import { snapshot, tamper } from "../support/inside.js";
import { preparedHomes } from "../support/prepared-homes.js";
import { exitOf, sampleOf, staleSamples, workingCommands } from "../support/samples.js";

const { prepared, empty } = preparedHomes();
const commands = workingCommands();
/** They make a database, or one of their own. */
const NEED_NO_DATABASE = ["completion", "demo", "init"];

/** In a prepared home nothing is on, outdated, wrong or old. */
const FIND_NOTHING_TO_DO = ["emergency-stop off", "db migrate", "db rebuild", "db prune"];

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;
const MONEY_KEY = /(^|_)(cost|budget)$/;

/** What in a JSON value is not as every command's JSON is, with where. */
function flaws(value: unknown, path = "$"): string[] {
  if (typeof value === "string") {
    return /^\d{4}-\d\d-\d\d[T ]\d\d/.test(value) && !INSTANT.test(value) ? [`${path} is "${value}"`] : [];
  }
  if (Array.isArray(value)) return value.flatMap((each, n) => flaws(each, `${path}[${n}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const at = `${path}.${key}`;
    return [
      ...(/^[a-z][a-z0-9_]*$/.test(key) ? [] : [`${at} is not in snake_case`]),
      ...(key.endsWith("_at") && typeof member === "string" && !INSTANT.test(member)
        ? [`${at} is ${member}`]
        : []),
      ...(key.endsWith("_at") && typeof member === "number" ? [`${at} is a bare number`] : []),
      ...(MONEY_KEY.test(key) && typeof member === "number" ? [`${at} is a bare number`] : []),
      ...("nanos" in value || "usd" in value ? moneyFlaws(value, path) : []),
      ...flaws(member, at),
    ];
  });
}

function moneyFlaws(value: object, path: string): string[] {
  const { nanos, usd, ...rest } = value as Record<string, unknown>;
  const [, sign, dollars = "", cents = ""] = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(String(usd)) ?? [];
  const same = Number(`${sign}${dollars}${cents.padEnd(9, "0")}`) === nanos;
  const right = Number.isInteger(nanos) && typeof usd === "string" && same && Object.keys(rest).length === 0;
  return right ? [] : [`${path} is no money: ${JSON.stringify(value)}`];
}

function errorOf(stderr: string) {
  expect(stderr.endsWith("\n")).toBe(true);
  expect(stderr.trimEnd()).not.toContain("\n");
  const { error, ...rest } = JSON.parse(stderr);
  expect(rest).toEqual({});
  expect(Object.keys(error).sort()).toEqual(["code", "hint", "message"]);
  return error;
}

/** A call in October, whose days are closed. */
async function withOldUsage(home: Home): Promise<void> {
  const call = { id: "old", timestamp: "2026-10-01T10:00:00Z", user: "ada", input_tokens: 5, cost_usd: 0.01 };
  await home.ok(["usage", "import", "-"], { input: JSON.stringify(call) });
  await home.ok(["reset", "daily"]);
}

test("every command has a sample, and every sample a command", () => {
  expect(commands.length).toBeGreaterThan(20);
  for (const [path] of commands) expect(sampleOf(path)).toBeTruthy();
  expect(staleSamples()).toEqual([]);
});

test("every command that only reads prints all formats", () => {
  const kept = commands.flatMap(([path, command]) =>
    offers(command, "--dry-run") || formatsOf(command).includes("csv") ? [] : [path],
  );
  // What these write is no table: a shell's script, a tour, JSON Lines.
  expect(kept).toEqual(["demo", "usage export", "completion"]);
  for (const [, command] of commands) {
    expect(formatsOf(command).includes("csv")).toBe(formatsOf(command).includes("markdown"));
  }
});

test("what the JSON is held to finds what it should", () => {
  const wrong = [
    { createdAt: 1 },
    { at: "2026-11-22T12:00:00+01:00" },
    { created_at: "22 November" },
    { created_at: 1_790_000_000_000 },
    { total_cost: 12 },
    { cost: { nanos: 1_500_000_000, usd: "1.6" } },
    { cost: { nanos: 1.5, usd: "0" } },
    { cost: { usd: "1" } },
  ];
  for (const each of wrong) expect(flaws([each])).not.toEqual([]);
  expect(flaws({ cost: { nanos: -1_500_000_000, usd: "-1.5" }, at: "2026-11-22T12:00:00.123Z" })).toEqual([]);
});

describe.concurrent.each(commands)("alpha %s", (path, command) => {
  test("prints one envelope under --json, and nothing else on stdout", async () => {
    const { code, stdout, stderr } = await (await prepared()).run([...sampleOf(path), "--json"]);
    expect({ code, stderr }).toMatchObject({ code: exitOf(path) });
    const printed = JSON.parse(stdout);
    expect(Object.keys(printed)).toEqual(["schema", "kind", "data", "meta"]);
    expect(printed).toMatchObject({ schema: 1, kind: expect.stringMatching(/^[a-z]+(-[a-z]+)*$/) });
    expect(typeof printed.meta).toBe("object");
    expect(printed.data).not.toBeUndefined();
    expect(flaws(printed)).toEqual([]);
  });

  if (formatsOf(command).includes("csv")) {
    test("prints CSV and Markdown", async () => {
      // Their tables are of what is on, and what is wrong; then they do not exit 0.
      const isStatus = path === "emergency-stop status";
      const isVerify = path === "db verify";
      const isRebuild = path === "db rebuild";
      // Some leave nothing to print when they are run again.
      const printed = async (format: string) => {
        const home = await prepared();
        if (isStatus) await home.ok(["emergency-stop", "on"]);
        if (isVerify || isRebuild) await tamper(home.database, "delete from usage_day");
        if (path === "db prune") await withOldUsage(home);
        const { code, stdout } = await home.run([...sampleOf(path), "--format", format]);
        expect(code).toEqual(isStatus ? 4 : isVerify ? 1 : exitOf(path));
        return stdout;
      };
      const [head, ...rows] = (await printed("csv")).trimEnd().split("\n");
      expect(head).toMatch(/^[a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)+$/);
      expect(rows.length).toBeGreaterThan(0);
      const markdown = await printed("markdown");
      expect(markdown).toMatch(/^\|.+\|\n\|[ :|-]+\|\n/);
    });
  }

  test("without a database exits 3 and says how to make one", async () => {
    const home = await empty();
    const plain = await home.run(sampleOf(path));
    if (NEED_NO_DATABASE.includes(path)) {
      expect(plain).toMatchObject({ code: 0 });
      return;
    }
    if (path === "doctor") {
      // It is what the command is for, and a finding as any other.
      expect(plain).toMatchObject({ code: 3, stderr: "", stdout: expect.stringContaining("alpha init") });
      return;
    }
    expect(plain).toMatchObject({ code: 3, stdout: "" });
    // Cron mails each line.
    const said = path === "reset daily" ? absent(home).replace("\nhint: ", "; ") : absent(home);
    expect(plain.stderr).toContain(said);
    expect(plain.stderr).not.toMatch(/^\s+at /m);
    const json = await home.run([...sampleOf(path), "--json"]);
    expect(json).toMatchObject({ code: 3, stdout: "" });
    expect(errorOf(json.stderr)).toMatchObject({
      code: "database",
      hint: expect.stringContaining("alpha init"),
    });
    expect(readdirSync(home.path)).toEqual([]);
  });

  test("refuses an option that it does not have, and does nothing", async () => {
    const home = await prepared();
    const before = await snapshot(home.database);
    const plain = await home.run([...sampleOf(path), "--no-such-thing"]);
    expect(plain).toMatchObject({ code: 2, stdout: "" });
    expect(plain.stderr).toMatch(/^error: unknown option '--no-such-thing'\nhint: /);
    const json = await home.run([...sampleOf(path), "--no-such-thing", "--json"]);
    expect(json).toMatchObject({ code: 2, stdout: "" });
    expect(errorOf(json.stderr)).toMatchObject({
      code: "usage",
      hint: `see how it is used with: alpha ${path} --help`,
    });
    expect(await snapshot(home.database)).toEqual(before);
  });

  if (offers(command, "--dry-run")) {
    test("tries with --dry-run what it then does", async () => {
      const home = await prepared();
      const before = await snapshot(home.database);
      const files = readdirSync(home.path);
      const tried = await home.run([...sampleOf(path), "--dry-run"]);
      expect(tried).toMatchObject({ code: 0 });
      expect(tried.stdout).not.toBe("");
      expect(tried.stderr).toContain("nothing was changed");
      const { meta } = JSON.parse(await home.ok([...sampleOf(path), "--dry-run", "--json"]));
      expect(meta).toMatchObject({ dry_run: true, database: home.shown });
      expect(await snapshot(home.database)).toEqual(before);
      expect(readdirSync(home.path)).toEqual(files);

      const { meta: done } = JSON.parse(await home.ok([...sampleOf(path), "--json"]));
      expect(done).toMatchObject({ dry_run: false, database: home.shown });
      if (!FIND_NOTHING_TO_DO.includes(path)) expect(await snapshot(home.database)).not.toEqual(before);
    });
  }

  if (!offers(command, "--dry-run")) {
    test("changes nothing, since it has no --dry-run", async () => {
      const home = await prepared();
      const before = await snapshot(home.database);
      await home.run(sampleOf(path));
      expect(await snapshot(home.database)).toEqual(before);
    });
  }
});
