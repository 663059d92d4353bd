import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RawRecord } from "../../src/importers/importer.js";
import { MAX_RECORD_BYTES } from "../../src/input/lines.js";
import { readUsage } from "../../src/input/read-usage.js";
import { RecordReader } from "../../src/input/records.js";
import { cut, errorOf, line, NOW, readAll } from "./reading.js";

function recordsOf(content: string | Buffer, chunk = 1 << 16): RawRecord[] {
  const reader = new RecordReader("log", null);
  const records: RawRecord[] = [];
  for (const piece of cut(content, chunk)) {
    reader.push(piece);
    records.push(...reader.take());
  }
  reader.end();
  return records.concat([...reader.take()]);
}

/** `[line, fields or reason]` */
function read(content: string | Buffer, chunk?: number) {
  return recordsOf(content, chunk).map(({ line, fields, problem }) => [line, fields ?? problem?.reason]);
}

const SIZES = [1, 2, 3, 7, 1000];

describe("JSON", () => {
  it.each(SIZES)("may be a list, on one line or on many, in chunks of %i", (size) => {
    expect(read('[{"a":1},{"a":"]}\\"["}]', size)).toEqual([
      [1, { a: 1 }],
      [1, { a: ']}"[' }],
    ]);
    expect(read('\n [\n  {\n    "a": [1, {"b": "é"}]\n  },\n  {}\n]\n', size)).toEqual([
      [3, { a: [1, { b: "é" }] }],
      [6, {}],
    ]);
  });

  it.each(SIZES)("may be an object around a list, in chunks of %i", (size) => {
    expect(read('{"total":2,"logs":[{"a":1},{"a":2}],"more":{"data":[3]}}', size)).toEqual([
      [1, { a: 1 }],
      [1, { a: 2 }],
    ]);
    expect(read('{\n "meta": {"logs": [0]},\n "data": [\n {"a": 1}\n ]\n}', size)).toEqual([[4, { a: 1 }]]);
  });

  it.each(SIZES)("may hold spans two lists deeper, in chunks of %i", (size) => {
    const spans = (...names: string[]) => ({ scope: {}, spans: names.map((name) => ({ name })) });
    const otlp = {
      resourceSpans: [
        { resource: { spans: [1] }, scopeSpans: [spans("a", "b"), spans()] },
        { scopeSpans: [spans("c")] },
        {},
      ],
    };
    const names = [["a"], ["b"], ["c"]];
    const namesIn = (content: string) => recordsOf(content, size).map(({ fields }) => [fields?.name]);
    expect(namesIn(JSON.stringify(otlp))).toEqual(names);
    expect(namesIn(JSON.stringify(otlp, null, 2))).toEqual(names);
    expect(namesIn(`${JSON.stringify(otlp)}\n\n${JSON.stringify(otlp)}`)).toEqual([...names, ...names]);
  });

  it.each(SIZES)("may be objects one after the other, over several lines, in chunks of %i", (size) => {
    expect(read('{\n "a": 1\n}\n{\n "a": {"logs": [1]}\n}', size)).toEqual([
      [1, { a: 1 }],
      [4, { a: { logs: [1] } }],
    ]);
  });

  it("may be pages, one a line or in a list", () => {
    expect(read('{"data":[{"a":1}],"page":1}\n{"data":[{"a":2}],"page":2}')).toEqual([
      [1, { a: 1 }],
      [2, { a: 2 }],
    ]);
    expect(read('[{"data":[{"a":1}]},{"data":[{"a":2}]}]')).toEqual([
      [1, { a: 1 }],
      [1, { a: 2 }],
    ]);
  });

  it("takes an object that has a list and is a record for a record", () => {
    for (const record of [
      { timestamp: "2026-11-01", data: [{ a: 1 }] },
      { object: "list", data: [{ embedding: [] }], model: "m", usage: {} },
    ]) {
      expect(read(JSON.stringify(record))).toEqual([[1, record]]);
    }
    const record = { id: "x", logs: [{ a: 1 }] };
    expect(read(JSON.stringify(record, null, 1))).toEqual([[1, record]]);
  });

  it.each(SIZES)(
    "takes such an object for a record also where its list comes first, in chunks of %i",
    (size) => {
      const records = [
        { user: "ada", data: [], timestamp: "2026-11-01", images: 1 },
        { object: "list", data: [{ embedding: [0.5], index: 0 }], model: "m", usage: { prompt_tokens: 8 } },
        { created: 1, data: [{ b64_json: "]}" }, { b64_json: "" }], usage: {} },
        { logs: [{ a: 1 }, 5], records: [[1], '"}'], id: "x" },
        { resourceSpans: [{ scopeSpans: [{ spans: [{}] }] }], timestamp: 1 },
      ];
      for (const indent of [0, 1]) {
        for (const between of ["", "\n"]) {
          const content = records.map((record) => JSON.stringify(record, null, indent)).join(between);
          expect(recordsOf(content, size).map(({ fields }) => fields)).toEqual(records);
        }
      }
      const envelope = { object: "list", data: [{ a: 1 }, { a: 2 }], has_more: false };
      const mixed = [records[0], envelope, records[1]]
        .map((each) => JSON.stringify(each, null, 1))
        .join("\n");
      expect(read(mixed, size)).toEqual([
        [1, records[0]],
        [10, { a: 1 }],
        [13, { a: 2 }],
        [19, records[1]],
      ]);
    },
  );

  it("knows an envelope longer than any record before it ends", () => {
    const long = "x".repeat(1 << 20);
    const reader = new RecordReader("log", null);
    const lines: number[] = [];
    reader.push(Buffer.from('{\n"total": 40,\n"logs": [\n'));
    for (let n = 0; n < 40; n++) {
      reader.push(Buffer.from(`{"a":"${long}"},\n`));
      for (const { line } of reader.take()) lines.push(line);
    }
    // Sixteen of them are not read before they are too long together to be a record.
    expect(lines).toEqual(Array.from({ length: 40 }, (_, n) => 4 + n));
    reader.push(Buffer.from('{"a":1}],"timestamp":1}'));
    expect([...reader.take()].map(({ fields }) => fields)).toEqual([{ a: 1 }]);
  });

  it.each(SIZES)("rejects what is no object and what is no JSON, and goes on, in chunks of %i", (size) => {
    expect(read('[{"a":1},\n5,null,"x]",[{}],\n{oops},{"a":,},tru\n,{"a":2}]', size)).toEqual([
      [1, { a: 1 }],
      [2, "is not a JSON object"],
      [2, "is not a JSON object"],
      [2, "is not a JSON object"],
      [2, "is not a JSON object"],
      [3, "is not valid JSON"],
      [3, "is not valid JSON"],
      [3, "is not valid JSON"],
      [4, { a: 2 }],
    ]);
  });

  it.each(SIZES)("goes on after a bracket too many or a comma too few, in chunks of %i", (size) => {
    expect(read('[{"a":1}}\n,{"a":2}]]{"a":3}', size)).toEqual([
      [1, { a: 1 }],
      [1, "closes nothing"],
      [2, { a: 2 }],
      [2, "closes nothing"],
      [2, { a: 3 }],
    ]);
    expect(read('[{"a":1}{"a":2}]', size)).toEqual([
      [1, { a: 1 }],
      [1, { a: 2 }],
    ]);
  });

  it("rejects one record that is not UTF-8", () => {
    const bytes = Buffer.from('[{"a":"\xff"},{"a":1}]', "latin1");
    expect(read(bytes)).toEqual([
      [1, "is not valid UTF-8 text"],
      [1, { a: 1 }],
    ]);
  });

  it("keeps neither a record over 16 MiB nor what is passed over", () => {
    const long = Buffer.alloc(MAX_RECORD_BYTES, "x");
    const log = Buffer.concat([
      Buffer.from('{"logs":[{"a":"'),
      long,
      Buffer.from('"},{"a":1}],"passed over":"'),
      long,
      Buffer.from('"}'),
    ]);
    const records = recordsOf(log);
    expect(records.map(({ raw, problem }) => [raw.length, problem?.reason])).toEqual([
      [1000, "is longer than 16 MiB"],
      [7, undefined],
    ]);
  });

  it("reads any depth", () => {
    const deep = `{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`;
    const [record] = recordsOf(`[${deep}]`);
    expect(record?.raw).toBe(deep);
  });
});

