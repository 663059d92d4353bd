import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { emergencyOff, emergencyStatus } from "../../src/engine/emergency.js";
import { type Moved, type MoveOptions, moveDatabase } from "../../src/engine/move.js";
import { renameUser } from "../../src/engine/names.js";
import { addUsers } from "../../src/engine/users.js";
import { verifyTotals } from "../../src/engine/verify.js";
import { urlParts } from "../../src/store/location.js";
import { openMove } from "../../src/store/move.js";
import { KEYS, MOVED_TABLES, UNITS } from "../../src/store/move-tables.js";
import { openStore } from "../../src/store/open-store.js";
import { engineOn } from "../support/engine-on.js";
import { contents, fillEverything } from "../support/moving.js";
import { connectRaw, createDatabase, dropDatabase } from "../support/postgres.js";
import { socketUrl } from "../support/postgres-server.js";
import { snapshot } from "../support/snapshot.js";
import { freshSqliteFile, HOUR, record, T0, tempFolder } from "../support/store.js";

/** A database that has nothing in it, not even tables. */
async function emptyPostgres(): Promise<string> {
  const name = await createDatabase("template1");
  onTestFinished(() => dropDatabase(name));
  return socketUrl(inject("postgres"), name);
}

async function filledSqlite(): Promise<string> {
  const path = await freshSqliteFile(join(tempFolder(), "alpha.db"));
  await fillEverything(path);
  return path;
}

async function moving(from: string, to: string, options: MoveOptions = {}, at = T0 + HOUR): Promise<Moved> {
  const store = await openStore({ database: from, waitMs: 5_000 });
  const move = await openMove({ database: from, waitMs: 5_000 }, { database: to, waitMs: 5_000 });
  try {
    return await moveDatabase(engineOn(store, at), move, { rowsAtOnce: 7, ...options });
  } finally {
    await move.close();
    await store.close();
  }
}

/** These are written to by the move itself. */
const OWN = ["stop", "audit_entry", "generation"];

function expectMoved(target: Awaited<ReturnType<typeof contents>>, source: typeof target): void {
  for (const table of MOVED_TABLES) {
    const [there, before] = [target[table]!, source[table]!];
    expect(before.length, table).toBeGreaterThan(0);
    if (OWN.includes(table)) expect(there.slice(0, before.length - 1), table).toEqual(before.slice(0, -1));
    else expect(there, table).toEqual(before);
  }
}

describe("what is carried", () => {
  test("is every table of the schema but leases, by its own key", async () => {
    const path = await freshSqliteFile(join(tempFolder(), "alpha.db"));
    const raw = new Sqlite(path);
    onTestFinished(() => void raw.close());
    const tables = Object.keys(snapshot(path)).filter((name) => !name.startsWith("kysely_"));
    expect([...MOVED_TABLES, "job_lease"].sort()).toEqual(tables.sort());
    for (const table of MOVED_TABLES) {
      const columns = raw.pragma(`table_info("${table}")`) as { name: string; pk: number }[];
      const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
      expect(
        key.map(({ name }) => name),
        table,
      ).toEqual(KEYS[table]);
    }
    const url = await emptyPostgres();
    await moving(await filledSqlite(), url);
    const onServer = await connectRaw(urlParts(url).database);
    const { rows } = await onServer.query(
      `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and not relispartition and relname not like 'kysely%' order by 1`,
    );
    await onServer.end();
    expect(rows.map(({ relname }) => relname)).toEqual(tables);
  });

  test("goes together where rows refer to one another, the referred first", async () => {
    const path = await freshSqliteFile(join(tempFolder(), "alpha.db"));
    const raw = new Sqlite(path);
    onTestFinished(() => void raw.close());
    expect(UNITS.flat().sort()).toEqual([...MOVED_TABLES].sort());
    for (const table of MOVED_TABLES) {
      const unit = UNITS.find((each) => each.includes(table))!;
      for (const { table: referred } of raw.pragma(`foreign_key_list("${table}")`) as { table: never }[]) {
        expect(unit.indexOf(referred), `${table} refers to ${referred}`).toBeGreaterThanOrEqual(0);
        expect(unit.indexOf(referred)).toBeLessThan(unit.indexOf(table));
      }
    }
  });
});

test("there and back, every row is the same", async () => {
  const file = await filledSqlite();
  const before = await contents(file);
  const url = await emptyPostgres();
  const there = await moving(file, url);
  expect(there).toMatchObject({ from: file, to: url, resumed: false, holds: before.hold!.length });
  expect(there.verification).toMatchObject({ differenceCount: 0, rows: before.usage_event!.length });
  const onServer = await contents(url);
  expectMoved(onServer, before);

  const back = join(tempFolder(), "new", "back.db");
  await moving(url, back, {}, T0 + 2 * HOUR);
  expectMoved(await contents(back), onServer);
  const returned = await contents(back);
  for (const table of MOVED_TABLES) {
    if (!OWN.includes(table)) expect(returned[table], table).toEqual(before[table]);
  }
  expect(new Sqlite(back).pragma("integrity_check", { simple: true })).toBe("ok");
});

