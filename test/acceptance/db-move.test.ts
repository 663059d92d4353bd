import { existsSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, inject, onTestFinished, test } from "vitest";
import { createDatabase, dropDatabase } from "../support/postgres.js";
import { tcpUrl } from "../support/postgres-server.js";
import { preparedHomes } from "../support/prepared-homes.js";
import { alphaInTerminal, KEY } from "../support/pty.js";
import { rowsOf } from "../support/snapshot.js";

const { prepared } = preparedHomes();
const server = inject("postgres");

async function emptyDatabase() {
  const name = await createDatabase("template1");
  onTestFinished(() => dropDatabase(name));
  const url = tcpUrl(server, name);
  return { url, shown: url.replace(`:${encodeURIComponent(server.password)}@`, "@") };
}

const WHAT_IS_ASKED = [
  ["users", "list", "--json"],
  ["usage", "report", "--by", "model", "--json"],
  ["usage", "events", "--json"],
  ["tiers", "list", "--json"],
  ["holds", "list", "--json"],
  ["check", "ada", "--tokens", "10", "--json"],
];

test("a database is moved to a server and back, and answers there as it did", async () => {
  const home = await prepared();
  const { url, shown } = await emptyDatabase();
  const answers = async (database: string) => {
    const found: unknown[] = [];
    for (const args of WHAT_IS_ASKED) {
      const said = await home.ok(args, { env: { ALPHA_DATABASE: database } });
      // The clock goes on.
      found.push(JSON.parse(said.replace(/"(at|age_seconds)": [^,\n]+/g, '"$1": "now"')).data);
    }
    return found;
  };
  const before = await answers(home.database);
  const { code, stdout, stderr } = await home.run(["db", "move", "--to", url, "--yes"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: `in ${home.database}\n` });
  expect(stdout).not.toContain(server.password);
  const [first, second, third, last] = stdout.split("\n");
  expect(first).toMatch(/^Moved \d+ rows of 31 tables from /);
  expect(first).toContain(`from ${home.database} to ${shown}.`);
  expect(second).toMatch(
    /^The new database holds the same rows and sums, and its totals are right: \d+ totals of days and months, .* compared with 3 rows of the ledger\.$/,
  );
  expect(third).toBe("1 hold went along: what its call uses has to be settled at the new place.");
  expect(last).toBe(
    `Every call at ${home.database} is refused now, and stays so. Name the new place to whoever meters, in ALPHA_DATABASE, or once and for all: alpha init --remember --database '${shown}'`,
  );
  expect(await answers(url)).toEqual(before);
  expect(await home.run(["check", "ada", "--tokens", "10"])).toMatchObject({ code: 4 });
  const on = await home.run(["emergency-stop", "status"]);
  expect(on).toMatchObject({ code: 4, stdout: expect.stringContaining(`moved to ${shown}`) });

  const back = join(home.path, "back.db");
  const moved = await home.json(["db", "move", "--to", "back.db", "--yes"], { env: { ALPHA_DATABASE: url } });
  expect(moved).toMatchObject({
    from: shown,
    to: back,
    resumed: false,
    holds: 1,
    source_stopped: true,
    verification: { equal: true, ledger_rows: 3 },
  });
  expect(moved.tables).toContainEqual({ table: "usage_event", rows: 3 });
  expect(await answers(back)).toEqual(before);
  const entries = rowsOf(back, "select after from audit_entry");
  expect(JSON.stringify(entries)).not.toContain(server.password);
});

test("a terminal asks first, and no changes nothing", async () => {
  const home = await prepared();
  const before = rowsOf(home.database, "select * from audit_entry");
  const { code } = await alphaInTerminal(home, ["db", "move", "--to", "moved.db"], {
    steps: [{ wait: "Stop every call at", send: `n${KEY.enter}` }, { wait: "nothing was changed" }],
  });
  expect(code).toBe(130);
  expect(existsSync(join(home.path, "moved.db"))).toBe(false);
  expect(rowsOf(home.database, "select * from audit_entry")).toEqual(before);
});

test("what cannot be moved to is refused before anything is stopped", async () => {
  const home = await prepared();
  const { url, shown } = await emptyDatabase();
  const before = rowsOf(home.database, "select * from audit_entry");
  const refusals = [
    [["--to", ""], 2, "error: --to is empty\n"],
    [["--to", "moved.db"], 2, "There is nobody to ask here\nhint: add --yes to go ahead\n"],
    [
      ["--to", "alpha.db", "--yes"],
      1,
      `error: ${home.database} is not empty, and a move overwrites nothing\n`,
    ],
    [["--to", "alpha-backup.db", "--yes"], 1, "alpha-backup.db is not empty"],
    [["--to", "usage.jsonl", "--yes"], 3, "usage.jsonl is not a SQLite database"],
    [["--to", `${url}_missing`, "--yes"], 3, `${shown}_missing\nhint: create it with: createdb`],
  ] as const;
  for (const [args, code, said] of refusals) {
    const refused = await home.run(["db", "move", ...args]);
    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toContain(said);
  }
  expect(rowsOf(home.database, "select * from audit_entry")).toEqual(before);
});

test("an unfinished target is refused by every command, with what to do", async () => {
  const home = await prepared();
  const raw = new Sqlite(home.database);
  raw.exec("create table unfinished_move (move text not null)");
  raw.close();
  for (const args of [["users", "list"], ["init"], ["db", "info"], ["db", "migrate"], ["db", "verify"]]) {
    expect(await home.run(args)).toMatchObject({
      code: 3,
      stdout: "",
      stderr: `error: ${home.database} holds only a part of a database that is being moved there\nhint: run the same alpha db move again: it goes on where it stopped\n`,
    });
  }
});
