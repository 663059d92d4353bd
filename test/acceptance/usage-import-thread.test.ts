import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { BIN_PATH, type Home } from "../support/cli.js";
import { emptyHome } from "../support/homes.js";
import { rowsOf } from "../support/inside.js";

/** From here on a log is read in a thread of its own. */
const WORTH_A_THREAD = 2 * 1024 * 1024;
const RECORDS = 20_000;

/** Every kind of line that a log may have, at places where slices and batches begin and end, too. */
const ODD_LINES: Readonly<Record<number, string>> = {
  1: "this is no JSON",
  7: '{"timestamp":"2026-11-20T10:00:00Z","user":"nobody@example.com","input_tokens":1}',
  2047: '{"timestamp":"2026-11-20T10:00:00Z","input_tokens":1}',
  2048: '{"timestamp":"2026-11-20T10:00:00Z","user":"ada@example.com","model":"no usage"}',
  6000: '{"id":"r5","timestamp":"2026-11-20T10:00:00Z","user":"ada@example.com","input_tokens":999}',
  9999: '{"timestamp":"not a time","user":"ada@example.com","input_tokens":1}',
  16384: '{"timestamp":"2026-11-20T10:00:00Z","user":"nobody@example.com","output_tokens":"é"}',
  19999: '{"cut":',
};

function line(n: number): string {
  return JSON.stringify({
    id: `r${n}`,
    timestamp: new Date(Date.UTC(2026, 9, 1) + n * 10_000).toISOString(),
    user: n % 2 === 0 ? "ada@example.com" : "bob@example.com",
    provider: "openai",
    model: "gpt-4o",
    feature: "blog_writer",
    input_tokens: n % 1_000,
    output_tokens: 7,
  });
}

const LINES = Array.from({ length: RECORDS }, (_, n) => ODD_LINES[n] ?? line(n));
const GOOD = RECORDS - Object.keys(ODD_LINES).length;

function write(home: Home, name: string, lines: readonly string[]): string {
  writeFileSync(join(home.path, name), `${lines.join("\n")}\n`);
  return name;
}

async function homeWithTesters(): Promise<Home> {
  const home = await emptyHome();
  await home.ok(["init"]);
  await home.ok(["users", "add", "ada@example.com", "--id", "ada"]);
  await home.ok(["users", "add", "bob@example.com", "--id", "bob"]);
  return home;
}

function rejectsOf(home: Home, file: string) {
  return readFileSync(join(home.path, file), "utf8")
    .split("\n")
    .filter((text) => text !== "")
    .map((text) => {
      const { reason, field, raw } = JSON.parse(text).rejected ?? JSON.parse(text);
      return { reason, field, raw };
    });
}

const WINDOWS =
  "select user_id, period, window_index, tokens, cost, requests from usage_window order by 1, 2, 3";

