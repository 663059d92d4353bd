import { describe, expect, it } from "vitest";
import { claudeCode } from "../../src/importers/claude-code.js";
import { isObject } from "../../src/importers/record-fields.js";
import { readAll } from "../input/reading.js";
import { at, readFixture, tokensOf } from "./fixture.js";
import { expectSoundDrafts, statedByAnthropic } from "./mutations.js";

describe("claude-code", async () => {
  const { format, drafts, rejects, skipped } = await readFixture("claude-code.jsonl");

  it("is told from the records", () => {
    expect(format).toBe("claude-code");
  });

  it("reads an answer under the ids of message and request; the last of its records counts", () => {
    expect(claudeCode.supersedes).toBe(true);
    expect(drafts["msg_C1:req_1"]).toEqual({
      kind: "draft",
      source: null,
      id: "msg_C1:req_1",
      providerId: "msg_C1",
      user: null,
      occurredAt: at(9, 9000),
      provider: "anthropic",
      model: "claude-opus-4-5",
      feature: "",
      input: 3,
      cacheRead: 0,
      cacheWrite: 1000,
      output: 400,
      reasoning: 0,
      images: 0,
      cost: null,
      status: "ok",
    });
  });

  it("gives every record of an answer the same identity, and later ones leave to supersede it", async () => {
    const records = [2, 400].map((output) =>
      JSON.stringify({
        sessionId: "s",
        uuid: `u-${output}`,
        timestamp: "2026-11-18T09:00:00Z",
        requestId: "req_1",
        message: { id: "msg_1", usage: { input_tokens: 1, output_tokens: output } },
      }),
    );
    const { entries } = await readAll(records.join("\n"));
    expect(entries.map(({ source, id, supersedes }) => [source, id, supersedes])).toEqual([
      ["claude-code", "msg_1:req_1", true],
      ["claude-code", "msg_1:req_1", true],
    ]);
  });

  it("gives a copy in a side chain the provider id of what it repeats", () => {
    expect(drafts["msg_C1:req_9"]?.providerId).toBe(drafts["msg_C1:req_1"]?.providerId);
  });

  it("reads what a side chain reports in the session", () => {
    expect(tokensOf(drafts["msg_C2:req_2"])).toEqual([20, 5, 0, 30, 0]);
    expect(drafts["msg_C2:req_2"]?.occurredAt).toBe(at(9, 5 * 60_000 + 59_000));
  });

  it("reads the cost that older versions state, and answers without a request id", () => {
    expect(drafts.msg_C3).toMatchObject({ cost: 32_100_000, providerId: "msg_C3" });
  });

  it("passes over everything that is no answer", () => {
    expect(skipped).toEqual([
      "is no answer of a model",
      "is no answer of a model",
      "is no answer of a model",
      "was written by Claude Code itself",
    ]);
  });

  it("rejects an answer without its counts", () => {
    expect(rejects).toEqual([[11, "message.usage.output_tokens", "is missing"]]);
    expect(Object.keys(drafts)).toHaveLength(4);
  });
});

it("stays sound whatever becomes of a record", async () => {
  const { records } = await readFixture("claude-code.jsonl");
  expectSoundDrafts(claudeCode, records, ({ message, data }) => {
    const inner = isObject(data) && !isObject(message) ? data.message : message;
    const nested = isObject(inner) && isObject(inner.message) && !isObject(message) ? inner.message : inner;
    return statedByAnthropic(isObject(nested) ? nested.usage : null);
  });
});
