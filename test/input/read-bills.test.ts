import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sumTokens, TOKEN_BUCKETS } from "../../src/domain/bill.js";
import { AlphaError } from "../../src/errors.js";
import { readBills } from "../../src/input/read-bills.js";
import { november, tokens } from "../support/bills.js";
import { tempFolder } from "../support/store.js";
import { BILLS_NOW, billFixture, readBillFixture, readBillText } from "./bill-reading.js";
import { cut, errorOf } from "./reading.js";

const FIXTURES = [
  "anthropic-usage.csv",
  "anthropic-usage-older.csv",
  "anthropic-cost.csv",
  "openai-usage.csv",
  "openai-cost.csv",
];

/** The results below were added up by hand from the fixtures. */
describe("the fixtures", () => {
  test("Anthropic's usage: keys and workspaces are summed, writes for five minutes and an hour too", async () => {
    const { bill, ...rest } = await readBillFixture("anthropic-usage.csv");
    expect(rest).toMatchObject({ format: "anthropic-usage", rows: 5, rejected: 0, skipped: 0, repeated: 0 });
    expect(bill).toMatchObject({
      provider: "anthropic",
      measure: "tokens",
      days: { from: november(2), to: november(5) },
    });
    expect(bill.lines.map((line) => [line.day, line.model, line.tokens])).toEqual([
      [
        november(2),
        "claude-sonnet-4-5-20250929",
        tokens({ input: 12_500, cacheRead: 40_000, cacheWrite: 1_000, output: 3_100 }),
      ],
      [november(2), "claude-haiku-4-5-20251001", tokens({ input: 7_000, output: 900 })],
      [november(3), "claude-sonnet-4-5-20250929", tokens({ input: 9_000, cacheRead: 15_000, output: 2_000 })],
      [november(4), "claude-sonnet-4-5-20250929", tokens({})],
    ]);
  });

  test("Anthropic's older usage, by the hour and with one column of writes", async () => {
    const { bill } = await readBillFixture("anthropic-usage-older.csv");
    expect(bill.lines.map(({ tokens: counts }) => counts)).toEqual([
      tokens({ input: 1_010, cacheRead: 50, cacheWrite: 300, output: 22 }),
    ]);
  });

  test("Anthropic's costs: four amounts of whole cents may be off by two cents, and a credit is below 0", async () => {
    const { bill } = await readBillFixture("anthropic-cost.csv");
    expect(bill.lines.map(({ day, model, cost, rounding }) => [day, model, cost, rounding])).toEqual([
      [november(2), "Claude Sonnet 4.5", 100_000_000n, 20_000_000n],
      [november(2), "web_search", 20_000_000n, 5_000_000n],
      [november(3), "Claude Haiku 4.5", -30_000_000n, 5_000_000n],
    ]);
  });

  test("OpenAI's usage: cached tokens are taken off the input, and blank days belong to the bill", async () => {
    const { bill } = await readBillFixture("openai-usage.csv");
    expect(bill.days).toEqual({ from: november(2), to: november(6) });
    expect(bill.lines.map((line) => [line.day, line.model, line.tokens])).toEqual([
      [november(2), "gpt-4o-2024-08-06", tokens({ input: 54_240, cacheRead: 5_760, output: 11_000 })],
      [november(4), "gpt-5-mini-2025-08-07", tokens({ input: 80_992, output: 274_770 })],
    ]);
  });

  test("OpenAI's costs: line items of a model are summed", async () => {
    const { bill } = await readBillFixture("openai-cost.csv");
    expect(bill).toMatchObject({ measure: "cost", days: { from: november(2), to: november(6) } });
    expect(bill.lines.map(({ day, model, cost }) => [day, model, cost])).toEqual([
      [november(2), "gpt-4o-2024-08-06", 252_800_000n],
      [november(2), "assistants api | file search", 0n],
      [november(4), "gpt-5-mini-2025-08-07", 569_788_000n],
    ]);
  });
});

