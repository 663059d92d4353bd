import { describe, expect, it } from "vitest";
import { parseMapping } from "../../src/importers/mapping.js";
import { openaiResponse } from "../../src/importers/openai-response.js";
import { withMapping } from "../../src/importers/overlay.js";
import { errorOf, readAll } from "../input/reading.js";
import { readFixture, tokensOf } from "./fixture.js";
import { expectSoundDrafts } from "./mutations.js";

const read = (file: string, format: string | undefined, maps: string[], sets: string[]) =>
  readFixture(file, { format, mapping: parseMapping(maps, sets) });

const ANSWER = {
  id: "msg_1",
  type: "message",
  model: "claude-haiku-4-5",
  usage: { input_tokens: 5, output_tokens: 7 },
};

describe("--map and --set beside --format", () => {
  it("replace what the format reads, field by field", async () => {
    const { drafts } = await read(
      "helicone.jsonl",
      "helicone",
      ["user=request_properties.Feature", "output_tokens=delay_ms"],
      ["feature=chat", "provider=claude", "status=late"],
    );
    expect(drafts["5f0c0000-0000-4000-8000-000000000001"]).toMatchObject({
      user: "blog_writer",
      feature: "chat",
      provider: "anthropic",
      status: "late",
      output: 2500,
      model: "claude-sonnet-4-5",
      input: 12,
      cacheRead: 4000,
      cost: 4_570_000,
    });
  });

  it("state a field also where the record has nothing there", async () => {
    const { drafts } = await read("helicone.jsonl", "helicone", ["user=request_properties.Feature"], []);
    expect(drafts["5f0c0000-0000-4000-8000-000000000003"]?.user).toBeNull();
  });

  it("give the time that a format cannot find", async () => {
    const log = JSON.stringify({ ...ANSWER, logged: { at: "2026-11-18T09:00:00Z" } });
    const mapping = parseMapping(["timestamp=logged.at"], []);
    const { entries, rejects } = await readAll(log, { format: "anthropic-response", mapping });
    expect(rejects).toEqual([]);
    expect(entries[0]?.draft).toMatchObject({
      id: "msg_1",
      occurredAt: Date.UTC(2026, 10, 18, 9),
      input: 5,
    });
    const without = await readAll(`${log}\n${JSON.stringify({ ...ANSWER, id: "msg_2" })}`, {
      format: "anthropic-response",
      mapping,
    });
    expect(without.rejects.map(({ line, field, reason }) => [line, field, reason])).toEqual([
      [2, "timestamp", "is missing"],
    ]);
  });

  it("keep the format's ids, and give mapped ones a source of their own", async () => {
    const log = JSON.stringify({ ...ANSWER, timestamp: "2026-11-18", request: "r-1" });
    const identity = async (maps: string[], sets: string[]) => {
      const mapping = parseMapping(maps, sets);
      const { entries } = await readAll(log, { format: "anthropic-response", mapping });
      return entries.map(({ source, id, draft }) => [source, id, draft.providerId]);
    };
    expect(await identity([], ["feature=chat"])).toEqual([["anthropic-response", "msg_1", "msg_1"]]);
    expect(await identity(["id=request"], [])).toEqual([["mapped", "r-1", "msg_1"]]);
    expect(await identity(["id=request"], ["source=gateway"])).toEqual([["gateway", "r-1", "msg_1"]]);
  });

  it("are checked with what they leave: counts still have to fit together", async () => {
    const { drafts, rejects } = await read("ai-sdk.jsonl", "ai-sdk", [], ["reasoning_tokens=150"]);
    expect(tokensOf(drafts["call-1"])).toEqual([300, 600, 100, 200, 150]);
    expect(rejects).toContainEqual([
      2,
      null,
      "states 150 reasoning tokens, but they are a part of its 20 output tokens",
    ]);
  });

  it("leave a cost of 0 that is the price, and read their own as the native format does", async () => {
    const free = await read("openrouter-calls.csv", "openrouter", [], ["user=ada"]);
    expect(free.drafts["gen-D3"]).toMatchObject({ user: "ada", cost: 0 });
    const set = await read("openrouter-calls.csv", "openrouter", [], ["cost_usd=0"]);
    expect(set.drafts["gen-D1"]?.cost).toBeNull();
  });

  it("leave the requests that a record sums up", async () => {
    const { drafts } = await read("openrouter-days.csv", "openrouter", [], ["user=ada"]);
    expect(drafts["line 2"]).toMatchObject({ user: "ada", requests: 5 });
  });

  it("do not reject what the format passes over", async () => {
    const { skipped, rejects } = await read("claude-code.jsonl", "claude-code", ["user=agentId"], []);
    expect(skipped).toHaveLength(4);
    expect(rejects.map(([line]) => line)).toEqual([11]);
  });

  it("refuse a column that the file has not", async () => {
    const error = await errorOf(read("helicone.csv", "helicone", ["user=request_user"], []));
    expect(error.message).toContain('helicone.csv has no column "request_user"');
  });
});

it("leaves drafts sound whatever becomes of a record", async () => {
  const { records } = await readFixture("openai-response.jsonl");
  const maps = [
    "timestamp=created",
    "user=id",
    "reasoning_tokens=usage.completion_tokens",
    "cost_usd=usage.cost",
  ];
  const importer = withMapping(openaiResponse, parseMapping(maps, ["cached_input_tokens=3", "feature=chat"]));
  expectSoundDrafts(importer, records, () => null);
});

describe("without --format", () => {
  it("--set leaves every format to be told from its records", async () => {
    const { format, drafts } = await read("claude-code.jsonl", undefined, [], ["user=ada@example.com"]);
    expect(format).toBe("claude-code");
    expect(drafts.msg_C3).toMatchObject({ user: "ada@example.com", input: 10, output: 20 });
  });

  it("--set completes the native format", async () => {
    const mapping = parseMapping([], ["timestamp=2026-11-18"]);
    const { entries, batches } = await readAll('{"input_tokens":3}', { mapping });
    expect(batches.at(-1)?.format).toBe("alpha");
    expect(entries[0]?.draft).toMatchObject({ input: 3, occurredAt: Date.UTC(2026, 10, 18) });
  });

  it("--map makes a log one of the native format, and says how else to read it", async () => {
    const error = await errorOf(read("helicone.jsonl", undefined, ["user=request_user_id"], []));
    expect(error.message).toMatch(/^With this mapping .* has no timestamp, or no tokens, images or cost\.$/);
    expect(error.hint).toBe(
      "To read it as helicone, with these fields in place of its own, add --format helicone.",
    );
  });
});