describe("the container", () => {
  it("is JSONL where the first line is a broken record", () => {
    expect(read('{"a":1\n{"a":2}\n{oops}')).toEqual([
      [1, "is cut off: the JSON object does not end"],
      [2, { a: 2 }],
      [3, "is not valid JSON"],
    ]);
  });

  it.each(SIZES)("is JSONL where the first line is cut where it might go on, in chunks of %i", (size) => {
    const rest = '\n\n{"a":2}\n{"a":3}\n';
    const cuts = [
      '{"id":"a",',
      '{"id":"a", ',
      '{"b":{"c":[1,{}],',
      '{"b":[{"c":"]",',
      "{",
      '{"text":"and so,',
    ];
    for (const start of cuts) {
      expect(read(start + rest, size)).toEqual([
        [1, "is cut off: the JSON object does not end"],
        [3, { a: 2 }],
        [4, { a: 3 }],
      ]);
    }
    for (const start of ['{"logs":[', '{"logs":[{"a":1},', '{"b":[{"c":"{"},']) {
      const records = read(`${start}\n{"a":2}]}\n`, size);
      expect(records.at(-1)?.[1]).toEqual(start.startsWith('{"b') ? { b: [{ c: "{" }, { a: 2 }] } : { a: 2 });
    }
    expect(read('{"a":1,\n', size)).toEqual([[1, "is cut off: the JSON object does not end"]]);
  });

  it.each(SIZES)("may begin after any blank lines, in chunks of %i", (size) => {
    expect(read(' \r\n\n  {"a":1}\n', size)).toEqual([[3, { a: 1 }]]);
    expect(read("\n\n[{}]", size)).toEqual([[3, {}]]);
    expect(read("\n\ta\tb\n1\t2\t3\n", size)).toEqual([[3, { "": "1", a: "2", b: "3" }]]);
  });

  it.each([1000, 1 << 20])("may have a first line of any length, in chunks of %i", (size) => {
    const text = "x".repeat(300_000);
    expect(read(`{"a":"${text}"}\n{"a":1}`, size)).toEqual([
      [1, { a: text }],
      [2, { a: 1 }],
    ]);
    const lines = [{ logs: [{ a: text }, { a: 1 }] }, { logs: [{ a: 2 }] }].map((each) =>
      JSON.stringify(each),
    );
    expect(read(lines.join("\n"), size)).toEqual([
      [1, { a: text }],
      [1, { a: 1 }],
      [2, { a: 2 }],
    ]);
  });

  it("may begin with a line of several objects", async () => {
    const { entries, rejects } = await readAll(`${line()}${line()}\n${line()}\n`);
    expect([entries.map(({ record }) => record.line), rejects]).toEqual([[1, 1, 2], []]);
    const broken = await readAll(`${line()}{oops}\n${line()}\n`);
    expect([broken.entries.length, broken.rejects.length]).toEqual([1, 1]);
  });

  it("can be forced", async () => {
    const { entries, rejects } = await readAll(`${line()}\n${line()}`, { format: "json" });
    expect([entries.length, rejects.length]).toEqual([2, 0]);
    const asLines = await readAll('{\n"a":1}', { format: "jsonl" });
    expect(asLines.rejects).toHaveLength(2);
  });
});

