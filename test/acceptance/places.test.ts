import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { Finished, Home } from "../support/cli.js";
import { isRoot, NOBODY, runLimited } from "../support/limited.js";
import { preparedHomes, usageLog } from "../support/prepared-homes.js";
import { rowsOf, snapshot } from "../support/snapshot.js";

const { prepared, empty } = preparedHomes();

/** A reading command, a changing one, one that meters, and the one that creates. */
const KINDS = [
  ["users", "list"],
  ["users", "suspend", "ada"],
  ["usage", "record", "ada", "--images", "1"],
  ["init"],
] as const;

function refused(finished: Finished, message: RegExp): void {
  const { code, signal, stdout, stderr } = finished;
  expect({ code, signal, stdout, stderr }).toMatchObject({ code: 3, signal: null, stdout: "" });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
}

/** Everything below a folder: modes, and what is in the files. */
function treeOf(folder: string): unknown[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const path = join(folder, name);
      return [name, statSync(path).isFile() ? readFileSync(path).toString("base64") : "folder"];
    });
}

function sql(path: string, ...statements: string[]): void {
  const db = new Sqlite(path);
  for (const statement of statements) db.exec(statement);
  db.close();
}

describe.concurrent("a database that is not ours to use", () => {
  test.each([
    [
      "a text",
      (path: string) => writeFileSync(path, "not a database\n".repeat(500)),
      /is not a SQLite database/,
    ],
    ["a folder", (path: string) => mkdirSync(path), /is a folder, not a database/],
    [
      "another program's",
      (path: string) => sql(path, "create table notes (a)", "insert into notes values (1)"),
      /holds no alpha database|another program's database/,
    ],
  ])("%s is refused and left as it is", async (_, make, message) => {
    for (const args of KINDS) {
      const home = await empty();
      make(home.database);
      const before = treeOf(home.path);
      refused(await home.run(args), message);
      expect(treeOf(home.path)).toEqual(before);
    }
  });

  test("one that a newer version made is refused and left as it is", async () => {
    const home = await prepared();
    sql(
      home.database,
      "insert into kysely_migration values ('9999_from_the_future', '2030-01-01T00:00:00.000Z')",
    );
    const before = snapshot(home.database);
    for (const args of KINDS) {
      refused(
        await home.run(args),
        /made by a newer version of alpha \(it has 9999_from_the_future\)[\s\S]*update alpha/,
      );
    }
    expect(snapshot(home.database)).toEqual(before);
  });

  test("one that was cut off in its middle is refused with a sentence", async () => {
    const home = await prepared();
    const whole = readFileSync(home.database);
    writeFileSync(home.database, whole.subarray(0, 3 * 4_096));
    for (const args of [
      ["users", "list"],
      ["users", "suspend", "ada"],
    ]) {
      refused(await home.run(args), /is damaged/);
    }
  });
});

/** Opens a home to everybody, and takes the writing away again from what must not be written. */
function openTo(home: Home, readOnly: { readonly file?: boolean; readonly folder?: boolean }): void {
  for (const name of readdirSync(home.path)) chmodSync(join(home.path, name), readOnly.file ? 0o444 : 0o666);
  chmodSync(home.path, readOnly.folder ? 0o555 : 0o777);
}

