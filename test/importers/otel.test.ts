import { describe, expect, it } from "vitest";
import { parseMapping } from "../../src/importers/mapping.js";
import { readLog } from "./fixtures.js";

const NO_CALL = "it is no call of a model";

describe("OTLP JSON", () => {
  // Worked out by hand from otel.json: input_tokens less what was cached.
  it("gives the calls of models, and no operation around them", async () => {
    const { format, usage, skipped } = await readLog("otel.json");
    expect(format).toBe("otel");
    expect(usage).toEqual([
      ["eee19b7ec3c1b173", 476, 1024, 0, 400, 256, 0, null],
      // 10 + 128 + 32 + 5 are the total of 175: the input is without what was cached.
      ["eee19b7ec3c1b174", 10, 128, 32, 5, 0, 0, null],
      ["eee19b7ec3c1b175", 0, 0, 0, 0, 0, 0, null],
      ["eee19b7ec3c1b176", 12, 0, 0, 0, 0, 0, null],
      ["eee19b7ec3c1b179", 7, 0, 0, 3, 0, 0, 9600],
    ]);
    expect(skipped).toEqual([NO_CALL, NO_CALL]);
  });

  it("names who called what, and how it ended", async () => {
    const { calls, entries } = await readLog("otel.json");
    expect(calls).toEqual([
      ["eee19b7ec3c1b173", "ada@example.com", "openai", "gpt-4o-2024-08-06", "ok", "chatcmpl-EEE1"],
      ["eee19b7ec3c1b174", "grace", "aws", "anthropic.claude-sonnet-4", "ok", null],
      ["eee19b7ec3c1b175", "ada@example.com", "azure", "gpt-4o", "429", null],
      ["eee19b7ec3c1b176", "ada@example.com", "openai", "text-embedding-3-small", "ok", null],
      ["eee19b7ec3c1b179", null, "google", "gemini-2.5-flash", "ok", null],
    ]);
    const end = Date.UTC(2026, 10, 20, 10, 0, 2, 123);
    // The embedding's end was never set: it is known by its start.
    const start = Date.UTC(2026, 10, 20, 10);
    expect(entries.map(({ draft }) => draft.occurredAt)).toEqual([end, end, end, start, end]);
  });

  it("rejects spans that contradict themselves or state no usage", async () => {
    const { rejects } = await readLog("otel.json");
    expect(rejects.map(([, field, reason]) => [field, reason])).toEqual([
      ["attributes.gen_ai.usage.input_tokens", "is 5, but includes 130208 cached tokens"],
      ["attributes.gen_ai.usage.input_tokens", "is missing, and so are output and cost"],
    ]);
  });

  it("is the same one export a line", async () => {
    const whole = await readLog("otel.json");
    const lines = await readLog("otel.jsonl");
    expect(lines.usage).toEqual(whole.usage);
    expect(lines.calls).toEqual(whole.calls);
    expect(lines.skipped).toEqual(whole.skipped);
    expect(lines.rejects.map(([line]) => line)).toEqual([3, 3]);
    expect(lines.entries.map(({ record }) => record.raw)).toEqual(
      whole.entries.map(({ record }) => record.raw),
    );
  });

  it("takes the user from any attribute with --map", async () => {
    const mapping = parseMapping(["user=attributes.app.tester"], []);
    const { calls } = await readLog("otel.json", { mapping, format: "otel" });
    expect(calls.at(-1)?.[1]).toBe("ada@example.com");
  });
});
