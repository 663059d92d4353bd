import { describe, expect, it } from "vitest";
import { parseMapping } from "../../src/importers/mapping.js";
import { rejectLine } from "../../src/importers/rejects.js";
import { cut, errorOf, line, readAll } from "./reading.js";

const TRACE = [
  "TIMESTAMP,ContextTokens,GeneratedTokens",
  "2023-11-16 18:15:46.6805900,374,44",
  "2023-11-16 18:15:50.9951690,396,109",
  "2023-11-16 18:15:46.6805900,374,44",
].join("\r\n");
const TRACE_MAP = ["timestamp=TIMESTAMP,input_tokens=ContextTokens", "output_tokens=GeneratedTokens"];

describe("a trace with its own column names", () => {
  it("is read through --map and --set", async () => {
    const mapping = parseMapping(TRACE_MAP, ["model=gpt-4o", "provider=azure-openai"]);
    const { entries, rejects } = await readAll(TRACE, { mapping });
    expect(rejects).toEqual([]);
    expect(entries.map(({ draft }) => [draft.occurredAt, draft.input, draft.output])).toEqual([
      [Date.UTC(2023, 10, 16, 18, 15, 46, 680), 374, 44],
      [Date.UTC(2023, 10, 16, 18, 15, 50, 995), 396, 109],
      [Date.UTC(2023, 10, 16, 18, 15, 46, 680), 374, 44],
    ]);
    expect(entries[0]?.draft).toMatchObject({ model: "gpt-4o", provider: "azure", user: null, id: null });
  });

  it("tells equal rows apart, the same way whatever is mapped", async () => {
    const ids = async (maps: string[], sets: string[]) =>
      (await readAll(TRACE, { mapping: parseMapping(maps, sets) })).entries.map(({ source, id }) => [
        source,
        id,
      ]);
    const first = await ids(TRACE_MAP, []);
    expect(new Set(first.map(([, id]) => id)).size).toBe(3);
    expect(first.map(([source]) => source)).toEqual(["raw", "raw", "raw"]);
    expect(first.map(([, id]) => id?.split(":")[1])).toEqual(["1", "1", "2"]);
    expect(await ids(["timestamp=TIMESTAMP", "images=ContextTokens"], ["user=ada"])).toEqual(first);
  });
});

describe("identity", () => {
  it("is the record's own id, under its source, the format's or that of mapped ids", async () => {
    const log = [line({ id: "a" }), line({ id: 7, source: "litellm" })].join("\n");
    const native = await readAll(log);
    expect(native.entries.map(({ source, id, hasOwnId }) => [source, id, hasOwnId])).toEqual([
      ["alpha", "a", true],
      ["litellm", "7", true],
    ]);
    const mapping = parseMapping(["id=request", "model=m"], []);
    const mapped = await readAll(line({ request: "r", m: "x" }), { mapping });
    expect(mapped.entries.map(({ source, id }) => [source, id])).toEqual([["mapped", "r"]]);
    const other = await readAll(line({ id: "a", m: "x" }), { mapping: parseMapping(["model=m"], []) });
    expect(other.entries.map(({ source, id }) => [source, id])).toEqual([["alpha", "a"]]);
  });

  it("is the same from CSV with CRLF or LF, with or without a final line break", async () => {
    const csv = 'timestamp,input_tokens,model\n2026-11-01,1,"a\nb"\n2026-11-02,2,c';
    const ids = async (text: string) => (await readAll(text)).entries.map(({ id }) => id);
    expect(await ids(csv.replaceAll("\n", "\r\n"))).toEqual(await ids(csv));
    expect(await ids(`\ufeff${csv}\n`)).toEqual(await ids(csv));
    expect(await ids(csv)).toHaveLength(2);
    const quoted = csv.replace("timestamp", '"timestamp"');
    expect(await ids(`\ufeff${quoted}`)).toEqual(await ids(csv));
  });

  it("survives the way through a rejects file", async () => {
    const log = [line({ model: "x" }), line({ model: "x" }), line({ model: "x" })].join("\n");
    const { entries } = await readAll(log);
    const problem = { field: "user", reason: 'there is no user "ada"' };
    const rejected = [entries[2]!, entries[0]!].map(({ record, format, id: identity }) =>
      rejectLine({ file: "log", line: record.line, ...problem, identity, format, raw: record.raw }),
    );
    const again = await readAll(rejected.join("\n"));
    expect(again.entries.map(({ id }) => id)).toEqual([entries[2]?.id, entries[0]?.id]);
  });

  it("survives it from CSV, where the format rejected the record", async () => {
    const csv = "ts,tokens\n2026-11-01,5\n2026-11-01,5";
    const wrong = await readAll(csv, { mapping: parseMapping(["timestamp=tokens", "images=ts"], []) });
    expect(wrong.entries).toEqual([]);
    const mapping = parseMapping(["timestamp=ts", "input_tokens=tokens"], []);
    const fixed = await readAll(wrong.rejects.map(rejectLine).join("\n"), { mapping });
    expect(fixed.entries.map(({ id }) => id)).toEqual(
      (await readAll(csv, { mapping })).entries.map(({ id }) => id),
    );
  });
});

