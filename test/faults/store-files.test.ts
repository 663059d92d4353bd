import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { MIGRATION_NAMES } from "../../migrations/names.js";
import { initSqlite } from "../../src/store/sqlite/init.js";
import { openSqlite } from "../../src/store/sqlite/open.js";
import { watchConnections } from "../support/connections.js";
import {
  change,
  freshSqliteFile,
  newUser,
  populate,
  record,
  reserve,
  T0,
  tempFolder,
} from "../support/store.js";

/** Makes a file that is no alpha database; returns its path. */
type Make = (folder: string) => string;

const text: Make = (folder) => {
  const path = join(folder, "notes.txt");
  writeFileSync(path, "not a database at all\n".repeat(100));
  return path;
};
const binary: Make = (folder) => {
  const path = join(folder, "junk.db");
  writeFileSync(path, Buffer.from(Array.from({ length: 8_192 }, (_, n) => (n * 197) % 256)));
  return path;
};
const folderItself: Make = (folder) => {
  const path = join(folder, "inner");
  mkdirSync(path);
  return path;
};
const empty: Make = (folder) => {
  const path = join(folder, "empty.db");
  writeFileSync(path, "");
  return path;
};
const missing: Make = (folder) => join(folder, "missing.db");
const belowFile: Make = (folder) => join(text(folder), "alpha.db");
const loop: Make = (folder) => {
  const path = join(folder, "loop");
  symlinkSync(path, path);
  return join(path, "alpha.db");
};
const tooLong: Make = (folder) => join(folder, "x".repeat(5_000));

function foreign(statements: string): Make {
  return (folder) => {
    const path = join(folder, "foreign.db");
    const raw = new Sqlite(path);
    raw.exec(statements);
    raw.close();
    return path;
  };
}
const notes = foreign("create table notes (a); insert into notes values (1)");
const otherKysely = foreign(
  "create table kysely_migration (name text primary key, timestamp text); create table posts (id integer);" +
    "insert into kysely_migration values ('2024-01-01-posts', '')",
);
const untouchedKysely = foreign(
  "create table kysely_migration (name text primary key, timestamp text); create table pages (id integer)",
);

test.each<[string, Make, RegExp]>([
  ["a text file", text, /is not a SQLite database/],
  ["binary junk", binary, /is not a SQLite database/],
  ["a folder", folderItself, /is a folder, not a database/],
  ["an empty file", empty, /holds no alpha database/],
  ["nothing", missing, /there is no database at/],
  ["a path through a file", belowFile, /cannot be reached|there is no database at/],
  ["a path through a loop", loop, /cannot be reached/],
  ["a name that is too long", tooLong, /cannot be reached/],
  ["another program's database", notes, /holds no alpha database/],
  ["another program's database made with Kysely", otherKysely, /holds no alpha database/],
])("opening %s is refused with what is wrong", async (_, make, message) => {
  const path = make(tempFolder());
  const error = await openSqlite({ path, waitMs: 0 }).then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toMatchObject({
    name: "AlphaError",
    code: "database",
    message: expect.stringMatching(message),
  });
  expect(error.message).toContain(path);
  expect(error.hint).toBeTruthy();
});