describe.concurrent("without the rights of root", () => {
  test("what these tests run is there for everybody", async () => {
    const { code, stderr } = await runLimited(await empty(), ["--version"], { nobody: true, cwd: "/" });
    expect({ code, stderr }, "the project's folder must be readable for all users").toEqual({
      code: 0,
      stderr: "",
    });
  });

  test.each([
    ["a read-only file", { file: true }],
    ["a read-only folder", { folder: true }],
    ["both", { file: true, folder: true }],
  ])("%s: changes are refused and change nothing", async (_, readOnly) => {
    const home = await prepared();
    const before = snapshot(home.database);
    openTo(home, readOnly);
    for (const args of [
      ["users", "suspend", "ada"],
      ["usage", "record", "ada", "--images", "1"],
      ["emergency-stop", "on"],
      ["usage", "import", "usage.jsonl"],
      ["reset", "daily"],
    ]) {
      const { code, signal, stdout, stderr } = await runLimited(home, args, { nobody: true });
      expect({ args, code, signal, stdout, stderr }).toMatchObject({ code: 3, signal: null, stdout: "" });
      expect(stderr).toMatch(/^error: the database .+alpha\.db cannot be (written|opened)/);
    }
    const read = await runLimited(home, ["users", "list"], { nobody: true });
    expect([0, 3]).toContain(read.code);
    expect(read.stderr).not.toMatch(/did not foresee|^\s+at /m);
    openTo(home, {});
    expect(snapshot(home.database)).toEqual(before);
  });

  test("a database that may not be read is refused", async () => {
    const home = await prepared();
    openTo(home, {});
    chmodSync(home.database, 0o000);
    refused(
      await runLimited(home, ["users", "list"], { nobody: true }),
      /cannot be opened[\s\S]*read and write/,
    );
  });

  test("init says that a place cannot be written, and leaves nothing behind", async () => {
    const home = await empty();
    chmodSync(home.path, 0o555);
    const into = (database: string) => runLimited(home, ["init", "--database", database], { nobody: true });
    refused(await into(join(home.path, "alpha.db")), /alpha\.db cannot be (opened|written)/);
    refused(await into(join(home.path, "deep/er/alpha.db")), /the folder .+deep\/er cannot be created/);
    expect(readdirSync(home.path)).toEqual([]);
  });

  test("a home folder that cannot be written is said, and everything can be named instead", async () => {
    const home = await empty();
    const work = join(home.path, "work");
    mkdirSync(work);
    chmodSync(work, 0o777);
    chmodSync(home.path, 0o555);
    const bare = { nobody: true, env: { ALPHA_DATABASE: undefined }, cwd: work };
    refused(await runLimited(home, ["init"], bare), /the folder .+\.local\/share\/alpha cannot be created/);
    const named = await runLimited(home, ["init", "--database", join(work, "a.db")], bare);
    expect(named).toMatchObject({ code: 0 });
    const remembered = await runLimited(home, ["init", "--database", join(work, "a.db"), "--remember"], bare);
    expect(remembered).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/the config file .+ cannot be written/),
    });
  });

  test("what init makes is for its owner alone", async () => {
    const home = await empty();
    if (isRoot) chownSync(home.path, NOBODY, NOBODY);
    const bare = { nobody: isRoot, env: { ALPHA_DATABASE: undefined } };
    expect(await runLimited(home, ["init", "--remember"], bare)).toMatchObject({ code: 0 });
    expect(statSync(join(home.path, ".local/share/alpha")).mode & 0o077).toBe(0);
    expect(statSync(join(home.path, ".config/alpha/config.json")).mode & 0o077).toBe(0);
  });
});

