import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { type Kysely, Migrator, sql } from "kysely";
import { describe, expect, test } from "vitest";
import { MIGRATION_NAMES } from "../../migrations/names.js";
import { AlphaError } from "../../src/errors.js";
import { migrate } from "../../src/store/migrate.js";
import { requireCurrent } from "../../src/store/migration-state.js";
import type { Schema } from "../../src/store/schema.js";
import { kyselyOver } from "../../src/store/sqlite/dialect.js";
import { SQLITE_FLAVOR } from "../../src/store/sqlite/flavor.js";
import { initSqlite } from "../../src/store/sqlite/init.js";
import { connect, openSqlite } from "../../src/store/sqlite/open.js";
import { program } from "../support/processes.js";
import { freshSqliteFile, tempFolder } from "../support/store.js";

const writer = program(new URL("./children/writer.ts", import.meta.url));

function look<T>(path: string, work: (raw: Sqlite.Database) => T): T {
  const raw = new Sqlite(path, { readonly: true });
  try {
    return work(raw);
  } finally {
    raw.close();
  }
}

const schemaOf = (path: string) =>
  look(path, (raw) => raw.prepare("select type, name, sql from sqlite_schema order by type, name").all());

function inDatabase<T>(
  path: string,
  work: (db: Kysely<Schema>, raw: Sqlite.Database) => Promise<T>,
): Promise<T> {
  const raw = connect(path, { create: true, blockMs: 1_000 });
  return work(kyselyOver(raw, 1_000), raw).finally(() => raw.close());
}

describe("several processes", () => {
  test("reading and then writing in three processes fails never and loses nothing", async () => {
    const path = await freshSqliteFile(join(tempFolder(), "alpha.db"));
    const spawn = await writer.start();
    const children = [1, 2, 3].map(() => spawn("increment", path, "300"));
    await Promise.all(children.map((child) => child.line((line) => line === "ready")));
    for (const child of children) child.say("go");
    const ends = await Promise.all(children.map((child) => child.ended));
    expect(children.map((child) => child.lines)).toEqual(children.map(() => ["ready", "done 0"]));
    expect(ends.map((end) => end.code)).toEqual([0, 0, 0]);
    const store = await openSqlite({ path, waitMs: 1_000 });
    expect((await store.read((tx) => tx.settings.current())).emergency_tokens).toBe(1_000 + 900);
    await store.close();
  }, 60_000);

  test("creating the database in two processes at once makes one, whole", async () => {
    const folder = tempFolder();
    const expected = schemaOf(await freshSqliteFile(join(folder, "expected.db")));
    const spawn = await writer.start();
    for (let round = 0; round < 6; round++) {
      const path = join(folder, `${round}.db`);
      const children = [1, 2].map(() => spawn("init", path));
      await Promise.all(children.map((child) => child.line((line) => line === "ready")));
      for (const child of children) child.say("go");
      const ends = await Promise.all(children.map((child) => child.ended));
      expect(ends.map((end) => end.errors)).toEqual(["", ""]);
      expect(children.map((child) => child.lines[1]).sort()).toEqual([
        `migrated ${JSON.stringify(MIGRATION_NAMES)}`,
        "migrated []",
      ]);
      expect(schemaOf(path)).toEqual(expected);
      const applied = look(path, (raw) => raw.prepare("select name from kysely_migration").pluck().all());
      expect(applied).toEqual(MIGRATION_NAMES);
    }
  }, 60_000);
});

