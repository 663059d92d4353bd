import { describe, expect, it } from "vitest";
import { CsvReader } from "../../src/input/csv.js";
import { detectDelimiter } from "../../src/input/csv-text.js";
import { JsonlReader } from "../../src/input/jsonl.js";
import { type LineSink, LineSplitter, MAX_RECORD_BYTES } from "../../src/input/lines.js";
import { cut } from "./reading.js";

function linesOf(chunks: readonly Buffer[]): [number, string, string?][] {
  const lines: [number, string, string?][] = [];
  const splitter = new LineSplitter({
    line: (text, number) => lines.push([number, text]),
    badLine: (text, number, reason) => lines.push([number, text, reason]),
  });
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

function csv(content: string | Buffer, chunk = 1 << 20) {
  const reader = new CsvReader("log.csv");
  feed(reader, content, chunk);
  reader.end();
  return [...reader.take()].map(({ line, fields, problem }) => [line, fields ?? problem?.reason]);
}

function feed(sink: LineSink, content: string | Buffer, chunk: number): void {
  const splitter = new LineSplitter(sink);
  for (const piece of cut(content, chunk)) splitter.push(piece);
  splitter.end();
}

describe("lines", () => {
  it.each([1, 2, 3, 5, 100])("are cut at LF and CRLF, in chunks of %i", (size) => {
    expect(linesOf(cut("a\r\n\nbé\n\r\n\rc", size))).toEqual([
      [1, "a"],
      [2, ""],
      [3, "bé"],
      [4, ""],
      [5, "\rc"],
    ]);
  });

  it.each([1, 2, 100])("that are no UTF-8 are told one by one, in chunks of %i", (size) => {
    const bytes = Buffer.concat([Buffer.from("a\nb"), Buffer.from([0xff]), Buffer.from("\nü\n")]);
    expect(linesOf(cut(bytes, size))).toEqual([
      [1, "a"],
      [2, "b\ufffd", "is not valid UTF-8 text"],
      [3, "ü"],
    ]);
  });

  it.each([1 << 16, MAX_RECORD_BYTES * 2])(
    "over 16 MiB are told without being kept, in chunks of %i",
    (size) => {
      const log = Buffer.concat([
        Buffer.from("a\n"),
        Buffer.alloc(MAX_RECORD_BYTES, "x"),
        Buffer.from("\n"),
        Buffer.alloc(MAX_RECORD_BYTES + 1, "y"),
        Buffer.from("\nz"),
      ]);
      const lines = linesOf(cut(log, size));
      expect(lines.map(([number, text, reason]) => [number, text.length, reason])).toEqual([
        [1, 1, undefined],
        [2, MAX_RECORD_BYTES, undefined],
        [3, 1000, "is longer than 16 MiB"],
        [4, 1, undefined],
      ]);
    },
  );
});

describe("JSONL", () => {
  it("keeps the trimmed line as the canonical text", () => {
    const reader = new JsonlReader();
    feed(reader, ' {"a":1} \n\n{"a": 2}', 4);
    expect([...reader.take()].map(({ line, raw, fields }) => [line, raw, fields])).toEqual([
      [1, '{"a":1}', { a: 1 }],
      [3, '{"a": 2}', { a: 2 }],
    ]);
    expect([...reader.take()]).toEqual([]);
  });
});

describe("CSV", () => {
  it.each([1, 4, 1000])("reads quoted commas, quotes and line breaks, in chunks of %i", (size) => {
    expect(csv('a,"b b"\r\n1,"x, ""y"""\r\n"2\r\n\r\n3",4\r\n5,6', size)).toEqual([
      [2, { a: "1", "b b": 'x, "y"' }],
      [3, { a: "2\n\n3", "b b": "4" }],
      [6, { a: "5", "b b": "6" }],
    ]);
  });

  it("has an object in the order of the header as canonical text", () => {
    const reader = new CsvReader("log.csv");
    feed(reader, 'b,a\n2,"1"', 100);
    expect([...reader.take()].map(({ raw }) => raw)).toEqual(['{"b":"2","a":"1"}']);
  });

  it("passes over blank lines and blank rows", () => {
    expect(csv("a,b\n\n \n1,2\n,\n , \n,2\n")).toEqual([
      [4, { a: "1", b: "2" }],
      [7, { a: "", b: "2" }],
    ]);
  });

  it.each([
    ["a,b", ","],
    ["a;b", ";"],
    ["a\tb", "\t"],
    ['"a,b,c";d', ";"],
    ["a b", null],
  ])("finds the delimiter of %j", (header, delimiter) => {
    expect(detectDelimiter(header)).toBe(delimiter);
  });

  it("reads other delimiters", () => {
    expect(csv('a;b\n1,5;"2;3"')).toEqual([[2, { a: "1,5", b: "2;3" }]]);
    expect(csv("a\tb\n1\t2")).toEqual([[2, { a: "1", b: "2" }]]);
  });

  it("rejects ragged rows and misplaced quotes, and no others", () => {
    expect(csv('a,b\n1\n1,2,3\n"1"x,2\n1,5" disk\n"1",2\n3,4')).toEqual([
      [2, "has 1 fields where the header has 2"],
      [3, "has 3 fields where the header has 2"],
      [4, "is not valid CSV: a quotation mark is out of place"],
      [5, "is not valid CSV: a quotation mark is out of place"],
      [6, { a: "1", b: "2" }],
      [7, { a: "3", b: "4" }],
    ]);
  });

  it("goes on after a quote that is never closed", () => {
    expect(csv('a,b\n"1,2\n3,4\n"5",6')).toEqual([
      [2, "is not valid CSV: a quotation mark is out of place"],
      [3, { a: "3", b: "4" }],
      [4, { a: "5", b: "6" }],
    ]);
    expect(csv('a,b\n1,"2\n3,4\n5,6')).toEqual([
      [2, "opens a quotation mark that is never closed"],
      [3, { a: "3", b: "4" }],
      [4, { a: "5", b: "6" }],
    ]);
  });

  it("rejects a row with invalid UTF-8, over all its lines", () => {
    const bytes = Buffer.from('a,b\n1,"x\n\xff\ny"\n3,\xff\n5,6', "latin1");
    expect(csv(bytes)).toEqual([
      [2, "is not valid UTF-8 text"],
      [5, "is not valid UTF-8 text"],
      [6, { a: "5", b: "6" }],
    ]);
  });

  it.each([
    ["a,b,a\n", 'The header line of log.csv has two columns named "a".'],
    ['a,"b\n1,2', "The header line of log.csv opens a quotation mark that is never closed."],
    ['a,"b"x\n', "The header line of log.csv is not valid CSV: a quotation mark is out of place."],
  ])("refuses the header of %j", (content, message) => {
    expect(() => csv(content)).toThrow(message);
  });

  it("refuses a header that is not UTF-8", () => {
    expect(() => csv(Buffer.from("a,\xff\n", "latin1"))).toThrow(
      "The header line of log.csv is not valid UTF-8 text.",
    );
  });
});
