import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { totalTokens } from "../../src/domain/usage.js";
import { RecordFields } from "../../src/importers/record-fields.js";
import { disjointTokens, type StatedTokens } from "../../src/importers/token-sums.js";

const HABIT = { parts: "inside", input: "in", output: "out", total: "sum" } as const;

function sort(stated: Partial<StatedTokens>, parts: "inside" | "beside" = "inside") {
  const fields = new RecordFields({});
  const none = { input: null, cacheRead: null, cacheWrite: null, output: null, reasoning: null, total: null };
  const tokens = disjointTokens(fields, { ...none, ...stated }, { ...HABIT, parts });
  const { field, reason } = fields.problem ?? {};
  return fields.problem ? [field, reason] : tokens;
}

describe("disjoint tokens", () => {
  // OpenAI's way: 100 in, of which 60 cached; 30 out, of which 10 reasoning.
  const whole = { input: 40, cacheRead: 50, cacheWrite: 10, output: 30, reasoning: 10 };

  it.each([
    { name: "both inside", input: 100, output: 30 },
    { name: "cached beside, as Anthropic has it", input: 40, output: 30 },
    { name: "reasoning beside, as Gemini has it", input: 100, output: 20 },
    { name: "both beside, as Langfuse has it", input: 40, output: 20 },
  ])("are found by the total: $name", ({ input, output }) => {
    const stated = { input, output, cacheRead: 50, cacheWrite: 10, reasoning: 10, total: 130 };
    expect(sort(stated)).toEqual(whole);
    expect(sort(stated, "beside")).toEqual(whole);
  });

  it("have the reasoning beside the output, as xAI does, where as many were cached", () => {
    const stated = { input: 1000, cacheRead: 500, output: 700, reasoning: 500, total: 2200 };
    const found = { input: 500, cacheRead: 500, cacheWrite: 0, output: 1200, reasoning: 500 };
    expect(sort(stated)).toEqual(found);
    expect(sort(stated, "beside")).toEqual(found);
    // Here no reasoning can be beside: of 400 in, 500 were not cached.
    expect(sort({ ...stated, input: 400, total: 1600 })).toEqual({ ...found, input: 400, output: 700 });
  });

  it("are found by the format's habit where there is no total", () => {
    const stated = { cacheRead: 50, cacheWrite: 10, reasoning: 10 };
    expect(sort({ ...stated, input: 100, output: 30 })).toEqual(whole);
    expect(sort({ ...stated, input: 40, output: 20, total: 0 }, "beside")).toEqual(whole);
  });

  it.each<[Partial<StatedTokens>, string, string]>([
    [{ input: 1, output: 2, total: 4 }, "sum", "is 4, but input and output add up to 3"],
    [{ total: 4 }, "sum", "is 4, but input and output add up to 0"],
    [{ input: 5, cacheRead: 6 }, "in", "is 5, but includes 6 cached tokens"],
    [{ output: 5, reasoning: 6 }, "out", "is 5, but includes 6 reasoning tokens"],
  ])("that cannot be are rejected: %j", (stated, field, reason) => {
    expect(sort(stated)).toEqual([field, reason]);
  });

  it("always add up to the total, however the log overlaps", () => {
    const count = fc.integer({ min: 0, max: 1000 });
    const counts = fc.record({
      input: count,
      cacheRead: count,
      cacheWrite: count,
      text: count,
      reasoning: count,
    });
    fc.assert(
      fc.property(
        counts,
        fc.boolean(),
        fc.boolean(),
        ({ input, cacheRead, cacheWrite, text, reasoning }, into, out) => {
          const total = input + cacheRead + cacheWrite + text + reasoning;
          const found = sort({
            input: into ? input + cacheRead + cacheWrite : input,
            cacheRead,
            cacheWrite,
            output: out ? text + reasoning : text,
            reasoning,
            total,
          });
          // Where two ways add up to the same, a bucket may be the other's; never their sum.
          expect(Array.isArray(found) ? found : totalTokens(found)).toBe(total);
        },
      ),
    );
  });
});
