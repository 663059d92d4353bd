import { describe, expect, it } from "vitest";
import { parseUsd } from "../../src/domain/money.js";
import {
  doubtsAbout,
  NO_RATES,
  requireRates,
  requireScope,
  workedExamples,
} from "../../src/domain/own-price-rules.js";
import type { Rates } from "../../src/domain/price.js";

const usd = (text: string) => parseUsd(text) as number;
const rates = (stated: Partial<Rates>): Rates => ({ ...NO_RATES, ...stated });

describe("what a price is for", () => {
  it("is spelt in one way", () => {
    expect(requireScope(" Gemini ", " GPT-4o* ")).toEqual({ provider: "google", model: "gpt-4o*" });
    expect(requireScope("", "*")).toEqual({ provider: "", model: "*" });
  });

  it("is refused where it names nothing, or a text", () => {
    expect(() => requireScope("", "  ")).toThrow("the name of the model is empty");
    expect(() => requireScope("", "x".repeat(201))).toThrow("the name of the model has more than 200");
    expect(() => requireScope("x".repeat(201), "m")).toThrow("the name of the provider has more than 200");
  });
});

describe("rates", () => {
  it.each<[Partial<Rates>, string]>([
    [{}, "say what it costs"],
    [{ request: usd("0.01") }, "a fee per call comes on top of other rates"],
    [{ input: usd("900.01") }, "$900.01 per million tokens is more than any model costs"],
    [{ output: usd("2500") }, "$2,500.00 per million tokens"],
    [{ image: usd("1000.01") }, "$1,000.01 per image"],
    [{ input: 0, request: usd("2000") }, "$2,000.00 per call"],
  ])("%j are refused: %s", (stated, message) => {
    expect(() => requireRates(rates(stated))).toThrow(message);
  });

  it("of 0 are free, and one is enough", () => {
    expect(requireRates(rates({ image: 0 }))).toEqual(rates({ image: 0 }));
    expect(requireRates(rates({ cacheRead: 1 }))).toEqual(rates({ cacheRead: 1 }));
    expect(requireRates(rates({ input: usd("900"), request: usd("0.01") })).input).toBe(900e9);
  });
});

describe("the worked example", () => {
  const costs = (stated: Partial<Rates>) =>
    workedExamples(rates(stated)).map(({ usage: { input, output, images }, cost }) => [
      input,
      output,
      images,
      cost,
    ]);

  it("is of 1,000 tokens in and 500 out", () => {
    // 1,000 x $2.50 + 500 x $10, by a million: $0.0025 + $0.005.
    expect(costs({ input: usd("2.5"), output: usd("10") })).toEqual([[1_000, 500, 0, usd("0.0075")]]);
  });

  it("leaves out what has no rate, and has an image of its own", () => {
    expect(costs({ input: usd("0.02") })).toEqual([[1_000, 0, 0, usd("0.00002")]]);
    expect(costs({ image: usd("0.04") })).toEqual([[0, 0, 1, usd("0.04")]]);
    expect(costs({ output: usd("10"), image: usd("0.04"), request: usd("0.01") })).toEqual([
      [0, 500, 0, usd("0.015")],
      [0, 0, 1, usd("0.05")],
    ]);
    expect(costs({ cacheRead: usd("1") })).toEqual([]);
  });
});

describe("a rate is doubted", () => {
  const GPT = rates({ input: usd("2.5"), cacheRead: usd("1.25"), output: usd("10") });
  const doubts = (stated: Partial<Rates>, book: Rates | null = GPT) =>
    doubtsAbout(rates(stated), book).map(({ unit, book: known, meant }) => [unit, known, meant]);

  it("when it is a hundred times off from the book's, and it is said what it may have been", () => {
    expect(doubts({ input: usd("0.0025") })).toEqual([["input", usd("2.5"), "thousand"]]);
    expect(doubts({ input: usd("0.0000025") })).toEqual([["input", usd("2.5"), "token"]]);
    expect(doubts({ input: usd("2.5"), output: usd("0.01") })).toEqual([["output", usd("10"), "thousand"]]);
    expect(doubts({ input: usd("250") })).toEqual([["input", usd("2.5"), null]]);
    expect(doubts({ input: usd("0.025") })).toEqual([["input", usd("2.5"), "thousand"]]);
  });

  it("when the book does not know it and nobody charges that", () => {
    expect(doubts({ input: usd("0.0025") }, null)).toEqual([["input", null, "thousand"]]);
    expect(doubts({ input: usd("0.0000025") }, null)).toEqual([["input", null, "token"]]);
    expect(doubts({ input: usd("301") }, null)).toEqual([["input", null, null]]);
    expect(doubts({ image: usd("5.01") })).toEqual([["image", null, null]]);
  });

  it("and not otherwise", () => {
    expect(doubts({ input: usd("0.03"), output: usd("900") })).toEqual([]);
    expect(doubts({ input: 0, output: 0, image: 0 })).toEqual([]);
    expect(doubts({ input: usd("0.005"), output: usd("300"), image: usd("5") }, null)).toEqual([]);
    expect(doubts({ input: usd("2.5"), request: usd("0.01") })).toEqual([]);
  });
});