/** Starts an import, and resolves when it has committed something. */
async function startImport(home: Home, ...args: string[]) {
  const child = spawn(process.execPath, [BIN_PATH, "usage", "import", ...args], {
    cwd: home.path,
    env: home.env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const closed = once(child, "close");
  while ((await committed(home)) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  return { child, ended: async () => ({ code: (await closed)[0] as number | null, stderr }) };
}

async function committed(home: Home): Promise<number> {
  return Number((await rowsOf(home.database, "select count(*) as n from usage_event"))[0]?.n);
}

it("counts a log that a thread reads as it does in parts that none reads, rejects and all", async () => {
  expect(LINES.join("\n").length).toBeGreaterThan(WORTH_A_THREAD);
  const home = await homeWithTesters();
  write(home, "all.jsonl", LINES);
  const imported = await home.json(["usage", "import", "all.jsonl", "--rejects", "rejects.jsonl"]);
  expect(imported.total).toMatchObject({
    inserted: GOOD,
    duplicate: 0,
    conflict: 1,
    rejected: Object.keys(ODD_LINES).length - 1,
  });

  const parts = await homeWithTesters();
  const inParts: unknown[] = [];
  for (let from = 0; from < RECORDS; from += 5_000) {
    const part = write(parts, "part.jsonl", LINES.slice(from, from + 5_000));
    expect(statSync(join(parts.path, part)).size).toBeLessThan(WORTH_A_THREAD);
    await parts.ok(["usage", "import", part, "--rejects", "rejects.jsonl"]);
    inParts.push(...rejectsOf(parts, "rejects.jsonl"));
    rmSync(join(parts.path, "rejects.jsonl"));
  }
  expect(await rowsOf(home.database, WINDOWS)).toEqual(await rowsOf(parts.database, WINDOWS));
  expect(rejectsOf(home, "rejects.jsonl")).toEqual(inParts);
  await home.ok(["db", "verify"]);

  // What was rejected counts once its reason is gone, and everything else stays as it is.
  await home.ok(["users", "add", "nobody@example.com"]);
  const again = await home.json(["usage", "import", "rejects.jsonl"]);
  expect(again.total).toMatchObject({ inserted: 1 });
  const twice = await home.json(["usage", "import", "all.jsonl"]);
  expect(twice.total).toMatchObject({ inserted: 0, duplicate: GOOD + 1 });
});

it("reads a compressed log, one from stdin and many at once alike", async () => {
  const lines = LINES.join("\n");
  const gz = await homeWithTesters();
  // Stored, not squeezed: it is the size of the file that decides.
  writeFileSync(join(gz.path, "all.jsonl.gz"), gzipSync(lines, { level: 0 }));
  await gz.ok(["usage", "import", "all.jsonl.gz"]);
  const piped = await homeWithTesters();
  await piped.ok(["usage", "import", "-"], { input: lines });
  const many = await homeWithTesters();
  for (let part = 0; part < 20; part++) {
    write(many, `part-${part}.jsonl`, LINES.slice(part * 1_000, (part + 1) * 1_000));
  }
  await many.ok(["usage", "import", "part-*.jsonl"]);
  expect(await committed(gz)).toBe(GOOD);
  expect(await rowsOf(piped.database, WINDOWS)).toEqual(await rowsOf(gz.database, WINDOWS));
  expect(await rowsOf(many.database, WINDOWS)).toEqual(await rowsOf(gz.database, WINDOWS));
});

it("says of each file what is wrong with it, and counts the others", async () => {
  const home = await homeWithTesters();
  write(home, "good.jsonl", LINES);
  const squeezed = gzipSync(LINES.slice(0, 2_000).join("\n"));
  writeFileSync(join(home.path, "cut.jsonl.gz"), squeezed.subarray(0, squeezed.length / 2));
  const { code, stdout, stderr } = await home.run([
    "usage",
    "import",
    "cut.jsonl.gz",
    "gone.jsonl",
    "good.jsonl",
  ]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/cut\.jsonl\.gz.*cut off/);
  expect(stderr).toMatch(/gone\.jsonl/);
  expect(stderr).not.toMatch(/\bat .*\.js:\d/);
  expect(stdout).toContain("Records read");
  expect(await committed(home)).toBe(GOOD);
});

it("ends at once when it is interrupted, and the next run completes it", async () => {
  const home = await homeWithTesters();
  const lines = Array.from({ length: 150_000 }, (_, n) => line(n));
  write(home, "long.jsonl", lines);
  const { child, ended } = await startImport(home, "long.jsonl");
  child.kill("SIGINT");
  const { code, stderr } = await ended();
  expect({ code, stderr }).toEqual({
    code: 130,
    stderr: expect.stringContaining("the import was interrupted"),
  });
  const kept = await committed(home);
  expect(kept).toBeLessThan(lines.length);
  expect(await rowsOf(home.database, "select inserted, finished_at from import")).toEqual([
    { inserted: kept, finished_at: null },
  ]);
  const { total } = await home.json(["usage", "import", "long.jsonl"]);
  expect(total).toMatchObject({ inserted: lines.length - kept, duplicate: kept });
  await home.ok(["db", "verify"]);
});

it("leaves a ledger that another run completes when it is killed", async () => {
  const home = await homeWithTesters();
  const lines = Array.from({ length: 100_000 }, (_, n) => line(n));
  write(home, "long.jsonl", lines);
  const { child, ended } = await startImport(home, "long.jsonl");
  child.kill("SIGKILL");
  await ended();
  await home.ok(["db", "verify"]);
  const kept = await committed(home);
  const { total } = await home.json(["usage", "import", "long.jsonl"]);
  expect(total).toMatchObject({ inserted: lines.length - kept, duplicate: kept });
  await home.ok(["db", "verify"]);
});

it("counts once what two processes import at the same time", async () => {
  const home = await homeWithTesters();
  write(home, "all.jsonl", LINES);
  const runs = await Promise.all([1, 2].map(() => home.json(["usage", "import", "all.jsonl"])));
  const inserted = runs.map(({ total }) => total.inserted);
  expect(inserted[0] + inserted[1]).toBe(GOOD);
  expect(await committed(home)).toBe(GOOD);
  await home.ok(["db", "verify"]);
});
