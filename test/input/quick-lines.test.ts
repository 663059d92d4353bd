import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QuickNative } from "../../src/importers/quick-native.js";
import { KeptTexts } from "../../src/input/kept-texts.js";
import { isEntry, readPieces } from "../../src/input/read-usage.js";
import { NOW } from "./reading.js";

/** Everything that is read from a log, in order, and how many records were read straight from their bytes. */
async function read(chunks: readonly Buffer[], isQuick: boolean, format?: string) {
  const results: unknown[] = [];
  const quick = isQuick ? new QuickNative(NOW) : undefined;
  let reused = 0;
  let last: unknown = null;
  const stdin = Readable.from(chunks, { objectMode: true });
  for await (const piece of readPieces("-", { now: NOW, stdin, quick, format })) {
    for (const record of piece.raw) {
      const result = piece.read(record);
      if (!isEntry(result)) {
        results.push(result);
        continue;
      }
      // An entry that comes again is the one that is used again and again.
      if (result === last) reused += 1;
      last = result;
      const { draft, id, source, format: of, hasOwnId, supersedes } = result;
      const { line } = result.record;
      const kept = new KeptTexts();
      kept.add(result.record);
      results.push({ draft: { ...draft, id }, source, of, hasOwnId, supersedes, line, raw: kept.textAt(0) });
    }
  }
  return { results, quick: reused };
}

/** As many as are looked at to tell a format. */
const FIRST = 100;
const plain = (n: number) => ({
  id: `call-${n}`,
  timestamp: "2026-11-01T10:00:00.250Z",
  user: "ada@example.com",
  provider: "Gemini",
  model: "gpt-4o",
  input_tokens: n,
  output_tokens: 2,
});

function chunksOf(lines: readonly string[], first: number, ending = "\n"): Buffer[] {
  const end = (some: readonly string[]) => Buffer.from(some.map((line) => line + ending).join(""));
  return [end(lines.slice(0, first)), end(lines.slice(first))];
}

const HEAD = Array.from({ length: FIRST }, (_, n) => JSON.stringify(plain(n + 1)));
const COLUMNS = Object.keys(plain(1));
const CSV_HEAD = [COLUMNS.join(","), ...Array.from({ length: FIRST }, (_, n) => csvRow(plain(n + 1)))];

function csvRow(record: object): string {
  return Object.values(record).join(",");
}

describe("plain records of the native format are read from their bytes", () => {
  const more = Array.from({ length: 50 }, (_, n) => plain(FIRST + 1 + n));

  it.each([
    ["JSONL", [...HEAD, ...more.map((record) => JSON.stringify(record))], "\n"],
    ["JSONL with CRLF", [...HEAD, ...more.map((record) => JSON.stringify(record))], "\r\n"],
    ["JSONL as Python writes it", [...HEAD, ...more.map(spaced)], "\n"],
    ["CSV", [...CSV_HEAD, ...more.map(csvRow)], "\n"],
  ])("%s", async (_name, lines, ending) => {
    const chunks = chunksOf(lines, FIRST + 1, ending);
    const { results, quick } = await read(chunks, true);
    expect(results).toEqual((await read(chunks, false)).results);
    // The first is the one by which the others are known, and the one after it the first that can be told.
    expect(quick).toBeGreaterThanOrEqual(more.length - 3);
  });

  it("also lines of several kinds, one after the other", async () => {
    const lines = more.map((record, n) =>
      JSON.stringify(
        n % 2 === 0 ? record : { ...record, images: 1, cost_usd: 0.04, trace: "t", error: null },
      ),
    );
    const chunks = chunksOf([...HEAD, ...lines], FIRST);
    const { results, quick } = await read(chunks, true);
    expect(results).toEqual((await read(chunks, false)).results);
    expect(quick).toBeGreaterThanOrEqual(more.length - 4);
  });
});

