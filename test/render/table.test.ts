import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import stringWidth from "fast-string-width";
import { describe, expect, it } from "vitest";
import { createStyle } from "../../src/render/style.js";
import { type Column, renderTable, type Table } from "../../src/render/table.js";
import { sample } from "./sample.js";

const plain = createStyle({ color: false });
const colored = createStyle({ color: true });

const word = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom(
      "試",
      "験",
      "한",
      "👩‍💻",
      "🇩🇪",
      "é",
      "e\u0301",
      "\u001b[31m",
      "\n",
      "\u202e",
      "a",
      " ",
    ),
    maxLength: 25,
  }),
);
const column = fc.record({
  header: fc.string({ minLength: 1, maxLength: 12 }),
  right: fc.boolean(),
  priority: fc.integer({ min: 1, max: 4 }),
  truncate: fc.boolean(),
});
const anyTable = fc
  .tuple(fc.array(column, { minLength: 1, maxLength: 8 }), fc.boolean())
  .chain(([shapes, withFoot]) =>
    fc.record({
      shapes: fc.constant(shapes),
      withFoot: fc.constant(withFoot),
      rows: fc.array(fc.array(word, { minLength: shapes.length, maxLength: shapes.length }), {
        maxLength: 4,
      }),
      note: word,
    }),
  )
  .map(({ shapes, withFoot, rows, note }): Table<string[]> => {
    const columns = shapes.map(
      ({ header, right, priority, truncate }, index): Column<string[]> => ({
        key: `c${index}`,
        header,
        align: right ? "right" : "left",
        priority,
        truncate,
        text: (row) => row[index] ?? "",
        paint: (text, _row, style) => style.warn(text),
      }),
    );
    return {
      columns,
      rows,
      foot: withFoot ? rows.slice(0, 1) : [],
      empty: "Nothing here yet.",
      notes: [note],
    };
  });

describe("renderTable", () => {
  it.each([
    [80, plain, "table-80.txt"],
    [120, plain, "table-120.txt"],
    [80, colored, "table-80-color.txt"],
    [120, colored, "table-120-color.txt"],
    [20, plain, "table-20.txt"],
    [null, plain, "table-pipe.txt"],
    [80, createStyle({ color: false, unicode: false }), "table-80-ascii.txt"],
  ])("prints the sample at width %s as in %3$s", async (width, style, file) => {
    await expect(renderTable(sample, { width, style })).toMatchFileSnapshot(`golden/${file}`);
  });

  it("never exceeds the width and never lets a control character out", () => {
    fc.assert(
      fc.property(anyTable, fc.integer({ min: 20, max: 200 }), fc.boolean(), (table, width, color) => {
        const printed = stripVTControlCharacters(
          renderTable(table, { width, style: color ? colored : plain }),
        );
        expect(printed.endsWith("\n")).toBe(true);
        for (const line of printed.split("\n")) {
          expect(stringWidth(line)).toBeLessThanOrEqual(width);
          expect(line).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("differs with colour in colour only", () => {
    fc.assert(
      fc.property(anyTable, fc.integer({ min: 20, max: 200 }), (table, width) => {
        const withColor = renderTable(table, { width, style: colored });
        expect(stripVTControlCharacters(withColor)).toBe(renderTable(table, { width, style: plain }));
      }),
    );
  });

  it("drops the highest priority number first, and of equals the rightmost", () => {
    const columns = [1, 3, 2, 3].map((priority, index) => ({
      key: `c${index}`,
      header: `header-${index}`,
      priority,
      text: () => "x",
    }));
    const shown = (width: number) =>
      renderTable({ columns, rows: [{}], empty: "" }, { width, style: plain }).split("\n")[0];
    expect(shown(38)).toBe("header-0  header-1  header-2  header-3");
    expect(shown(37)).toBe("header-0  header-1  header-2");
    expect(shown(27)).toBe("header-0  header-2");
    expect(shown(17)).toBe("header-0");
  });

  it("keeps one column even where all may be dropped", () => {
    const columns = ["a", "b"].map((key) => ({ key, header: key.repeat(15), priority: 2, text: () => "x" }));
    const printed = renderTable({ columns, rows: [{}], empty: "" }, { width: 20, style: plain });
    expect(printed.split("\n").slice(0, 2)).toEqual(["a".repeat(15), "x"]);
  });

  it("shortens before it drops, and widest first", () => {
    const cell = (key: string, text: string, truncate: boolean) => ({
      key,
      header: key,
      truncate,
      priority: 2,
      text: () => text,
    });
    const columns = [
      cell("a", "a".repeat(30), true),
      cell("b", "b".repeat(12), true),
      cell("c", "c".repeat(10), false),
    ];
    const lines = renderTable({ columns, rows: [{}], empty: "" }, { width: 40, style: plain }).split("\n");
    expect(lines[1]).toBe(`${"a".repeat(13)}…  ${"b".repeat(12)}  ${"c".repeat(10)}`);
  });

  it("says its sentence and its notes when there are no rows", () => {
    const printed = renderTable({ ...sample, rows: [] }, { width: 80, style: plain });
    expect(printed).toBe("No usage in this month.\n\n1 event is not priced; see `alpha prices list`.\n");
  });

  it("shows every column in full off a terminal, whatever it holds", () => {
    const long = "m".repeat(500);
    const columns = [{ key: "m", header: "m", priority: 9, truncate: true, text: () => long }];
    expect(renderTable({ columns, rows: [{}], empty: "" }, { width: null, style: plain })).toBe(
      `m\n${long}\n`,
    );
  });
});
