import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvLine, renderCsv } from "../../src/render/csv.js";
import { envelope, toJson } from "../../src/render/json.js";
import { escapeMarkdown, renderMarkdown } from "../../src/render/markdown.js";
import { render, toRecords } from "../../src/render/render.js";
import { createStyle } from "../../src/render/style.js";
import { renderTable } from "../../src/render/table.js";
import { sample } from "./sample.js";

describe("csv", () => {
  it("prints the sample", async () => {
    await expect(renderCsv(sample)).toMatchFileSnapshot("golden/table.csv.txt");
  });

  it("prints the header when there are no rows", () => {
    expect(renderCsv({ ...sample, rows: [] })).toBe(
      "user,tier,provider,feature,model,tokens,cost_usd,share\n",
    );
  });

  it("is read back as it was, but for characters that steer a terminal", () => {
    const cell = fc.string({
      unit: fc.constantFrom("a", '"', ",", "\n", "\t", " ", "=", "é", "試", ";", "'"),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
        const text = rows.map((row) => csvLine(row, { formulas: "keep" })).join("");
        expect(parse(text)).toEqual(rows);
      }),
    );
    expect(csvLine(["\u001b[2J", "a\r\nb"])).toBe('\\u001b[2J,"a\\r\nb"\n');
    expect(csvLine([""])).toBe('""\n');
  });

  it.each([
    ["=1+1", "'=1+1"],
    ["+49 30 1", "'+49 30 1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["-2+3", "'-2+3"],
    ["＝1", "'＝1"],
    ["\t=1", "'\t=1"],
    ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
    ["-", "'-"],
    ["-0.25", "-0.25"],
    [-3, "-3"],
    [-5n, "-5"],
    [0.1, "0.1"],
    [true, "true"],
    [null, ""],
    ["a=b", "a=b"],
  ])("writes the cell %s as %s", (value, written) => {
    expect(csvLine(["x", value])).toBe(`x,${written}\n`);
  });

  it("refuses a number that is none", () => {
    expect(() => csvLine([Number.NaN])).toThrow(TypeError);
  });
});

describe("markdown", () => {
  it("prints the sample", async () => {
    await expect(renderMarkdown(sample)).toMatchFileSnapshot("golden/table.md.txt");
  });

  it("says its sentence and its notes when there are no rows", () => {
    const printed = renderMarkdown({ ...sample, rows: [] });
    expect(printed).toBe("No usage in this month.\n\n1 event is not priced; see \\`alpha prices list\\`.\n");
  });

  it.each([
    ["a|b", "a\\|b"],
    ["a\\|b", "a\\\\\\|b"],
    ["one\ntwo\r\nthree", "one<br>two<br>three"],
    ["<img src=x>", "\\<img src=x\\>"],
    ["![x](y)", "!\\[x\\](y)"],
    ["*a* _b_ snake_case", "\\*a\\* \\_b\\_ snake_case"],
    ["&lt; R&D", "\\&lt; R&D"],
    ["\u001b", "\\\\u001b"],
  ])("escapes %j", (raw, escaped) => {
    expect(escapeMarkdown(raw)).toBe(escaped);
  });
});

describe("json", () => {
  it("prints the envelope", () => {
    expect(
      envelope("users", [{ id: "u1", tokens: 9_007_199_254_740_993n, at: undefined, note: "" }, {}], {
        at: null,
      }),
    ).toBe(
      `{
  "schema": 1,
  "kind": "users",
  "data": [
    {
      "id": "u1",
      "tokens": 9007199254740993,
      "note": ""
    },
    {}
  ],
  "meta": {
    "at": null
  }
}
`,
    );
  });

  it("has data and meta also when there is none", () => {
    expect(JSON.parse(envelope("users", []))).toEqual({ schema: 1, kind: "users", data: [], meta: {} });
  });

  it("is read back as it was, and printed as JSON.stringify does when nothing needs an escape", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(toJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(JSON.parse(toJson(value, 0))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(toJson(value)).toBe(JSON.stringify(value, null, 2));
        expect(toJson(value, 0)).toBe(JSON.stringify(value));
      }),
    );
  });

  it("escapes what would steer a terminal, and a parser undoes it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const json = toJson({ [`k${text}`]: text }, 0);
        expect(json).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
        expect(JSON.parse(json)).toEqual({ [`k${text}`]: text });
      }),
    );
    expect(toJson("\u009b\u{e0041}")).toBe('"\\u009b\\udb40\\udc41"');
  });

  it.each([
    [{ a: [Number.NaN] }, "$.a[0] is NaN"],
    [Number.POSITIVE_INFINITY, "$ is Infinity"],
    [{ at: new Date(0) }, "$.at is a Date"],
    [{ users: new Map() }, "$.users is a Map"],
    [[undefined], "$[0] is undefined"],
    [{ f: () => 1 }, "$.f is function"],
  ])("refuses what JSON would lose: case %#", (value, message) => {
    expect(() => toJson(value)).toThrow(TypeError);
    expect(() => toJson(value)).toThrow(message);
  });
});

describe("render", () => {
  it("prints a table in the format that is asked for", () => {
    const options = { width: 80, style: createStyle({ color: false }) };
    expect(render(sample, "table", options)).toBe(renderTable(sample, options));
    expect(render(sample, "csv", options)).toBe(renderCsv(sample));
    expect(render(sample, "markdown", options)).toBe(renderMarkdown(sample));
  });

  it("gives records of machine values without the totals", () => {
    const records = toRecords(sample);
    expect(records).toHaveLength(3);
    expect(records[1]).toEqual({
      user: "grace.brewster.murray@navy.example.org",
      tier: "explorer",
      provider: "openai",
      feature: "chat",
      model: "gpt_4o|mini",
      tokens: 980,
      cost_usd: "0.01",
      share: 1.2,
    });
  });
});
