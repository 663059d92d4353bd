import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { PoolConfig } from "pg";
import { describe, expect, test } from "vitest";
import { AlphaError } from "../../src/errors.js";
import { addressIn, hasPassword, isPostgresUrl, withoutPassword } from "../../src/store/location.js";
import { readAddress } from "../../src/store/postgres/address.js";
import { passwordIn } from "../../src/store/postgres/password-file.js";
import { tempFolder } from "../support/store.js";

type Env = Record<string, string>;

const read = (url: string, env: Env = {}) => readAddress(url, { waitMs: 3_000, env });
const pool = (url: string, env?: Env) => read(url, env).pool;
const password = (config: PoolConfig) => (config.password as () => Promise<string>)();

function refusal(url: string, env?: Env): AlphaError {
  try {
    read(url, env);
  } catch (error) {
    if (error instanceof AlphaError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("an address", () => {
  test("in full", async () => {
    const config = pool("postgresql://olga:a%40b%2Fc@db.example.com:6432/alpha?application_name=cron");
    expect(config).toMatchObject({
      user: "olga",
      host: "db.example.com",
      port: 6432,
      database: "alpha",
      application_name: "cron",
      ssl: false,
      max: 10,
      connectionTimeoutMillis: 3_000,
    });
    expect(await password(config)).toBe("a@b/c");
  });

  test("what it leaves out comes from the environment, and then from libpq's defaults", async () => {
    const env = { PGHOST: "h", PGPORT: "1", PGUSER: "u", PGDATABASE: "d", PGPASSWORD: "p", PGAPPNAME: "n" };
    const config = pool("postgres://", env);
    expect(config).toMatchObject({ host: "h", port: 1, user: "u", database: "d", application_name: "n" });
    expect(await password(config)).toBe("p");
    expect(pool("postgres://ada@", {})).toMatchObject({
      host: "localhost",
      port: 5432,
      database: "ada",
      application_name: "alpha",
    });
  });

  test("may say that no statement is kept prepared", () => {
    expect(read("postgres://h/d").keepsStatements).toBe(true);
    expect(read("postgres://h/d?prepared_statements=1").keepsStatements).toBe(true);
    expect(read("postgres://h/d?prepared_statements=0").keepsStatements).toBe(false);
    expect(refusal("postgres://h/d?prepared_statements=off").hint).toBe("give 0 or 1");
  });

  test.each([
    ["postgres://olga@/alpha?host=/var/run/postgresql", "/var/run/postgresql"],
    ["postgres://olga@%2Fvar%2Frun%2Fpostgresql/alpha", "/var/run/postgresql"],
    ["postgres://olga@[::1]:5433/alpha", "::1"],
  ])("%s is at %s", (url, host) => {
    expect(pool(url)).toMatchObject({ host, user: "olga", database: "alpha", ssl: false });
  });

  test("parameters set limits of connections and of time", () => {
    const url = "postgres://h/d?connection_limit=4&connect_timeout=7&statement_timeout=900&lock_timeout=80";
    expect(pool(`${url}&options=-c%20search_path%3Dalpha&keepalives=0`)).toMatchObject({
      max: 4,
      connectionTimeoutMillis: 7_000,
      statement_timeout: 900,
      lock_timeout: 80,
      options: "-c search_path=alpha",
      keepAlive: false,
    });
    // One connection could not read while it writes.
    expect(pool("postgres://h/d?connection_limit=1").max).toBe(2);
  });

  test("how to encrypt, as libpq means it", () => {
    const root = join(tempFolder(), "root.crt");
    writeFileSync(root, "certificate");
    const ssl = (query: string, env?: Env) => pool(`postgres://h/d?${query}`, env).ssl;
    const anyName = { checkServerIdentity: expect.any(Function) };
    expect(ssl("sslmode=disable", { PGSSLMODE: "require" })).toBe(false);
    expect(ssl("", { PGSSLMODE: "require" })).toEqual({ rejectUnauthorized: false });
    expect(ssl("sslmode=require")).toEqual({ rejectUnauthorized: false });
    expect(ssl(`sslmode=require&sslrootcert=${root}`)).toEqual({ ca: "certificate", ...anyName });
    expect(ssl(`sslmode=verify-ca&sslrootcert=${root}`)).toEqual({ ca: "certificate", ...anyName });
    expect(ssl(`sslmode=verify-full&sslrootcert=${root}`)).toEqual({ ca: "certificate" });
    expect(ssl(`sslrootcert=${root}`)).toEqual({ ca: "certificate" });
    expect(ssl("sslrootcert=system")).toEqual({});
    expect(ssl("sslnegotiation=direct")).toEqual({ rejectUnauthorized: false });
    expect(pool("postgres://h/d?sslnegotiation=direct").sslnegotiation).toBe("direct");
    expect(ssl("sslnegotiation=postgres")).toBe(false);
    expect(() => ssl("sslnegotiation=direct", { PGSSLMODE: "disable" })).toThrow(/sslmode=disable does not/);
    expect(ssl("sslmode=require&host=/tmp")).toBe(false);
  });

  test.each([
    ["postgres://olga:s3cr3t/word@h/d", /not of the form postgres:/],
    ["postgres://olga:s3cr3t@word@h/d", /not of the form/],
    ["postgres://olga:s3cr3t#word@h/d", /not of the form/],
    ["postgres://olga:s3cr3t%@h/d", /password in the PostgreSQL address is not percent-encoded/],
    ["postgres://olga:s3cr3t@h:port/d", /not of the form/],
    ["postgres://olga:s3cr3t@h1,h2/d", /names several hosts/],
    ["postgres://olga:s3cr3t@h/d?sslmod=require", /parameter "sslmod" that is not understood/],
    ["postgres://olga:s3cr3t@h/d?sslmode=prefer", /may send everything unencrypted/],
    ["postgres://olga:s3cr3t@h/d?sslmode=on", /the sslmode of .+ is none that there is/],
    ["postgres://olga:s3cr3t@h/d?sslmode=verify-ca", /needs the certificate/],
    ["postgres://olga:s3cr3t@h/d?sslrootcert=/no/such/file", /\/no\/such\/file that sslrootcert names/],
    ["postgres://olga:s3cr3t@h/d?connection_limit=-1", /connection_limit in the PostgreSQL address is not/],
    ["postgres://olga:s3cr3t@h/d?connect_timeout=1s", /connect_timeout/],
    ["postgres://olga:1234?s3cr3t@h/d", /not of the form/],
    ["postgres://olga:1234?port=s3cr3t@h/d", /not of the form/],
    ["postgres://olga:1234?host=s3cr3t@h/d", /not of the form/],
    ["postgres://olga:1234/s3cr3t@h", /not of the form/],
    ["postgres://olga@h/d?passwd%3Ds3cr3t", /has a parameter that is not understood/],
    ["postgres://olga@h/d?p%61ssword=s3cr3t", /has a parameter that is not understood/],
    ["postgres://olga@h/d?password=a&s3cr3t", /has a parameter that is not understood/],
    ["postgres://olga@h/d?password=a&word=s3cr3t", /has a parameter that is not understood/],
    ["postgres://olga@h/d?port=s3cr3t", /port in the PostgreSQL address is not/],
    ["postgres://olga:s3cr3t@h:65536/d", /port in the PostgreSQL address is not/],
    ["postgres://olga:s3cr3t@h:0/d", /port in the PostgreSQL address is not/],
    ["postgres://olga:s3cr3t@h/d?keepalives=off", /keepalives in the PostgreSQL address is not/],
    ["postgres://olga:s3cr3t@h/d?sslnegotiation=Direct", /sslnegotiation in the PostgreSQL address is not/],
    ["postgres://olga:s3cr3t@/d?host=/tmp&sslnegotiation=bogus", /sslnegotiation in the PostgreSQL address/],
    ["postgres://olga:s3cr3t@h/d?sslnegotiation=direct&sslmode=disable", /sslmode=disable does not/],
  ])("%s is refused, and its password not repeated", (url, message) => {
    const error = refusal(url);
    expect(error).toMatchObject({ code: "config", message: expect.stringMatching(message) });
    expect(error.hint).toBeTruthy();
    expect(`${error.message}${error.hint}${error.stack}`).not.toMatch(/s3cr3t/);
  });

  test("a port of the environment is as good as one of the address", () => {
    for (const PGPORT of ["65536", "0", "x"]) {
      expect(refusal("postgres://h/d", { PGPORT })).toMatchObject({
        code: "config",
        message: "PGPORT is not what it may be",
      });
    }
    expect(pool("postgres://h:5433/d", { PGPORT: "x" }).port).toBe(5433);
  });

  test("a timeout that no timer can keep is a long one", () => {
    expect(pool("postgres://h/d?connect_timeout=9999999").connectionTimeoutMillis).toBe(2 ** 31 - 1);
  });

  test("is shown as it is but for its password", () => {
    expect(withoutPassword("postgresql://olga:pw@h:1/d?sslmode=require&password=pw")).toBe(
      "postgres://olga@h:1/d?sslmode=require",
    );
    expect(withoutPassword("postgres://h")).toBe("postgres://h/");
    expect(withoutPassword("postgres://a%40b:pw@[::1]/d%20e")).toBe("postgres://a%40b@[::1]/d%20e");
    expect(["postgres://u:p@h/d", "postgres://h/d?password=p", "postgres://u@h/d"].map(hasPassword)).toEqual([
      true,
      true,
      false,
    ]);
    expect(["postgres://", "POSTGRESQL://h", "/srv/postgres.db", "postgres"].map(isPostgresUrl)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("whatever the password, it is found and never shown", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: "grapheme" }), async (secret) => {
        const marked = `<<${secret}>>`;
        const { pool: config, location } = read(`postgres://u:${encodeURIComponent(marked)}@h/d`);
        expect(await password(config)).toBe(marked);
        expect(location).toBe("postgres://u@h/d");
        expect(JSON.stringify(config)).not.toContain(JSON.stringify(marked).slice(1, -1));
      }),
    );
  });
});

describe("what names a database", () => {
  const named = (text: string) => addressIn(text, "ALPHA_DATABASE");

  test.each([" postgres://olga:pw@h/d", "postgres://h\n", "\tPostgreSQL://h/d"])(
    "%j is an address, without what is around it",
    (text) => {
      expect(named(text)).toBe(text.trim());
    },
  );

  test.each([
    "alpha.db",
    "./postgres://olga:pw@h/d",
    "/srv/a=b/10:30@home.db",
    "~/alpha@work.db",
    "data//alpha.db",
    "postgres/alpha.db",
    "postgres.db",
    "C:\\alpha\\a.db",
    "c:/alpha/a.db",
    "\\\\server\\share\\a.db",
    "tester@example.com.db",
    "../user=olga/a.db",
    ":memory:",
  ])("%s is a path", (text) => {
    expect(named(text)).toBeNull();
  });

  test.each([
    "postgres:/olga:s3cr3t@h/d",
    "postgres//olga:s3cr3t@h/d",
    "postgres:olga:s3cr3t@h/d",
    "postgres//h/d",
    "postgresq://olga:s3cr3t@h/d",
    "postgres+ssl://olga:s3cr3t@h/d",
    "jdbc:postgresql://olga:s3cr3t@h/d",
    "jdbc:oracle:thin:s3cr3t@h",
    "mysql://olga:s3cr3t@h/d",
    "sqlite:///srv/alpha.db",
    "file:/srv/alpha.db",
    "'postgres://olga:s3cr3t@h/d'",
    '"postgres:/olga:s3cr3t@h/d"',
    "DATABASE_URL=postgres://olga:s3cr3t@h/d",
    "://olga:s3cr3t@h/d",
    "//olga:s3cr3t@h/d",
    "olga:s3cr3t@h/d",
    "olga:s3cr3t/word@h/d",
    "host=h user=olga password=s3cr3t",
    "'host = h user = olga'",
    "Server=h;Database=d;Uid=olga;Pwd=s3cr3t",
    "h/d?password=s3cr3t",
  ])("%s is neither, and not repeated", (text) => {
    for (const written of [text, ` ${text}`, text.toUpperCase()]) {
      const error = (() => {
        try {
          return named(written);
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(error).toMatchObject({
        code: "config",
        message: expect.stringMatching(/^ALPHA_DATABASE looks/),
      });
      const { message, hint, stack } = error as AlphaError;
      expect(`${message}${hint}${stack}`).not.toMatch(/s3cr3t/i);
    }
  });
});

describe("the password file", () => {
  const target = { host: "h", port: 5432, database: "d", user: "u" };

  test.each<[string, string | undefined]>([
    ["h:5432:d:u:first\nh:5432:d:u:second", "first"],
    ["other:5432:d:u:no\n*:*:*:u:yes", "yes"],
    ["# h:5432:d:u:no\nh:*:d:u:a:b", "a:b"],
    ["h:5432:d:u:with\\:colon\\\\", "with:colon\\"],
    ["h:5433:d:u:no", undefined],
    ["h:5432:d:U:no", undefined],
    ["h:5432:d:u", undefined],
    ["", undefined],
  ])("%j says %j", (text, expected) => {
    expect(passwordIn(text, target)).toBe(expected);
  });

  test("the usual socket is localhost", () => {
    const at = (host: string) => passwordIn("localhost:5432:d:u:pw", { ...target, host });
    expect([at("/var/run/postgresql"), at("localhost"), at("/srv/socket")]).toEqual(["pw", "pw", undefined]);
  });

  test("is found at HOME, PGPASSFILE or passfile, and read only where nobody else can", async () => {
    const home = tempFolder();
    const path = join(home, ".pgpass");
    const at = (url: string, env: Env) => password(pool(url, env));
    expect(await at("postgres://u@h/d", { HOME: home })).toBe("");
    writeFileSync(path, "h:5432:d:u:pw\n", { mode: 0o600 });
    expect(await at("postgres://u@h/d", { HOME: home })).toBe("pw");
    expect(await at("postgres://u@h/d", { PGPASSFILE: path })).toBe("pw");
    expect(await at(`postgres://u@h/d?passfile=${path}`, {})).toBe("pw");
    expect(await at("postgres://u:own@h/d", { HOME: home })).toBe("own");
    chmodSync(path, 0o640);
    await expect(at("postgres://u@h/d", { HOME: home })).rejects.toMatchObject({
      code: "config",
      hint: `chmod 600 ${path}`,
    });
    await expect(at("postgres://u@h/d", { PGPASSFILE: join(home, "none") })).rejects.toMatchObject({
      message: `the password file ${join(home, "none")} cannot be read`,
    });
  });
});
