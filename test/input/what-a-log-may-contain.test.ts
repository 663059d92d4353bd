import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect, NOW, readAll } from "./reading.js";

/*
 * Everything that a log may contain, sound or not: what is counted of it, by line, and what is rejected, by line, field
 * and reason. No record is in neither list, and none in both.
 */

/** The line of a record, its input tokens, and its instant where that is what the case is about. */
type Counted = readonly [line: number, input: number, occurredAt?: string];
type Rejected = readonly [line: number, field: string | null, reason: string];
type Case = readonly [
  what: string,
  content: string | Buffer,
  counted: readonly Counted[],
  rejected?: readonly Rejected[],
];

const TIME = "2026-11-20T10:00:00Z";
const one = (input: unknown, timestamp: unknown = TIME) => JSON.stringify({ timestamp, input_tokens: input });
const ok = one(1);
const HEADER = "timestamp,input_tokens,model";
const ROW = `${TIME},1,a`;

const containers: Case[] = [
  ["a byte order mark in JSONL", `\ufeff${ok}\n`, [[1, 1]]],
  ["a byte order mark in CSV", `\ufeff${HEADER}\n${ROW}\n`, [[2, 1]]],
  [
    "CRLF in JSONL",
    `${ok}\r\n${one(2)}\r\n`,
    [
      [1, 1],
      [2, 2],
    ],
  ],
  ["CRLF in CSV", `${HEADER}\r\n${ROW}\r\n`, [[2, 1]]],
  [
    "no final line break in JSONL",
    `${ok}\n${one(2)}`,
    [
      [1, 1],
      [2, 2],
    ],
  ],
  ["no final line break in CSV", `${HEADER}\n${ROW}`, [[2, 1]]],
  ["gzip", gzipSync(`${ok}\n`), [[1, 1]]],
  [
    "gzip in two members",
    Buffer.concat([gzipSync(`${ok}\n`), gzipSync(`${one(2)}\n`)]),
    [
      [1, 1],
      [2, 2],
    ],
  ],
  [
    "blank lines in JSONL",
    `\n${ok}\n\n  \n${one(2)}\n\n`,
    [
      [2, 1],
      [5, 2],
    ],
  ],
  [
    "blank lines and rows in CSV",
    `\n${HEADER}\n\n${ROW}\n,,\n${ROW}\n`,
    [
      [4, 1],
      [6, 1],
    ],
  ],
  ["a quoted comma", `${HEADER}\n${TIME},1,"a,b"\n`, [[2, 1]]],
  [
    "a quoted line break",
    `${HEADER}\n${TIME},1,"a\nb"\n${ROW}\n`,
    [
      [2, 1],
      [4, 1],
    ],
  ],
  ["a quoted quotation mark", `${HEADER}\n${TIME},1,"a""b"\n`, [[2, 1]]],
  ["columns in another order, and unknown ones", `x,input_tokens,timestamp\ny,7,${TIME}\n`, [[2, 7]]],
];

const broken: Case[] = [
  [
    "a truncated last line of JSONL",
    `${ok}\n${ok.slice(0, 20)}`,
    [[1, 1]],
    [[2, null, "is cut off: the JSON object does not end"]],
  ],
  [
    "a truncated last line of CSV",
    `${HEADER}\n${ROW}\n${TIME},`,
    [[2, 1]],
    [[3, null, "has 2 fields where the header has 3"]],
  ],
  [
    "a truncated last line of CSV, within quotes",
    `${HEADER}\n${ROW}\n${TIME},1,"a`,
    [[2, 1]],
    [[3, null, "opens a quotation mark that is never closed"]],
  ],
  [
    "a line of 20 MB in JSONL",
    `${ok}\n{"x":"${"y".repeat(20_000_000)}"}\n${one(2)}\n`,
    [
      [1, 1],
      [3, 2],
    ],
    [[2, null, "is longer than 16 MiB"]],
  ],
  [
    "a line of 20 MB in CSV",
    `${HEADER}\n${ROW}\n${TIME},1,${"y".repeat(20_000_000)}\n${ROW}\n`,
    [
      [2, 1],
      [4, 1],
    ],
    [[3, null, "is longer than 16 MiB"]],
  ],
  [
    "invalid UTF-8 in JSONL",
    Buffer.concat([Buffer.from(`${ok}\n{"model":"`), Buffer.from([0xff, 0xfe]), Buffer.from(`"}\n${ok}\n`)]),
    [
      [1, 1],
      [3, 1],
    ],
    [[2, null, "is not valid UTF-8 text"]],
  ],
  [
    "invalid UTF-8 in CSV",
    Buffer.concat([Buffer.from(`${HEADER}\n${TIME},1,`), Buffer.from([0xc3]), Buffer.from(`\n${ROW}\n`)]),
    [[3, 1]],
    [[2, null, "is not valid UTF-8 text"]],
  ],
  ["a bare NaN", `${ok}\n${ok.replace(":1}", ":NaN}")}\n`, [[1, 1]], [[2, null, "is not valid JSON"]]],
  ["what is no JSON", `${ok}\noops\n`, [[1, 1]], [[2, null, "is not valid JSON"]]],
  [
    "JSON that is no object",
    `${ok}\n[1,2]\n3\n`,
    [[1, 1]],
    [
      [2, null, "is not a JSON object"],
      [3, null, "is not a JSON object"],
    ],
  ],
  [
    "too many columns",
    `${HEADER}\n${ROW},x\n${ROW}\n`,
    [[3, 1]],
    [[2, null, "has 4 fields where the header has 3"]],
  ],
  [
    "a record without usage",
    `${ok}\n{"timestamp":"${TIME}"}\n`,
    [[1, 1]],
    [[2, null, "states no usage: no tokens, no images and no cost"]],
  ],
];

