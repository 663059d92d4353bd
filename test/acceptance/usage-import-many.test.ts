import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Home } from "../support/cli.js";
import { rowsOf, snapshot } from "../support/inside.js";
import { preparedHomes } from "../support/prepared-homes.js";
import { alphaInTerminal } from "../support/pty.js";

const { prepared } = preparedHomes();
/** As a gateway writes the hash of an API key. */
const KEY_HASH = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b";

function file(home: Home, name: string, ...records: Record<string, unknown>[]): string {
  const path = join(home.path, name);
  mkdirSync(dirname(path), { recursive: true });
  const line = (fields: object) =>
    JSON.stringify({ timestamp: "2026-11-20T10:00:00Z", images: 1, ...fields });
  writeFileSync(path, `${records.map((fields) => line({ cost_usd: 0.04, ...fields })).join("\n")}\n`);
  return name;
}

describe("--add-users", () => {
  const RECORDS = [
    { user: "eve@example.com" },
    { user: "key-9" },
    { user: "ada" },
    { user: "EVE@example.com" },
  ];

  it("onboards whom the log names, says so, and does what users add does", async () => {
    const home = await prepared();
    const log = file(home, "a.jsonl", ...RECORDS);
    const { code, stdout, stderr } = await home.run(["usage", "import", log, "--add-users"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("warning") });
    expect(stdout).toContain("Inserted       4\n");
    expect(stdout).toContain("Users added    2 on free: eve@example.com, key-9\n");
    const eve = await home.json(["users", "show", "eve@example.com"]);
    expect(eve).toMatchObject({ email: "eve@example.com", tier: "free" });
    expect(await home.json(["users", "show", "key-9"])).toMatchObject({ id: "key-9", email: null });
    const audit = "select actor, action, subject from audit_entry order by id desc limit 3";
    expect(await rowsOf(home.database, audit)).toEqual([
      { actor: "tester", action: "usage.import", subject: "import:2" },
      { actor: "tester", action: "users.add", subject: "user:key-9" },
      { actor: "tester", action: "users.add", subject: `user:${eve.id}` },
    ]);
    const again = await home.json(["usage", "import", log, "--add-users"]);
    expect(again).toMatchObject({ total: { inserted: 0, duplicate: 4 }, added_users: [] });
  });

  it("with --dry-run says who would be added, and adds nobody", async () => {
    const home = await prepared();
    const log = file(home, "a.jsonl", ...RECORDS);
    const before = await snapshot(home.database);
    const tried = await home.json(["usage", "import", log, "--add-users", "--dry-run"]);
    expect(tried.added_users).toEqual([
      { name: "eve@example.com", tier: "free" },
      { name: "key-9", tier: "free" },
    ]);
    expect(tried.total).toMatchObject({ inserted: 4, rejected: 0 });
    expect(await home.ok(["usage", "import", log, "--add-users", "--dry-run"])).toContain("Users to add");
    expect(await snapshot(home.database)).toEqual(before);
  });

  it("rejects a name that no user can have", async () => {
    const home = await prepared();
    const log = file(home, "a.jsonl", { user: "Eve Smith" }, { user: "ada" });
    const { code, stderr } = await home.run(["usage", "import", log, "--add-users"]);
    expect(code).toBe(0);
    expect(stderr).toContain('a.jsonl:1: user is unknown and cannot be added: "Eve Smith" cannot be an id');
  });
});

describe("whom nobody knows", () => {
  it("is named once with the number of their records, and the hint names the ways out", async () => {
    const home = await prepared();
    const log = file(home, "a.jsonl", ...[1, 2, 3].map((id) => ({ id, user: KEY_HASH })), { user: "ada" });
    const { stderr } = await home.run(["usage", "import", log, "--rejects", "rejects.jsonl"]);
    expect(stderr).toContain(`Unknown users: ${KEY_HASH} (3 records)\n`);
    expect(stderr).toContain("with alpha users add, or all of them with --add-users");
    expect(stderr).toContain("They are kept in rejects.jsonl;");
  });

  it.each([
    ["the alias of a new user", ["users", "add", "eve@example.com", "--alias", KEY_HASH], KEY_HASH],
    ["a new user", ["users", "add", "eve@example.com"], "Eve@Example.com"],
    ["a new id", ["users", "add", "--id", "svc-1"], "svc-1"],
  ])("is %s, and the rejects file imports as it is", async (_what, fix, user) => {
    const home = await prepared();
    const log = file(home, "a.jsonl", { user }, { user }, { id: "x", user }, { user: "ada" });
    await home.ok(["usage", "import", log, "--rejects", "rejects.jsonl"]);
    await home.ok(fix);
    const mended = await home.json(["usage", "import", "rejects.jsonl", "--rejects", "left.jsonl"]);
    expect(mended.total).toMatchObject({ records: 3, inserted: 3, images: 3, rejected: 0 });
    expect(readFileSync(join(home.path, "left.jsonl"), "utf8")).toBe("");
    const again = await home.json(["usage", "import", log]);
    expect(again.total).toMatchObject({ inserted: 0, duplicate: 4, rejected: 0, conflict: 0 });
  });
});

