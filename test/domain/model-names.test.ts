import { describe, expect, test } from "vitest";
import { makerOf, matchModels, modelName } from "../../src/domain/model-names.js";

describe("a model's name", () => {
  test.each([
    ["gpt-4o", "gpt-4o", null],
    ["gpt-4o-2024-08-06", "gpt-4o", "20240806"],
    ["openai/gpt-4o-2024-08-06", "gpt-4o", "20240806"],
    ["GPT-4o", "gpt-4o", null],
    ["gpt-4o-mini", "gpt-4o-mini", null],
    ["gpt-4-0613", "gpt-4", "0613"],
    ["gpt-3.5-turbo-0125", "gpt-3.5-turbo", "0125"],
    ["gpt-4-1106-preview", "gpt-4-1106-preview", null],
    ["chatgpt-4o-latest", "chatgpt-4o", null],
    ["ft:gpt-4o-mini-2024-07-18:acme::9aBc", "ft-gpt-4o-mini", "20240718"],
    ["ft-gpt-4o-mini-2024-07-18", "ft-gpt-4o-mini", "20240718"],
    ["text-embedding-3-small", "text-embedding-3-small", null],
    ["claude-3-5-sonnet-20241022", "claude-sonnet-3-5", "20241022"],
    ["claude-3-5-sonnet@20241022", "claude-sonnet-3-5", "20241022"],
    ["claude-3-5-sonnet-latest", "claude-sonnet-3-5", null],
    ["Claude 3.5 Sonnet 2024-10-22", "claude-sonnet-3-5", "20241022"],
    ["anthropic/claude-3.5-sonnet", "claude-sonnet-3-5", null],
    ["Claude Haiku 4.5", "claude-haiku-4-5", null],
    ["claude-haiku-4-5-20251001", "claude-haiku-4-5", "20251001"],
    ["claude-opus-4-20250514", "claude-opus-4", "20250514"],
    ["claude-opus-4-0", "claude-opus-4", null],
    ["claude-opus-4-1", "claude-opus-4-1", null],
    ["web_search", "web_search", null],
    ["", "", null],
  ])("%j is of the family %j, snapshot %j", (name, family, snapshot) => {
    expect(modelName(name)).toMatchObject({ family, snapshot });
  });

  test.each([
    ["claude-3-haiku", "anthropic"],
    ["openrouter/anthropic/claude-3-haiku", "anthropic"],
    ["gpt-4o", "openai"],
    ["ft:gpt-4o-2024-08-06:acme::1", "openai"],
    ["o3-mini", "openai"],
    ["text-embedding-3-small", "openai"],
    ["computer-use-preview-2025-03-11", "openai"],
    ["gemini-2.0-flash", null],
    ["ollama", null],
    ["", null],
  ])("%j was made by %j", (name, maker) => {
    expect(makerOf(name)).toBe(maker);
  });
});

describe("names of a bill and of the ledger", () => {
  const matched = (bill: readonly string[], ledger: readonly string[]) =>
    matchModels(bill, ledger).map(({ label, match, billNames, ledgerNames }) => [
      label,
      match,
      billNames,
      ledgerNames,
    ]);

  test("snapshots with snapshots and aliases with aliases, however they are spelt", () => {
    expect(
      matched(
        ["gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "gpt-4o-mini"],
        ["openai/gpt-4o-2024-08-06", "gpt-4o-2024-08-06", "gpt-4o-mini"],
      ),
    ).toEqual([
      ["gpt-4o-2024-08-06", "name", ["gpt-4o-2024-08-06"], ["gpt-4o-2024-08-06", "openai/gpt-4o-2024-08-06"]],
      ["gpt-4o-2024-11-20", "bill-only", ["gpt-4o-2024-11-20"], []],
      ["gpt-4o-mini", "name", ["gpt-4o-mini"], ["gpt-4o-mini"]],
    ]);
  });

  test("an alias that only one side uses takes its whole family along", () => {
    expect(matched(["gpt-4o-2024-08-06", "gpt-4o-2024-11-20"], ["gpt-4o", "gpt-4o-2024-11-20"])).toEqual([
      ["gpt-4o", "family", ["gpt-4o-2024-08-06", "gpt-4o-2024-11-20"], ["gpt-4o", "gpt-4o-2024-11-20"]],
    ]);
    expect(matched(["Claude Haiku 4.5"], ["claude-haiku-4-5-20251001"])).toEqual([
      ["claude-haiku-4-5", "family", ["Claude Haiku 4.5"], ["claude-haiku-4-5-20251001"]],
    ]);
  });

  test("where both sides use the alias and the same snapshots, nothing is merged", () => {
    const names = ["gpt-4o", "gpt-4o-2024-11-20"];
    expect(matched(names, names).map(([label, match]) => [label, match])).toEqual([
      ["gpt-4o", "name"],
      ["gpt-4o-2024-11-20", "name"],
    ]);
  });

  test("what only one side has is a row of its own", () => {
    expect(matched(["web_search"], ["claude-3-haiku"])).toEqual([
      ["web_search", "bill-only", ["web_search"], []],
      ["claude-3-haiku", "ledger-only", [], ["claude-3-haiku"]],
    ]);
  });
});