describe("what a file may be", () => {
  const plain = "usage_date_utc,model_version,usage_output_tokens\n2026-11-02,claude-haiku-4-5,7\n";

  test.each<[string, Buffer]>([
    ["with a BOM and CRLF", Buffer.from(`\ufeff${plain.replaceAll("\n", "\r\n")}`)],
    [
      "without a final line break, with blank lines",
      Buffer.from(`\n${plain.replace("\n", "\n\n").trimEnd()}`),
    ],
    ["gzipped", gzipSync(plain)],
    ["with semicolons", Buffer.from(plain.replaceAll(",", ";"))],
    [
      "with tabs and quotes",
      Buffer.from(plain.replaceAll(",", "\t").replace("claude-haiku-4-5", '"claude-haiku-4-5"')),
    ],
  ])("%s it is the same bill", async (_, content) => {
    expect((await readBillText(content)).bill).toEqual((await readBillText(plain)).bill);
    expect((await readBillText(cut(content, 3))).bill).toEqual((await readBillText(plain)).bill);
  });

  test("rows that cannot be read are told with line, field and reason, and the rest goes on", async () => {
    const file = await readBillText(
      `${plain}2026-11-03,,1\n2026-11-03,claude-haiku-4-5\n2026-11-04,claude-haiku-4-5,8\n`,
    );
    expect(file).toMatchObject({
      rows: 4,
      rejected: 2,
      rejects: [
        { line: 3, field: "model_version", reason: "is missing" },
        { line: 4, field: null, reason: "has 2 fields where the header has 3" },
      ],
    });
    expect(file.bill.lines.map((line) => sumTokens(line.tokens))).toEqual([7n, 8n]);
  });

  test("of many rejects the first five are kept", async () => {
    const bad = Array.from({ length: 9 }, () => "2026-11-03,,1\n").join("");
    const { rejected, rejects } = await readBillText(plain + bad);
    expect([rejected, rejects.length]).toEqual([9, 5]);
  });

  test.each([
    [
      "a file whose rows are all bad",
      "usage_date_utc,model_version,usage_output_tokens\nyesterday,claude-haiku-4-5,7\n",
      'stdin is an Anthropic usage export, but none of its rows can be read; line 2: usage_date_utc is not a time: "yesterday"',
    ],
    ["JSON", '\n[{"model": "gpt-4o"}]', "stdin is JSON, and bills are read as CSV."],
    ["JSONL", '{"model": "gpt-4o"}\n{"model": "gpt-4o"}\n', "stdin is JSON, and bills are read as CSV."],
    [
      "a log",
      "timestamp,input_tokens\n",
      "stdin is no bill that alpha can read: its columns are timestamp, input_tokens.",
    ],
    ["text", "Dear customer\n", "stdin is no bill that alpha can read: its columns are Dear customer."],
    ["blank lines", "\n \n", "stdin is blank."],
    ["nothing", "", "stdin is empty."],
    [
      "a double column",
      "usage_date_utc,cost_usd,cost_usd\n",
      'The header line of stdin has two columns named "cost_usd".',
    ],
  ])("%s is refused", async (_, content, message) => {
    const error = await errorOf(readBillText(content));
    expect(error).toMatchObject({ code: "failed", message });
    expect(error.hint).toBeTruthy();
  });

  test("what to do about a file of another kind is told with this command", async () => {
    const path = join(tempFolder(), "bill.csv.zst");
    writeFileSync(path, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1]));
    const { hint } = await errorOf(readBills([path], { now: BILLS_NOW }));
    expect(hint).toBe(`Convert it on the way in: zstd -dc '${path}' | alpha reconcile -`);
  });

  test("a header alone is a bill of no day, and so is an OpenAI export of an empty month one of nothing", async () => {
    expect((await readBillText(plain.split("\n")[0]!)).bill).toMatchObject({ days: null, lines: [] });
    const empty = "start_time,end_time,start_time_iso,end_time_iso\n1793577600,1793664000,,\n";
    expect((await readBillText(empty)).bill).toMatchObject({
      days: { from: november(2), to: november(3) },
      lines: [],
    });
  });
});

