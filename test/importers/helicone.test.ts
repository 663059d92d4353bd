import { describe, expect, it } from "vitest";
import { helicone } from "../../src/importers/helicone.js";
import { at, readFixture, tokensOf } from "./fixture.js";
import { countAt, expectSoundDrafts } from "./mutations.js";

const id = (n: number) => `5f0c0000-0000-4000-8000-00000000000${n}`;

describe("helicone as JSONL", async () => {
  const { format, drafts, rejects, skipped } = await readFixture("helicone.jsonl");

  it("is told from the records", () => {
    expect(format).toBe("helicone");
  });

  it("reads a request: prompt tokens exclude what was cached; its end counts", () => {
    expect(drafts[id(1)]).toEqual({
      kind: "draft",
      source: null,
      id: id(1),
      providerId: null,
      user: "ada@example.com",
      occurredAt: at(9, 2500),
      provider: "anthropic",
      model: "claude-sonnet-4-5",
      feature: "",
      input: 12,
      cacheRead: 4000,
      cacheWrite: 300,
      output: 150,
      reasoning: 0,
      images: 0,
      cost: 4_570_000,
      status: "ok",
    });
  });

  it("adds the audio, which prompt and completion tokens leave out", () => {
    // 100 + 50 in, 20 + 10 out; a cost of 0 beside them is none.
    expect(tokensOf(drafts[id(2)])).toEqual([150, 0, 0, 30, 0]);
    expect(drafts[id(2)]).toMatchObject({ user: null, model: "gpt-4o-audio-preview", cost: null });
  });

  it("believes the cost of 0 of what Helicone answered from its own cache", () => {
    expect(drafts[id(3)]).toMatchObject({ input: 100, output: 20, cost: 0 });
  });

  it("counts failed requests with their status, at their beginning where they have no end", () => {
    expect(drafts[id(4)]).toMatchObject({
      status: "429",
      provider: "",
      model: "my-model",
      occurredAt: at(10, 120_000),
      input: 0,
    });
  });

  it("passes over a request that has no response yet, and rejects a total that is not the sum", () => {
    expect(skipped).toEqual(["has no response yet"]);
    expect(rejects).toEqual([[6, "total_tokens", "is 4, but prompt and completion tokens add up to 3"]]);
    expect(Object.keys(drafts)).toHaveLength(4);
  });
});

describe("helicone as CSV", async () => {
  const { format, drafts, rejects } = await readFixture("helicone.csv");

  it("reads the same request under the same id", () => {
    expect(format).toBe("helicone");
    expect(drafts[id(1)]).toMatchObject({
      user: "ada@example.com",
      occurredAt: at(9, 2500),
      model: "claude-sonnet-4-5",
      input: 12,
      output: 150,
      cost: 4_570_000,
    });
    expect(drafts[id(4)]).toMatchObject({ status: "500", input: 0, cost: null });
    expect(rejects).toEqual([[4, "prompt_tokens", 'is not a number: "ten"']]);
  });
});

it.each(["helicone.jsonl", "helicone.csv"])(
  "stays sound whatever becomes of a record of %s",
  async (file) => {
    const { records } = await readFixture(file);
    const parts = [
      "prompt_tokens",
      "prompt_audio_tokens",
      "prompt_cache_read_tokens",
      "prompt_cache_write_tokens",
      "completion_tokens",
      "completion_audio_tokens",
    ];
    expectSoundDrafts(helicone, records, (fields) =>
      parts.reduce((sum, field) => sum + (countAt(fields, field) ?? 0), 0),
    );
  },
);
