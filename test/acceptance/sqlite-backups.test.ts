import { copyFileSync, existsSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { beforeEach, expect, test } from "vitest";
import { freshHome, type Home } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { tamper } from "../support/inside.js";
import { OLD_USAGE } from "../support/old-usage.js";
import { alphaInTerminal, KEY } from "../support/pty.js";
import { snapshot } from "../support/snapshot.js";

let home: Home;

beforeEach(async () => {
  home = freshHome();
  await seededDatabase(home.database, ...OLD_USAGE);
});

const run = (...args: string[]) => home.run(["db", ...args]);

test("a backup is proven, and replaces nothing unasked", async () => {
  const made = await run("backup", "copy.db");
  expect(made).toMatchObject({ code: 0, stderr: `in ${home.database}\n` });
  expect(made.stdout.replace(/\d+ KB/, "<size>")).toBe(
    `Backed up <size> to ${join(home.path, "copy.db")}.\nThe copy is sound. Its totals are right: 6 totals of days and months, 3 of reports and 0 of guardrails, compared with 3 rows of the ledger.\n`,
  );
  expect(await run("backup", "copy.db")).toMatchObject({ code: 2, stdout: "" });
  expect((await run("backup", "copy.db", "--yes")).stdout).toContain(
    "copy.db, in the place of an older file.",
  );
  expect((await run("backup", "alpha.db", "--yes")).stderr).toContain("is the database itself");
  // As every other file that is to be written where there is no folder.
  expect(await run("backup", "no/copy.db")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`there is no folder ${join(home.path, "no")}`),
  });
  expect((await run("info")).stdout).toMatch(/^Last backup {2}2026-11-22T12:00:\S+ to \S+copy\.db$/m);
  const before = snapshot(home.database);
  expect((await run("backup", "other.db", "--dry-run")).stdout).toMatch(/^Would back up about \d+ KB to /);
  expect(existsSync(join(home.path, "other.db"))).toBe(false);
  expect(snapshot(home.database)).toEqual(before);

  await tamper(home.database, "update usage_day set cost = 0 where day = 20726");
  const differs = await run("backup", "wrong.db");
  expect(differs.code).toBe(1);
  expect(differs.stdout).toContain("1 total of it differs from its ledger: see them with alpha db verify");
  expect(existsSync(join(home.path, "wrong.db"))).toBe(true);
});

test("a restored backup starts stopped, says so, and keeps what was there", async () => {
  await home.ok(["db", "backup", "copy.db"]);
  await home.ok(["users", "add", "eve@example.com"]);
  const before = snapshot(home.database);
  expect(await run("restore", "copy.db")).toMatchObject({ code: 2, stdout: "" });
  const tried = (await run("restore", "copy.db", "--dry-run")).stdout;
  expect(tried).toMatch(/^Would restore /);
  expect(tried).toContain("\n1 hold of calls that are over would be dropped.\n");
  expect(snapshot(home.database)).toEqual(before);

  const restored = await run("restore", "copy.db", "--yes", "--reason", "disk failed");
  expect(restored.code).toBe(0);
  const lines = restored.stdout.split("\n");
  expect(lines[0]).toMatch(
    /^Restored \S+copy\.db, which knows nothing that happened after 2026-11-22T12:00:/,
  );
  expect(lines.slice(2)).toEqual([
    "1 hold of calls that are over was dropped.",
    `The database that was there is kept as ${home.database}.replaced.`,
    "Every call is refused now: an old backup knows nothing of what was used since. Lift it with: alpha emergency-stop off",
    "",
  ]);
  expect(await home.run(["check", "ada", "--tokens", "5"])).toMatchObject({ code: 4 });
  expect(
    (await home.json(["emergency-stop", "status"]).catch(() => home.run(["emergency-stop", "status"])))
      .stdout,
  ).toMatch(/restore +disk failed/);
  expect((await home.json(["users", "list"])).map(({ id }: { id: string }) => id)).toEqual(["ada", "bob"]);
  expect((await home.json(["users", "list", "--database", `${home.database}.replaced`])).length).toBe(3);
  expect(readdirSync(home.path).filter((name) => /-wal|-shm|restoring|partial/.test(name))).toEqual([]);
  await home.ok(["emergency-stop", "off"]);
  expect(await home.run(["check", "ada", "--tokens", "5"])).toMatchObject({ code: 0 });
});

test("on a terminal a restore asks, with what it is about to do", async () => {
  await home.ok(["db", "backup", "copy.db"]);
  const steps = [{ wait: "in the place of", send: `n${KEY.enter}` }];
  const { text, code } = await alphaInTerminal(home, ["db", "restore", "copy.db"], { columns: 120, steps });
  expect(code).toBe(130);
  expect(text).toContain("nothing was changed");
  expect(readdirSync(home.path).filter((name) => /restoring|replaced/.test(name))).toEqual([]);
});

test("what is no backup is refused", async () => {
  writeFileSync(join(home.path, "text.db"), "hello, this is no database\n".repeat(99));
  expect(await run("restore", "text.db", "--yes")).toMatchObject({
    code: 3,
    stderr: `error: ${join(home.path, "text.db")} is not a SQLite database\nhint: name a file that alpha db backup made\n`,
  });
  const other = new Sqlite(join(home.path, "other.db"));
  other.exec("create table song (title text)");
  other.close();
  writeFileSync(join(home.path, "empty.db"), "");
  for (const file of ["other.db", "empty.db"]) {
    expect(await run("restore", file, "--yes")).toMatchObject({
      code: 3,
      stderr: `error: ${join(home.path, file)} holds no alpha database\nhint: name a file that alpha db backup made\n`,
    });
  }
  await home.ok(["db", "backup", "half.db"]);
  truncateSync(join(home.path, "half.db"), 20_000);
  const half = await run("restore", "half.db", "--yes");
  expect(half).toMatchObject({ code: 3 });
  expect(half.stderr).toMatch(
    /^error: the backup \S+half\.db is damaged\S*.*\nhint: nothing was restored; try an older backup\n$/,
  );
  expect(await run("restore", "none.db", "--yes")).toMatchObject({ code: 1 });
  copyFileSync(home.database, join(home.path, "newer.db"));
  await tamper(join(home.path, "newer.db"), "insert into kysely_migration values ('0099_later', '2027')");
  const newer = await run("restore", "newer.db", "--yes");
  expect(newer).toMatchObject({ code: 3 });
  expect(newer.stderr).toContain(`${join(home.path, "newer.db")} was made by a newer version of alpha`);
});
