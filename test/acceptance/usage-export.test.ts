import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { BIN_PATH, type Home } from "../support/cli.js";
import { preparedHomes, usageLog } from "../support/prepared-homes.js";

const { prepared, empty } = preparedHomes();
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/logs/${name}`, import.meta.url));
const REPORTS = ["user", "model", "feature", "day"];

/**
 * A home whose ledger has whatever a ledger can have: usage that is stated, priced by the book and by hand, unpriced and
 * free; calls that were superseded, taken back, repriced, metered live, met twice; and rows that sum up many calls.
 */
async function everything(): Promise<Home> {
  const home = await prepared();
  await home.ok(["usage", "import", "usage.jsonl"]);
  for (const name of ["claude-code.jsonl", "litellm.jsonl", "openrouter-days.csv", "openai-response.jsonl"]) {
    await home.ok(["usage", "import", fixture(name), "--add-users", "--user", "cleo"]);
  }
  await home.ok([
    "usage",
    "record",
    "bob",
    "--model",
    "gpt-4o",
    "--input-tokens",
    "7",
    "--provider-id",
    "p-1",
  ]);
  const again = { timestamp: "2026-11-22T11:00:00Z", user: "bob", model: "gpt-4o", provider_id: "p-1" };
  writeFileSync(join(home.path, "again.jsonl"), `${JSON.stringify({ ...again, input_tokens: 7 })}\n`);
  await home.ok(["usage", "import", "again.jsonl"]);
  await home.ok(["usage", "import", "-", "--user", "ada"], {
    input: usageLog(3).join("\n").replaceAll("log-", "undone-"),
  });
  const [last] = await home.json(["usage", "imports"]);
  await home.ok(["usage", "undo-import", String(last.number), "--yes"]);
  await home.ok(["usage", "reprice", "--yes"]);
  await home.ok(["usage", "record", "ada", "--model", "nobody-knows", "--images", "3"]);
  return home;
}

/** Another ledger with the same testers, where everything else is otherwise. */
async function elsewhere(): Promise<Home> {
  const home = await empty();
  await home.ok(["init", "--time-zone", "UTC", "--daily-budget", "1000"]);
  for (const [id, tier] of [
    ["dana", "free"],
    ["cleo", "pro"],
    ["bob", "free"],
    ["ada", "basic"],
  ]) {
    await home.ok(["users", "add", `${id}@example.com`, "--id", `${id}`, "--tier", `${tier}`]);
  }
  await home.ok(["prices", "set", "*", "--input", "900", "--output", "900", "--from", "2020-01-01"]);
  return home;
}

/** What a report says but for who somebody is beside their usage. */
async function report(home: Home, by: string) {
  const { rows, totals, unpriced } = await home.json([
    "usage",
    "report",
    "--by",
    by,
    "--since",
    "2024-01-01",
  ]);
  const plain = rows.map(
    ({
      user,
      estimate: _,
      quotas: __,
      fullest: ___,
      persona: ____,
      persona_inferred: _____,
      ...row
    }: Record<string, never>) => ({
      ...row,
      ...(user === undefined ? {} : { user: (user as { id: string }).id }),
    }),
  );
  return { totals, unpriced, rows: plain.filter(({ requests }: { requests: number }) => requests > 0) };
}

const lines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("alpha usage export", () => {
  test("imported elsewhere it is the same ledger", async () => {
    const [home, other] = [await everything(), await elsewhere()];
    expect(await home.ok(["usage", "export", "all.jsonl.gz"])).toMatch(
      /^Exported \d+ events to all\.jsonl\.gz \(/,
    );
    const text = gunzipSync(readFileSync(join(home.path, "all.jsonl.gz"))).toString();
    const records = lines(text);
    const has = (fields: object) => expect(records).toContainEqual(expect.objectContaining(fields));
    has({ source: "live", provider_id: "p-1", user: "bob", priced_by: "book" });
    has({ source: "claude-code" });
    has({ source: "raw", requests: expect.any(Number) });
    has({ priced_by: "own" });
    has({ priced_by: "log", cost_usd: 0 });
    has({ model: "nobody-knows", priced_by: "none", assumed_usd: 0.15 });
    expect(text).not.toContain("undone-");

    const file = join(home.path, "all.jsonl.gz");
    const { total } = await other.json(["usage", "import", file]);
    expect(total).toMatchObject({ inserted: records.length, duplicate: 0, conflict: 0, rejected: 0 });
    for (const by of REPORTS) expect(await report(other, by)).toEqual(await report(home, by));
    expect(await other.ok(["usage", "export"])).toBe(text);
    await other.ok(["db", "verify"]);

    // Everything is known in both ledgers: under its own id, and by its provider's.
    for (const ledger of [home, other]) {
      const again = [[file], [join(home.path, "again.jsonl")], [fixture("litellm.jsonl"), "--user", "cleo"]];
      for (const log of again) {
        expect(await ledger.json(["usage", "import", ...log])).toMatchObject({
          total: { inserted: 0, conflict: 0 },
        });
      }
    }
  }, 120_000);

  test("goes to standard output line by line, and to a file as a whole", async () => {
    const home = await prepared();
    const printed = await home.run(["usage", "export"]);
    expect(printed).toMatchObject({ code: 0, stderr: "" });
    expect(lines(printed.stdout)).toEqual([
      {
        ...{ id: "1", source: "test", timestamp: "2026-11-22T10:00:00Z", user: "ada", provider: "openai" },
        ...{ model: "gpt-4o", feature: "blog_writer", input_tokens: 600, output_tokens: 120 },
        ...{ cost_usd: 0.002, priced_by: "log", status: "ok", content_hash: expect.any(String) },
      },
      expect.objectContaining({ id: "2", images: 2, assumed_usd: 0.1015, priced_by: "none" }),
      expect.objectContaining({ id: "3", feature: "advanced_analytics", cost_usd: 0.000001 }),
    ]);
    expect(await home.ok(["usage", "export", "-"])).toBe(printed.stdout);
    await home.ok(["usage", "export", "all.jsonl"]);
    expect(readFileSync(join(home.path, "all.jsonl"), "utf8")).toBe(printed.stdout);
    expect(await home.json(["usage", "export", "again.jsonl"])).toEqual({
      file: "again.jsonl",
      bytes: Buffer.byteLength(printed.stdout),
      events: 3,
      cost: { nanos: 2_001_000, usd: "0.002001" },
      assumed_cost: { nanos: 101_500_000, usd: "0.1015" },
      sealed_through: null,
    });
  });

  test("can be of one tester, and of what occurred in a time", async () => {
    const home = await prepared();
    const ids = async (...args: string[]) =>
      (await home.ok(["usage", "export", ...args]))
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line).id);
    expect(await ids("--user", "bob@example.com")).toEqual(["2"]);
    expect(await ids("--since", "2026-11-22")).toEqual(["1", "2"]);
    expect(await ids("--until", "2026-11-22T10:00:00Z")).toEqual(["3"]);
    expect(await ids("--since", "2026-11-22", "--user", "cleo")).toEqual([]);
  });

  test("replaces a file only when it is told to", async () => {
    const home = await prepared();
    writeFileSync(join(home.path, "mine.jsonl"), "mine\n");
    const refused = await home.run(["usage", "export", "mine.jsonl"]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toBe(
      "error: mine.jsonl exists. Replace it? There is nobody to ask here\nhint: add --yes to go ahead\n",
    );
    expect(readFileSync(join(home.path, "mine.jsonl"), "utf8")).toBe("mine\n");
    await home.ok(["usage", "export", "mine.jsonl", "--yes"]);
    expect(lines(readFileSync(join(home.path, "mine.jsonl"), "utf8"))).toHaveLength(3);

    expect(await home.run(["usage", "export", ".", "--yes"])).toMatchObject({ code: 2 });
    expect((await home.run(["usage", "export", "no/where.jsonl"])).stderr).toBe(
      "error: no/where.jsonl cannot be written: its folder does not exist\nhint: name another place\n",
    );
  });

  test("leaves nothing behind when it fails", async () => {
    const home = await prepared();
    const files = readdirSync(home.path).sort();
    const unknown = await home.run(["usage", "export", "a.jsonl.gz", "--user", "nobody"]);
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain('no user "nobody"');
    expect(await home.run(["usage", "export", "a.jsonl", "--since", "soon"])).toMatchObject({ code: 2 });
    const empty = ["--since", "2026-12-01", "--until", "2026-11-01"];
    const { code, stderr } = await home.run(["usage", "export", "a.jsonl", ...empty]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("the range holds nothing")]);
    expect(await home.run(["usage", "export", "--json"])).toMatchObject({ code: 2, stdout: "" });
    expect(readdirSync(home.path).sort()).toEqual(files);
  });

  test("of an empty ledger is an empty file, which gzip can read", async () => {
    const home = await elsewhere();
    expect(await home.ok(["usage", "export", "none.jsonl.gz"])).toContain("Exported 0 events");
    expect(gunzipSync(readFileSync(join(home.path, "none.jsonl.gz"))).length).toBe(0);
    expect(await home.ok(["usage", "export"])).toBe("");
  });

  test("names from logs steer no terminal, and are the same when they are read again", async () => {
    const home = await prepared();
    const model = "gp\u001b[31mt\u202e";
    const record = { timestamp: "2026-11-22T09:00:00Z", user: "ada", model, input_tokens: 1, cost_usd: 1 };
    await home.ok(["usage", "import", "-"], { input: JSON.stringify({ id: "odd", ...record }) });
    const text = await home.ok(["usage", "export", "--user", "ada"]);
    expect(text).toMatch(/^[ -~\n]+$/);
    expect(lines(text).map((each) => each.model)).toContain(model);
  });

  test("stops when whoever reads it has seen enough", async () => {
    const home = await prepared();
    await home.ok(["usage", "import", "-"], { input: usageLog(5_000).join("\n") });
    const result = await new Promise<{ code: number | null; errors: string }>((resolve) => {
      const child = spawn(process.execPath, [BIN_PATH, "usage", "export"], { env: { ...home.env } });
      let errors = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        errors += text;
      });
      child.stdout.once("data", () => child.stdout.destroy());
      child.on("close", (code) => resolve({ code, errors }));
    });
    expect(result).toEqual({ code: 0, errors: "" });
    expect(existsSync(join(home.path, "-"))).toBe(false);
  });
});
