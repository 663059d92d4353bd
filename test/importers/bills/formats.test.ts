import { describe, expect, test } from "vitest";
import { anthropicCost } from "../../../src/importers/bills/anthropic-cost.js";
import { anthropicUsage } from "../../../src/importers/bills/anthropic-usage.js";
import type { BillFormat } from "../../../src/importers/bills/bill-format.js";
import { billFormatOf, detectBill } from "../../../src/importers/bills/detect.js";
import { openaiCost } from "../../../src/importers/bills/openai-cost.js";
import { openaiUsage } from "../../../src/importers/bills/openai-usage.js";
import type { Fields } from "../../../src/importers/importer.js";
import { november, tokens } from "../../support/bills.js";

const NOW = Date.UTC(2026, 10, 22, 12);
const MIDNIGHT = Date.UTC(2026, 10, 2) / 1000;

function read(format: BillFormat, fields: Fields) {
  return format.read(fields, { now: NOW });
}

describe("which bill it is", () => {
  test.each([
    [{ usage_date_utc: "", model_version: "", usage_output_tokens: "" }, "an Anthropic usage export"],
    [{ usage_date_utc: "", usage_input_tokens_cache_write: "" }, "an Anthropic usage export"],
    [{ usage_date_utc: "", model: "", cost_usd: "" }, "an Anthropic cost export"],
    [{ start_time: 1, model: "", num_model_requests: 3 }, "an OpenAI usage export"],
    [{ start_time: "", end_time: "", start_time_iso: "", end_time_iso: "" }, "an OpenAI usage export"],
    [{ start_time: "", amount_value: "", amount_currency: "" }, "an OpenAI cost export"],
    [{ timestamp: "", input_tokens: "", cost_usd: "" }, null],
    [{ date: "", model_permaslug: "", usage: "", requests: "" }, null],
    [{ startTime: "", spend: "" }, null],
    [{}, null],
  ])("%j: %j", (fields, description) => {
    expect(billFormatOf(fields)).toBe(description);
    expect(detectBill(fields)?.description ?? null).toBe(description);
  });
});

describe("an Anthropic usage export", () => {
  const row = { usage_date_utc: "2026-11-02", model_version: "claude-haiku-4-5-20251001" };

  test("both kinds of cache writes are one bucket; an older export has them in one column", () => {
    const split = {
      usage_input_tokens_no_cache: "10",
      usage_input_tokens_cache_read: "20",
      usage_input_tokens_cache_write_5m: "3",
      usage_input_tokens_cache_write_1h: "4",
      usage_output_tokens: "5",
    };
    const counts = tokens({ input: 10, cacheRead: 20, cacheWrite: 7, output: 5 });
    expect(read(anthropicUsage, { ...row, ...split })).toEqual({
      kind: "line",
      day: november(2),
      model: "claude-haiku-4-5-20251001",
      tokens: counts,
      cost: 0n,
      rounding: 0n,
    });
    expect(
      read(anthropicUsage, { ...row, usage_input_tokens_cache_write: "7", usage_output_tokens: "" }),
    ).toMatchObject({ tokens: tokens({ cacheWrite: 7 }) });
    // With both, the one column is the sum of the others.
    expect(read(anthropicUsage, { ...row, ...split, usage_input_tokens_cache_write: "7" })).toMatchObject({
      tokens: counts,
    });
  });

  test.each([
    [{ ...row, usage_output_tokens: "-1" }, "usage_output_tokens", "is negative"],
    [{ ...row, usage_output_tokens: "1.5" }, "usage_output_tokens", "is not a whole number"],
    [{ ...row, usage_output_tokens: "9007199254740993" }, "usage_output_tokens", "too large"],
    [{ ...row, usage_output_tokens: "" }, null, "states no tokens"],
    [{ ...row, model_version: " ", usage_output_tokens: "1" }, "model_version", "is missing"],
    [{ ...row, usage_date_utc: "02.11.2026", usage_output_tokens: "1" }, "usage_date_utc", "is not a time"],
    [{ ...row, usage_date_utc: "1970-01-01", usage_output_tokens: "1" }, "usage_date_utc", "before 2015"],
    [{ ...row, usage_date_utc: "2026-11-24", usage_output_tokens: "1" }, "usage_date_utc", "in the future"],
  ])("%j is rejected", (fields, field, reason) => {
    expect(read(anthropicUsage, fields)).toEqual({
      kind: "rejection",
      field,
      reason: expect.stringContaining(reason),
    });
  });
});

describe("an Anthropic cost export", () => {
  const row = { usage_date_utc: "2026-11-02", model: "Claude Haiku 4.5" };

  test.each([
    ["0.19", 190_000_000n, 5_000_000n],
    ["0", 0n, 5_000_000n],
    ["-0.03", -30_000_000n, 5_000_000n],
    ["0.1912", 191_200_000n, 1n],
  ])("%s is rounded to the cent where it has no more digits", (text, cost, rounding) => {
    expect(read(anthropicCost, { ...row, cost_usd: text })).toMatchObject({
      model: "Claude Haiku 4.5",
      day: november(2),
      cost,
      rounding,
    });
  });

  test("what no model costs goes by its kind", () => {
    const bare = { ...row, model: "", cost_usd: "1" };
    expect(read(anthropicCost, { ...bare, cost_type: "web_search" })).toMatchObject({ model: "web_search" });
    expect(read(anthropicCost, { ...bare, usage_type: "session" })).toMatchObject({ model: "session" });
    expect(read(anthropicCost, bare)).toMatchObject({ kind: "rejection", field: "model" });
  });

  test.each([
    ["", "is missing"],
    ["1,5", 'is not an amount in US dollars: "1,5"'],
    ["NaN", "is not an amount"],
    ["1e300", "is not an amount"],
  ])("a cost of %j is rejected", (text, reason) => {
    expect(read(anthropicCost, { ...row, cost_usd: text })).toEqual({
      kind: "rejection",
      field: "cost_usd",
      reason: expect.stringContaining(reason),
    });
  });
});