test.each<[string, Make, RegExp]>([
  ["a text file", text, /is not a SQLite database/],
  ["binary junk", binary, /is not a SQLite database/],
  ["another program's database", notes, /another program's database \(it has a table notes\)/],
  ["another program's database made with Kysely", otherKysely, /another program's database.*posts/],
  ["one where Kysely ran nothing yet", untouchedKysely, /another program's database.*pages/],
])("creating a database over %s is refused and leaves it as it is", async (_, make, message) => {
  const path = make(tempFolder());
  const before = readFileSync(path);
  await expect(initSqlite({ path, waitMs: 0 })).rejects.toMatchObject({
    name: "AlphaError",
    code: "database",
    message: expect.stringMatching(message),
  });
  expect(readFileSync(path).equals(before)).toBe(true);
});

test.each<[string, Make, RegExp]>([
  ["in place of a folder", folderItself, /is a folder, not a database/],
  ["below a file", belowFile, /the folder .* cannot be created/],
  ["below a loop", loop, /the folder .* cannot be created/],
])("creating a database %s is refused", async (_, make, message) => {
  await expect(initSqlite({ path: make(tempFolder()), waitMs: 0 })).rejects.toMatchObject({
    name: "AlphaError",
    code: "database",
    message: expect.stringMatching(message),
  });
});

test("an empty file becomes a database", async () => {
  const path = empty(tempFolder());
  expect(await initSqlite({ path, waitMs: 0 })).toEqual({ created: true, migrated: MIGRATION_NAMES });
  await (await openSqlite({ path, waitMs: 0 })).close();
});

test("a database that was cut short is reported as damaged", async () => {
  const path = await freshSqliteFile(join(tempFolder(), "alpha.db"));
  truncateSync(path, 3 * 4_096);
  const opened = openSqlite({ path, waitMs: 0 }).then((store) => store.read((tx) => tx.users.names()));
  await expect(opened).rejects.toMatchObject({ code: "database", message: expect.stringMatching(/damaged/) });
});

/** A store whose connections are in reach, so that a full disk can be played on them. */
async function limitable() {
  const path = await freshSqliteFile(join(tempFolder(), "alpha.db"));
  const connections = watchConnections();
  const store = await openSqlite({ path, waitMs: 1_000 });
  onTestFinished(() => store.close());
  await populate(store, "ada");
  // The meter opens its connection when it is first asked for.
  await store.meter.settings();
  const open = [...connections].filter((each) => each.open);
  expect(open).toHaveLength(2);
  const raw = open[0] as Sqlite.Database;
  const room = (pages: number) => {
    const used = Number(raw.pragma("page_count", { simple: true }));
    for (const each of open) each.pragma(`max_page_count = ${used + pages}`);
  };
  return { store, room, raw };
}

const FULL = {
  name: "AlphaError",
  code: "database",
  message: expect.stringMatching(/^there is no room left to write to .*alpha\.db$/),
};

test("metering on a full disk fails with a sentence, writes nothing by halves, and goes on with more room", async () => {
  const { store, room, raw } = await limitable();
  room(0);
  const batch = (from: number) =>
    Array.from({ length: 500 }, (_, n) =>
      record(`e${from + n}`, { model: `m${n % 50}`, source: `s${n % 3}` }),
    );
  const tables = [
    "usage_event",
    "event_key",
    "event_source",
    "call_kind",
    "usage_window",
    "usage_day",
    "hold",
  ];
  const all = () => tables.map((table) => raw.prepare(`select * from ${table}`).all());
  const before = all();
  const failing = [store.meter.commit(batch(0)), store.meter.commit([...batch(0), reserve("r")])];
  for (const each of failing) await expect(each).rejects.toMatchObject(FULL);
  expect(all()).toEqual(before);
  const request = { provider: "", model: "", feature: "", tokens: 1, images: 0, cost: 0, dearest: null };
  expect(await store.meter.check("ada", request, T0)).toMatchObject({ code: "ok", used: 0 });
  room(10_000);
  const outcomes = await store.meter.commit(batch(0));
  expect(outcomes.every((outcome) => outcome.op === "record" && outcome.status === "inserted")).toBe(true);
  expect(raw.prepare("select count(*) from event_source").pluck().get()).toBe(3);
  expect(raw.pragma("integrity_check", { simple: true })).toBe("ok");
});

test("an operator's change on a full disk fails with a sentence and leaves everything as it was", async () => {
  const { store, room } = await limitable();
  room(1);
  const many = () =>
    change(store, async (tx) => {
      for (let n = 0; n < 500; n++) await tx.users.add(newUser(`user-${n}`, { aliases: [`alias-${n}`] }), T0);
    });
  await expect(many()).rejects.toMatchObject(FULL);
  expect(await store.read((tx) => tx.users.names())).toEqual(["ada"]);
  room(10_000);
  await many();
  expect(await store.read((tx) => tx.users.names())).toHaveLength(1_001);
});

test("of a disk that is gone, which ends the transaction by itself, the first error is told", async () => {
  const { store, raw } = await limitable();
  const gone = store.write(async () => {
    raw.exec("rollback");
    throw new Sqlite.SqliteError("disk I/O error", "SQLITE_IOERR_WRITE");
  });
  await expect(gone).rejects.toMatchObject({
    name: "AlphaError",
    code: "database",
    message: expect.stringMatching(/the disk refused to read or write/),
  });
  expect(await store.read((tx) => tx.users.names())).toEqual(["ada"]);
});