describe("migrations", () => {
  test("run again, nothing happens", async () => {
    const path = join(tempFolder(), "new", "folder", "alpha.db");
    expect(await initSqlite({ path, waitMs: 0 })).toEqual({ created: true, migrated: MIGRATION_NAMES });
    const before = look(path, (raw) => raw.serialize());
    expect(await initSqlite({ path, waitMs: 0 })).toEqual({ created: false, migrated: [] });
    expect(look(path, (raw) => raw.serialize()).equals(before)).toBe(true);
  });

  test("one that fails leaves nothing of it or of those before it in the same run", async () => {
    const path = await freshSqliteFile(join(tempFolder(), "alpha.db"));
    const before = schemaOf(path);
    await inDatabase(path, async (db) => {
      const done = Object.fromEntries(MIGRATION_NAMES.map((name) => [name, { up: async () => undefined }]));
      const good = {
        up: (any: Kysely<unknown>) => any.schema.createTable("good").addColumn("a", "text").execute(),
      };
      const bad = {
        async up(any: Kysely<unknown>) {
          await any.schema.createTable("half").addColumn("a", "text").execute();
          await sql`insert into users (key, created_at) values ('x', 1)`.execute(any);
          await sql`select * from no_such_table`.execute(any);
        },
      };
      const all = { ...done, "9998_good": good, "9999_bad": bad };
      const migrator = new Migrator({ db, provider: { getMigrations: async () => all } });
      const { error } = await migrator.migrateToLatest();
      expect(String(error)).toContain("no_such_table");
      const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
      expect(rows).toEqual(MIGRATION_NAMES.map((name) => ({ name })));
      expect(await db.selectFrom("users").selectAll().execute()).toEqual([]);
      expect(await migrate(db, SQLITE_FLAVOR)).toEqual([]);
    });
    expect(schemaOf(path)).toEqual(before);
  });

  test("a database newer than the program is refused, untouched, by opening and by creating", async () => {
    const path = await freshSqliteFile(join(tempFolder(), "alpha.db"));
    const raw = new Sqlite(path);
    raw.exec("insert into kysely_migration values ('9999_future', '2030-01-01')");
    raw.close();
    const before = look(path, (open) => open.serialize());
    const refusal = { code: "database", message: expect.stringMatching(/newer version.*9999_future/) };
    await expect(openSqlite({ path, waitMs: 0 })).rejects.toMatchObject(refusal);
    await expect(initSqlite({ path, waitMs: 0 })).rejects.toMatchObject(refusal);
    expect(look(path, (open) => open.serialize()).equals(before)).toBe(true);
  });

  test("a database older than the program is refused with what brings it up to date", () => {
    const older = { applied: ["0001_initial"], pending: ["0002_next"], unknown: [], isPartlyMoved: false };
    expect(() => requireCurrent(older, "here")).toThrow(AlphaError);
    expect(() => requireCurrent(older, "here")).toThrow(/older than this version.*0002_next/);
    expect(() => requireCurrent({ ...older, pending: [] }, "here")).not.toThrow();
  });

  test("every table is strict, and the keyed ones are stored by their key", async () => {
    const path = await freshSqliteFile(join(tempFolder(), "alpha.db"));
    const tables = look(path, (raw) =>
      raw.prepare<[], { name: string; strict: number; wr: number }>("pragma table_list").all(),
    ).filter(({ name }) => !/^(sqlite|kysely)_/.test(name));
    expect(tables.filter((table) => table.strict !== 1)).toEqual([]);
    expect(
      tables
        .filter((table) => table.wr === 1)
        .map((table) => table.name)
        .sort(),
    ).toEqual([
      "client",
      "event_key",
      "forgiveness",
      "generation",
      "guardrail_total",
      "guardrail_trip",
      "hold",
      "job_lease",
      "refusal",
      "reset_run",
      "sealed_month",
      "tier_feature",
      "tier_quota",
      "usage_day",
      "usage_window",
      "user_name",
    ]);
    expect(tables.length).toBeGreaterThan(20);
  });

  test("the database is in write-ahead mode and keeps foreign keys", async () => {
    const path = await freshSqliteFile(join(tempFolder(), "alpha.db"));
    expect(look(path, (raw) => raw.pragma("journal_mode", { simple: true }))).toBe("wal");
    await inDatabase(path, async (_, raw) => {
      expect(raw.pragma("foreign_keys", { simple: true })).toBe(1);
      expect(raw.pragma("synchronous", { simple: true })).toBe(1);
    });
  });
});
