import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readLog } from "./fixtures.js";

const KEY_HASH = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b";

describe("LiteLLM's spend logs", () => {
  // Worked out by hand from litellm.jsonl: prompt_tokens less what usage_object says was cached; spend in nanos.
  it("are sorted into disjoint buckets", async () => {
    const { format, usage, rejects } = await readLog("litellm.jsonl");
    expect(format).toBe("litellm");
    expect(usage).toEqual([
      ["chatcmpl-AAA1", 400, 600, 0, 300, 120, 0, 4_750_000],
      ["msg_01BBB", 100, 3400, 1500, 50, 0, 0, 8_100_000],
      // From LiteLLM's own cache: that really cost nothing.
      ["chatcmpl-AAA1_cache_hit1795168801.25", 1000, 0, 0, 300, 0, 0, 0],
      ["5b8a3c1e-7f42-4d0a-9c55-0e6b7a2f1d90", 0, 0, 0, 0, 0, 1, 40_000_000],
      ["0f9d3c1e-7f42-4d0a-9c55-0e6b7a2f1d91", 0, 0, 0, 0, 0, 0, 0],
      // 20 + 10 + 100 of reasoning beside the output are the total of 130.
      ["chatcmpl-AAA3", 20, 0, 0, 110, 100, 0, null],
    ]);
    expect(rejects).toEqual([
      [6, "prompt_tokens", "is 31, but includes 1253 cached tokens"],
      [8, "total_tokens", "is 31, but input and output add up to 30"],
    ]);
  });

  it("name the end user, else the user, else the hash of the key", async () => {
    const { calls } = await readLog("litellm.jsonl");
    expect(calls).toEqual([
      ["chatcmpl-AAA1", "ada@example.com", "openai", "gpt-4o", "ok", "chatcmpl-AAA1"],
      ["msg_01BBB", "grace", "anthropic", "claude-sonnet-4-5", "ok", "msg_01BBB"],
      // Not the provider's ids: the one belongs to the call that filled the cache, the others are LiteLLM's own.
      ["chatcmpl-AAA1_cache_hit1795168801.25", "ada@example.com", "openai", "gpt-4o", "ok", null],
      ["5b8a3c1e-7f42-4d0a-9c55-0e6b7a2f1d90", KEY_HASH, "openai", "dall-e-3", "ok", null],
      ["0f9d3c1e-7f42-4d0a-9c55-0e6b7a2f1d91", "ada@example.com", "", "gpt-4o", "failure", null],
      ["chatcmpl-AAA3", "ada@example.com", "x-ai", "grok-4", "ok", "chatcmpl-AAA3"],
    ]);
  });

  it("may be CSV, with metadata as JSON or as Python prints it", async () => {
    const { usage, calls, entries, rejects } = await readLog("litellm.csv");
    expect(usage).toEqual([
      ["chatcmpl-CCC1", 36, 64, 0, 20, 0, 0, 50_000],
      ["chatcmpl-CCC2", 60, 40, 0, 20, 0, 0, 400_000],
    ]);
    // A key that was not hashed is never told; LiteLLM would have hashed it like this.
    expect(calls[0]?.[1]).toBe(createHash("sha256").update("sk-not-hashed").digest("hex"));
    expect(entries[0]?.draft.occurredAt).toBe(Date.UTC(2026, 10, 20, 11, 0, 2, 456));
    expect(rejects).toEqual([[4, "metadata", "is not an object"]]);
  });

  it("may come from the API, in pages", async () => {
    const { format, usage } = await readLog("litellm-api.json");
    expect(format).toBe("litellm");
    expect(usage).toEqual([["chatcmpl-DDD1", 8, 0, 0, 0, 0, 0, 160]]);
  });
});
