import { writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { beforeAll, expect, test } from "vitest";
import { verifyTotals } from "../../src/engine/verify.js";
import { openSqlite } from "../../src/store/sqlite/open.js";
import { engineOn } from "../support/engine-on.js";
import { program, type Spawn } from "../support/processes.js";
import { freshSqliteFile, populate, T0, tempFolder } from "../support/store.js";

const victims = program(new URL("children/import-victim.ts", import.meta.url));
const MESSAGES = 2_500;

/** Answers of a coding agent: every message is logged two or three times, each time with more output. */
function log(): string {
  const lines: string[] = [];
  for (let n = 0; n < MESSAGES; n++) {
    for (let step = 1; step <= 2 + (n % 2); step++) {
      const usage = { input_tokens: 100 + n, output_tokens: 10 * step };
      const timestamp = new Date(T0 - n * 60_000 + step).toISOString();
      // Those that come later in the file are of an earlier message, so that slices share messages.
      const line = {
        timestamp,
        sessionId: "s",
        requestId: `r${n}`,
        message: { id: `m${n}`, model: "opus", usage },
      };
      lines.push(JSON.stringify(line));
    }
  }
  // Dealt out like cards, so that the records of a message are far apart.
  const dealt = [...lines.keys()].sort((a, b) => (a % 7) - (b % 7) || a - b).map((index) => lines[index]);
  return `${dealt.join("\n")}\n`;
}

/** Half of the messages have two records and half have three, of which the last counts: 10 tokens a step. */
const OUTPUT = (MESSAGES / 2) * 20 + (MESSAGES / 2) * 30;

let spawn: Spawn;
let file: string;
let folder: string;

beforeAll(async () => {
  spawn = await victims.start();
});

async function database(): Promise<string> {
  folder = tempFolder();
  file = join(folder, "agent.jsonl");
  writeFileSync(file, log());
  const path = await freshSqliteFile(join(folder, "alpha.db"));
  const store = await openSqlite({ path, waitMs: 5_000 });
  await populate(store, "ada");
  await store.close();
  return path;
}

/** What counts, whatever rows it took to get there; that the totals are right is proven on the way. */
async function contents(path: string) {
  const store = await openSqlite({ path, waitMs: 5_000 });
  const raw = new Sqlite(path, { readonly: true });
  try {
    expect(await verifyTotals(engineOn(store))).toMatchObject({ differenceCount: 0 });
    const all = (text: string) => raw.prepare(text).all();
    return {
      windows: all("select * from usage_window where requests <> 0 order by 1, 2, 3"),
      days: all(
        "select user_id, day, input, output, requests, cost from usage_day where requests <> 0 order by 1, 2",
      ),
      keys: all("select id, hash from event_key order by id"),
      standings: all(
        "select coalesce(corrects, id) as event, sum(input) as i, sum(output) as o, sum(requests) as r from usage_event group by 1 having r <> 0",
      ).length,
    };
  } finally {
    raw.close();
    await store.close();
  }
}

async function toItsEnd(...args: string[]): Promise<Record<string, number>> {
  const child = spawn(...args, String(T0));
  await child.line((line) => line === "ready");
  child.say("go");
  const done = await child.line((line) => line.startsWith("done "));
  expect(await child.ended).toEqual({ code: 0, errors: "" });
  return JSON.parse(done.slice("done ".length));
}

/** Kills it after so many slices, and some moment of the next one. */
async function killed(slices: number, spin: number, ...args: string[]): Promise<void> {
  const child = spawn(...args, String(T0));
  await child.line((line) => line === "ready");
  child.say("go");
  await child.line(() => child.lines.length > slices);
  const until = performance.now() + spin;
  while (performance.now() < until);
  child.kill();
  expect(await child.ended).toEqual({ code: null, errors: "" });
}

test("an import killed at any moment and started again ends as if it had never been, and so does undoing it", async () => {
  const whole = await database();
  expect(await toItsEnd("import", whole, file)).toMatchObject({ inserted: MESSAGES, bad: 0 });
  const expected = await contents(whole);
  expect(expected.days.reduce<number>((sum, row) => sum + (row as { output: number }).output, 0)).toBe(
    OUTPUT,
  );
  expect(expected.standings).toBe(MESSAGES);

  const path = await database();
  for (const [slices, spin] of [
    [0, 0],
    [1, 3],
    [3, 1],
    [6, 7],
    [10, 4],
  ] as const) {
    await killed(slices, spin, "import", path, file);
  }
  await toItsEnd("import", path, file);
  expect(await contents(path)).toEqual(expected);

  // Every start left an import of its own; whoever undoes them all is where he began.
  const imports = await (async () => {
    const raw = new Sqlite(path, { readonly: true });
    try {
      return raw.prepare<[], number>("select id from import order by id").pluck().all();
    } finally {
      raw.close();
    }
  })();
  for (const number of imports) await toItsEnd("undo", path, String(number));
  expect(await contents(path)).toEqual({ windows: [], days: [], keys: [], standings: 0 });
  await toItsEnd("import", path, file);
  expect(await contents(path)).toEqual(expected);
}, 120_000);

test("an undo killed at any moment and started again takes everything back once", async () => {
  const path = await database();
  await toItsEnd("import", path, file);
  const expected = await contents(path);
  for (const [slices, spin] of [
    [0, 2],
    [1, 0],
    [1, 5],
    [2, 1],
  ] as const) {
    await killed(slices, spin, "undo", path, "1");
    await contents(path);
  }
  await toItsEnd("undo", path, "1");
  expect(await contents(path)).toEqual({ windows: [], days: [], keys: [], standings: 0 });
  expect(await toItsEnd("import", path, file)).toMatchObject({ inserted: MESSAGES });
  expect(await contents(path)).toEqual(expected);
}, 120_000);

test("the same log imported by two processes at once counts once", async () => {
  const whole = await database();
  await toItsEnd("import", whole, file);
  const expected = await contents(whole);

  const path = await database();
  const both = await Promise.all([toItsEnd("import", path, file), toItsEnd("import", path, file)]);
  expect(both.reduce((sum, { inserted = 0 }) => sum + inserted, 0)).toBe(MESSAGES);
  expect(both.map(({ bad }) => bad)).toEqual([0, 0]);
  expect(await contents(path)).toEqual(expected);
  for (const number of ["1", "2"]) await toItsEnd("undo", path, number);
  expect(await contents(path)).toMatchObject({ windows: [], days: [], keys: [] });
}, 120_000);