it("rejects of two formats in one file are each read in their own", async () => {
  const home = await prepared();
  const stated = { timestamp: "2026-11-20T10:00:00Z", user: "eve" };
  const usage = { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 };
  const cached = { cache_creation_input_tokens: 1000, cache_read_input_tokens: 40_000 };
  const logs = {
    "o.jsonl": {
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1_794_992_400,
      model: "gpt-4o",
      usage,
    },
    "a.jsonl": {
      ...{ id: "msg_1", type: "message", model: "claude-sonnet-4-20250514" },
      usage: { input_tokens: 10, output_tokens: 100, ...cached },
    },
  };
  for (const [name, response] of Object.entries(logs)) {
    writeFileSync(join(home.path, name), `${JSON.stringify({ ...stated, response })}\n`);
  }
  const files = Object.keys(logs);
  expect((await home.run(["usage", "import", ...files, "--rejects", "rejects.jsonl"])).code).toBe(1);
  await home.ok(["users", "add", "--id", "eve"]);
  const mended = await home.json(["usage", "import", "rejects.jsonl"]);
  expect(mended.total).toMatchObject({ inserted: 2, input_tokens: 42_010, output_tokens: 200, rejected: 0 });
  const events: Record<string, unknown>[] = await home.json(["usage", "events", "--user", "eve"]);
  const read = events.map(({ source, provider }) => [source, provider]);
  expect(read.sort()).toEqual([
    ["anthropic-response", "anthropic"],
    ["openai-response", "openai"],
  ]);
  expect((await home.json(["usage", "import", ...files])).total).toMatchObject({ inserted: 0, duplicate: 2 });
});

it("a mended reject counts, though another record of the log has its text now", async () => {
  const home = await prepared();
  const rows = ["1000", '"1,000"', "1000.5"].map((tokens) => `2026-11-20 10:00,ada,gpt-4o,${tokens}\n`);
  writeFileSync(join(home.path, "log.csv"), `timestamp,user,model,input_tokens\n${rows.join("")}`);
  await home.ok(["usage", "import", "log.csv", "--rejects", "rejects.jsonl"]);
  const path = join(home.path, "rejects.jsonl");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replaceAll("1,000", "1000").replaceAll("1000.5", "1000"));
  const mended = await home.json(["usage", "import", "rejects.jsonl"]);
  expect(mended.total).toMatchObject({ inserted: 2, duplicate: 0, input_tokens: 2000 });
  expect((await home.json(["usage", "import", "rejects.jsonl"])).total).toMatchObject({ duplicate: 2 });
});

it("the API key of a gateway's log is somebody once it is their alias", async () => {
  const home = await prepared();
  const call = {
    ...{ request_id: "r1", call_type: "acompletion", api_key: KEY_HASH, user: "", end_user: "" },
    ...{ spend: 0.01, total_tokens: 15, prompt_tokens: 10, completion_tokens: 5, model: "gpt-4o" },
    ...{ startTime: "2026-11-20 10:00:00", endTime: "2026-11-20 10:00:01", custom_llm_provider: "openai" },
  };
  const lines = [call, { ...call, request_id: "r2", end_user: "ada" }].map((each) => JSON.stringify(each));
  writeFileSync(join(home.path, "spend.jsonl"), `${lines.join("\n")}\n`);
  const first = await home.json(["usage", "import", "spend.jsonl", "--rejects", "rejects.jsonl"]);
  expect(first.files[0].unknown_users).toEqual([{ name: KEY_HASH, records: 1 }]);
  await home.ok(["users", "add", "eve@example.com", "--alias", KEY_HASH]);
  const mended = await home.json(["usage", "import", "rejects.jsonl"]);
  expect(mended.total).toMatchObject({ inserted: 1, input_tokens: 10, output_tokens: 5, rejected: 0 });
  const again = await home.json(["usage", "import", "spend.jsonl"]);
  expect(again.total).toMatchObject({ inserted: 0, duplicate: 2, conflict: 0 });
});

