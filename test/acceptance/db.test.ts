import { readdirSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import type { Home } from "../support/cli.js";
import { absent, emptyHome, onServer, seededHome } from "../support/homes.js";
import { snapshot, tamper } from "../support/inside.js";
import { OLD_USAGE } from "../support/old-usage.js";
import { alphaInTerminal } from "../support/pty.js";

let home: Home;

beforeEach(async () => {
  home = await seededHome(...OLD_USAGE);
});

const run = (...args: string[]) => home.run(["db", ...args]);

test("info says what there is, also before it is migrated", async () => {
  const said = (await run("info")).stdout
    .replace(/[\d.]+ [KM]B/, "<size>")
    .replace(/(SQL|SQLite) [\d.]+$/m, "$1 <version>");
  expect(said).toBe(
    [
      `Database     ${home.shown}`,
      `Kept by      ${onServer ? "PostgreSQL" : "SQLite"} <version>`,
      "Schema       up to date (0005_late_settles)",
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
  const csv = (await run("info", "--format", "csv")).stdout;
  expect(csv).toMatch(
    /^figure,value\ndatabase,.+\nkind,\w+\nversion,.+\nschema_current,true\nschema_applied_1,0001_initial\n/,
  );
  expect(csv).toContain("\ntesters,2\nledger_rows,3\nfirst_day,2026-09-30\n");
  await tamper(home.database, "delete from kysely_migration where name = '0005_late_settles'");
  const { code, stdout } = await run("info");
  expect(code).toBe(0);
  expect(stdout).toContain("Schema    lacks 0005_late_settles: bring it up to date with alpha db migrate");
  expect(await home.json(["db", "info"])).toMatchObject({ schema: { current: false }, contents: null });
  expect((await run("info", "--format", "markdown")).stdout).toMatch(
    /\n\| schema_pending_1 \| 0005_late_settles \|\n$/,
  );
  expect((await home.run(["users", "list"])).stderr).toContain("bring it up to date with: alpha db migrate");
});

test("migrate brings an older database up to date, once, and never makes one", async () => {
  expect((await run("migrate")).stdout).toBe("Up to date: nothing to migrate.\n");
  const none = await emptyHome();
  expect(await none.run(["db", "migrate"])).toMatchObject({ code: 3, stderr: absent(none) });
  expect(readdirSync(none.path)).toEqual([]);
});

test("rebuild mends what verify names, and is audited", async () => {
  expect((await run("rebuild")).stdout).toMatch(
    /^Nothing to mend: 6 totals of days and months, 3 of reports/,
  );
  await tamper(
    home.database,
    "update usage_window set tokens = tokens + 2 where period = 'month' and user_id = 2",
  );
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
  const before = await snapshot(home.database);
  expect((await run("prune", "--before", "2026-11-01", "--dry-run")).stdout).toContain(
    "Would let go of 2 rows",
  );
  expect(await snapshot(home.database)).toEqual(before);

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

test("what prune says agrees with what it does, also of the last row, which nothing lists from then on", async () => {
  await home.ok(["reset", "daily"]);
  const call = ["--input-tokens", "7", "--cost", "0.01", "--at", "2026-10-05T10:00:00Z"];
  await home.ok(["usage", "record", "ada", ...call]);
  const tried = await run("prune", "--before", "2026-11-01", "--dry-run", "--json");
  const { stdout } = await run("prune", "--before", "2026-11-01", "--dry-run");
  const pruned = await run("prune", "--before", "2026-11-01", "--yes", "--json");
  const [would, did] = [tried, pruned].map(({ stdout }) => JSON.parse(stdout).data);
  expect(would).toEqual(did);
  // On a server the month goes as one, with its last row.
  expect(did.rows_deleted + did.rows_kept).toBe(3);
  expect(stdout).toContain(`Would let go of ${did.rows_deleted} rows`);
  expect(stdout.includes("Its last row is listed no more")).toBe(did.rows_kept === 1);
  expect(await home.json(["usage", "events"])).toMatchObject([{ occurred_at: "2026-11-20T10:00:00Z" }]);
  expect(await home.json(["usage", "events", "--since", "2026-09-01", "--until", "2026-11-01"])).toEqual([]);
  const exported = await home.run(["usage", "export"]);
  expect(exported.stdout.trim().split("\n")).toHaveLength(1);
  expect(exported.stdout).toContain("2026-11-20T10:00:00Z");
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