/** With the white space that Python's `json` writes. */
function spaced(record: object): string {
  const members = Object.entries(record).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{${members.join(", ")}}`;
}

/** What only the general way can read, or what nobody can. */
const ODD = [
  ...['""', '" "', "null", "true", "0", "-1", "1.5", "10.0", "1e3", "007", '"007"', '"12 "', '"1e3"', "300"],
  ...["9007199254740993", "999999999999999", "[]", '{"a":1}', '"ä"', '"a\\"b"', '"\\u0000"', '"a\\nb"', "-0"],
  ...[
    '"2026-02-30T00:00:00Z"',
    '"1970-01-01T00:00:00Z"',
    '"2026-11-24T00:00:00Z"',
    '"2026-11-01"',
    "1793520000",
  ],
  ...[
    '"1.000"',
    '"12,500"',
    '"1,234.5"',
    '"0.04"',
    "0.1",
    "0.00012345678901",
    "12.",
    '" ada"',
    '"x.y"',
    `"${"x".repeat(513)}"`,
  ],
];

const USUAL = {
  id: ['"call-1"', '"call-2"', '"a b"'],
  timestamp: ['"2026-11-01T10:00:00Z"', '"2026-11-01 23:59:59.1234567"', '"2026-10-31T00:00:00"'],
  input_tokens: ["1", "700", "0"],
  output_tokens: ["9", "200", "0"],
  user: ['"ada"', '"bob@example.com"'],
  provider: ['"openai"', '"Gemini"', '" OpenAI "'],
  model: ['"gpt-4o"', '"claude-sonnet-4-5"'],
  feature: ['"blog_writer"', '""'],
  cached_input_tokens: ["0", "40"],
  cache_write_tokens: ['"0"', '"12"'],
  reasoning_tokens: ["0", "9", "10"],
  images: ["0", "2"],
  requests: ["1", "3"],
  cost_usd: ["0.04", "0", "12"],
  status: ['"ok"', '"error"'],
  note: ['"hello"', '"a, b"'],
  size: ["12", "3.5"],
  source: ['"live"'],
  provider_id: ['"resp_1"'],
  priced_by: ['"book"'],
};
const NAMES = Object.keys(USUAL) as (keyof typeof USUAL)[];
const NEEDED = NAMES.slice(0, 4);
/** With one of these, no line is read from its bytes. */
const HINDRANCES = NAMES.slice(-3);
const OTHERS = NAMES.slice(4, -3);

interface Kind {
  readonly fields: readonly (keyof typeof USUAL)[];
  readonly colon: string;
  readonly comma: string;
}

/** A kind of line: which fields it has, in which order, and how it is spaced. */
const kinds: fc.Arbitrary<Kind> = fc.record({
  fields: fc
    .tuple(
      fc.oneof({ weight: 9, arbitrary: fc.constant(NEEDED) }, fc.subarray(NEEDED, { minLength: 2 })),
      fc.subarray(OTHERS, { maxLength: 6 }),
      fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, fc.subarray(HINDRANCES)),
    )
    .chain((parts) => fc.shuffledSubarray(parts.flat(), { minLength: parts.flat().length })),
  colon: fc.constantFrom(":", ": ", " : "),
  comma: fc.constantFrom(",", ", "),
});

/** Values for such a line; one of them odd, more often than not. */
function valuesOf({ fields }: Kind): fc.Arbitrary<string[]> {
  const usual = fc.tuple(...fields.map((field) => fc.constantFrom(...USUAL[field])));
  const odd = fc.record({ at: fc.nat(fields.length - 1), value: fc.constantFrom(...ODD) });
  return fc
    .tuple(usual, fc.option(odd))
    .map(([values, strange]) => values.map((value, n) => (n === strange?.at ? strange.value : value)));
}

function usualValues({ fields }: Kind): string[] {
  return fields.map((field) => USUAL[field][0] ?? "");
}

/** A usual line of each kind, and then a mixture. */
const records = fc.array(kinds, { minLength: 1, maxLength: 3 }).chain((some) => {
  const usual = some.map((kind) => ({ kind, values: usualValues(kind) }));
  const each = fc.constantFrom(...some).chain((kind) => valuesOf(kind).map((values) => ({ kind, values })));
  return fc.array(each, { minLength: 5, maxLength: 25 }).map((mixed) => [...usual, ...mixed]);
});

/** Puts other lines among them. */
function withJunk(lines: readonly string[], junk: readonly (readonly [string, number])[]): string[] {
  const all = [...lines];
  for (const [text, at] of junk) all.splice(at % (all.length + 1), 0, text);
  return all;
}

describe("whatever is read from bytes is what is read in the general way", () => {
  it("from JSONL", async () => {
    const junk = fc.constantFrom(
      "",
      "  ",
      "{",
      "[]",
      '{"data":[{"a":1}]}',
      '{"rejected":{},"raw":"{}"}',
      "no",
    );
    const log = fc.tuple(records, fc.array(fc.tuple(junk, fc.nat()), { maxLength: 3 }));
    await fc.assert(
      fc.asyncProperty(log, async ([some, extra]) => {
        const lines = some.map(({ kind: { fields, colon, comma }, values }) => {
          const members = fields.map((field, n) => `"${field}"${colon}${values[n]}`);
          return `{${members.join(comma)}}`;
        });
        const chunks = chunksOf([...HEAD, ...withJunk(lines, extra)], FIRST);
        expect((await read(chunks, true)).results).toEqual((await read(chunks, false)).results);
      }),
      { numRuns: 400 },
    );
  });

  it("from CSV", async () => {
    const cell = (value: string) => (value.startsWith('"') ? value.slice(1, -1) : value);
    const junk = fc.constantFrom("", " ", ",,,", "a,b", 'x,"y\nz",1', '"', "ä,1");
    const log = fc.tuple(
      kinds.chain((kind) =>
        fc.array(valuesOf(kind), { minLength: 5, maxLength: 25 }).map((rows) => ({ kind, rows })),
      ),
      fc.array(fc.tuple(junk, fc.nat()), { maxLength: 2 }),
      fc.constantFrom(",", ";", "\t"),
    );
    await fc.assert(
      fc.asyncProperty(log, async ([{ kind, rows }, extra, delimiter]) => {
        const rowOf = (values: readonly string[]) => values.map(cell).join(delimiter);
        const head = [kind.fields.join(delimiter), ...Array<string>(FIRST).fill(rowOf(usualValues(kind)))];
        const usual = usualValues(kind);
        const uneven = [usual.slice(0, -1), [...usual, "x"]];
        const lines = [...rows, ...uneven].map(rowOf);
        const chunks = chunksOf([...head, ...withJunk(lines, extra)], head.length);
        const ours = await read(chunks, true, "alpha");
        expect(ours.results).toEqual((await read(chunks, false, "alpha")).results);
      }),
      { numRuns: 400 },
    );
  });
});