describe("a mended record of a rejects file", () => {
  const CSV = [
    "timestamp,user,model,input_tokens,output_tokens",
    "2026-11-20 10:00,ada,gpt-4o,1000,10",
    '2026-11-20 10:00,ada,gpt-4o,"1,000",10',
    "2026-11-20 10:00,ada,gpt-4o,1000.5,10",
  ].join("\n");
  const mended = (texts: readonly string[]) =>
    texts.map((text) => text.replaceAll("1,000", "1000").replaceAll("1000.5", "1000")).join("\n");

  it("is none of the others, though its text may now be theirs, and the same when it is read again", async () => {
    const first = await readAll(CSV);
    expect(first.rejects).toHaveLength(2);
    const lines = mended(first.rejects.map(rejectLine));
    const ids = async () => (await readAll(lines)).entries.map(({ source, id }) => [source, id]);
    const read = await ids();
    expect(read).toHaveLength(2);
    expect(new Set([...first.entries.map(({ id }) => id), ...read.map(([, id]) => id)]).size).toBe(3);
    expect(await ids()).toEqual(read);
  });

  it("keeps its identity when it is rejected again before it is right", async () => {
    const first = await readAll(CSV);
    const once = await readAll(first.rejects.map(rejectLine).join("\n").replaceAll("gpt-4o", "gpt-4o-mini"));
    expect(once.rejects.map(({ identity }) => identity)).toEqual(
      first.rejects.map(({ identity }) => identity),
    );
    const { entries } = await readAll(mended(once.rejects.map(rejectLine)));
    expect(entries.map(({ id }) => id)).toEqual(first.rejects.map(({ identity }) => identity));
  });
});

describe("a bad record", () => {
  const RAW_ID = expect.stringMatching(/^[\w-]{22}:1$/);
  const UNREAD = { format: null, identity: RAW_ID };

  it("is rejected with its file, line, field and reason, and the rest goes on", async () => {
    const { entries, rejects } = await readAll(
      ["", line(), "", "{oops}", line({ input_tokens: -1 }), "[1]", line(), '{"timestamp":"2026-'].join("\n"),
    );
    expect(entries.map(({ record }) => record.line)).toEqual([2, 7]);
    expect(rejects).toEqual([
      { file: "stdin", line: 4, field: null, reason: "is not valid JSON", ...UNREAD, raw: "{oops}" },
      {
        file: "stdin",
        line: 5,
        field: "input_tokens",
        reason: "is negative: -1",
        format: "alpha",
        identity: RAW_ID,
        raw: line({ input_tokens: -1 }),
      },
      { file: "stdin", line: 6, field: null, reason: "is not a JSON object", ...UNREAD, raw: "[1]" },
      {
        file: "stdin",
        line: 8,
        field: null,
        reason: "is cut off: the JSON object does not end",
        ...UNREAD,
        raw: '{"timestamp":"2026-',
      },
    ]);
  });

  it("leaves a file of nothing but bad records without a format", async () => {
    const { batches, rejects } = await readAll("{oops\n{again\n");
    expect(rejects).toHaveLength(2);
    expect(batches.every(({ format }) => format === null)).toBe(true);
  });
});

describe("the format", () => {
  it("is told from the first records that can be parsed", async () => {
    const { batches, entries } = await readAll(`{broken\n{"unrelated":1}\n${line()}`);
    expect(batches.at(-1)?.format).toBe("alpha");
    expect(entries).toHaveLength(1);
  });

  it("does not depend on how the bytes arrive", async () => {
    const log = [
      `{"unrelated":1}`,
      ...Array.from({ length: 30 }, (_, i) => line({ model: `modèle-${i}` })),
    ].join("\n");
    const whole = await readAll(log);
    for (const size of [1, 2, 7, 1000]) {
      const pieces = await readAll(cut(log, size));
      expect(pieces.entries.map(({ draft }) => draft)).toEqual(whole.entries.map(({ draft }) => draft));
      expect(pieces.rejects).toEqual(whole.rejects);
    }
  });

  it("can be told from a header without rows", async () => {
    const { batches, entries, rejects } = await readAll("timestamp,input_tokens\n");
    expect([batches.at(-1)?.format, entries.length, rejects.length]).toEqual(["alpha", 0, 0]);
  });

  it("can be forced", async () => {
    const csv = await readAll("timestamp\n2026-11-01\n", {
      format: "csv",
      mapping: parseMapping([], ["images=1"]),
    });
    expect(csv.entries.map(({ draft }) => draft.images)).toEqual([1]);
    expect((await readAll(line({ n: 1 }), { format: "alpha" })).entries).toHaveLength(1);
    expect((await readAll(`x\n${line()}`, { format: "jsonl" })).rejects).toHaveLength(1);
  });

  it.each([
    ['{"a":1,"b":{"c":2}}', {}, "failed", "The format of stdin cannot be told from its columns: a, b.c."],
    ["a,b\n1,2\n", {}, "failed", "The format of stdin cannot be told from its columns: a, b."],
    ["hello\nworld\n", {}, "failed", "stdin looks like neither JSON nor CSV."],
    ["\n\n \n", {}, "failed", "stdin holds no records, only blank lines."],
    [' [{"a":1}]', {}, "failed", "The format of stdin cannot be told from its columns: a."],
    ['{\n "a": 1\n}', {}, "failed", "The format of stdin cannot be told from its columns: a."],
    [line(), { format: "alfa" }, "usage", 'There is no log format "alfa"; did you mean alpha?'],
    [
      TRACE,
      { mapping: parseMapping(["timestamp=TIMESTAMPS"], []) },
      "failed",
      'stdin has no column "TIMESTAMPS"; did you mean TIMESTAMP?',
    ],
    [
      TRACE,
      { mapping: parseMapping(["input_tokens=ContextTokens"], []) },
      "failed",
      "With this mapping stdin has no timestamp, or no tokens, images or cost.",
    ],
  ])("that makes no sense is an error: %j", async (content, options, code, message) => {
    const error = await errorOf(readAll(content, options));
    expect([error.code, error.message]).toEqual([code, message]);
    expect(error.hint).toBeTruthy();
  });
});
