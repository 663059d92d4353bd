import { describe, expect, it } from "vitest";
import { createStyle } from "../../../src/render/style.js";
import { type ImportView, importText, overlapNotes, rejectNotes } from "../../../src/render/views/import.js";

type Log = ImportView["logs"][number];

const COUNTS: ImportView["total"] = {
  records: 12_345,
  inserted: 12_000,
  superseded: 0,
  duplicate: 300,
  conflict: 5,
  rejected: 40,
  skipped: 0,
  skippedBy: new Map(),
  unpriced: 7,
  input: 22_361_870n,
  output: 4_088_665n,
  images: 12n,
  cost: 96_791_325_000n,
  assumed: 1_250_000_000n,
};

const NOTHING_ELSE = { addedUsers: [], overlaps: [], interrupted: false };

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
  const whole = { ...NOTHING_ELSE, logs: [log()], total: COUNTS, ...view };
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
    const skippedBy = new Map([
      ["is an aggregate", 7],
      ["is a side-chain replay", 1_002],
    ]);
    expect(text({ total: { ...COUNTS, skipped: 1_009, skippedBy } }, 80)).toContain(
      "Skipped        1,009: is an aggregate (7), is a side-chain replay (1,002)\n",
    );
  });

  it.each([80, 120])("of several files at %i columns", async (width) => {
    const shown = text({ logs: THREE }, width);
    await expect(shown).toMatchFileSnapshot(`../golden/import-files-${width}.txt`);
    for (const line of shown.split("\n")) expect(line.length).toBeLessThanOrEqual(width);
  });
});

describe("the summary of a hundred files", () => {
  const good = { ...COUNTS, conflict: 0, rejected: 0 };
  const files = Array.from({ length: 100 }, (_, index) => log({ file: `${index}.jsonl`, counts: good }));

  it("has lines only for those of which there is something to say", () => {
    const bad = [
      log({ file: "bad.jsonl", counts: { ...good, rejected: 3 } }),
      log({ file: "clash.jsonl", counts: { ...good, conflict: 1 } }),
      log({ file: "gone.jsonl", error: { code: "failed", message: "" } }),
    ];
    const lines = text({ logs: [...files, ...bad] }, 80).split("\n");
    expect(lines.slice(0, 6).map((line) => line.split(/ +/)[0])).toEqual([
      "FILE",
      "bad.jsonl",
      "clash.jsonl",
      "gone.jsonl",
      "",
      "Files",
    ]);
    expect(lines[5]).toBe("Files          103, of which 3 had something wrong");
  });

  it("is the total alone where all went well", () => {
    expect(text({ logs: files }, 80).split("\n").slice(0, 2)).toEqual([
      "Files          100",
      "Records read   12,345",
    ]);
  });
});

it("the summary names whom the import onboarded, ten of them", () => {
  const addedUsers = Array.from({ length: 12 }, (_, index) => ({ name: `u${index}`, tier: "free" }));
  const names = "u0, u1, u2, u3, u4, u5, u6, u7, u8, u9, and 2 more";
  expect(text({ addedUsers }, null)).toContain(`Users added    12 on free: ${names}\n`);
  expect(text({ addedUsers }, null, true)).toContain(`Users to add       12 on free: ${names}\n`);
});

it("the summary counts what was superseded only where something was", () => {
  expect(text({}, 80)).not.toContain("Superseded");
  expect(text({ total: { ...COUNTS, superseded: 4 } }, 80)).toContain("Superseded     4\n");
});

it("the summary says what superseding made of the assumed cost, also where no more records are unpriced", () => {
  const total = { ...COUNTS, superseded: 4, unpriced: 0 };
  expect(text({ total: { ...total, assumed: 24_900_000n } }, 80)).toContain(
    "Unpriced       no more records, but $0.02 more assumed\n",
  );
  expect(text({ total: { ...total, assumed: -24_900_000n } }, 80)).toContain(
    "Unpriced       no more records, but $0.02 less assumed\n",
  );
  expect(text({ total: { ...total, unpriced: -2, assumed: -24_900_000n } }, 80)).toContain(
    "Unpriced       2 records fewer, $0.02 less assumed\n",
  );
  expect(text({ total: { ...total, assumed: 0n } }, 80)).toContain("Unpriced       0\n");
});

describe("the notes on calls that two sources have in the same hours", () => {
  const overlap = (user: string, ...sources: string[]) => ({ user, hours: 1, calls: 2, sources });
  const notes = (overlaps: ImportView["overlaps"], logs = [log()]) =>
    overlapNotes({ ...NOTHING_ELSE, logs, total: COUNTS, overlaps });

  it("are none where there are none", () => {
    expect(notes([])).toEqual([]);
  });

  it("name the first, count the others, and say what can be done", () => {
    expect(notes([overlap("ada@example.com", "litellm", "live")])).toEqual([
      "ada@example.com has calls from litellm logs and live metering in the same hours: these may be the same calls, counted twice.",
      "Take the import back with alpha usage undo-import 1; calls count once where both sources state the provider's id of the response.",
    ]);
    const several = [
      overlap("ada", "alpha", "live"),
      overlap("bob", "alpha", "log"),
      overlap("ada", "alpha"),
    ];
    const [head, hint] = notes(several, [log(), log({ number: 2 })]);
    expect(head).toMatch(
      /^ada and 1 other have calls from alpha logs, live metering and another log in the same hours: /,
    );
    expect(hint).toMatch(/^Take the import back with alpha usage undo-import; /);
  });
});

describe("the notes on rejects", () => {
  const notes = (logs: Log[], rejected = 1) =>
    rejectNotes({ ...NOTHING_ELSE, logs, total: { ...COUNTS, conflict: 0, rejected } });

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