describe("the canonical text", () => {
  it("does not depend on white space or on what the record was in", () => {
    const records = [{ a: 1, b: ["x y"] }, { é: null }];
    const texts = records.map((record) => JSON.stringify(record));
    for (const content of [
      JSON.stringify(records),
      JSON.stringify(records, null, 4),
      JSON.stringify({ total_count: 2, logs: records }, null, "\t"),
      JSON.stringify({ data: records }),
      JSON.stringify({ records }),
      texts.join(""),
      `${texts.join(" ")}\n`,
      texts.join("\n"),
    ]) {
      expect(recordsOf(content).map(({ raw }) => raw)).toEqual(texts);
    }
  });

  it("keeps a number that is too large", () => {
    // As null it would be no number, and the record another one.
    expect(recordsOf('[{"a":1e999}]')[0]?.raw).toBe('{"a":"Infinity"}');
  });
});

describe("JSON that is cut off", () => {
  const records = [line({ id: "a" }), line({ id: "b" })];

  it.each(["[", '{"logs":['])("within a record, after %s, gives those before", async (opening) => {
    const content = `${opening}${records.join(",")},{"timestamp":"2026-`;
    const batches = await untilError(content);
    expect(batches.ids).toEqual(["a", "b"]);
    expect(batches.rejects).toEqual(["is cut off: the JSON object does not end"]);
    expect(batches.message).toBe("stdin is cut off: its JSON does not end.");
  });

  it("between records gives those before", async () => {
    const batches = await untilError(`[\n${records.join(",\n")},\n`);
    expect(batches.ids).toEqual(["a", "b"]);
    expect(batches.message).toBe("stdin is cut off: its JSON does not end.");
  });

  it("is one bad record where nothing is around it, as in JSONL", async () => {
    const { entries, rejects } = await readAll('{\n"timestamp":"2026-11-01",\n"images":1\n}\n{\n"times');
    expect(entries).toHaveLength(1);
    expect(rejects.map(({ reason }) => reason)).toEqual(["is cut off: the JSON object does not end"]);
  });
});

