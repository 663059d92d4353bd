import { expect, test } from "vitest";
import type { Home } from "../support/cli.js";
import { HEALTHY } from "../support/healthy.js";
import { emptyHome, onServer, seededHome } from "../support/homes.js";
import { rowsOf, snapshot, tamper } from "../support/inside.js";
import { alphaInTerminal } from "../support/pty.js";

async function healthyHome(): Promise<Home> {
  const home = await seededHome(...HEALTHY);
  await home.ok(["guardrails", "set", "--daily-cost", "25"]);
  return home;
}

/** Whether the server's disk keeps what was confirmed: that of the tests' own does not, for speed, and doctor finds it. */
async function isSafe(home: Home): Promise<boolean> {
  return !onServer || (await rowsOf(home.database, "show fsync"))[0]?.fsync === "on";
}

/** Without what is said of the server; and the program's clock goes on while it runs, and so does the disk. */
function steady(text: string, home: Home): string {
  return text
    .replaceAll(home.shown, "<database>")
    .replace(/^\w+ +server +.*\n(?: .*\n)*/m, "")
    .replace(/:0\d\.\d{3}Z/g, ":00Z")
    .replace(/(SQLite|PostgreSQL) [\d.]+/, "$1 <version>")
    .replace(/[\d.]+ [MG]B free/, "80 GB free");
}

/** What is looked at of a file; of a server it is the server. */
const OF_THE_PLACE = onServer
  ? ""
  : `\
ok       access      no other account of this machine may read it
ok       wal         nothing waits to be taken into the file
ok       disk        80 GB free
ok       pages       sound
`;
const CHECKS = onServer ? 19 : 22;

test("with nothing wrong: a line a check, exit 0, and nothing is changed", async () => {
  const home = await healthyHome();
  const safe = await isSafe(home);
  const before = await snapshot(home.database);
  const { code, stdout, stderr } = await home.run(["doctor", "--strict"]);
  expect({ code, stderr }).toEqual({ code: safe ? 0 : 1, stderr: "" });
  expect(steady(stdout, home)).toBe(`\
ok       database    ${onServer ? "PostgreSQL" : "SQLite"} <version>
ok       schema      up to date
ok       writable    tester may write
${OF_THE_PLACE}\
ok       zone        days and months begin in UTC
ok       clock       not behind what was recorded last: it is 2026-11-22T12:00:00Z
ok       reset       no day is to be closed yet
ok       stops       none is on
ok       budget      all testers together: $25.00 a day (stop)
ok       guardrails  1 guardrail
ok       settings    new testers start on free
ok       estimates   no tester has a persona
ok       prices      no usage of this month and the last is to be given one
ok       products    1 product, none of which fails open
ok       holds       calls that were reserved are settled or released
ok       imports     every import came to its end
ok       sources     no two cover the same hours of a tester in 30 days
ok       totals      equal to what 1 row of the ledger add up to
ok       backup      none is known to alpha

${safe ? `All is well with <database>: ${CHECKS} checks.` : "1 problem in <database>."}
`);
  expect(await snapshot(home.database)).toEqual(before);
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
    `and 1 warning in ${home.shown}. Not looked at: ${onServer ? "" : "pages, "}sources and totals (left out by --quick).`,
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
  const { code, stdout } = await home.run(["doctor", "--json"]);
  const problems = (await isSafe(home)) ? 0 : 1;
  expect(code).toBe(problems);
  const { data } = JSON.parse(stdout);
  expect(data).toMatchObject({ all_well: false, problems, warnings: 1, skipped: 0 });
  expect(data.findings).toHaveLength(CHECKS);
  expect(data.findings).toContainEqual({
    check: "budget",
    level: "warning",
    message: "nothing limits what all testers together may cost",
    remedy: "alpha guardrails set --daily-cost 25",
  });
});

test("totals that are not what the ledger adds up to", async () => {
  const home = await healthyHome();
  await tamper(home.database, "update usage_window set tokens = tokens + 1");
  const { code, stdout } = await home.run(["doctor"]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^problem +totals +2 differences between totals and what 1 row/m);
  await home.ok(["db", "rebuild"]);
  expect((await home.run(["doctor"])).stdout).toMatch(/^ok +totals +equal to what 1 row/m);
});

/** What is found in a database that cannot be used: exit 3, and one problem. */
async function unusable(home: Home): Promise<string> {
  const { code, stdout, stderr } = await home.run(["doctor", "--json"]);
  expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
  const { data } = JSON.parse(stdout);
  expect(data.all_well).toBe(false);
  const problems = data.findings.filter(
    ({ check, level }: { check: string; level: string }) => level === "problem" && check !== "server",
  );
  expect(problems).toHaveLength(1);
  const [{ check, message, remedy }] = problems;
  return `${check}: ${message.replace(home.shown, "<database>")}; ${remedy}`;
}

test("a database that is missing, newer or older is a finding with its remedy", async () => {
  const home = await emptyHome();
  expect(await unusable(home)).toBe(
    onServer
      ? "database: <database> holds no alpha database; create one with: alpha init"
      : "database: there is no database at <database>; create it with: alpha init",
  );
  expect(await home.run(["doctor"])).toMatchObject({
    code: 3,
    stdout: expect.stringContaining("Nothing else was looked at: the database cannot be read."),
  });

  const other = await healthyHome();
  await tamper(
    other.database,
    "insert into kysely_migration values ('9999_from_the_future', '2030-01-01T00:00:00.000Z')",
  );
  expect(await unusable(other)).toMatch(/made by a newer version of alpha .+; update alpha/);
  await tamper(other.database, "delete from kysely_migration where name like '9999%' or name like '0005%'");
  expect(await unusable(other)).toBe("schema: it lacks 0005_late_settles; alpha db migrate");
});

test("what it does not know is refused", async () => {
  const home = await healthyHome();
  expect(await home.run(["doctor", "--deep"])).toMatchObject({ code: 2, stdout: "" });
});
