import fc from "fast-check";
import stringWidth from "fast-string-width";
import { describe, expect, it } from "vitest";
import { sanitize } from "../../src/render/sanitize.js";
import { bar, count, list, percent, plural, wrap } from "../../src/render/text.js";
import { displayWidth, shorten, splitAtWidth } from "../../src/render/width.js";

const anyText = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }));

describe("words and numbers", () => {
  it("separates thousands", () => {
    expect([0, 999, 1_000, 1_234_567, -1_000, 12n ** 15n].map(count)).toEqual([
      "0",
      "999",
      "1,000",
      "1,234,567",
      "-1,000",
      "15,407,021,574,586,368",
    ]);
    fc.assert(
      fc.property(fc.maxSafeInteger(), (n) => {
        expect(count(n)).toBe(n.toLocaleString("en-US"));
      }),
    );
  });

  it("agrees the noun with its number", () => {
    expect(plural(1, "event")).toBe("1 event");
    expect(plural(1n, "event")).toBe("1 event");
    expect(plural(0, "event")).toBe("0 events");
    expect(plural(1_200, "entry", "entries")).toBe("1,200 entries");
  });

  it.each([
    [null, "-"],
    [0, "0%"],
    [-0, "0%"],
    [0.004, "<1%"],
    [-0.004, ">-1%"],
    [0.29, "29%"],
    [0.9999, "99%"],
    [1, "100%"],
    [12.5, "1,250%"],
    [-0.125, "-12%"],
  ])("writes the ratio %s as %s", (ratio, written) => {
    expect(percent(ratio)).toBe(written);
  });

  it.each([
    [0, "░░░░░"],
    [0.001, "█░░░░"],
    [0.5, "███░░"],
    [0.999, "████░"],
    [1, "█████"],
    [7, "█████"],
    [-1, "░░░░░"],
    [null, "     "],
  ])("fills a bar to %s as %s", (ratio, drawn) => {
    expect(bar(ratio, 5)).toBe(drawn);
  });

  it("draws a bar in ASCII", () => {
    expect(bar(0.4, 5, false)).toBe("##...");
  });

  it("lists as a sentence does", () => {
    expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map((items) => list(items))).toEqual([
      "",
      "a",
      "a and b",
      "a, b and c",
    ]);
    expect(list(["a", "b"], "or")).toBe("a or b");
  });
});

describe("wrap", () => {
  it("breaks between words, and inside a word only when it must", () => {
    expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
    expect(wrap("a abcdefghij k", 4)).toEqual(["a", "abcd", "efgh", "ij k"]);
    expect(wrap("one\n\ntwo", 20)).toEqual(["one", "", "two"]);
    expect(wrap("試験者です", 4)).toEqual(["試験", "者で", "す"]);
  });

  it("keeps to the width and loses nothing but spaces", () => {
    fc.assert(
      fc.property(
        anyText.map((text) => sanitize(text)),
        fc.integer({ min: 2, max: 40 }),
        (text, width) => {
          const lines = wrap(text, width);
          for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
          expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
        },
      ),
    );
  });
});

describe("width", () => {
  it("is what fast-string-width says, by the short way too", () => {
    fc.assert(
      fc.property(
        anyText.map((text) => sanitize(text)),
        (text) => {
          expect(displayWidth(text)).toBe(stringWidth(text));
        },
      ),
      { numRuns: 500 },
    );
    for (let code = 0x20; code < 0x1_0000; code += 1) {
      const text = sanitize(String.fromCharCode(code));
      if (displayWidth(text) !== stringWidth(text)) expect.fail(`U+${code.toString(16)} has another width`);
    }
  });

  it("cuts between characters and loses nothing", () => {
    fc.assert(
      fc.property(
        anyText.map((text) => sanitize(text)),
        fc.integer({ min: 0, max: 40 }),
        (text, width) => {
          const [head, tail] = splitAtWidth(text, width);
          expect(head + tail).toBe(text);
          expect(stringWidth(head)).toBeLessThanOrEqual(width);
          expect(stringWidth(shorten(text, width, "…"))).toBeLessThanOrEqual(width);
        },
      ),
    );
    expect(splitAtWidth("👩‍💻x", 1)).toEqual(["", "👩‍💻x"]);
    expect(shorten("claude-sonnet", 8, "…")).toBe("claude-…");
    expect(shorten("claude-sonnet", 8, "...")).toBe("claud...");
    expect(shorten("claude-sonnet", 2, "...")).toBe("..");
  });
});

describe("sanitize", () => {
  it.each([
    ["\u001b[2J", "\\u001b[2J"],
    ["a\nb\r\tc", "a\\nb\\r\\tc"],
    ["\u009b31m\u007f", "\\u009b31m\\u007f"],
    ["ada\u202egro.elpmaxe", "ada\\u202egro.elpmaxe"],
    ["\u2066x\u2069\u200b\ufeff\u2028", "\\u2066x\\u2069\\u200b\\ufeff\\u2028"],
    ["\u{e0041}", "\\u{e0041}"],
    ["\ud800", "\\ud800"],
    ["naïve 試験 👩‍💻", "naïve 試験 👩‍💻"],
  ])("shows %j as %s", (raw, shown) => {
    expect(sanitize(raw)).toBe(shown);
  });

  it("leaves nothing that steers a terminal, and changes nothing twice", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const shown = sanitize(text);
        expect(shown).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
        expect(sanitize(shown)).toBe(shown);
      }),
    );
  });

  it("keeps what it is told to keep", () => {
    expect(sanitize("a\nb\u001b", "\n")).toBe("a\nb\\u001b");
  });
});
