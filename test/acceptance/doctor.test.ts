import { chmodSync, closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import Sqlite from "better-sqlite3";
import { expect, inject, onTestFinished, test } from "vitest";
import { freshHome, type Home, homeAt, NOW } from "../support/cli.js";
import { seededDatabase } from "../support/engine-on.js";
import { createDatabase, dropDatabase } from "../support/postgres.js";
import { tcpUrl } from "../support/postgres-server.js";
import { alphaInTerminal } from "../support/pty.js";
import { snapshot } from "../support/snapshot.js";
import { HOUR, record } from "../support/store.js";

const PAGE_BYTES = 2_048;

/** Made an hour ago, with a budget and a product: nothing is wrong with it. */
async function healthy(database: string): Promise<void> {
  await seededDatabase(database, [{ id: "ada" }], {
    at: NOW - HOUR,
    prepare: async ({ store }) => {
      const openedAt = NOW - HOUR;
      const client = { kind: "library", host: "web-1", pid: 7, failOpen: false, openedAt } as const;
      await store.write((tx) => tx.records.noteClient(client));
      await store.meter.commit([record("1", { user: "ada", cost: 5, occurredAt: openedAt }, openedAt)]);
    },
  });
}

async function healthyHome(): Promise<Home> {
  const home = freshHome();
  await healthy(home.database);
  await home.ok(["guardrails", "set", "--daily-cost", "25"]);
  return home;
}

/** The program's clock goes on while it runs, and so does the disk. */
function steady(text: string, home: Home): string {
  return text
    .replaceAll(home.database, "<database>")
    .replace(/:0\d\.\d{3}Z/g, ":00Z")
    .replace(/SQLite [\d.]+/, "SQLite 3")
    .replace(/[\d.]+ [MG]B free/, "80 GB free");
}

test("with nothing wrong: a line a check, exit 0, and nothing is changed", async () => {
  const home = await healthyHome();
  const before = snapshot(home.database);
  const { code, stdout, stderr } = await home.run(["doctor", "--strict"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(steady(stdout, home)).toBe(`\
ok       database    SQLite 3
ok       schema      up to date
ok       writable    tester may write
ok       access      no other account of this machine may read it
ok       wal         nothing waits to be taken into the file
ok       disk        80 GB free
ok       pages       sound
ok       zone        days and months begin in UTC
ok       clock       not behind what was recorded last: it is 2026-11-22T12:00:00Z
ok       reset       no day is to be closed yet
ok       stops       none is on
ok       budget      all testers together: $25.00 a day (stop)
ok       guardrails  1 guardrail
ok       settings    new testers start on free
ok       estimates   no tester has a persona
ok       prices      all usage of this month and the last has one
ok       products    1 product, none of which fails open
ok       holds       calls that were reserved are settled or released
ok       imports     every import came to its end
ok       sources     no two cover the same hours of a tester in 30 days
ok       totals      equal to what 1 row of the ledger add up to
ok       backup      none is known to alpha

All is well with <database>: 22 checks.
`);
  expect(snapshot(home.database)).toEqual(before);
});

test("on terminals of 80 and 40 columns, with what to do under what is wrong", async () => {
  const home = await healthyHome();
  await home.ok(["emergency-stop", "on", "--reason", "runaway loop"]);
  await home.ok(["guardrails", "clear", "--daily-cost", "--yes"]);
  const wide = await alphaInTerminal(home, ["doctor", "--quick"]);
  expect(wide.code).toBe(1);
  expect(steady(wide.text, home)).toContain(`
problem  stops       every call is stopped by tester since
                     2026-11-22T12:00:00Z (runaway loop)
                     → alpha emergency-stop status tells which; alpha
                       emergency-stop off lifts it
warning  budget      nothing limits what all testers together may cost
                     → alpha guardrails set --daily-cost 25
`);
  expect(wide.raw).toContain("\u001b[31mproblem\u001b[39m");
  expect(wide.text.replaceAll(/\s+/g, " ")).toContain(
    `1 problem and 1 warning in ${home.database}. Not looked at: pages, sources and totals (left out by --quick).`,
  );
  const narrow = await alphaInTerminal(home, ["doctor", "--quick"], { columns: 40 });
  expect(narrow.text).toContain(`
warning  budget
  nothing limits what all testers
  together may cost
  → alpha guardrails set --daily-cost 25
`);
});

test("a warning is exit 0, and 1 with --strict; JSON has every check", async () => {
  const home = await healthyHome();
  await home.ok(["guardrails", "clear", "--daily-cost", "--yes"]);
  expect(await home.run(["doctor", "--quick", "--strict"])).toMatchObject({ code: 1, stderr: "" });
  const data = await home.json(["doctor"]);
  expect(data).toMatchObject({ all_well: false, problems: 0, warnings: 1, skipped: 0 });
  expect(data.findings).toHaveLength(22);
  expect(data.findings).toContainEqual({
    check: "budget",
    level: "warning",
    message: "nothing limits what all testers together may cost",
    remedy: "alpha guardrails set --daily-cost 25",
  });
});

test("totals that are not what the ledger adds up to", async () => {
  const home = await healthyHome();
  const raw = new Sqlite(home.database);
  raw.exec("update usage_window set tokens = tokens + 1");
  raw.close();
  const { code, stdout } = await home.run(["doctor"]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^problem +totals +2 differences between totals and what 1 row/m);
  await home.ok(["db", "rebuild"]);
  expect(await home.run(["doctor"])).toMatchObject({ code: 0 });
});

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

test("a database that is missing, foreign, newer, older or locked is a finding with its remedy", async () => {
  const home = freshHome();
  expect(await unusable(home)).toBe(
    "database: there is no database at <database>; create it with: alpha init",
  );
  expect(await home.run(["doctor"])).toMatchObject({
    code: 3,
    stdout: expect.stringContaining("Nothing else was looked at: the database cannot be read."),
  });
  writeFileSync(home.database, "no database, but a text that is long enough to be looked at ".repeat(20));
  expect(await unusable(home)).toMatch(/^database: <database> is not a SQLite database; name the right file/);

  const other = await healthyHome();
  const raw = new Sqlite(other.database);
  raw.exec("insert into kysely_migration values ('9999_from_the_future', '2030-01-01T00:00:00.000Z')");
  expect(await unusable(other)).toMatch(/made by a newer version of alpha .+; update alpha/);
  raw.exec("delete from kysely_migration where name like '9999%' or name like '0004%'");
  expect(await unusable(other)).toBe("schema: it lacks 0004_operators_desk; alpha db migrate");
  raw.close();
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
  const raw = new Sqlite(home.database);
  onTestFinished(() => void raw.close());
  raw.exec("begin immediate");
  const { code, stdout } = await home.run(["doctor", "--quick"]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^problem +writable +the database .+ is locked by another process$/m);
  expect(stdout).toMatch(/^ok +budget/m);
});

test("on PostgreSQL: the server instead of the file, and never the password", async () => {
  const server = inject("postgres");
  const name = await createDatabase("template1");
  onTestFinished(() => dropDatabase(name));
  const home = homeAt(freshHome().path, tcpUrl(server, name));
  expect(await home.run(["doctor"])).toMatchObject({ code: 3, stderr: "" });
  await healthy(home.database);
  await home.ok(["guardrails", "set", "--daily-cost", "25"]);
  const { stdout, stderr } = await home.run(["doctor", "--json"]);
  expect(stdout + stderr).not.toContain(server.password);
  const { data } = JSON.parse(stdout);
  const checks = data.findings.map(({ check }: { check: string }) => check);
  expect(checks).toContain("server");
  expect(checks).not.toContain("wal");
  // The server of the tests may have been started without fsync, for speed.
  const wrong = data.findings.filter(
    ({ check, level }: { check: string; level: string }) => level !== "ok" && check !== "server",
  );
  expect(wrong).toEqual([]);
});

test("what it does not know is refused", async () => {
  const home = await healthyHome();
  expect(await home.run(["doctor", "--deep"])).toMatchObject({ code: 2, stdout: "" });
});
