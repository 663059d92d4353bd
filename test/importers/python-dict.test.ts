import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePythonDict } from "../../src/importers/python-dict.js";

describe("a dict as Python prints it", () => {
  it.each<[string, unknown]>([
    ["{}", {}],
    [
      "{'a': None, 'b': True, 'c': False, 'd': [1, -2.5, 1e-07]}",
      { a: null, b: true, c: false, d: [1, -2.5, 1e-7] },
    ],
    [
      `{'a': "it's", "b": 'say "no"', 'c': 'both \\' and "'}`,
      { a: "it's", b: 'say "no"', c: "both ' and \"" },
    ],
    ["{'a': 'x\\n\\t\\\\\\xe9\\u20ac\\U0001f600'}", { a: "x\n\t\\é€😀" }],
    ["{'a': 'None, True: {'}", { a: "None, True: {" }],
    ["{'a': 1", null],
    ["{'a': 'b}", null],
    ["{'a': datetime.datetime(2026, 11, 20)}", null],
    ["{'a': (1, 2)}", null],
    ["{'a': nan}", null],
    ["[1]", null],
    ["", null],
  ])("%s", (text, value) => {
    expect(parsePythonDict(text)).toEqual(value);
  });

  it("reads whatever Python would print", () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, false),
        fc.integer(),
        fc.string({ unit: "binary" }),
        fc.array(tie("any")),
        fc.dictionary(fc.string(), tie("any")),
      ),
    })).any;
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), (dict) => {
        expect(parsePythonDict(repr(dict))).toEqual(JSON.parse(JSON.stringify(dict)));
      }),
    );
  });
});

function repr(value: unknown): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (typeof value !== "object") return String(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${quoted(key)}: ${repr(item)}`)
    .join(", ")}}`;
}

/** Python takes double quotes where that saves escaping. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return `${quote}${text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`).replaceAll("\n", "\\n")}${quote}`;
}