describe("several files", () => {
  test("rows that stand in several files count once, equal rows of one file each", async () => {
    const folder = tempFolder();
    const head = "usage_date_utc,model_version,usage_output_tokens\n";
    const write = (name: string, rows: readonly string[]) => {
      const path = join(folder, name);
      writeFileSync(path, `${head}${rows.join("\n")}\n`);
      return path;
    };
    const [a, b] = ["2026-11-02,claude-haiku-4-5,7", "2026-11-03,claude-haiku-4-5,100"];
    const first = write("first.csv", [a, a]);
    const second = write("second.csv", [a, a, a, b]);
    const files = await readBills([first, second], { now: BILLS_NOW });
    expect(files.map(({ repeated }) => repeated)).toEqual([0, 2]);
    expect(files.map(({ bill }) => bill.lines.map((line) => line.tokens.output))).toEqual([
      [14n],
      [7n, 100n],
    ]);
    const twice = await readBills([billFixture("openai-cost.csv"), billFixture("openai-cost.csv")], {
      now: BILLS_NOW,
    });
    expect(twice[1]).toMatchObject({ repeated: 5, bill: { lines: [], days: twice[0]!.bill.days } });
  });
});

describe("whatever the bytes", () => {
  const contents = FIXTURES.map((name) => billFixture(name));

  const edits = fc.array(
    fc.record({
      at: fc.nat(1_500),
      length: fc.nat(12),
      insert: fc.constantFrom(
        "",
        '"',
        "\n",
        ",",
        "-",
        "9",
        "e5",
        ".",
        "NaN",
        "\0",
        "\ufeff",
        "é",
        "99999999999999999999",
        '""',
      ),
    }),
    { minLength: 1, maxLength: 4 },
  );

  test("a mutated bill gives counts that can be counted, or a sentence, and the same in any chunks", async () => {
    const { readFileSync } = await import("node:fs");
    const originals = contents.map((path) => readFileSync(path));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...originals),
        edits,
        fc.integer({ min: 1, max: 60 }),
        async (original, changes, chunk) => {
          const bytes = changes.reduce((all, { at, length, insert }) => {
            const from = at % all.length;
            return Buffer.concat([all.subarray(0, from), Buffer.from(insert), all.subarray(from + length)]);
          }, original);
          const attempt = (content: Buffer | readonly Buffer[]) =>
            readBillText(content).catch((error: unknown) => {
              if (error instanceof AlphaError) return error;
              throw error;
            });
          const whole = await attempt(bytes);
          expect(await attempt(cut(bytes, chunk))).toEqual(whole);
          if (whole instanceof AlphaError) return;
          const lines = bytes.toString("latin1").split("\n").length;
          expect(whole.rows).toBeLessThan(lines + 1);
          for (const line of whole.bill.lines) {
            for (const bucket of TOKEN_BUCKETS) expect(line.tokens[bucket]).toBeGreaterThanOrEqual(0n);
            expect(line.day).toBeGreaterThanOrEqual(Date.UTC(2015, 0, 1) / 86_400_000);
            expect(line.day).toBeLessThanOrEqual(november(23));
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  test("any value in any column is read, rejected or skipped", async () => {
    const cell = fc.oneof(
      fc.constantFrom(
        "",
        "0",
        "10.0",
        "-3",
        "1e3",
        "NaN",
        "2026-11-02",
        "1793577600",
        "usd",
        "eur",
        "gpt-4o, input",
      ),
      fc.string({ maxLength: 12 }),
    );
    const { readFileSync } = await import("node:fs");
    const headers = contents.map((path) => readFileSync(path, "utf8").split("\n")[0]!.split(","));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...headers),
        fc.array(fc.array(cell, { minLength: 18, maxLength: 18 }), { minLength: 1, maxLength: 5 }),
        async (header, rows) => {
          const quoted = (text: string) => `"${text.replaceAll('"', '""').replaceAll(/[\r\n]/g, " ")}"`;
          const text = [
            header.join(","),
            ...rows.map((row) => row.slice(0, header.length).map(quoted).join(",")),
          ].join("\n");
          const file = await readBillText(text).catch((error: unknown) => {
            expect(error).toBeInstanceOf(AlphaError);
            return null;
          });
          if (file !== null) expect(file.rejected).toBeLessThan(file.rows);
        },
      ),
      { numRuns: 300 },
    );
  });
});