describe("many files", () => {
  it("are found by a pattern that the shell left alone, in the order of their names", async () => {
    const home = await prepared();
    for (const day of ["21", "20"]) file(home, `logs/2026/${day}.jsonl`, { id: day, user: "ada" });
    file(home, "logs/notes.txt");
    const { files, total } = await home.json(["usage", "import", "logs/**/*.jsonl"]);
    expect(files.map(({ file }: { file: string }) => file)).toEqual([
      "logs/2026/20.jsonl",
      "logs/2026/21.jsonl",
    ]);
    expect(total.inserted).toBe(2);
  });

  it.each([
    ["logs/*.csv", "No file matches logs/*.csv.", "* is any text within a name"],
    ["logs", "logs is a directory.", "for example 'logs/*.jsonl'"],
  ])("fail as %s with a sentence, and change nothing", async (path, message, hint) => {
    const home = await prepared();
    file(home, "logs/a.jsonl", { user: "ada" });
    const before = await snapshot(home.database);
    const { code, stderr } = await home.run(["usage", "import", path]);
    expect(code).toBe(1);
    expect(stderr).toContain(`error: ${message}\nhint: `);
    expect(stderr).toContain(hint);
    expect(await snapshot(home.database)).toEqual(before);
  });

  it("are summed up, with a line only for those of which there is something to say", async () => {
    const home = await prepared();
    for (let n = 10; n < 40; n += 1)
      file(home, `logs/${n}.jsonl`, { id: n, user: n === 17 ? "no one" : "ada" });
    const { code, stdout } = await home.run(["usage", "import", "logs/*"]);
    expect(code).toBe(1);
    expect(stdout.split("\n").slice(0, 5)).toEqual([
      "FILE           RECORDS  INSERTED  DUPLICATES  REJECTED  STATE",
      "logs/17.jsonl        1         0           0         1  failed",
      "",
      "Files          30, of which 1 had something wrong",
      "Records read   30",
    ]);
  });
});

describe("calls that another source covers too", () => {
  it("are warned of at the end, unless a provider's id tells them apart", async () => {
    const home = await prepared();
    const live = (id: string, at: string, providerId: string) =>
      home.ok([
        ...["usage", "record", "bob", "--images", "1", "--cost", "0.04"],
        ...["--at", at, "--id", id, "--provider-id", providerId],
      ]);
    await live("l1", "2026-11-19T10:20:00Z", "p1");
    await live("l2", "2026-11-20T10:20:00Z", "p2");
    const told = file(
      home,
      "told.jsonl",
      ...["p1", "p3"].map((id) => ({ user: "bob", provider_id: id, timestamp: "2026-11-19T10:40:00Z" })),
    );
    const fine = await home.run(["usage", "import", told]);
    expect(fine.stdout).toContain("Duplicates     1\n");
    expect(fine.stderr).not.toContain("warning");

    const log = file(home, "a.jsonl", { user: "bob" });
    const { code, stderr } = await home.run(["usage", "import", log]);
    expect(code).toBe(0);
    expect(stderr).toContain(
      "warning: bob@example.com has calls from alpha logs and live metering in the same hours: these may be the same calls, counted twice.\nTake the import back with alpha usage undo-import 3; ",
    );
    const { overlaps } = await home.json([
      "usage",
      "import",
      file(home, "b.jsonl", { id: "b", user: "bob" }),
    ]);
    // The call metered live, that of a.jsonl and that of b.jsonl.
    expect(overlaps).toEqual([{ user: "bob@example.com", hours: 1, calls: 3, sources: ["alpha", "live"] }]);
  });
});

it.each([80, 140])(
  "on a terminal of %i columns a bar shows how far it is, and is gone at the end",
  async (columns) => {
    const home = await prepared();
    const { raw, text, code } = await alphaInTerminal(home, ["usage", "import", "usage.jsonl"], { columns });
    expect(code).toBe(0);
    // It is drawn at once and then ten times a second: a log this short has its first records on it.
    expect(raw).toMatch(/importing [█░]+ 100% {2}8 records, /u);
    expect(raw).toContain("\u001b[?25l");
    expect(raw.lastIndexOf("\u001b[?25h")).toBeGreaterThan(raw.lastIndexOf("importing"));
    expect(text).toContain("Inserted       20\n");
  },
);
