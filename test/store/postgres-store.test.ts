import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import type { Pool } from "pg";
import { describe, expect, inject, onTestFinished, test, vi } from "vitest";
import { MIGRATION_NAMES } from "../../migrations/names.js";
import type { Store } from "../../src/engine/ports.js";
import { initPostgres, isInitialised } from "../../src/store/postgres/init.js";
import { connect, lookAt, openPostgres } from "../../src/store/postgres/open.js";
import { EXCLUDE_WRITERS } from "../../src/store/postgres/write-lock.js";
import { connectRaw, createDatabase, dropDatabase } from "../support/postgres.js";
import { CERTIFICATES, socketUrl, tcpUrl } from "../support/postgres-server.js";
import { change, freshSqliteFile, populate, record, T0, tempFolder } from "../support/store.js";

const server = inject("postgres");

/** A database of the server, by its name, with a connection for what a test does beside the program. */
async function database(template?: "template1") {
  const name = await createDatabase(template);
  const raw = await connectRaw(name);
  onTestFinished(async () => {
    await raw.end();
    dropDatabase(name);
  });
  return { name, raw, url: socketUrl(server, name) };
}

async function opened(url: string, waitMs = 5_000): Promise<Store> {
  const store = await openPostgres({ url, waitMs });
  onTestFinished(() => store.close());
  return store;
}

const names = (store: Store) => store.read((tx) => tx.users.names());
const setting = (store: Store) => store.write((tx) => tx.settings.set("warn_at", 9_000, T0));
/** Ends the connections of a store, as a server does that is restarted. */
const CUT =
  "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'alpha' and datname = current_database()";

