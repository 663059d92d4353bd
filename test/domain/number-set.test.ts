import fc from "fast-check";
import { expect, test } from "vitest";
import { NumberSet } from "../../src/domain/number-set.js";

test("a set of numbers has what was added, and nothing else", () => {
  const numbers = fc.oneof(fc.nat(200), fc.integer({ min: 65_500, max: 65_600 }), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(numbers), fc.array(numbers), (added, others) => {
      const set = new NumberSet();
      for (const number of added) set.add(number);
      const expected = new Set(added);
      for (const number of [...added, ...others]) expect(set.has(number)).toBe(expected.has(number));
    }),
  );
});
