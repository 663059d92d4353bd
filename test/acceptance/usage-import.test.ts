import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { BIN_PATH, type Home } from "../support/cli.js";
import { absent, emptyHome } from "../support/homes.js";
import { rowsOf, snapshot, whileLocked } from "../support/inside.js";

const TRACE = fileURLToPath(new URL("../fixtures/azure-llm-trace.csv.gz", import.meta.url));
const AS_ADA = [
  ...[
    "--map",
    "timestamp=TIMESTAMP",
    "--map",
    "input_tokens=ContextTokens",
    "--map",
    "output_tokens=GeneratedTokens",
  ],
  ...["--set", "model=gpt-4o", "--set", "provider=azure", "--user", "ada@example.com"],
];
const TOTALS =
  "select count(*) as events, cast(sum(input) as bigint) as input, cast(sum(output) as bigint) as output from usage_event";

async function homeWithAda(): Promise<Home> {
  const home = await emptyHome();
  await home.ok(["init"]);
  await home.ok(["users", "add", "ada@example.com", "--id", "ada"]);
  return home;
}

function file(home: Home, name: string, content: string | Buffer): string {
  writeFileSync(join(home.path, name), content);
  return name;
}

function line(fields: Record<string, unknown> = {}): string {
  return `${JSON.stringify({ timestamp: "2026-11-20T10:00:00Z", user: "ada", input_tokens: 100, ...fields })}\n`;
}

const lines = (count: number) =>
  Array.from({ length: count }, (_, index) => line({ id: `e${index}` })).join("");

describe("the trace of 19,366 real calls", () => {
  it("gives every event and token once, however it comes", async () => {
    const home = await homeWithAda();
    const first = await home.json(["usage", "import", TRACE, ...AS_ADA]);
    expect(first.total).toMatchObject({
      records: 19_366,
      inserted: 19_366,
      duplicate: 0,
      rejected: 0,
      unpriced: 0,
      input_tokens: 22_361_870,
      output_tokens: 4_088_665,
    });
    expect(await rowsOf(home.database, TOTALS)).toEqual([
      { events: 19_366, input: 22_361_870, output: 4_088_665 },
    ]);

    const plain = gunzipSync(readFileSync(TRACE));
    const again = [
      await home.json(["usage", "import", TRACE, ...AS_ADA]),
      await home.json(["usage", "import", file(home, "trace.csv", plain), ...AS_ADA]),
      await home.json(["usage", "import", "-", ...AS_ADA], { input: plain }),
      await home.json(["usage", "import", "-", ...AS_ADA], { input: readFileSync(TRACE) }),
    ];
    for (const { total } of again)
      expect(total).toMatchObject({ inserted: 0, duplicate: 19_366, rejected: 0 });
    expect(await rowsOf(home.database, TOTALS)).toEqual([
      { events: 19_366, input: 22_361_870, output: 4_088_665 },
    ]);
  });

  it("is all there in a dry run, which writes nothing", async () => {
    const home = await homeWithAda();
    const before = await snapshot(home.database);
    const { total } = await home.json(["usage", "import", TRACE, TRACE, ...AS_ADA, "--dry-run"]);
    expect(total).toMatchObject({ inserted: 19_366, duplicate: 19_366, input_tokens: 22_361_870 });
    expect(await snapshot(home.database)).toEqual(before);
  });
});