async function untilError(content: string) {
  const ids: string[] = [];
  const rejects: string[] = [];
  const reading = async () => {
    const stdin = Readable.from([Buffer.from(content)], { objectMode: true });
    for await (const batch of readUsage("-", { now: NOW, stdin })) {
      ids.push(...batch.records.map(({ id }) => id));
      rejects.push(...batch.rejects.map(({ reason }) => reason));
    }
  };
  const { message } = await errorOf(reading());
  return { ids, rejects, message };
}

describe("any records", () => {
  const plain = fc.dictionary(fc.string(), fc.jsonValue()).filter((fields) => !hasEnvelope(fields));
  const listed = fc
    .tuple(
      plain,
      fc.constantFrom("logs", "data", "records", "resourceSpans"),
      fc.array(fc.jsonValue()),
      plain,
    )
    .map(([before, key, list, after]) => ({ ...before, [key]: list, ...after, usage: {} }));
  const record = fc.oneof(plain, listed);
  const wrappings = fc.constantFrom<(records: unknown[], indent: number) => string>(
    (records, indent) => JSON.stringify(records, null, indent),
    (records, indent) => JSON.stringify({ page: { logs: [] }, logs: records, total: 1 }, null, indent),
    (records, indent) => JSON.stringify({ meta: null, data: records }, null, indent),
    (records, indent) =>
      JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: records }] }, {}] }, null, indent),
    (records, indent) => JSON.stringify({ records }, null, indent),
    (records) => records.map((each) => JSON.stringify(each)).join("\n"),
    (records, indent) => records.map((each) => JSON.stringify(each, null, indent)).join(""),
  );

  it("are the same wrapped in anything, with any white space, in any chunks", () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 6 }),
        wrappings,
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 1, max: 40 }),
        (records, wrap, indent, chunk) => {
          const found = recordsOf(wrap(records, indent), chunk);
          expect(found.map(({ raw }) => raw)).toEqual(records.map((each) => JSON.stringify(each)));
        },
      ),
      { numRuns: 500 },
    );
  });
});

function hasEnvelope(fields: object): boolean {
  return ["logs", "data", "records", "resourceSpans", "rejected"].some((key) => key in fields);
}
