import { describe, expect, it } from "vitest";
import { costChart, MOST_DAYS } from "../../src/domain/cost-chart.js";
import { parseDay } from "../../src/domain/window.js";

const day = (label: string) => parseDay(label) ?? 0;
const cell = (label: string, model: string, cost: bigint, assumed = 0n, provider = "openai") => ({
  ...{ provider, model, feature: "", cost, assumed },
  day: day(label),
});
const range = { from: day("2026-11-01"), to: day("2026-12-01") };

describe("cost by day and model", () => {
  it("has a place for each day up to today, quiet ones too, and the dearest model first", () => {
    const cells = [
      cell("2026-11-01", "small", 5n),
      cell("2026-11-03", "large", 40n),
      cell("2026-11-03", "small", 7n),
      { ...cell("2026-11-03", "small", 1n), feature: "another" },
      cell("2026-11-02", "image", 0n, 30n),
    ];
    expect(costChart(cells, range, day("2026-11-04"))).toEqual({
      unit: "day",
      labels: ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"],
      models: [
        { model: "large", costs: [0n, 0n, 40n, 0n] },
        { model: "small", costs: [5n, 0n, 8n, 0n] },
      ],
      others: null,
      assumed: [0n, 30n, 0n, 0n],
    });
  });

  it("goes beyond today for what is dated to tomorrow, and never beyond its range", () => {
    const { labels } = costChart([cell("2026-11-03", "m", 1n)], range, day("2026-11-01"));
    expect(labels).toEqual(["2026-11-01", "2026-11-02", "2026-11-03"]);
    const over = costChart([], { from: range.from, to: day("2026-11-03") }, day("2026-12-24"));
    expect(over.labels).toEqual(["2026-11-01", "2026-11-02"]);
    expect(costChart([], range, day("2026-10-01"))).toMatchObject({ labels: [], models: [], assumed: [] });
  });

  it("adds up the models beyond the seventh", () => {
    const cells = Array.from({ length: 10 }, (_, n) => cell("2026-11-01", `m${n}`, BigInt(100 - n)));
    const { models, others } = costChart(cells, range, range.from);
    expect(models.map(({ model }) => model)).toEqual(["m0", "m1", "m2", "m3", "m4", "m5", "m6"]);
    // 93 + 92 + 91.
    expect(others).toEqual({ models: 3, costs: [276n] });
  });

  it("names a model's provider only where the same model comes from several", () => {
    const cells = [
      cell("2026-11-01", "gpt-4o", 3n, 0n, "azure"),
      cell("2026-11-01", "gpt-4o", 2n),
      cell("2026-11-01", "claude", 1n, 0n, "anthropic"),
    ];
    const { models } = costChart(cells, range, range.from);
    expect(models.map(({ model }) => model)).toEqual(["azure/gpt-4o", "openai/gpt-4o", "claude"]);
  });

  it("is by month where the days are too many to be told apart", () => {
    const from = day("2025-12-31");
    const cells = [cell("2025-12-31", "m", 1n), cell("2026-02-01", "m", 2n), cell("2026-02-28", "m", 4n)];
    const long = costChart(cells, { from, to: from + MOST_DAYS + 1 }, from + 1_000);
    expect(long).toMatchObject({
      unit: "month",
      labels: ["2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05"],
      models: [{ model: "m", costs: [1n, 0n, 6n, 0n, 0n, 0n] }],
    });
    expect(costChart(cells, { from, to: from + MOST_DAYS }, from + 1_000).unit).toBe("day");
  });

  it("keeps every cost", () => {
    const cells = Array.from({ length: 400 }, (_, n) =>
      cell(`2026-11-${String((n % 28) + 1).padStart(2, "0")}`, `m${n % 13}`, BigInt(n), BigInt(n % 3)),
    );
    const { models, others, assumed } = costChart(cells, range, range.to);
    const sum = (all: readonly bigint[]) => all.reduce((total, cost) => total + cost, 0n);
    const known = models.reduce((total, { costs }) => total + sum(costs), sum(others?.costs ?? []));
    // 0 + 1 + … + 399; and 134 zeros, 133 ones, 133 twos.
    expect(known).toBe(79_800n);
    expect(sum(assumed)).toBe(399n);
  });
});