test("leaves the source stopped and the target open, and says so in both audits", async () => {
  const file = await filledSqlite();
  const url = await emptyPostgres();
  await moving(file, url);
  const stops = async (database: string) => {
    const store = await openStore({ database, waitMs: 5_000 });
    onTestFinished(() => store.close());
    const engine = engineOn(store, T0 + 2 * HOUR);
    const entries = await store.read((tx) => tx.records.audit({ action: "db.move" }));
    const own = (await emergencyStatus(engine)).filter(({ actor }) => actor === "move");
    return {
      stops: own.map(({ reason }) => reason),
      states: entries.map(({ after }) => (after as { state: string }).state),
    };
  };
  expect(await stops(file)).toEqual({ stops: [`moved to ${url}`], states: ["left", "begun"] });
  expect(await stops(url)).toEqual({ stops: [], states: ["arrived", "begun"] });
});

test("on the server numbers go on behind those that were carried, and events lie in their months", async () => {
  const file = await filledSqlite();
  const url = await emptyPostgres();
  await moving(file, url);
  const store = await openStore({ database: url, waitMs: 5_000 });
  onTestFinished(() => store.close());
  const numbers = async () => (await contents(url)).usage_event!.map(({ id }) => Number(id));
  const before = await numbers();
  const engine = engineOn(store, T0 + 2 * HOUR);
  await store.meter.commit([record("after the move", { user: "ada" }, T0 + 2 * HOUR)]);
  expect(await numbers()).toEqual([...before, Math.max(...before) + 1]);
  await addUsers(engine, [{ id: "new" }]);
  expect((await verifyTotals(engine)).differenceCount).toBe(0);
  const raw = await connectRaw(urlParts(url).database);
  const { rows } = await raw.query("select count(*) as count from usage_event_rest");
  await raw.end();
  expect(rows).toEqual([{ count: 0 }]);
});

test("shards of a guardrail's total become one row in a file", async () => {
  const [file, url] = [await filledSqlite(), await emptyPostgres()];
  await moving(file, url);
  const raw = await connectRaw(urlParts(url).database);
  await raw.query("update guardrail_total set used = used - 5");
  await raw.query(
    "insert into guardrail_total select guardrail_id, window_index, 3, 5 from guardrail_total where shard = 0",
  );
  await raw.end();
  const back = join(tempFolder(), "back.db");
  expect((await moving(url, back)).verification?.differenceCount).toBe(0);
  expect((await contents(back)).guardrail_total).toEqual((await contents(file)).guardrail_total);
});

describe("a target that holds something", () => {
  test.each(["a database of alpha", "the database itself"])("is left alone: %s", async (what) => {
    const file = await filledSqlite();
    const other = what === "the database itself" ? file : await filledSqlite();
    const before = [await contents(file), await contents(other)];
    await expect(moving(file, other)).rejects.toMatchObject({
      code: "conflict",
      message: `${other} is not empty, and a move overwrites nothing`,
    });
    expect([await contents(file), await contents(other)]).toEqual(before);
  });

  test("is left alone: another program's tables", async () => {
    const file = await filledSqlite();
    const url = await emptyPostgres();
    const raw = await connectRaw(urlParts(url).database);
    await raw.query("create table invoices (id int)");
    await raw.end();
    await expect(moving(file, url)).rejects.toMatchObject({ code: "conflict" });
    const other = join(tempFolder(), "notes.txt");
    writeFileSync(other, "not a database at all");
    await expect(moving(file, other)).rejects.toMatchObject({ code: "database" });
    expect((await contents(file)).audit_entry!.at(-1)).not.toMatchObject({ action: "db.move" });
  });

  test("is left alone: the beginning of another database's move", async () => {
    const url = await emptyPostgres();
    await expect(moving(await filledSqlite(), url, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "interrupted",
    });
    await expect(moving(await filledSqlite(), url)).rejects.toMatchObject({
      code: "conflict",
      message: `${url} holds the beginning of another database's move`,
    });
  });
});

