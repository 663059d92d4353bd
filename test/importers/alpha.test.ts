import { describe, expect, it } from "vitest";
import { alpha } from "../../src/importers/alpha.js";
import type { Fields } from "../../src/importers/importer.js";

const context = { now: Date.UTC(2026, 10, 22) };
const read = (fields: Fields) => alpha.read({ timestamp: "2026-11-01T10:00:00Z", ...fields }, context);

describe("the native format", () => {
  it("reads every field", () => {
    expect(
      read({
        id: "r1",
        source: "litellm",
        provider_id: "chatcmpl-1",
        user: "ada@example.com",
        provider: " Gemini ",
        model: "gemini-2.5-pro",
        feature: "blog_writer",
        input_tokens: 1,
        cached_input_tokens: "2",
        cache_write_tokens: 3,
        output_tokens: 10,
        reasoning_tokens: 10,
        images: 4,
        cost_usd: "0.25",
        status: "timeout",
        something_else: true,
      }),
    ).toEqual({
      kind: "draft",
      id: "r1",
      source: "litellm",
      providerId: "chatcmpl-1",
      user: "ada@example.com",
      provider: "google",
      model: "gemini-2.5-pro",
      feature: "blog_writer",
      occurredAt: Date.UTC(2026, 10, 1, 10),
      input: 1,
      cacheRead: 2,
      cacheWrite: 3,
      output: 10,
      reasoning: 10,
      images: 4,
      cost: 250_000_000,
      status: "timeout",
    });
  });

  it("takes what is absent or blank as not stated", () => {
    expect(read({ output_tokens: 5, id: "", user: " ", status: "", cost_usd: "" })).toMatchObject({
      id: null,
      source: null,
      user: null,
      providerId: null,
      provider: "",
      input: 0,
      output: 5,
      cost: null,
      status: "ok",
    });
  });

  it("takes a stated cost of 0 with usage as absent, without usage as 0", () => {
    expect(read({ output_tokens: 5, cost_usd: 0 })).toMatchObject({ cost: null });
    expect(read({ images: 1, cost_usd: "0.00" })).toMatchObject({ cost: null });
    expect(read({ output_tokens: 0, cost_usd: 0 })).toMatchObject({ cost: 0 });
    expect(read({ cost_usd: 0.5 })).toMatchObject({ cost: 500_000_000, input: 0 });
  });

  it.each<[Fields, string | null, string]>([
    [{ timestamp: "" }, "timestamp", "is missing"],
    [{}, null, "states no usage: no tokens, no images and no cost"],
    [{ input_tokens: "", model: "m" }, null, "states no usage: no tokens, no images and no cost"],
    [{ input_tokens: -3 }, "input_tokens", "is negative: -3"],
    [
      { output_tokens: 5, reasoning_tokens: 6 },
      "reasoning_tokens",
      "is 6, but it is a part of output_tokens, which is 5",
    ],
    [
      { input_tokens: Number.MAX_SAFE_INTEGER, output_tokens: 1 },
      null,
      "its tokens add up to more than can be counted exactly",
    ],
    [{ input_tokens: 1, model: ["m"] }, "model", 'is not text: ["m"]'],
  ])("rejects %j", (fields, field, reason) => {
    expect(read(fields)).toEqual({ kind: "rejection", field, reason });
  });

  it("counts a failed call that used nothing", () => {
    expect(read({ input_tokens: 0, output_tokens: 0, status: "500" })).toMatchObject({
      kind: "draft",
      status: "500",
    });
  });

  it("is recognised by a timestamp and a usage field", () => {
    expect(alpha.detect({ timestamp: "", images: "" })).toBe(true);
    expect(alpha.detect({ timestamp: "", prompt_tokens: 1 })).toBe(false);
    expect(alpha.detect({ input_tokens: 1 })).toBe(false);
  });
});