describe("init", () => {
  test("makes the tables once, whoever asks and however many at a time", async () => {
    const { url, raw } = await database("template1");
    expect(await isInitialised({ url, waitMs: 5_000 })).toBe(false);
    await expect(openPostgres({ url, waitMs: 5_000 })).rejects.toMatchObject({
      code: "database",
      message: `${url} holds no alpha database`,
    });
    const results = await Promise.all([1, 2, 3].map(() => initPostgres({ url, waitMs: 20_000 })));
    expect(results.map(({ migrated }) => migrated.length).sort()).toEqual([0, 0, MIGRATION_NAMES.length]);
    expect(await initPostgres({ url, waitMs: 0 })).toEqual({ created: false, migrated: [] });
    expect(await isInitialised({ url, waitMs: 5_000 })).toBe(true);
    expect((await raw.query("select config from generation")).rows).toEqual([{ config: 1 }]);
  });

  test("makes the same tables, columns and indices as on SQLite", async () => {
    const { raw } = await database();
    const sqlite = new Sqlite(await freshSqliteFile(join(tempFolder(), "alpha.db")));
    onTestFinished(() => void sqlite.close());
    const sorted = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort();
    const columns = await raw.query(
      `select table_name as "table", column_name as "column", is_nullable = 'NO' as required,
        case when data_type = 'bigint' then 'INTEGER' else upper(data_type) end as type
        from information_schema.columns where table_schema = 'public' and table_name not like 'kysely%'
          and table_name not in (select relname from pg_class where relispartition)`,
    );
    expect(sorted(columns.rows)).toEqual(
      sorted(
        sqlite
          .prepare<[], { table: string; column: string; required: number; type: string; key: number }>(
            `select m.name as "table", c.name as "column", c."notnull" as required, upper(c.type) as type, c.pk as key
              from sqlite_schema m, pragma_table_info(m.name) c
              where m.type = 'table' and m.name not like 'kysely%' and m.name not like 'sqlite%'`,
          )
          .all()
          .map(({ key, ...row }) => ({
            table: row.table,
            column: row.column,
            required: row.required === 1 || key > 0,
            type: row.type,
          })),
      ),
    );
    const indices = await raw.query<{ name: string }>(
      "select indexname as name from pg_indexes where schemaname = 'public' and tablename not like 'kysely%'",
    );
    const named = indices.rows.map(({ name }) => name);
    for (const { name } of sqlite
      .prepare<[], { name: string }>(
        "select name from sqlite_schema where type = 'index' and sql is not null",
      )
      .all()) {
      expect(named).toContain(name);
    }
  });

  test("leaves another program's schema alone, and shares its database in one of its own", async () => {
    const { name, raw } = await database("template1");
    await raw.query("create table users (id int); create table kysely_migration (name text)");
    await raw.query("insert into kysely_migration values ('2020_product')");
    await expect(initPostgres({ url: socketUrl(server, name), waitMs: 5_000 })).rejects.toMatchObject({
      code: "database",
      message: expect.stringMatching(/schema public of .+ is another program's \(it has a table users\)/),
      hint: expect.stringContaining("search_path%3Dalpha"),
    });
    await raw.query("create schema alpha");
    const url = `${socketUrl(server, name)}&options=-c%20search_path%3Dalpha,public`;
    expect(await initPostgres({ url, waitMs: 5_000 })).toMatchObject({ created: true });
    await populate(await opened(url), "ada");
    expect((await raw.query("select key from alpha.users")).rows).toEqual([{ key: "ada" }]);
    expect((await raw.query("select * from public.users")).rows).toEqual([]);
  });

  test("a migration that fails leaves nothing behind", async () => {
    const { raw, url } = await database("template1");
    // The last statement of the last migration finds its column taken away.
    await raw.query(
      `create function refuse() returns event_trigger language plpgsql as
        $$ begin if current_query() like '%skipped%' then raise exception 'no'; end if; end $$;
      create event trigger refuse on ddl_command_start execute function refuse()`,
    );
    await expect(initPostgres({ url, waitMs: 5_000 })).rejects.toThrow("no");
    await raw.query("drop event trigger refuse");
    const { rows } = await raw.query(
      "select tablename from pg_tables where schemaname = 'public' and tablename not like 'kysely%'",
    );
    expect(rows).toEqual([]);
    expect(await initPostgres({ url, waitMs: 5_000 })).toMatchObject({ created: true });
  });

  test("refuses what a newer version made", async () => {
    const { raw, url } = await database();
    await raw.query("insert into kysely_migration values ('9999_future', '')");
    for (const attempt of [openPostgres, initPostgres]) {
      await expect(attempt({ url, waitMs: 5_000 })).rejects.toMatchObject({
        message: expect.stringContaining("was made by a newer version of alpha (it has 9999_future)"),
      });
    }
  });
});

describe("a server", () => {
  test.each([
    [
      { version: 130_012, versionName: "13.12" },
      /is PostgreSQL 13\.12, which is too old/,
      /PostgreSQL 14 and newer/,
    ],
    [{ encoding: "LATIN1" }, /keeps text as LATIN1/, /UTF8/],
  ])("with %j is refused", async (wrong, message, hint) => {
    const fit = { version: 140_000, versionName: "14.0", encoding: "UTF8", schema: "public", migrated: true };
    const answering = (row: object) =>
      ({ options: {}, query: async () => ({ rows: [row] }) }) as unknown as Pool;
    expect(await lookAt(answering(fit), "db")).toEqual(fit);
    await expect(lookAt(answering({ ...fit, ...wrong }), "db")).rejects.toMatchObject({
      code: "database",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  test("may be set to anything else: isolation, zone, language, read-only by default", async () => {
    const { name, raw, url } = await database();
    for (const setting of [
      "default_transaction_isolation = serializable",
      "default_transaction_read_only = on",
      "timezone = 'America/Caracas'",
      "datestyle = 'SQL, DMY'",
      "extra_float_digits = -4",
    ]) {
      await raw.query(`alter database ${name} set ${setting}`);
    }
    const store = await opened(url);
    await populate(store, "Zoe", "ada", "Émile");
    await store.meter.commit([record("1", { user: "ada" })]);
    expect(await names(store)).toHaveLength(3);
    expect(await store.read((tx) => tx.usage.events({ limit: 9 }))).toMatchObject([{ occurredAt: T0 }]);
  });

  test("knows its clients by name, and bounds them as their address says", async () => {
    const { raw, url } = await database();
    const store = await opened(`${url}&application_name=cron&statement_timeout=50&connection_limit=3`);
    await Promise.all(Array.from({ length: 20 }, () => names(store)));
    const { rows } = await raw.query("select from pg_stat_activity where application_name = 'cron'");
    expect(rows).toHaveLength(3);
    await raw.query("begin; lock table users in access exclusive mode");
    await expect(store.read((tx) => tx.users.list())).rejects.toMatchObject({
      code: "database",
      message: expect.stringContaining("cancelled a statement"),
    });
    await raw.query("rollback");
    expect(await names(store)).toEqual([]);
  });

  test("keeps no statement prepared where the address says so, and all works as before", async () => {
    const { url } = await database();
    const kept = async (address: string) => {
      const { pool } = connect({ url: address, waitMs: 5_000 });
      onTestFinished(() => pool.end());
      await pool.query({ name: "one", text: "select 1" });
      return (await pool.query("select name from pg_prepared_statements")).rows;
    };
    expect(await kept(url)).toEqual([{ name: "one" }]);
    expect(await kept(`${url}&prepared_statements=0`)).toEqual([]);
    const store = await opened(`${url}&prepared_statements=0`);
    await populate(store, "ada");
    expect(await store.meter.commit([record("1"), record("1")])).toMatchObject([
      { status: "inserted" },
      { status: "duplicate" },
    ]);
  });

  test("asks for a password: given, in a file, wrong, none", async () => {
    const { name } = await database();
    const file = join(tempFolder(), "pgpass");
    writeFileSync(file, `127.0.0.1:${server.port}:*:postgres:${server.password}\n`, { mode: 0o600 });
    vi.stubEnv("HOME", tempFolder());
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await names(await opened(tcpUrl(server, name)))).toEqual([]);
    const without = `postgres://postgres@127.0.0.1:${server.port}/${name}`;
    expect(await names(await opened(`${without}?passfile=${file}`))).toEqual([]);
    await expect(opened(tcpUrl(server, name, "s3cr3t-word"))).rejects.toMatchObject({
      code: "database",
      message: `${without} does not accept the password`,
    });
    await expect(opened(without)).rejects.toMatchObject({
      message: `${without} asks for a password, and the one given does not do`,
    });
  });

  test.each([
    ["nothing there", "postgres://u@127.0.0.1:1/d", /nothing answers at/],
    [
      "no such host",
      "postgres://u@no-such-host.invalid/d",
      /the host of .+ (is not known|cannot be looked up)/,
    ],
    ["no socket", "postgres://u@/d?host=/no/such/folder", /there is no socket at/],
    ["no database", tcpUrl(server, "nowhere"), /there is no database of that name/],
    [
      "nobody",
      socketUrl(server, "postgres").replace("postgres@", "nobody-such@"),
      /does not let this user in/,
    ],
  ])("%s is said", async (_, url, message) => {
    await expect(opened(url)).rejects.toMatchObject({
      code: "database",
      message: expect.stringMatching(message),
      hint: expect.any(String),
    });
  });

  test("is talked to in the clear or not, and has to prove who it is, as the address says", async () => {
    const { name, raw } = await database();
    const at = (host: string, query: string) =>
      opened(tcpUrl(server, name).replace("127.0.0.1", host).concat("?", query));
    const authority = `sslrootcert=${join(CERTIFICATES, "authority.crt")}`;
    for (const [host, query, encrypted] of [
      ["localhost", "sslmode=disable", false],
      ["localhost", "sslmode=require", true],
      ["localhost", `sslmode=verify-full&${authority}`, true],
      ["localhost", `${authority}&sslnegotiation=direct`, true],
      ["127.0.0.1", `sslmode=verify-ca&${authority}`, true],
    ] as const) {
      const store = await at(host, query);
      expect(await names(store)).toEqual([]);
      const { rows } = await raw.query(
        `select distinct ssl from pg_stat_ssl join pg_stat_activity using (pid)
          where application_name = 'alpha' and datname = current_database()`,
      );
      expect(rows).toEqual([{ ssl: encrypted }]);
      await store.close();
    }
    for (const [host, query] of [
      ["127.0.0.1", `sslmode=verify-full&${authority}`],
      ["localhost", "sslmode=verify-full"],
    ] as const) {
      await expect(at(host, query)).rejects.toMatchObject({
        code: "database",
        message: expect.stringContaining("could not prove who it is"),
      });
    }
  });

  test("that offers no encryption is refused where it is wanted", async () => {
    const plain = createServer((socket) => socket.once("data", () => socket.end("N")));
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void plain.close());
    const { port } = plain.address() as AddressInfo;
    await expect(opened(`postgres://u@127.0.0.1:${port}/d?sslmode=require`)).rejects.toMatchObject({
      message: expect.stringContaining("offers no encryption"),
    });
  });

  test("lets a user do what it may, and says what not", async () => {
    const { name, raw } = await database();
    const role = `reader_${name}`;
    await raw.query(`create role ${role} login; grant select on all tables in schema public to ${role}`);
    onTestFinished(async () => void (await raw.query(`drop owned by ${role}; drop role ${role}`)));
    const store = await opened(socketUrl(server, name).replace("postgres@", `${role}@`));
    expect(await names(store)).toEqual([]);
    await expect(setting(store)).rejects.toMatchObject({
      code: "database",
      message: expect.stringMatching(/may not do that: permission denied for table setting/),
    });
  });
});

describe("a transaction", () => {
  test("whose statement failed is never taken for committed", async () => {
    const store = await opened((await database()).url);
    await populate(store);
    const writing = store.write(async (tx) => {
      await tx.settings.set("warn_at", 9_000, T0);
      await tx.tiers.save({ key: "x", label: "X", rank: 0, quotas: [], features: [] }, T0).catch(() => {});
    });
    await expect(writing).rejects.toThrow("rolled back");
    expect((await store.read((tx) => tx.settings.current())).warn_at).toBe(8_000);
    await setting(store);
  });

  test("waits for whoever excludes writers, no longer than it was told; reads do not", async () => {
    const { raw, url } = await database();
    const store = await opened(url, 100);
    await populate(store, "ada");
    await raw.query(`begin; ${EXCLUDE_WRITERS}`);
    await expect(setting(store)).rejects.toMatchObject({
      code: "database",
      message: `${url} is locked by another process`,
    });
    await expect(store.meter.commit([record("1")])).rejects.toMatchObject({ code: "database" });
    expect(await names(store)).toEqual(["ada"]);
    await raw.query("commit");
    await setting(store);
  });

  test("a number that cannot be read exactly is refused, and not rounded", async () => {
    const { raw, url } = await database();
    const store = await opened(url);
    const [ada] = await populate(store, "ada");
    await raw.query("insert into usage_window values ($1, 'day', 1, $2, 0, 0, 0)", [
      ada!.id,
      "9007199254740993",
    ]);
    await expect(store.read((tx) => tx.users.windowUsage(ada!.id, "day", 1))).rejects.toMatchObject({
      code: "database",
      message: expect.stringContaining("9007199254740993"),
    });
    expect(await names(store)).toEqual(["ada"]);
  });
});

describe("a connection that is lost", () => {
  test("between two uses is replaced, and nobody hears of it", async () => {
    const { raw, url } = await database();
    const store = await opened(url);
    await populate(store, "ada");
    for (let round = 0; round < 5; round++) {
      await raw.query(CUT);
      expect(await names(store)).toEqual(["ada"]);
      await raw.query(CUT);
      await setting(store);
    }
  });

  test("in the middle of a change undoes it, is said, and the next change works", async () => {
    const { raw, url } = await database();
    const store = await opened(url);
    const changing = change(store, async (tx) => {
      await tx.settings.set("warn_at", 1, T0);
      await raw.query(CUT);
      await tx.settings.set("block_at", 2, T0);
    });
    await expect(changing).rejects.toMatchObject({ code: "database", hint: expect.any(String) });
    expect((await store.read((tx) => tx.settings.current())).warn_at).toBe(8_000);
    await setting(store);
    expect((await store.read((tx) => tx.settings.current())).warn_at).toBe(9_000);
  });

  test("while it is being saved leaves it open whether it was, and says so", async () => {
    const { raw, url } = await database();
    const store = await opened(url);
    // Nothing is asked of the lost connection but to commit.
    const changing = store.write(async (tx) => {
      await tx.settings.set("warn_at", 1, T0);
      await raw.query(CUT);
    });
    await expect(changing).rejects.toMatchObject({
      code: "database",
      message: expect.stringContaining("it may be saved, or not"),
    });
  });
});
