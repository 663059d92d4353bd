import { describe, expect, it } from "vitest";
import { readLog } from "./fixtures.js";

const OTHER = "it is neither a generation nor an embedding";

describe("Langfuse's observations", () => {
  // Worked out by hand from langfuse.jsonl: Langfuse's usage types are disjoint, so output and reasoning add up.
  it("are sorted into disjoint buckets", async () => {
    const { format, usage, skipped } = await readLog("langfuse.jsonl");
    expect(format).toBe("langfuse");
    expect(usage).toEqual([
      ["f2", 400, 1000, 0, 400, 100, 0, 5_250_000],
      ["f3", 5, 1200, 300, 90, 0, 0, 2_900_000],
      // The same call by somebody who reports parts inside the whole: 1400 + 400 are the total already.
      ["f4", 400, 1000, 0, 400, 100, 0, null],
      ["f5", 0, 0, 0, 0, 0, 0, 0],
      ["f6", 12, 0, 0, 0, 0, 0, 240],
      ["f9", 50, 0, 0, 1000, 0, 2, 42_000_000],
    ]);
    expect(skipped).toEqual([OTHER]);
  });

  it("name who called what, and how it ended", async () => {
    const { calls, entries } = await readLog("langfuse.jsonl");
    expect(calls).toEqual([
      ["f2", "ada@example.com", "", "gpt-4o", "ok", null],
      ["f3", "ada@example.com", "", "claude-sonnet-4-5", "ok", "msg_01FFF"],
      ["f4", "ada@example.com", "", "gpt-4o", "ok", null],
      ["f5", null, "", "gpt-4o", "error", null],
      ["f6", "ada@example.com", "", "text-embedding-3-small", "ok", null],
      ["f9", "ada@example.com", "", "gpt-image-1", "ok", null],
    ]);
    const end = Date.UTC(2026, 10, 20, 12, 0, 3, 250);
    const start = Date.UTC(2026, 10, 20, 12);
    expect(entries.map(({ draft }) => draft.occurredAt)).toEqual([end, end, end, start, end, end]);
  });

  it("are rejected when they contradict themselves, state nothing, or what is no token", async () => {
    expect((await readLog("langfuse.jsonl")).rejects).toEqual([
      [7, "usage_details.total", "is 99, but input and output add up to 15"],
      [8, "usage_details", "states no usage"],
      [10, "usage_details.seconds", "is a unit that cannot be counted"],
    ]);
  });

  it("may be CSV with objects in its cells", async () => {
    const { usage, calls, skipped, rejects } = await readLog("langfuse.csv");
    // Without a total the costs of the types are added: $0.001 + $0.003.
    expect(usage).toEqual([["g1", 400, 0, 0, 300, 0, 0, 4_000_000]]);
    expect(calls).toEqual([["g1", "ada@example.com", "", "gpt-4o", "ok", "chatcmpl-GGG1"]]);
    expect([skipped, rejects]).toEqual([[OTHER], []]);
  });

  it("may come from the API, which names no user", async () => {
    const { format, usage, calls } = await readLog("langfuse-api.json");
    expect(format).toBe("langfuse");
    expect(usage).toEqual([["h1", 21, 0, 0, 4, 0, 0, 92_500]]);
    expect(calls).toEqual([["h1", null, "", "gpt-4o", "ok", null]]);
  });
});