test("a database that was left is not moved again, unless its stop was lifted", async () => {
  const [file, url, other] = [await filledSqlite(), await emptyPostgres(), join(tempFolder(), "other.db")];
  await interrupted(file, other, 5);
  await moving(file, url);
  const before = await contents(file);
  // Neither to another place nor where an earlier move had begun.
  const places = [
    [join(tempFolder(), "to.db"), {}],
    [join(tempFolder(), "to.db"), { dryRun: true }],
    [other, {}],
  ] as const;
  for (const [to, options] of places) {
    await expect(moving(file, to, options)).rejects.toMatchObject({
      code: "conflict",
      message: `${file} was already moved to ${url}`,
      hint: expect.stringContaining("emergency-stop off"),
    });
    expect(existsSync(to)).toBe(to === other);
  }
  expect(await contents(file)).toEqual(before);
  // What it was moved to goes on, and so does this one once somebody has gone back to it.
  await moving(url, join(tempFolder(), "on.db"), {}, T0 + 2 * HOUR);
  const store = await openStore({ database: file, waitMs: 5_000 });
  await emergencyOff(engineOn(store, T0 + 2 * HOUR), {});
  await store.close();
  const again = join(tempFolder(), "again.db");
  await interrupted(file, again, 5);
  expect(await moving(file, again, {}, T0 + 2 * HOUR)).toMatchObject({ resumed: true });
  await moving(again, join(tempFolder(), "last.db"), {}, T0 + 3 * HOUR);
});

test("a move that ends while another is about to begin is seen by it", async () => {
  const [file, url, to] = [await filledSqlite(), await emptyPostgres(), join(tempFolder(), "to.db")];
  const approve = async () => void (await moving(file, url));
  await expect(moving(file, to, { approve })).rejects.toMatchObject({
    message: `${file} was already moved to ${url}`,
  });
  expect(existsSync(to)).toBe(false);
});

test("a dry run says what there is, and changes nothing on either side", async () => {
  const file = await filledSqlite();
  const before = await contents(file);
  const to = join(tempFolder(), "to.db");
  const tried = await moving(file, to, { dryRun: true });
  expect(tried.verification).toBeNull();
  expect(new Map(tried.tables.map(({ table, rows }) => [table, rows]))).toEqual(
    new Map(MOVED_TABLES.map((table) => [table, before[table]!.length])),
  );
  expect(existsSync(to)).toBe(false);
  expect(await contents(file)).toEqual(before);
});

/** Interrupts a move after so many chunks. */
async function interrupted(from: string, to: string, chunks: number): Promise<void> {
  const stopping = new AbortController();
  let left = chunks;
  const progress = { report: () => void (--left === 0 && setImmediate(() => stopping.abort())) };
  await expect(moving(from, to, { progress, signal: stopping.signal })).rejects.toMatchObject({
    code: "interrupted",
  });
}

describe.each(["a server", "a file"])("a move to %s that was interrupted", (where) => {
  const target = () =>
    where === "a server" ? emptyPostgres() : Promise.resolve(join(tempFolder(), "to.db"));

  test("can be used by nobody, and goes on where it stopped", async () => {
    const [file, to] = [await filledSqlite(), await target()];
    const before = await contents(file);
    await interrupted(file, to, 30);
    await expect(openStore({ database: to, waitMs: 100 })).rejects.toMatchObject({
      code: "database",
      message: `${to} holds only a part of a database that is being moved there`,
    });
    const told: number[] = [];
    const progress = { report: ({ done }: { done: number }) => void told.push(done) };
    expect(await moving(file, to, { progress })).toMatchObject({ resumed: true });
    // What was there counts as done.
    expect(told[0]).toBeGreaterThan(29);
    expectMoved(await contents(to), before);
  });

  test("carries anew what has changed since", async () => {
    const [file, to] = [await filledSqlite(), await target()];
    await interrupted(file, to, 30);
    const store = await openStore({ database: file, waitMs: 5_000 });
    await renameUser(engineOn(store), { user: "ada", name: "Ada King" });
    await store.meter.commit([record("late", { user: "ada" })]);
    await store.close();
    const before = await contents(file);
    await moving(file, to);
    expectMoved(await contents(to), before);
  });
});

test("a source that is written to meanwhile is carried by the next run", async () => {
  const [file, url] = [await filledSqlite(), await emptyPostgres()];
  const beside = await openStore({ database: file, waitMs: 5_000 });
  onTestFinished(() => beside.close());
  let written: Promise<unknown> | undefined;
  const progress = {
    report() {
      if (written === undefined) written = beside.meter.commit([record("meanwhile", { user: "ada" })]);
    },
  };
  await expect(moving(file, url, { progress })).rejects.toMatchObject({
    code: "failed",
    message: expect.stringMatching(/was written to while it was carried over \(.*usage_event, event_key/),
  });
  await written;
  const before = await contents(file);
  expect(await moving(file, url)).toMatchObject({ resumed: true });
  expectMoved(await contents(url), before);
});