/** Each record's count, and what becomes of it. */
const COUNTS: readonly (readonly [text: string, counted: number | string])[] = [
  ['"12"', 12],
  ['" 12 "', 12],
  ["1e3", 1000],
  ['"1e3"', 1000],
  ["10.0", 10],
  ['"10.0"', 10],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ["-1", "is negative: -1"],
  ['"-1"', 'is negative: "-1"'],
  ["1.5", "is not a whole number: 1.5"],
  ['"NaN"', 'is not a number: "NaN"'],
  ['"Infinity"', 'is not a number: "Infinity"'],
  ["1e400", "is too large to be counted exactly: Infinity"],
  ["9007199254740992", "is too large to be counted exactly: 9007199254740992"],
  ['"9007199254740993"', 'is too large to be counted exactly: "9007199254740993"'],
  ['"1,234"', 'is not a number: "1,234"'],
  ["true", "is not a number: true"],
  ["{}", "is not a number: {}"],
];

/** Each record's timestamp, and the instant or what is wrong with it. */
const TIMES: readonly (readonly [text: string, instant: string])[] = [
  ['"2026-11-20T10:00:00Z"', "2026-11-20T10:00:00.000Z"],
  ['"2026-11-20T10:00:00+02:00"', "2026-11-20T08:00:00.000Z"],
  ['"2026-11-20 10:00:00"', "2026-11-20T10:00:00.000Z"],
  ['"2026-11-20T10:00:00"', "2026-11-20T10:00:00.000Z"],
  // Of the fraction's digits those after the third are cut off: an instant is never later than it was.
  ...["5", "59", "599", "5999", "59999", "599999", "5999999", "59999999", "599999999"].map(
    (digits) =>
      [
        `"2026-11-20 10:00:00.${digits}"`,
        `2026-11-20T10:00:00.${digits.slice(0, 3).padEnd(3, "0")}Z`,
      ] as const,
  ),
  ["1795168800", "2026-11-20T10:00:00.000Z"],
  ["1795168800123", "2026-11-20T10:00:00.123Z"],
  ['"1795168800"', "2026-11-20T10:00:00.000Z"],
  ['"2026-11-22T23:59:59Z"', "2026-11-22T23:59:59.000Z"],
  ['"2026-11-23T00:00:00.001Z"', 'is more than 24 hours in the future: "2026-11-23T00:00:00.001Z"'],
  ['"2027-11-20T10:00:00Z"', 'is more than 24 hours in the future: "2027-11-20T10:00:00Z"'],
  ['"1970-01-01T00:00:00Z"', 'is before 2015: "1970-01-01T00:00:00Z"'],
  ["0", "is not a time: 0"],
  ['"2014-12-31T23:59:59Z"', 'is before 2015: "2014-12-31T23:59:59Z"'],
  ['"2026-02-30T10:00:00Z"', 'is not a time: "2026-02-30T10:00:00Z"'],
  ['"20.11.2026"', 'is not a time: "20.11.2026"'],
  ['""', "is missing"],
  ["null", "is missing"],
];

/** All of them in one log, whose sound records must not suffer from those beside them. */
const numbers: Case = [
  "numbers as they are spelt",
  COUNTS.map(([text]) => `{"timestamp":"${TIME}","input_tokens":${text}}`).join("\n"),
  COUNTS.flatMap(([, counted], index) =>
    typeof counted === "number" ? [[index + 1, counted] as const] : [],
  ),
  COUNTS.flatMap(([, reason], index) =>
    typeof reason === "string" ? [[index + 1, "input_tokens", reason] as const] : [],
  ),
];
const isInstant = (text: string) => text.startsWith("2026-");
const times: Case = [
  "times as they are spelt",
  TIMES.map(([text]) => `{"timestamp":${text},"input_tokens":1}`).join("\n"),
  TIMES.flatMap(([, instant], index) => (isInstant(instant) ? [[index + 1, 1, instant] as const] : [])),
  TIMES.flatMap(([, reason], index) =>
    isInstant(reason) ? [] : [[index + 1, "timestamp", reason] as const],
  ),
];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "alpha-contents-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const cases = [...containers, ...broken, numbers, times].map(([what, content, counted, rejected = []]) => ({
  what,
  content,
  counted,
  rejected,
}));

describe.each(cases)("$what", ({ content, counted, rejected }) => {
  const shown = ({ entries, rejects }: Awaited<ReturnType<typeof readAll>>) => ({
    counted: entries.map(({ record, draft }, index) => [
      record.line,
      draft.input,
      ...(counted[index]?.[2] === undefined ? [] : [new Date(draft.occurredAt).toISOString()]),
    ]),
    rejected: rejects.map(({ line, field, reason }) => [line, field, reason]),
  });

  it("in a file", async () => {
    const path = join(folder, "log");
    writeFileSync(path, content);
    const reading = await collect(path);
    expect(shown(reading)).toEqual({ counted, rejected });
    expect(reading.rejects.every(({ file }) => file === path)).toBe(true);
  });

  it("from standard input", async () => {
    const reading = await readAll(typeof content === "string" ? Buffer.from(content) : content);
    expect(shown(reading)).toEqual({ counted, rejected });
    expect(reading.rejects.every(({ file }) => file === "stdin")).toBe(true);
  });
});

it("the times of this test are around its present", () => {
  expect(new Date(NOW).toISOString()).toBe("2026-11-22T00:00:00.000Z");
});
