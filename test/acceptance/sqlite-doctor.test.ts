import { chmodSync, closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { freshHome, type Home } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { HEALTHY } from "../support/healthy.js";
import { whileLocked } from "../support/inside.js";

const PAGE_BYTES = 2_048;

async function healthyHome(): Promise<Home> {
  const home = freshHome();
  await seededDatabase(home.database, ...HEALTHY);
  await home.ok(["guardrails", "set", "--daily-cost", "25"]);
  return home;
}

test("a file that everybody may change, and one with another journal", async () => {
  const home = await healthyHome();
  // The folders above it keep everybody out.
  chmodSync(home.database, 0o666);
  expect(await home.ok(["doctor", "--quick"])).toMatch(/^ok +access/m);
  chmodSync(home.path, 0o755);
  expect((await home.run(["doctor", "--quick"])).stdout).toMatch(
    /^problem +access +every account .+ change it/m,
  );
  chmodSync(home.database, 0o644);
  const raw = new Sqlite(home.database);
  raw.pragma("journal_mode = delete");
  raw.close();
  const { code, stdout } = await home.run(["doctor", "--quick"]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^warning +access +every account .+ read it/m);
  expect(stdout).toMatch(/^problem +wal +the journal mode is delete/m);
  // As the remedy says.
  await home.ok(["init"]);
  expect(await home.ok(["doctor", "--quick"])).toMatch(/^ok +wal/m);
});

/** What is found in a database that cannot be used: exit 3, and one problem. */
async function unusable(home: Home): Promise<string> {
  const { code, stdout, stderr } = await home.run(["doctor", "--json"]);
  expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
  const { data } = JSON.parse(stdout);
  expect(data).toMatchObject({ all_well: false, problems: 1 });
  const [{ check, message, remedy }] = data.findings.filter(
    ({ level }: { level: string }) => level === "problem",
  );
  return `${check}: ${message.replace(home.database, "<database>")}; ${remedy}`;
}

test("a file that is no database is told", async () => {
  const home = freshHome();
  writeFileSync(home.database, "no database, but a text that is long enough to be looked at ".repeat(20));
  expect(await unusable(home)).toMatch(/^database: <database> is not a SQLite database; name the right file/);
});

test("a damaged file is told as far as it can be read", async () => {
  const home = await healthyHome();
  const whole = readFileSync(home.database);
  writeFileSync(home.database, whole.subarray(0, 3 * 4_096));
  expect(await unusable(home)).toMatch(/^database: the database <database> is damaged; restore it/);
  // One page of the ledger: nothing but a look at all of them finds it, and adding up meets it.
  writeFileSync(home.database, whole);
  const raw = new Sqlite(home.database);
  const page = raw
    .prepare<[], number>("select rootpage from sqlite_schema where name = 'usage_event'")
    .pluck()
    .get();
  raw.close();
  const file = openSync(home.database, "r+");
  writeSync(file, Buffer.alloc(200, 0xff), 0, 200, (Number(page) - 1) * PAGE_BYTES);
  closeSync(file);
  const { code, stdout } = await home.run(["doctor"]);
  expect(code).toBe(3);
  expect(stdout).toMatch(/^problem +database +the database .+ is damaged$/m);
  expect(stdout).toMatch(/^problem +pages +the file is damaged: /m);
  expect(stdout).toMatch(/^ok +stops/m);
});

test("a database that somebody is writing to for long cannot be written", async () => {
  const home = await healthyHome();
  const { code, stdout } = await whileLocked(home.database, () => home.run(["doctor", "--quick"]));
  expect(code).toBe(1);
  expect(stdout).toMatch(/^problem +writable +the database .+ is locked by another process$/m);
  expect(stdout).toMatch(/^ok +budget/m);
});
