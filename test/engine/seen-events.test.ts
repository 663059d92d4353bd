import fc from "fast-check";
import { expect, it } from "vitest";
import { NumberByText } from "../../src/engine/seen-events.js";

it("remembers as a map does", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.nat())), (pairs) => {
      const seen = new NumberByText();
      const map = new Map<string, number>();
      for (const [text, value] of pairs) {
        expect(seen.get(text)).toBe(map.get(text));
        seen.set(text, value);
        map.set(text, value);
      }
      for (const [text, value] of map) expect(seen.get(text)).toBe(value);
    }),
  );
});

it("keeps apart the many ids that differ in little", () => {
  const seen = new NumberByText();
  const known: string[] = [];
  for (let index = 0; index < 50_000; index += 1) {
    const text = `alpha\ne${index}`;
    if (seen.get(text) !== undefined) known.push(text);
    seen.set(text, index);
  }
  expect(known).toEqual([]);
  expect(seen.get("alpha\ne49999")).toBe(49_999);
});
