import { describe, expect, it } from "vitest";
import { openrouter } from "../../src/importers/openrouter.js";
import { at, readFixture, tokensOf } from "./fixture.js";
import { countAt, expectSoundDrafts } from "./mutations.js";

describe("openrouter, call by call", async () => {
  const { format, drafts, rejects } = await readFixture("openrouter-calls.csv");

  it("reads a call: prompt tokens include what was cached", () => {
    expect(format).toBe("openrouter");
    expect(drafts["gen-D1"]).toEqual({
      kind: "draft",
      source: null,
      id: "gen-D1",
      providerId: "gen-D1",
      user: "ada@example.com",
      occurredAt: at(9, 2271),
      provider: "openrouter",
      model: "openai/gpt-4.1-2025-04-14",
      feature: "",
      input: 400,
      cacheRead: 600,
      cacheWrite: 0,
      output: 200,
      reasoning: 50,
      images: 0,
      cost: 12_300_000,
      status: "ok",
    });
  });

  it("adds what the provider charges for one's own key, and names the API key where there is no user", () => {
    // $0.0005 + $0.0125.
    expect(drafts["gen-D2"]).toMatchObject({ user: "Blog key", cost: 13_000_000, status: "cancelled" });
  });

  it("believes the cost of 0 of a free model, and rejects more cached tokens than there were", () => {
    expect(drafts["gen-D3"]).toMatchObject({ cost: 0, status: "error" });
    expect(rejects).toEqual([[5, "tokens_prompt", "is 5, but includes 9 cached tokens"]]);
  });
});

describe("openrouter, day by day", async () => {
  const { format, drafts, rejects, skipped } = await readFixture("openrouter-days.csv");

  it("reads a sum: so many requests, at noon of the day", () => {
    expect(format).toBe("openrouter");
    expect(tokensOf(drafts["line 2"])).toEqual([50, 0, 0, 125, 25]);
    // $0.015 + $0.012.
    expect(drafts["line 2"]).toMatchObject({
      requests: 5,
      cost: 27_000_000,
      model: "openai/gpt-4.1",
      occurredAt: at(12),
      user: null,
      id: null,
    });
    expect(drafts["line 3"]).toMatchObject({ requests: 2, cost: 0, occurredAt: at(12) });
  });

  it("passes over a day that is not over, which would be another row tomorrow", () => {
    expect(skipped).toEqual(["sums up a day that is not over"]);
  });

  it("rejects a row that does not say how many requests it sums up, or more reasoning than output", () => {
    expect(rejects).toEqual([
      [5, "requests", "is missing"],
      [6, null, "states 26 reasoning tokens, but they are a part of its 25 output tokens"],
    ]);
  });
});

it.each([
  ["openrouter-calls.csv", "tokens_prompt", "tokens_completion"],
  ["openrouter-days.csv", "prompt_tokens", "completion_tokens"],
])("stays sound whatever becomes of a record of %s", async (file, prompt, completion) => {
  const { records } = await readFixture(file);
  expectSoundDrafts(openrouter, records, (fields) =>
    prompt in fields && completion in fields
      ? (countAt(fields, prompt) ?? 0) + (countAt(fields, completion) ?? 0)
      : null,
  );
});
