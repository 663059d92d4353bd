import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import stringWidth from "fast-string-width";
import { describe, expect, it } from "vitest";
import { type Field, renderFields } from "../../src/render/fields.js";
import { createStyle } from "../../src/render/style.js";

const plain = createStyle({ color: false });
const colored = createStyle({ color: true });
const fields: Field[] = [
  ["user", "ada@example.com"],
  ["daily tokens", "1,234 of 5,000", (text, style) => style.ok(text)],
  ["reason", "runs the study\nthat ends in May"],
  ["persona", ""],
];

describe("renderFields", () => {
  it("aligns the values and wraps them under themselves", () => {
    expect(renderFields(fields, { style: plain, width: 32 })).toBe(
      [
        "user          ada@example.com",
        "daily tokens  1,234 of 5,000",
        "reason        runs the",
        "              study\\nthat ends",
        "              in May",
        "persona",
        "",
      ].join("\n"),
    );
  });

  it("puts values under their labels where there is no room beside them", () => {
    expect(renderFields(fields.slice(0, 2), { style: plain, width: 20 })).toBe(
      "user\n  ada@example.com\ndaily tokens\n  1,234 of 5,000\n",
    );
  });

  it("prints one line for each field off a terminal", () => {
    expect(renderFields(fields, { style: plain, width: null }).split("\n")).toHaveLength(fields.length + 1);
  });

  it("never exceeds the width, and colour changes colour only", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 60 }),
      fc.string({ unit: "binary", maxLength: 60 }),
    );
    const field = fc.tuple(
      text,
      text,
      fc.constant<NonNullable<Field[2]>>((value, style) => style.bad(value)),
    );
    fc.assert(
      fc.property(fc.array(field, { maxLength: 5 }), fc.integer({ min: 20, max: 200 }), (pairs, width) => {
        const printed = renderFields(pairs, { style: plain, width });
        for (const line of printed.split("\n")) expect(stringWidth(line)).toBeLessThanOrEqual(width);
        expect(stripVTControlCharacters(renderFields(pairs, { style: colored, width }))).toBe(printed);
      }),
    );
  });
});
