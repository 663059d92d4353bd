import { copyFileSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { beforeEach, expect, inject, test } from "vitest";
import { freshHome, type Home, homeAt, NOW } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { createDatabase, dropDatabase } from "../support/postgres.js";
import { tcpUrl } from "../support/postgres-server.js";
import { alphaInTerminal, KEY } from "../support/pty.js";
import { snapshot } from "../support/snapshot.js";
import { record, reserve } from "../support/store.js";

let home: Home;

const at = (text: string) => Date.parse(`${text}T10:00:00Z`);
/** Three calls of 15 tokens at $0.000001, two of them before November. */
const CALLS = [
  record("1", { occurredAt: at("2026-09-30") }),
  record("2", { occurredAt: at("2026-10-01"), user: "bob", images: 3 }),
  record("3", { occurredAt: at("2026-11-20") }),
  reserve("r1", {}, "ada", NOW),
];

const populated = (database: string) =>
  seededDatabase(database, [{ id: "ada", email: "ada@example.com" }, { id: "bob" }], {
    at: at("2026-09-01"),
    prepare: ({ store }) => store.meter.commit(CALLS),
  });

beforeEach(async () => {
  home = freshHome();
  await populated(home.database);
});

const run = (...args: string[]) => home.run(["db", ...args]);
/** Changes the database behind the program's back. */
function tamper(text: string, file = home.database): void {
  const raw = new Sqlite(file);
  raw.exec(text);
  raw.close();
}

test("info says what there is, also before it is migrated", async () => {
  expect(
    (await run("info")).stdout.replace(/\d+ KB/, "<size>").replace(/SQLite [\d.]+/, "SQLite <version>"),
  ).toBe(
    [
      `Database     ${home.database}`,
      "Kept by      SQLite <version>",
      "Schema       up to date (0004_operators_desk)",
      "Size         <size>",
      "Created      2026-09-01T10:00:00Z",
      "Time zone    UTC",
      "Durability   normal",
      "Testers      2",
      "Ledger       3 rows, usage from 2026-09-30 to 2026-11-20",
      "Sealed       nothing",
      "Last reset   never",
      "Last backup  never, with alpha db backup",
      "Products     none has opened it",
      "",
    ].join("\n"),
  );
  tamper("delete from kysely_migration where name = '0004_operators_desk'");
  const { code, stdout } = await run("info");
  expect(code).toBe(0);
  expect(stdout).toContain("Schema    lacks 0004_operators_desk: bring it up to date with alpha db migrate");
  expect(await home.json(["db", "info"])).toMatchObject({ schema: { current: false }, contents: null });
  expect((await home.run(["users", "list"])).stderr).toContain("bring it up to date with: alpha db migrate");
});

test("migrate brings an older database up to date, once, and never makes one", async () => {
  expect((await run("migrate")).stdout).toBe("Up to date: nothing to migrate.\n");
  const older = join(home.path, "older.db");
  const at1 = new Sqlite(older);
  at1.close();
  expect(await home.run(["db", "migrate", "--database", older])).toMatchObject({ code: 3 });
  expect(await home.run(["db", "migrate", "--database", join(home.path, "none.db")])).toMatchObject({
    code: 3,
  });
  expect(existsSync(join(home.path, "none.db"))).toBe(false);
});

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
  expect((await run("backup", "no/copy.db")).stderr).toContain(`there is no folder ${join(home.path, "no")}`);
  expect((await run("info")).stdout).toMatch(/^Last backup {2}2026-11-22T12:00:\S+ to \S+copy\.db$/m);
  const before = snapshot(home.database);
  expect((await run("backup", "other.db", "--dry-run")).stdout).toMatch(/^Would back up about \d+ KB to /);
  expect(existsSync(join(home.path, "other.db"))).toBe(false);
  expect(snapshot(home.database)).toEqual(before);

  tamper("update usage_day set cost = 0 where day = 20726");
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
  expect((await run("restore", "copy.db", "--dry-run")).stdout).toMatch(/^Would restore /);
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
  expect(await run("restore", "text.db", "--yes")).toMatchObject({ code: 3 });
  expect(await run("restore", "none.db", "--yes")).toMatchObject({ code: 1 });
  copyFileSync(home.database, join(home.path, "newer.db"));
  tamper("insert into kysely_migration values ('0099_later', '2027')", join(home.path, "newer.db"));
  const newer = await run("restore", "newer.db", "--yes");
  expect(newer).toMatchObject({ code: 3 });
  expect(newer.stderr).toContain(`${join(home.path, "newer.db")} was made by a newer version of alpha`);
});

test("rebuild mends what verify names, and is audited", async () => {
  expect((await run("rebuild")).stdout).toMatch(
    /^Nothing to mend: 6 totals of days and months, 3 of reports/,
  );
  tamper("update usage_window set tokens = tokens + 2 where period = 'month' and user_id = 2");
  expect(await run("verify")).toMatchObject({ code: 1 });
  const mended = `TOTAL   USER  WINDOW   OF  FIELD   STORED  LEDGER
window  bob   2026-10  -   tokens      17      15
`;
  const tried = await run("rebuild", "--dry-run");
  expect(tried.stdout).toMatch(/^Would mend 1 difference: /);
  expect(tried.stdout).toContain(mended);
  expect(await run("verify")).toMatchObject({ code: 1 });
  expect((await run("rebuild")).stdout).toContain(mended);
  expect(await run("verify")).toMatchObject({ code: 0 });
  expect(await home.json(["audit", "--action", "db.rebuild"])).toMatchObject([
    { actor: "tester", subject: "database:totals", after: { differences: 1 } },
  ]);
});

