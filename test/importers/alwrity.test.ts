import { describe, expect, it } from "vitest";
import { readLog } from "./fixtures.js";

describe("ALwrity's table", () => {
  // Worked out by hand from alwrity.csv: cost_total in nanos, one image for each good row of stability.
  it("is read call by call", async () => {
    const { format, usage, calls, entries, skipped } = await readLog("alwrity.csv");
    expect(format).toBe("alwrity");
    expect(usage).toEqual([
      ["user_2abc/1", 1200, 0, 0, 340, 0, 0, 1_210_000],
      ["user_2abc/2", 0, 0, 0, 0, 0, 1, 50_000_000],
      // 480 characters were spoken, which are no tokens.
      ["user_9xyz/1", 0, 0, 0, 0, 0, 0, 24_000_000],
      // The log knows no price of it.
      ["user_9xyz/2", 900, 0, 0, 0, 0, 0, null],
      ["user_2abc/4", 0, 0, 0, 0, 0, 0, 5_000_000],
      // It failed: no image, and a cost of 0 without usage is 0.
      ["user_2abc/6", 0, 0, 0, 0, 0, 0, 0],
    ]);
    expect(calls).toEqual([
      ["user_2abc/1", "user_2abc", "google", "gemini-2.5-flash", "ok", null],
      ["user_2abc/2", "user_2abc", "wavespeed", "qwen-image", "ok", null],
      ["user_9xyz/1", "user_9xyz", "wavespeed", "minimax/speech-02-hd", "ok", null],
      ["user_9xyz/2", "user_9xyz", "openai", "gpt-4o-mini", "429", null],
      ["user_2abc/4", "user_2abc", "exa", "exa", "ok", null],
      ["user_2abc/6", "user_2abc", "wavespeed", "flux-kontext-pro", "500", null],
    ]);
    expect(entries.map(({ draft }) => draft.occurredAt).slice(0, 3)).toEqual([
      Date.UTC(2026, 10, 20, 6, 53, 16, 859),
      Date.UTC(2026, 10, 20, 6, 54, 2),
      Date.UTC(2026, 10, 20, 7, 0, 0, 500),
    ]);
    expect(new Set(entries.map(({ source }) => source))).toEqual(new Set(["alwrity"]));
    expect(skipped).toEqual(["it sums up calls that ALwrity has deleted"]);
  });

  it("rejects a row whose tokens contradict their total", async () => {
    expect((await readLog("alwrity.csv")).rejects).toEqual([
      [8, "tokens_total", "is 1300, but input and output add up to 1200"],
    ]);
  });
});

describe("ALwrity's API", () => {
  it("names no user, so that a call is known by its content", async () => {
    const { format, calls, usage, entries, skipped, rejects } = await readLog("alwrity-api.json");
    expect(format).toBe("alwrity");
    expect(entries.map(({ source, hasOwnId }) => [source, hasOwnId])).toEqual([
      ["raw", false],
      ["raw", false],
    ]);
    expect(calls.map((call) => call.slice(1))).toEqual([
      [null, "google", "gemini-2.5-flash", "ok", null],
      [null, "wavespeed", "ideogram-v3-turbo", "ok", null],
    ]);
    // The API says wavespeed where the table says stability: that it is an image shows in the endpoint.
    expect(usage.map((counts) => counts.slice(1))).toEqual([
      [1200, 0, 0, 340, 0, 0, 1_210_000],
      [0, 0, 0, 0, 0, 1, 100_000_000],
    ]);
    expect([skipped.length, rejects]).toEqual([1, []]);
  });
});