describe("an OpenAI usage export", () => {
  const times = { start_time: String(MIDNIGHT), end_time: String(MIDNIGHT + 86_400) };
  const row = {
    ...times,
    num_model_requests: "2.0",
    model: "gpt-4o",
    input_tokens: "100.0",
    output_tokens: "7.0",
  };

  test("input includes what was read from and written to the cache", () => {
    expect(
      read(openaiUsage, { ...row, input_cached_tokens: "30.0", input_cache_write_tokens: "5" }),
    ).toMatchObject({ tokens: tokens({ input: 65, cacheRead: 30, cacheWrite: 5, output: 7 }) });
    expect(read(openaiUsage, { ...row, input_cached_tokens: "101" })).toMatchObject({
      kind: "rejection",
      field: "input_cached_tokens",
      reason: "is 101, but it is a part of input_tokens, which is 100",
    });
  });

  test.each<[string, Fields]>([
    ["epoch seconds", { start_time: MIDNIGHT }],
    ["epoch seconds with a fraction", { start_time: `${MIDNIGHT}.0` }],
    ["ISO with a zone", { start_time_iso: "2026-11-02T00:00:00+00:00" }],
    ["ISO without one", { start_time_iso: "2026-11-02T00:00:00", end_time_iso: "2026-11-03T00:00:00" }],
    ["a minute before midnight", { start_time: MIDNIGHT + 86_340, end_time: MIDNIGHT + 86_400 }],
  ])("the day is that of the start: %s", (_, given) => {
    const { start_time: _s, end_time: _e, ...rest } = row;
    expect(read(openaiUsage, { ...rest, ...given })).toMatchObject({ kind: "line", day: november(2) });
  });

  test.each<[string, Fields, string]>([
    ["a week", { end_time: MIDNIGHT + 7 * 86_400 }, "is on a later day of UTC than the start"],
    [
      "another zone's day",
      { start_time: MIDNIGHT + 3_600, end_time: MIDNIGHT + 90_000 },
      "is on a later day",
    ],
    ["an end before the start", { end_time: MIDNIGHT }, "is not after the start"],
    ["no start", { start_time: "" }, "is missing"],
  ])("%s is rejected", (_, given, reason) => {
    expect(read(openaiUsage, { ...row, ...given })).toMatchObject({
      kind: "rejection",
      reason: expect.stringContaining(reason),
    });
  });

  test("a row of blanks is a day without usage, and a row without tokens none that is compared", () => {
    const blank = { ...times, num_model_requests: "", model: " ", input_tokens: "", output_tokens: "" };
    expect(read(openaiUsage, blank)).toEqual({ kind: "empty-day", day: november(2) });
    expect(read(openaiUsage, { ...blank, num_model_requests: "3", images: "3" })).toMatchObject({
      kind: "skip",
    });
    expect(read(openaiUsage, { ...blank, num_model_requests: "1", output_tokens: "0" })).toMatchObject({
      kind: "line",
      model: null,
      tokens: tokens({}),
    });
  });
});

describe("an OpenAI cost export", () => {
  const row = { start_time: String(MIDNIGHT), amount_value: "0.8958740000000000", amount_currency: "usd" };

  test.each([
    ["gpt-4o-2024-08-06, input", "gpt-4o-2024-08-06"],
    ["gpt-4o, cached input", "gpt-4o"],
    ["ft-gpt-4o-2024-08-06, output", "ft-gpt-4o-2024-08-06"],
    ["assistants api | file search", "assistants api | file search"],
    ["gpt-4o", "gpt-4o"],
    ["", null],
  ])("the line item %j is one of the model %j", (item, model) => {
    expect(read(openaiCost, { ...row, line_item: item })).toMatchObject({
      kind: "line",
      day: november(2),
      model,
      cost: 895_874_000n,
      rounding: 1n,
    });
  });

  test("a day without costs has no amount, whatever else it has", () => {
    const empty = { kind: "empty-day", day: november(2) };
    expect(read(openaiCost, { ...row, amount_value: "", amount_currency: "" })).toEqual(empty);
    expect(read(openaiCost, { ...row, amount_value: "", organization_id: "org-1" })).toEqual(empty);
    expect(read(openaiCost, { ...row, amount_value: "0E-30" })).toMatchObject({ kind: "line", cost: 0n });
  });

  test("another currency is rejected", () => {
    expect(read(openaiCost, { ...row, amount_currency: "eur" })).toEqual({
      kind: "rejection",
      field: "amount_currency",
      reason: 'is "eur"; the ledger counts US dollars',
    });
  });
});