test("another time zone is asked for, and counts everything anew", async () => {
  expect(await run("rebuild", "--time-zone", "Asia/Tokyo")).toMatchObject({ code: 2 });
  expect(await run("rebuild", "--time-zone", "Mars/Base", "--yes")).toMatchObject({ code: 2 });
  const changed = await run("rebuild", "--time-zone", "asia/tokyo", "--yes");
  expect(changed.stdout).toBe(
    "Days and months begin in Asia/Tokyo instead of UTC: 3 rows of the ledger, added up anew, made 6 totals of days and months and 3 of reports.\n",
  );
  expect(await run("verify")).toMatchObject({ code: 0 });
  expect((await home.json(["db", "info"])).contents).toMatchObject({ time_zone: "Asia/Tokyo" });
  expect((await run("rebuild", "--time-zone", "Asia/Tokyo", "--yes")).stderr).toContain(
    "begin in Asia/Tokyo already",
  );
});

test("prune seals closed months, at 80 columns too, and leaves the reports", async () => {
  const october = ["usage", "report", "--month", "2026-10"];
  const open = await run("prune", "--before", "2026-11-01", "--yes");
  expect(open).toMatchObject({ code: 1 });
  expect(open.stderr).toContain(
    "error: 2026-10-31 is not closed yet\nhint: close the days that are over with: alpha reset daily\n",
  );
  await home.ok(["reset", "daily"]);
  const { at: _, ...report } = await home.json(october);

  expect(await run("prune")).toMatchObject({ code: 2 });
  expect((await run("prune", "--before", "2026-10-15")).stderr).toContain(
    "only whole months are let go of: --before 2026-10-01, or 2026-11-01",
  );
  expect((await run("prune", "--before", "2026-12-01")).stderr).toContain("2026-11 is not over yet");
  expect((await run("prune", "--before", "2026-11-01")).stderr).toContain(
    "Let go of 2 rows of the ledger in 2 months before 2026-11 for good?",
  );
  const before = snapshot(home.database);
  expect((await run("prune", "--before", "2026-11-01", "--dry-run")).stdout).toContain(
    "Would let go of 2 rows",
  );
  expect(snapshot(home.database)).toEqual(before);

  const { text } = await alphaInTerminal(home, ["db", "prune", "--before", "2026-11-01", "--yes"]);
  expect(text.replaceAll(/ +$/gm, "")).toContain(`MONTH    ROWS  REQUESTS  TOKENS  IMAGES        COST  ASSUMED
2026-09     1         1      15       0  $0.0000010    $0.00
2026-10     1         1      15       3  $0.0000010    $0.00

Let go of 2 rows of the ledger. Totals and reports stay; what occurred before
2026-11 is sealed.
`);
  expect(await home.json(october)).toMatchObject(report);
  expect(await run("verify")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("what 2 sealed months came to"),
  });
  expect((await run("info")).stdout).toMatch(/^Sealed {7}everything before 2026-11: 2 months with 2 rows$/m);
  expect((await run("prune", "--before", "2026-11-01", "--yes")).stdout).toBe(
    "Nothing is left to let go of before 2026-11.\n",
  );
});

test("usage of a sealed month is refused, whoever brings it", async () => {
  await home.ok(["reset", "daily"]);
  await home.ok(["db", "prune", "--before", "2026-11-01", "--yes"]);
  const line = (id: string, day: string) =>
    JSON.stringify({ id, timestamp: `${day}T10:00:00Z`, user: "ada", input_tokens: 5, cost_usd: 0.01 });
  const lines = [line("a", "2026-10-31"), line("b", "2026-11-01")];
  const imported = await home.run(["usage", "import", "-"], { input: lines.join("\n") });
  expect(imported).toMatchObject({ code: 0 });
  expect(imported.stdout).toMatch(/^Inserted +1$/m);
  expect(imported.stderr).toContain(
    "stdin:1: timestamp lies in a month that is sealed: 2026-10-31T10:00:00Z",
  );
  const repriced = await home.run(["usage", "reprice", "--since", "2026-10-01", "--yes"]);
  expect(repriced).toMatchObject({ code: 1 });
  expect(repriced.stderr).toContain("what occurred before 2026-11 is sealed, and keeps its price");
  const rebuilt = await run("rebuild", "--time-zone", "Europe/Berlin", "--yes");
  expect(rebuilt.stderr).toContain(
    "the time zone cannot be changed any more: what occurred before 2026-11 is sealed",
  );
  expect(await run("verify")).toMatchObject({ code: 0 });
});

test("on a server info works, and backups are PostgreSQL's own", async () => {
  const name = await createDatabase("template1");
  try {
    const server = inject("postgres");
    home = homeAt(home.path, tcpUrl(server, name));
    await populated(home.database);
    expect(await home.json(["db", "info"])).toMatchObject({
      kind: "postgres",
      schema: { current: true },
      contents: { ledger_rows: 3, testers: 2 },
    });
    const said = await run("backup", "copy.db");
    expect(said).toMatchObject({ code: 2, stdout: "" });
    expect(said.stderr).toContain("hint: pg_dump --format=custom --file=alpha.dump 'postgres://");
    expect(said.stderr).not.toContain(server.password);
    expect((await run("restore", "copy.db", "--yes")).stderr).toContain("alpha emergency-stop on");
    await home.ok(["reset", "daily"]);
    expect((await run("prune", "--before", "2026-11-01", "--yes")).stdout).toContain("Let go of 2 rows");
    expect(await run("verify")).toMatchObject({ code: 0 });
  } finally {
    dropDatabase(name);
  }
});
