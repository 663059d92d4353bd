import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Finished, type Home, homeAt, NOW } from "../support/cli.js";
import { commandTree, leaves, offers } from "../support/command-tree.js";
import { connectRaw, createDatabase, dropDatabase } from "../support/postgres.js";
import { tcpUrl } from "../support/postgres-server.js";
import { populateHome, preparedHomes } from "../support/prepared-homes.js";
import { sampleOf } from "../support/samples.js";
import { MINUTE } from "../support/store.js";

const { prepared } = preparedHomes();
/** One makes a database of its own, the others are about the file or about the server. */
const OF_ONE_DATABASE = ["demo", "doctor", "db info", "db backup", "db restore"];
/** All others, and whether they change anything. */
const commands = leaves(commandTree())
  .filter(([path]) => !OF_ONE_DATABASE.includes(path))
  .map(([path, command]) => [path, offers(command, "--dry-run")] as const);
const server = inject("postgres");

let folder: string;
let template: string;
const names: string[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "alpha-homes-"));
  template = await createDatabase("template1");
  names.push(template);
  const path = join(folder, template);
  mkdirSync(path);
  await populateHome(homeAt(path, tcpUrl(server, template)));
});
afterAll(async () => {
  for (const name of names) dropDatabase(name);
  rmSync(folder, { recursive: true, force: true });
});

/** A home like {@link prepared}'s, whose database is on the server, where it asks for a password. */
async function onServer(from = template): Promise<Home> {
  const name = await createDatabase(from);
  names.push(name);
  const path = join(folder, name);
  cpSync(join(folder, template), path, { recursive: true });
  return homeAt(path, tcpUrl(server, name));
}

/** What was said, but for where the database is, the clock, and ids that are made up. */
function said({ code, stdout, stderr }: Finished, home: Home) {
  const plain = (text: string) =>
    text
      .replaceAll(home.shown, "<database>")
      .replaceAll(home.path, "<home>")
      .replace(/2026-11-22T1\d:0\d:[\d.]+Z/g, "<now>")
      .replace(/("elapsed_ms"|"records_per_second"|"age_seconds"): [\d.]+/g, "$1: <measured>")
      .replace(/"size_bytes": \d+/g, '"size_bytes": <size>')
      .replace(/\([\d.]+ [KM]B\)/g, "(<size>)")
      // A slow start is seconds late.
      .replace(/\b(\d+m)(?: \d+s)? ago/g, "$1 ago")
      .replace(/ in [\d.]+ s, [\d,]+ a second/, " in <measured>")
      .replace(/\b[ure]_[0-9a-z]{8,}\b/g, "<id>");
  return { code, stdout: plain(stdout), stderr: plain(stderr) };
}

describe.concurrent.each(commands)("alpha %s", (path, changes) => {
  test("says and does on PostgreSQL what it does on SQLite, and never the password", async () => {
    const [file, address] = [await prepared(), await onServer()];
    const left = [
      ["usage", "report", "--json"],
      ["usage", "events", "--json"],
    ];
    const lines = [[...sampleOf(path), "--json"], sampleOf(path), ...(changes ? left : [])];
    for (const [n, args] of lines.entries()) {
      // What depends on the clock must not depend on which of the two was started first.
      const now = NOW + n * MINUTE;
      const [expected, actual] = await Promise.all([file.run(args, { now }), address.run(args, { now })]);
      expect(`${actual.stdout}${actual.stderr}`).not.toContain(server.password);
      expect(said(actual, address)).toEqual(said(expected, file));
    }
    const name = new URL(address.database).pathname.slice(1);
    const raw = await connectRaw(name);
    const { rows } = await raw.query("select * from audit_entry");
    await raw.end();
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(server.password);
  });
});

test("a database that is not there yet is described, made, and remembered without its password", async () => {
  const home = await onServer("template1");
  const address = home.shown;
  const missing = await home.run(["users", "list"]);
  expect(missing).toMatchObject({ code: 3, stdout: "" });
  expect(missing.stderr).toBe(
    `error: ${address} holds no alpha database\nhint: create one with: alpha init\n`,
  );
  expect(await home.ok(["init", "--dry-run"])).toBe(`Would create ${address}\n`);
  expect((await home.run(["users", "list"])).code).toBe(3);
  expect(await home.ok(["init"])).toContain(`Created ${address}\n`);
  const refused = await home.run(["init", "--remember"]);
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("an address with a password is not remembered"),
  });
  writeFileSync(join(home.path, ".pgpass"), `*:*:*:postgres:${server.password}\n`, { mode: 0o600 });
  const found = { env: { ALPHA_DATABASE: "" } };
  await home.ok(["init", "--remember", "--database", address], found);
  expect(JSON.parse(readFileSync(join(home.path, ".config/alpha/config.json"), "utf8"))).toEqual({
    database: address,
  });
  await home.ok(["users", "add", "ada@example.com"], found);
  writeFileSync(join(home.path, "url"), `${home.database}\n`);
  const fromFile = { env: { ALPHA_DATABASE: "", ALPHA_DATABASE_URL_FILE: join(home.path, "url") } };
  expect(await home.json(["users", "list"], fromFile)).toMatchObject([{ email: "ada@example.com" }]);
});
