import { describe, expect, it } from "vitest";
import { aiSdk } from "../../src/importers/ai-sdk.js";
import type { Fields, UsageDraft } from "../../src/importers/importer.js";
import { isObject } from "../../src/importers/record-fields.js";
import { at, readFixture, tokensOf } from "./fixture.js";
import { countAt, expectSoundDrafts } from "./mutations.js";

describe("ai-sdk", async () => {
  const { format, drafts, rejects } = await readFixture("ai-sdk.jsonl");

  it("is told from the records", () => {
    expect(format).toBe("ai-sdk");
  });

  it("reads the usage of version 6, whose parts of the input add up to it", () => {
    expect(drafts["call-1"]).toEqual({
      kind: "draft",
      source: null,
      id: "call-1",
      providerId: null,
      user: "ada@example.com",
      occurredAt: at(9),
      provider: "openai",
      model: "gpt-5",
      feature: "blog_writer",
      input: 300,
      cacheRead: 600,
      cacheWrite: 100,
      output: 200,
      reasoning: 50,
      images: 0,
      cost: null,
      status: "ok",
    });
  });

  it("reads the usage of all steps, and the id and time of the response", () => {
    // 30 in, 4 of them cached; 30 + 8 + 12 = 50, so the reasoning is not in the 8.
    expect(tokensOf(drafts["resp-2"])).toEqual([26, 4, 0, 20, 12]);
    expect(drafts["resp-2"]).toMatchObject({
      providerId: "resp-2",
      provider: "google",
      model: "gemini-2.5-flash",
      occurredAt: at(10),
    });
  });

  it("reads the usage of version 5, whose input excludes what was cached for Anthropic's models", () => {
    expect(tokensOf(drafts["call-3"])).toEqual([12, 4000, 300, 150, 0]);
    expect(drafts["call-3"]).toMatchObject({ provider: "anthropic", user: "cora" });
    expect(tokensOf(drafts["call-4"])).toEqual([3, 50, 0, 4, 0]);
    expect(drafts["call-4"]).toMatchObject({ provider: "anthropic", model: "claude-haiku-4-5" });
  });

  it("reads the usage of version 4, a failed call, and images", () => {
    expect(drafts["call-5"]).toMatchObject({ provider: "aws", input: 9, output: 1, status: "error" });
    expect(drafts["call-6"]).toMatchObject({ images: 3, input: 20, output: 3000 });
  });

  it("rejects what contradicts itself or says too little", () => {
    expect(rejects).toEqual([
      [7, "usage.totalTokens", "is 9, but input and output add up to 6"],
      [8, "usage.inputTokens", "is 5, of which 4 without the cached, but noCacheTokens is 1"],
      [9, "usage.inputTokens", "is 5, but includes 6 cached tokens"],
      [10, "usage.inputTokens", "is missing"],
      [11, "timestamp", "is missing"],
    ]);
    expect(Object.keys(drafts)).toHaveLength(6);
  });
});

it("stays sound whatever becomes of a record", async () => {
  const { records } = await readFixture("ai-sdk.jsonl");
  expectSoundDrafts(aiSdk, records, (fields, draft) => {
    const usage = [fields.totalUsage, fields.usage].find(isObject) ?? fields;
    // A total of 0 is one that is not known.
    const total = countAt(usage, "totalTokens") || null;
    // Up to version 5 some totals leave the cached tokens out.
    const excludes = !isObject(usage.inputTokenDetails) && isAnthropics(fields, draft);
    return total === null || !excludes ? total : total + draft.cacheRead + draft.cacheWrite;
  });
});

it("knows Anthropic's models under a provider that the application has named itself", () => {
  const usage = { inputTokens: 12, outputTokens: 150, totalTokens: 162, cachedInputTokens: 40 };
  const call = { timestamp: "2026-11-18T11:00:00Z", userId: "cora", model: "claude-sonnet-4-5", usage };
  const providerMetadata = { anthropic: { cacheCreationInputTokens: 300 } };
  const read = (fields: Fields) =>
    tokensOf(aiSdk.read(fields, { now: Date.UTC(2026, 10, 22) }) as UsageDraft);
  expect(read({ ...call, provider: "our-proxy", providerMetadata })).toEqual([12, 40, 300, 150, 0]);
});

function isAnthropics(fields: Fields, { provider, model }: UsageDraft): boolean {
  const { providerMetadata } = fields;
  if (isObject(providerMetadata) && isObject(providerMetadata.anthropic)) return true;
  return ["", "gateway"].includes(provider)
    ? model.includes("claude")
    : ["anthropic", "aws"].includes(provider);
}