describe.concurrent("a disk without room", () => {
  const FULL =
    /^error: (there is no room left to write to|the disk refused to read or write) .+alpha\.db\nhint: /;

  test("a change that does not fit fails with a sentence and leaves all as it was", async () => {
    const home = await prepared();
    const before = snapshot(home.database);
    const csv = ["email", ...Array.from({ length: 2_000 }, (_, n) => `tester-${n}@example.com`)].join("\n");
    const args = ["users", "add", "--from", "-"];
    const failed = await runLimited(home, args, { fileBytes: 200_000, input: csv });
    expect(failed).toMatchObject({ code: 3, signal: null, stdout: "", stderr: expect.stringMatching(FULL) });
    expect(snapshot(home.database)).toEqual(before);
    await home.ok(args, { input: csv });
    expect(await home.json(["users", "list"])).toHaveLength(2_004);
  });

  test("an import that does not fit keeps what was committed, and goes on with more room", async () => {
    const home = await prepared();
    const log = usageLog(8_000).join("\n");
    const args = ["usage", "import", "-"];
    const events = () => Number(rowsOf(home.database, "select count(*) as n from usage_event")[0]?.n);
    const before = events();
    const failed = await runLimited(home, args, { fileBytes: 600_000, input: log });
    expect(failed).toMatchObject({
      code: 3,
      signal: null,
      stderr: expect.stringMatching(/^error: (there is no room|the disk refused)/m),
    });
    expect(failed.stderr).not.toMatch(/^\s+at /m);
    const stayed = events() - before;
    expect(stayed).toBeLessThan(8_000);
    expect(rowsOf(home.database, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
    const done = await home.json(args, { input: log });
    expect(JSON.stringify(done)).toContain(`"inserted":${8_000 - stayed}`);
    expect(events() - before).toBe(8_000);
  });

  test("init without room for anything says so, and can be repeated", async () => {
    const home = await empty();
    const failed = await runLimited(home, ["init"], { fileBytes: 8_192 });
    expect(failed).toMatchObject({ code: 3, signal: null, stdout: "" });
    expect(failed.stderr).toMatch(
      /^error: (there is no room left|the disk refused|the database .+ cannot be)/,
    );
    await home.ok(["init"]);
    expect(await home.json(["tiers", "list"])).toHaveLength(3);
  });
});

test("a database that somebody else is writing is waited for, then given up with a sentence", async () => {
  const home = await prepared();
  const before = snapshot(home.database);
  const other = new Sqlite(home.database);
  other.exec("begin immediate");
  try {
    expect(await home.run(["users", "list"])).toMatchObject({ code: 0 });
    expect(await home.run(["check", "ada", "--tokens", "1"])).toMatchObject({ code: 0 });
    const changes = [
      ["users", "suspend", "ada"],
      ["usage", "record", "ada", "--images", "1"],
      ["usage", "import", "usage.jsonl"],
      ["tiers", "set", "free", "--daily-tokens", "1", "--dry-run"],
    ];
    const trying = changes.map(async (args) => {
      const began = performance.now();
      const finished = await home.run(args);
      return { args, ...finished, waited: performance.now() - began };
    });
    for (const each of await Promise.all(trying)) {
      expect(each).toMatchObject({ code: 3, stdout: "" });
      expect(each.stderr).toMatch(/^error: the database .+ is locked by another process\nhint: /m);
      expect(each.waited, each.args.join(" ")).toBeGreaterThan(4_500);
      expect(each.waited).toBeLessThan(15_000);
    }
  } finally {
    other.exec("rollback");
    other.close();
  }
  expect(snapshot(home.database)).toEqual(before);
  await home.ok(["users", "suspend", "ada"]);
});

describe.concurrent("where the database is", () => {
  const bare = { env: { ALPHA_DATABASE: "" } };
  const placeOf = async (home: Home, env: Record<string, string>, cwd?: string) => {
    const options = { env: { ALPHA_DATABASE: "", ...env }, ...(cwd === undefined ? {} : { cwd }) };
    return JSON.parse(await home.ok(["init", "--dry-run", "--json"], options)).data.database as string;
  };

  test("by default in the XDG data folder, which only an absolute path moves", async () => {
    const home = await empty();
    const usual = join(home.path, ".local/share/alpha/alpha.db");
    expect(await placeOf(home, {})).toBe(usual);
    expect(await placeOf(home, {}, "/")).toBe(usual);
    expect(await placeOf(home, { XDG_DATA_HOME: "/elsewhere" })).toBe("/elsewhere/alpha/alpha.db");
    expect(await placeOf(home, { XDG_DATA_HOME: "data" })).toBe(usual);
    expect(await placeOf(home, { ALPHA_DATABASE: "here.db" }, home.path)).toBe(join(home.path, "here.db"));
    expect(existsSync(join(home.path, ".local"))).toBe(false);
  });

  test("without HOME the account's own home is taken", async () => {
    const home = await empty();
    const { code, stdout } = await runLimited(home, ["init", "--dry-run", "--json"], {
      env: { HOME: undefined, ALPHA_DATABASE: undefined },
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout).data.database).toMatch(/^\/.*\.local\/share\/alpha\/alpha\.db$/);
  });

  test("remembered by init, it is found from another folder, and the rest of the config stays", async () => {
    const home = await empty();
    const config = join(home.path, ".config/alpha/config.json");
    mkdirSync(join(home.path, ".config/alpha"), { recursive: true });
    writeFileSync(config, '{ "other": 1 }');
    await home.ok(["init", "--database", "mine/a.db", "--remember"], bare);
    expect(JSON.parse(readFileSync(config, "utf8"))).toEqual({
      other: 1,
      database: join(home.path, "mine/a.db"),
    });
    const added = await home.run(["users", "add", "ada@example.com"], { ...bare, cwd: "/" });
    expect(added).toMatchObject({ code: 0, stderr: `in ${join(home.path, "mine/a.db")}\n` });
  });

  test("not remembered, init says how other commands find it", async () => {
    const { stderr } = await (await empty()).run(["init", "--database", "a.db"], bare);
    expect(stderr).toContain("alpha init --remember");
  });

  test.each([["not JSON at all"], ["[]"], ['{"database": 5}'], ['{"database": ""}']])(
    "a config file that says %s is refused",
    async (text) => {
      const home = await empty();
      mkdirSync(join(home.path, ".config/alpha"), { recursive: true });
      writeFileSync(join(home.path, ".config/alpha/config.json"), text);
      refused(
        await home.run(["users", "list"], bare),
        /the config file .+config\.json is not what alpha expects/,
      );
      expect(await home.run(["init"])).toMatchObject({ code: 0 });
    },
  );

  test("a PostgreSQL address that leads nowhere is explained, and its password shows nowhere", async () => {
    const url = "postgres://olga:s3cr3t-word@127.0.0.1:1/alpha";
    const config = { HOME: "config" };
    for (const args of [
      ["users", "list"],
      ["users", "list", "--json"],
      ["users", "list", "--debug"],
      ["init", "--remember"],
      ["cron", "show"],
    ]) {
      for (const place of ["--database", "ALPHA_DATABASE", "ALPHA_DATABASE_URL_FILE", "config file"]) {
        const home = await empty();
        const written = join(home.path, config.HOME, ".config/alpha");
        mkdirSync(written, { recursive: true });
        if (place === "config file") writeFileSync(join(written, "config.json"), `{"database":"${url}"}`);
        const urlFile = join(home.path, "url");
        if (place === "ALPHA_DATABASE_URL_FILE") writeFileSync(urlFile, `${url}\n`);
        const before = treeOf(home.path);
        const { code, stdout, stderr } = await home.run(
          [...args, ...(place === "--database" ? ["--database", url] : [])],
          {
            env: {
              HOME: join(home.path, config.HOME),
              ALPHA_DATABASE: place === "ALPHA_DATABASE" ? url : "",
              ALPHA_DATABASE_URL_FILE: place === "ALPHA_DATABASE_URL_FILE" ? urlFile : "",
            },
          },
        );
        expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
        expect(stderr).toContain("nothing answers at postgres://olga@127.0.0.1:1/alpha");
        expect(stderr).not.toContain("s3cr3t");
        expect(treeOf(home.path)).toEqual(before);
      }
    }
  });

  test("what looks like an address is no path: nothing is made of it, and nothing of it is shown", async () => {
    const texts = [
      "postgres:/olga:s3cr3t-word@127.0.0.1:1/alpha",
      "postgresq://olga:s3cr3t-word@127.0.0.1:1/alpha",
      '"postgres://olga:s3cr3t-word@127.0.0.1:1/alpha"',
      "host=127.0.0.1 user=olga password=s3cr3t-word",
      "postgres://olga:1234?host=s3cr3t-word@127.0.0.1:1/alpha",
      "postgres://olga@127.0.0.1:1/alpha?p%61ssword=s3cr3t-word",
    ];
    const home = await prepared();
    const before = treeOf(home.path);
    for (const text of texts) {
      for (const args of [["init"], ["init", "--dry-run"], ["doctor"], ["users", "list"], ["cron", "show"]]) {
        const { code, stdout, stderr } = await home.run(args, { env: { ALPHA_DATABASE: text } });
        expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
        expect(stderr).not.toContain("s3cr3t");
      }
      for (const args of [["move", "--yes", "--to"], ["backup"], ["restore"]]) {
        const { code, stdout, stderr } = await home.run(["db", ...args, text]);
        expect(code).toBeGreaterThan(0);
        expect(`${stdout}${stderr}`).not.toContain("s3cr3t");
      }
    }
    expect(treeOf(home.path)).toEqual(before);
  });

  test("spaces around an address are none of it", async () => {
    const home = await empty();
    const env = { ALPHA_DATABASE: " postgres://olga:s3cr3t-word@127.0.0.1:1/alpha\n" };
    refused(
      await home.run(["users", "list"], { env }),
      /nothing answers at postgres:\/\/olga@127\.0\.0\.1:1\/alpha/,
    );
  });

  test("a port that no server has is refused at once", async () => {
    const home = await empty();
    const env = { ALPHA_DATABASE: "postgres://olga@127.0.0.1:99999/alpha" };
    refused(await home.run(["users", "list"], { env }), /port in the PostgreSQL address/);
  });

  test("an address in a file: one, and nothing else that says where", async () => {
    const home = await empty();
    const env = { ALPHA_DATABASE: "", ALPHA_DATABASE_URL_FILE: join(home.path, "url") };
    refused(await home.run(["users", "list"], { env }), /the file .+url that ALPHA_DATABASE_URL_FILE names/);
    writeFileSync(join(home.path, "url"), "/srv/alpha.db\n");
    refused(await home.run(["users", "list"], { env }), /holds no postgres:\/\/ address/);
    refused(
      await home.run(["users", "list"], { env: { ALPHA_DATABASE_URL_FILE: "url" } }),
      /ALPHA_DATABASE and ALPHA_DATABASE_URL_FILE both say where the database is/,
    );
  });
});
