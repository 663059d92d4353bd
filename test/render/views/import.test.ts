import { describe, expect, it } from "vitest";
import { createStyle } from "../../../src/render/style.js";
import { type ImportView, importText, rejectNotes } from "../../../src/render/views/import.js";

type Log = ImportView["logs"][number];

const COUNTS: ImportView["total"] = {
  records: 12_345,
  inserted: 12_000,
  duplicate: 300,
  conflict: 5,
  rejected: 40,
  skipped: 0,
  unpriced: 7,
  input: 22_361_870n,
  output: 4_088_665n,
  images: 12n,
  cost: 96_791_325_000n,
  assumed: 1_250_000_000n,
};

function log(more: Partial<Log> = {}): Log {
  return {
    file: "a.jsonl",
    number: 1,
    counts: COUNTS,
    unknownUsers: new Map(),
    rejects: [],
    error: null,
    ...more,
  };
}

function reject(line: number, field: string | null = "images", reason = "is negative: -1") {
  return { file: "a.jsonl", line, field, reason };
}

function text(view: Partial<ImportView>, width: number | null, dryRun = false): string {
  const whole = { logs: [log()], total: COUNTS, interrupted: false, ...view };
  return importText(whole, { dryRun, width, style: createStyle({ color: false }) });
}

const THREE = [
  log({ file: "logs/2026-11-20/a-very-long-name-of-a-file-that-an-export-gave-it.jsonl.gz" }),
  log({ file: "gone.jsonl", error: { code: "failed", message: "There is no file gone.jsonl." } }),
  log({ file: "-", error: { code: "interrupted", message: "" } }),
];

describe("the summary", () => {
  it("of one file", () => {
    expect(text({}, 80)).toMatchInlineSnapshot(`
      "Records read   12,345
      Inserted       12,000
      Duplicates     300
      Conflicts      5
      Rejected       40
      Input tokens   22,361,870
      Output tokens  4,088,665
      Images         12
      Cost           $96.79
      Unpriced       7 records, assumed to cost $1.25
      "
    `);
  });

  it("of a dry run that was interrupted", () => {
    expect(text({ interrupted: true }, 80, true).split("\n").slice(0, 2)).toEqual([
      "Records read       12,345, then interrupted",
      "Would be inserted  12,000",
    ]);
  });

  it("says what was skipped only where something was", () => {
    expect(text({}, 80)).not.toContain("Skipped");
    expect(text({ total: { ...COUNTS, skipped: 9 } }, 80)).toContain("Skipped        9\n");
  });

  it.each([80, 120])("of several files at %i columns", async (width) => {
    const shown = text({ logs: THREE }, width);
    await expect(shown).toMatchFileSnapshot(`../golden/import-files-${width}.txt`);
    for (const line of shown.split("\n")) expect(line.length).toBeLessThanOrEqual(width);
  });
});

describe("the notes on rejects", () => {
  const notes = (logs: Log[], rejected = 1) =>
    rejectNotes({ logs, total: { ...COUNTS, conflict: 0, rejected }, interrupted: false });

  it("are none where all went well", () => {
    expect(notes([log()], 0)).toEqual([]);
  });

  it("show the first five over all files", () => {
    const many = [1, 2, 3].map((line) => reject(line));
    expect(
      notes([log({ rejects: many }), log({ rejects: [reject(9, null, "is cut off"), ...many] })], 1234),
    ).toEqual([
      "1,234 records could not be counted; the first 5:",
      "  a.jsonl:1: images is negative: -1",
      "  a.jsonl:2: images is negative: -1",
      "  a.jsonl:3: images is negative: -1",
      "  a.jsonl:9: the record is cut off",
      "  a.jsonl:1: images is negative: -1",
    ]);
  });

  it("name each unknown user once, those with most records first, ten of them", () => {
    const names = Array.from({ length: 12 }, (_, index) => [`u${index}`, 1] as const);
    const unknownUsers = new Map<string, number>([...names, ["bob", 4]]);
    const said = notes([log({ unknownUsers }), log({ unknownUsers: new Map([["u7", 8]]) })])[1];
    expect(said).toMatch(/^Unknown users: u7 \(9 records\), bob \(4 records\), u0 \(1 record\), /);
    expect(said).toMatch(/u8 \(1 record\), and 3 more$/);
  });
});