describe("what the operator is told", () => {
  it("is a summary on stdout, and the rest on stderr", async () => {
    const home = await homeWithAda();
    const log = file(home, "a.jsonl", line({ cost_usd: 1.5 }) + line({ user: "bob" }) + line({ images: -1 }));
    const { code, stdout, stderr } = await home.run(["usage", "import", log]);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "Records read   3
      Inserted       1
      Duplicates     0
      Conflicts      0
      Rejected       2
      Input tokens   100
      Output tokens  0
      Images         0
      Cost           $1.50
      Unpriced       0
      "
    `);
    expect(stderr).toContain(`in ${home.shown}\n`);
    expect(stderr).toMatch(/^3 records in \d+\.\d s, [\d,]+ a second$/m);
    expect(stderr).toContain(`warning: 2 records could not be counted:
  a.jsonl:2: user is unknown: "bob"
  a.jsonl:3: images is negative: -1
Unknown users: bob (1 record)
Onboard them with alpha users add, or all of them with --add-users, then import the same file again: what is in already counts once.
To keep them all, import again with --rejects FILE.
`);
  });

  it("is one JSON envelope with --json, and nothing else", async () => {
    const home = await homeWithAda();
    const log = file(home, "a.jsonl", line({ model: "no-such-model" }) + line({ user: "bob" }));
    const { stdout, stderr } = await home.run(["usage", "import", log, "--json"]);
    expect(stderr).toBe("");
    const { kind, data, meta } = JSON.parse(stdout);
    expect(kind).toBe("usage-import");
    const counts = {
      records: 2,
      inserted: 1,
      superseded: 0,
      duplicate: 0,
      conflict: 0,
      rejected: 1,
      skipped: 0,
      skipped_by: [],
      unpriced: 1,
      input_tokens: 100,
      output_tokens: 0,
      images: 0,
      cost: { nanos: 0, usd: "0" },
      assumed_cost: { nanos: 10_000_000, usd: "0.01" },
    };
    expect(data).toEqual({
      files: [
        {
          file: "a.jsonl",
          import: 1,
          ...counts,
          unknown_users: [{ name: "bob", records: 1 }],
          first_rejects: [{ line: 2, field: "user", reason: 'is unknown: "bob"' }],
          error: null,
        },
      ],
      total: counts,
      added_users: [],
      overlaps: [],
      interrupted: false,
    });
    expect(meta).toMatchObject({ database: home.shown, dry_run: false });
    expect(Object.keys(meta)).toEqual(expect.arrayContaining(["elapsed_ms", "records_per_second"]));
  });

  it("counts several files together, and says which of them failed", async () => {
    const home = await homeWithAda();
    const good = file(home, "good.jsonl", lines(3));
    const bad = file(home, "bad.jsonl", line({ user: "bob" }));
    const { code, stdout, stderr } = await home.run(["usage", "import", good, "gone.jsonl", bad, good]);
    expect(code).toBe(1);
    expect(stdout.split("\n").slice(0, 5)).toEqual([
      "FILE        RECORDS  INSERTED  DUPLICATES  REJECTED  STATE",
      "good.jsonl        3         3           0         0  ok",
      "gone.jsonl        0         0           0         0  failed",
      "bad.jsonl         1         0           0         1  failed",
      "good.jsonl        3         0           3         0  ok",
    ]);
    expect(stderr).toContain("error: 2 of 4 files could not be imported:\n  There is no file gone.jsonl.\n");
  });

  it("exits 1 with --strict when a record was rejected, with the others imported", async () => {
    const home = await homeWithAda();
    const log = file(home, "a.jsonl", lines(2) + line({ user: "bob" }));
    const { code, stdout } = await home.run(["usage", "import", log, "--strict", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).data.total).toMatchObject({ inserted: 2, rejected: 1 });
    expect((await home.run(["usage", "import", file(home, "b.jsonl", lines(2)), "--strict"])).code).toBe(0);
  });

  it("is the help with examples", async () => {
    const { code, stdout } = await (await emptyHome()).run(["usage", "import", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Examples:\n  $ alpha usage import usage.jsonl");
  });
});

describe("a rejects file", () => {
  it("can be imported when what was wrong is mended, and nothing counts twice", async () => {
    const home = await homeWithAda();
    const twice = line({ user: "bob" });
    const log = file(
      home,
      "a.csv",
      "timestamp;user;images\n2026-11-20;ada;1\n2026-11-20;bob;2\n2026-11-20;bob;2\n",
    );
    const other = file(home, "b.jsonl.gz", gzipSync(lines(2) + twice + twice));
    await home.ok(["usage", "import", log, other, "--rejects", "rejects.jsonl"]);
    await home.ok(["users", "add", "bob@example.com", "--id", "bob"]);
    const mended = await home.json(["usage", "import", "rejects.jsonl", "--rejects", "left.jsonl"]);
    expect(readFileSync(join(home.path, "left.jsonl"), "utf8")).toBe("");
    expect(mended.total).toMatchObject({ records: 4, inserted: 4, images: 4, rejected: 0 });
    const again = await home.json(["usage", "import", log, other]);
    expect(again.total).toMatchObject({ inserted: 0, duplicate: 7, rejected: 0, conflict: 0 });
  });

  it("is written for a log of which nothing can be counted, and replaces an older one", async () => {
    const home = await homeWithAda();
    const before = await snapshot(home.database);
    for (const user of ["bob", "eve"]) {
      const log = file(home, "a.jsonl", line({ user }));
      const { code, stderr } = await home.run(["usage", "import", log, "--rejects", "rejects.jsonl"]);
      expect(code).toBe(1);
      expect(stderr).toContain(
        `The only record of a.jsonl cannot be counted (line 1: user is unknown: "${user}")`,
      );
      expect(readFileSync(join(home.path, "rejects.jsonl"), "utf8")).toContain(`is unknown: \\"${user}\\"`);
    }
    expect(await snapshot(home.database)).toEqual(before);
  });

  it("is not written in a dry run", async () => {
    const home = await homeWithAda();
    const log = file(home, "a.jsonl", lines(1) + line({ user: "bob" }));
    await home.ok(["usage", "import", log, "--rejects", "rejects.jsonl", "--dry-run"]);
    expect(existsSync(join(home.path, "rejects.jsonl"))).toBe(false);
    expect(existsSync(join(home.path, "rejects.jsonl.part"))).toBe(false);
  });

  it.each([
    ["a.jsonl", 2, "--rejects a.jsonl would overwrite a log that is to be imported"],
    ["./a.jsonl", 2, "--rejects ./a.jsonl would overwrite a log that is to be imported"],
    ["notes.txt", 2, "--rejects notes.txt exists and is no rejects file"],
    ["folder", 2, "--rejects folder exists and is no rejects file"],
    ["no/such/file", 1, "the rejects file no/such/file cannot be written: its folder does not exist"],
    ["notes.txt/file", 1, "the rejects file notes.txt/file cannot be written: its folder does not exist"],
  ])("is refused as %s, and nothing is imported", async (path, exit, message) => {
    const home = await homeWithAda();
    file(home, "notes.txt", "keep me\n");
    mkdirSync(join(home.path, "folder"));
    const log = file(home, "a.jsonl", lines(1));
    const before = await snapshot(home.database);
    const { code, stderr, stdout } = await home.run(["usage", "import", log, "--rejects", path]);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
    expect(stderr).toContain(`error: ${message}\n`);
    expect(await snapshot(home.database)).toEqual(before);
    expect(readFileSync(join(home.path, "notes.txt"), "utf8")).toBe("keep me\n");
    expect(readFileSync(join(home.path, "a.jsonl"), "utf8")).toBe(lines(1));
  });
});

describe("what cannot be imported leaves the database as it was", () => {
  const noise = Buffer.from(Array.from({ length: 4000 }, (_, index) => (index * 7919) % 256));
  it.each<[string, string | Buffer | null, string[], number, string]>([
    ["a missing file", null, [], 1, "There is no file log."],
    ["an empty file", "", [], 1, "log is empty."],
    ["blank lines", "\n\n", [], 1, "log holds no records, only blank lines."],
    ["binary junk", noise, [], 1, "log is a binary file, not a log."],
    ["prose", "Dear diary\n", [], 1, "log looks like neither JSON nor CSV."],
    ["damaged JSONL", '{"timestamp":\n{"a"\n', [], 1, "None of the 2 records of log can be counted"],
    ["a cut gzip", gzipSync(lines(2)).subarray(0, 40), [], 1, "log is gzip, but damaged or cut off."],
    ["an unknown shape", "a,b\n1,2\n", [], 1, "The format of log cannot be told from its columns: a, b."],
    ["an unknown column", lines(1), ["--map", "images=pics"], 1, 'log has no column "pics"'],
    ["an unknown field", lines(1), ["--map", "picks=a"], 2, '--map names "picks", which is not a field'],
    ["a bad constant", lines(1), ["--set", "images=-1"], 2, "--set images=-1: the value is negative"],
    ["an unknown format", lines(1), ["--format", "excel"], 2, 'There is no log format "excel"'],
    ["an unknown user", lines(1), ["--user", "adda"], 1, 'no user "adda"; did you mean ada?'],
    ["an unknown option", lines(1), ["--add"], 2, "unknown option '--add'"],
  ])("%s", async (_what, content, args, exit, message) => {
    const home = await homeWithAda();
    if (content !== null) file(home, "log", content);
    const before = await snapshot(home.database);
    const { code, stdout, stderr } = await home.run(["usage", "import", "log", ...args]);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
    expect(await snapshot(home.database)).toEqual(before);
    const asJson = await home.run(["usage", "import", "log", ...args, "--json"]);
    expect(asJson.code).toBe(exit);
    expect(JSON.parse(asJson.stderr).error.message).toContain(message.replace(/^error: /, ""));
  });

  it("a directory", async () => {
    const home = await homeWithAda();
    mkdirSync(join(home.path, "logs"));
    const { code, stderr } = await home.run(["usage", "import", "logs"]);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("logs is a directory."),
    });
  });

  it("standard input twice, or no file at all", async () => {
    const home = await homeWithAda();
    const twice = await home.run(["usage", "import", "-", "-"], { input: lines(1) });
    expect(twice).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("standard input can be read only once"),
    });
    expect((await home.run(["usage", "import"])).code).toBe(2);
    expect(await rowsOf(home.database, TOTALS)).toMatchObject([{ events: 0 }]);
  });

  it("without a database", async () => {
    const home = await emptyHome();
    const { code, stderr } = await home.run([
      "usage",
      "import",
      file(home, "log", lines(1)),
      "--rejects",
      "r",
    ]);
    expect(code).toBe(3);
    expect(stderr).toBe(absent(home));
    expect(readdirSync(home.path)).toEqual(["log"]);
  });

  it("while another process holds the database's lock", async () => {
    const home = await homeWithAda();
    const log = file(home, "log", lines(5));
    await whileLocked(home.database, async () => {
      const { code, stdout, stderr } = await home.run(["usage", "import", log]);
      expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
      expect(stderr).toContain("is locked by another process");
    });
    expect(await rowsOf(home.database, "select * from import")).toEqual([]);
    expect((await home.json(["usage", "import", log])).total).toMatchObject({ inserted: 5 });
  });
});

it("keeps what was committed when it is interrupted, and the next run completes it", async () => {
  const home = await homeWithAda();
  const content = lines(30_000);
  const child = spawn(process.execPath, [BIN_PATH, "usage", "import", "-"], {
    cwd: home.path,
    env: home.env,
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const closed = once(child, "close");
  child.stdin.on("error", () => {});
  // Not ended: the program would wait for more of it.
  child.stdin.write(content);
  const committed = async () =>
    Number((await rowsOf(home.database, "select count(*) as n from usage_event"))[0]?.n);
  while ((await committed()) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill("SIGINT");
  const [code] = await closed;
  expect(code).toBe(130);
  expect(output.stderr).toContain("error: the import was interrupted; ");
  expect(output.stdout).toMatch(/^Records read {3}[\d,]+, then interrupted$/m);

  const kept = await committed();
  expect(kept).toBeGreaterThan(0);
  expect(await rowsOf(home.database, "select inserted, finished_at from import")).toEqual([
    { inserted: kept, finished_at: null },
  ]);
  const log = file(home, "log", content);
  const { total } = await home.json(["usage", "import", log]);
  expect(total).toMatchObject({ inserted: 30_000 - kept, duplicate: kept });

  const other = await homeWithAda();
  await other.ok(["usage", "import", file(other, "log", content)]);
  const totals = async (of: Home) => [
    await rowsOf(of.database, "select * from usage_day"),
    await rowsOf(of.database, "select * from usage_window"),
    await rowsOf(of.database, TOTALS),
  ];
  expect(await totals(home)).toEqual(await totals(other));
});
