import { describe, expect, it } from "vitest";
import { anthropicResponse } from "../../src/importers/anthropic-response.js";
import { parseMapping } from "../../src/importers/mapping.js";
import { responseIn } from "../../src/importers/response-wrappers.js";
import { at, readFixture, tokensOf } from "./fixture.js";
import { expectSoundDrafts, statedByAnthropic } from "./mutations.js";

describe("anthropic-response", async () => {
  const { format, drafts, rejects, skipped } = await readFixture("anthropic-response.jsonl");

  it("is told from the records", () => {
    expect(format).toBe("anthropic-response");
  });

  it("reads a message: input excludes what was read from and written to the cache", () => {
    // 100 written for 5 minutes and 200 for an hour; 90 of the 150 out are thinking.
    expect(drafts.msg_B1).toEqual({
      kind: "draft",
      source: null,
      id: "msg_B1",
      providerId: "msg_B1",
      user: "ada@example.com",
      occurredAt: at(9, 3250),
      provider: "anthropic",
      model: "claude-sonnet-4-5-20250929",
      feature: "blog_writer",
      input: 12,
      cacheRead: 4000,
      cacheWrite: 300,
      output: 150,
      reasoning: 90,
      images: 0,
      cost: null,
      status: "ok",
    });
  });

  it("takes the time and the user from beside it, too, and null as nothing", () => {
    expect(tokensOf(drafts.msg_B2)).toEqual([5, 0, 0, 7, 0]);
    expect(drafts.msg_B2).toMatchObject({ user: "bob", occurredAt: at(10) });
  });

  it("reads what a batch returns, and cache writes that only their parts state", () => {
    expect(tokensOf(drafts.msg_B3)).toEqual([40, 0, 25, 3, 0]);
  });

  it("counts failed calls with their status", () => {
    expect(drafts["line 4"]).toMatchObject({ status: "invalid_request_error", input: 0, output: 0 });
    expect(drafts["line 6"]).toMatchObject({ status: "overloaded_error", user: "cora", occurredAt: at(12) });
  });

  it("passes over the events of a stream and what a batch never made", () => {
    expect(skipped).toEqual([
      "was never made by its batch",
      "is an event of a stream, and not a message",
      "is an event of a stream, and not a message",
    ]);
  });

  it("rejects what contradicts itself or says too little", () => {
    const how = "say it with --format anthropic-response, and --map timestamp=FIELD or --set timestamp=TIME";
    expect(rejects).toEqual([
      [9, "timestamp", `is missing, and the response itself states no time: ${how}`],
      [10, "usage.cache_creation_input_tokens", "is 9, but its parts in cache_creation add up to 3"],
      [11, "usage.output_tokens", "is missing"],
      [12, "usage", "is missing"],
    ]);
    expect(Object.keys(drafts)).toHaveLength(5);
  });

  it("takes the time that the operator names for responses that state none", async () => {
    const read = await readFixture("anthropic-response.jsonl", {
      format: "anthropic-response",
      mapping: parseMapping([], ["timestamp=2026-11-20"]),
    });
    expect(read.drafts.msg_B5).toMatchObject({ occurredAt: Date.UTC(2026, 10, 20), input: 5, output: 7 });
    expect(read.drafts.msg_B1?.occurredAt).toBe(Date.UTC(2026, 10, 20));
    expect(read.rejects.map(([line]) => line)).toEqual([10, 11, 12]);
  });
});

it("stays sound whatever becomes of a record", async () => {
  const { records } = await readFixture("anthropic-response.jsonl");
  expectSoundDrafts(anthropicResponse, records, (fields) =>
    statedByAnthropic(responseIn(fields).response.usage),
  );
});
