import { describe, expect, it } from "vitest";
import { openaiResponse } from "../../src/importers/openai-response.js";
import { isObject } from "../../src/importers/record-fields.js";
import { responseIn } from "../../src/importers/response-wrappers.js";
import { at, readFixture, tokensOf } from "./fixture.js";
import { countAt, expectSoundDrafts } from "./mutations.js";

describe("openai-response", async () => {
  const { format, drafts, rejects, skipped } = await readFixture("openai-response.jsonl");

  it("is told from the records", () => {
    expect(format).toBe("openai-response");
  });

  it("reads a chat completion: input includes what was cached, output the reasoning, both the audio", () => {
    // 1,000 in, of which 600 from the cache: 400.
    expect(drafts["chatcmpl-A1"]).toEqual({
      kind: "draft",
      source: null,
      id: "chatcmpl-A1",
      providerId: "chatcmpl-A1",
      user: "ada@example.com",
      occurredAt: at(9),
      provider: "openai",
      model: "gpt-4o-audio-preview-2024-12-17",
      feature: "",
      input: 400,
      cacheRead: 600,
      cacheWrite: 0,
      output: 300,
      reasoning: 120,
      images: 0,
      cost: null,
      status: "ok",
    });
  });

  it("reads a response: input includes what was read from and written to the cache; its end counts", () => {
    // 2,000 in, 500 read, 400 written: 1,100. Two calls of the image tool.
    expect(tokensOf(drafts.resp_A2)).toEqual([1100, 500, 400, 250, 64]);
    expect(drafts.resp_A2).toMatchObject({ user: "bob", occurredAt: at(10, 7000), images: 2, status: "ok" });
  });

  it("reads one with a log's fields around it", () => {
    expect(drafts["chatcmpl-A3"]).toMatchObject({
      user: "cora",
      feature: "blog_writer",
      provider: "azure",
      occurredAt: at(11),
    });
  });

  it("reads the last chunk of a stream and the event that ends one", () => {
    expect(tokensOf(drafts["chatcmpl-A4"])).toEqual([7, 0, 0, 2, 0]);
    expect(tokensOf(drafts.resp_A5)).toEqual([20, 0, 0, 4, 0]);
  });

  it("reads the usage of OpenRouter's streams, which comes after their end", () => {
    expect(drafts["gen-A14"]).toMatchObject({ provider: "openrouter", occurredAt: at(19) });
    // 1,697 in, of which 640 from the cache.
    expect(tokensOf(drafts["gen-A14"])).toEqual([1057, 640, 0, 52, 0]);
  });

  it("reads a batch's output, and embeddings and images", () => {
    expect(drafts["chatcmpl-A7"]).toMatchObject({ input: 100, output: 10, occurredAt: at(15) });
    expect(drafts["line 17"]).toMatchObject({ user: "dan", input: 8, output: 0, occurredAt: at(9, 500) });
    expect(drafts["line 18"]).toMatchObject({ model: "gpt-image-1", input: 50, output: 544, images: 2 });
  });

  it("adds the reasoning where a provider leaves it out of the output, as the total says", () => {
    // 32 + 9 + 100 = 141; 2 of the 32 from the cache.
    expect(tokensOf(drafts.A8)).toEqual([30, 2, 0, 109, 100]);
  });

  it("reads the cached tokens that DeepSeek states", () => {
    expect(tokensOf(drafts.A12)).toEqual([26, 64, 0, 1, 0]);
  });

  it("reads what OpenRouter charges, with what the provider charges for one's own key", () => {
    // $0.0005 + $0.0125; a free model costs nothing.
    expect(drafts["gen-A9"]).toMatchObject({ provider: "openrouter", cost: 13_000_000, images: 1 });
    expect(drafts["gen-A10"]).toMatchObject({ provider: "openrouter", cost: 0 });
  });

  it("counts failed calls with their status", () => {
    expect(drafts.resp_A6).toMatchObject({ status: "server_error", input: 0, output: 0, occurredAt: at(14) });
    expect(drafts.resp_A11).toMatchObject({ status: "incomplete", input: 30, output: 16 });
    expect(drafts["line 20"]).toMatchObject({ status: "429", model: "gpt-4o", user: "ada@example.com" });
  });

  it("passes over what is no finished response", () => {
    expect(skipped).toEqual([
      "is a chunk of a stream without usage",
      "is a chunk of a stream, and not its last",
      "is an event of a stream without usage",
      "is an event of a stream without usage",
      "was never made by its batch",
      "is not finished",
      "is a chunk of a stream without usage",
      "is a chunk of a stream without usage",
    ]);
  });

  it("rejects what contradicts itself or says too little", () => {
    const how = "say it with --format openai-response, and --map timestamp=FIELD or --set timestamp=TIME";
    expect(rejects).toEqual([
      [22, "usage.prompt_tokens", "is 5, but includes 6 cached tokens"],
      [23, "usage.total_tokens", "is 7, but input and output add up to 6"],
      [24, "timestamp", `is missing, and the response itself states no time: ${how}`],
      [25, "usage", "is missing"],
      [26, "usage.completion_tokens", "is 1, but includes 2 reasoning tokens"],
      [27, "usage.prompt_tokens", "is negative: -5"],
    ]);
    expect(Object.keys(drafts)).toHaveLength(16);
  });
});

it.each([
  ["completed", ["failed", "completed"], 1],
  ["completed", [undefined, "generating"], 2],
  ["failed", ["failed", "in_progress"], 0],
  ["incomplete", ["completed", "generating"], 1],
])("counts the images that calls of a response that is %s made: %j", (status, calls, images) => {
  const output = calls.map((each) => ({ type: "image_generation_call", status: each }));
  const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
  const response = { id: "resp_1", object: "response", created_at: 1795024800, status, output, usage };
  expect(openaiResponse.read(response, { now: at(12) + 9e8 })).toMatchObject({ kind: "draft", images });
});

it("stays sound whatever becomes of a record", async () => {
  const { records } = await readFixture("openai-response.jsonl");
  expectSoundDrafts(openaiResponse, records, (fields) => {
    const { usage } = responseIn(fields).response;
    // A total of 0 is one that is not known.
    return (isObject(usage) ? countAt(usage, "total_tokens") : 0) || null;
  });
});
