import type { ModelInfo } from "@pydantic/genai-prices";
import { describe, expect, it } from "vitest";
import { dearestIn, modelTable, ratesIn, rateTable } from "../../src/prices/rate-table.js";

const NOON = Date.parse("2026-01-15T12:00:00Z");
const at = (time: string) => Date.parse(`2026-01-15T${time}Z`);

describe("rate table", () => {
  it.each([
    [0.07, 70_000_000],
    [1.1, 1_100_000_000],
    [0.003625, 3_625_000],
    [600, 600_000_000_000],
    [1e-7, 100],
    [0.08333333333333334, 83_333_333],
    [0, 0],
  ])("reads $%d per million tokens as %d nanos", (price, nanos) => {
    expect(ratesIn(rateTable({ input_mtok: price }), NOON, 1)?.input).toBe(nanos);
  });

  it("reads a price per thousand calls as one per call", () => {
    expect(ratesIn(rateTable({ requests_kcount: 12 }), NOON, 0)?.request).toBe(12_000_000);
  });

  it("charges cached tokens as input only where they have no rate", () => {
    const plain = ratesIn(rateTable({ input_mtok: 2 }), NOON, 1);
    expect([plain?.cacheRead, plain?.cacheWrite, plain?.output]).toEqual([
      2_000_000_000,
      2_000_000_000,
      null,
    ]);
    const separate = ratesIn(rateTable({ input_mtok: 2, cache_read_mtok: 0, cache_write_mtok: 3 }), NOON, 1);
    expect([separate?.cacheRead, separate?.cacheWrite]).toEqual([0, 3_000_000_000]);
  });

  it("has no rates where no unit that is metered is priced", () => {
    expect(ratesIn(rateTable({}), NOON, 1)).toBeNull();
    expect(dearestIn(rateTable({ audio_hours: 0.36 }), NOON)).toBeNull();
  });

  it("changes tiers above each start, whatever their order, per unit", () => {
    const table = rateTable({
      input_mtok: {
        base: 1,
        tiers: [
          { start: 300, price: 5 },
          { start: 100, price: 2 },
        ],
      },
      output_mtok: { base: 9, tiers: [{ start: 200, price: 4 }] },
    });
    const both = [100, 101, 200, 201, 300, 301].map((tokens) => {
      const rates = ratesIn(table, NOON, tokens);
      return [rates!.input! / 1e9, rates!.output! / 1e9];
    });
    expect(both).toEqual([
      [1, 9],
      [2, 9],
      [2, 9],
      [2, 4],
      [2, 4],
      [5, 4],
    ]);
    expect(dearestIn(table, NOON)).toMatchObject({ input: 5e9, cacheRead: 5e9, output: 9e9, image: null });
  });

  it("prefers later rules, and hours of the day in UTC that may run over midnight", () => {
    const table = rateTable([
      { prices: { input_mtok: 1 } },
      { constraint: { type: "start_date", start_date: "2026-01-15" }, prices: { input_mtok: 2 } },
      {
        constraint: { type: "time_of_date", start_time: "22:00:00Z", end_time: "07:00:00+01:00" },
        prices: { input_mtok: 3 },
      },
    ]);
    const input = (instant: number) => ratesIn(table, instant, 1)!.input! / 1e9;
    expect(input(at("00:00:00") - 6 * 3_600_000)).toBe(1);
    expect(input(at("00:00:00") - 1)).toBe(3);
    expect(input(at("05:59:59.999"))).toBe(3);
    expect(input(at("06:00:00"))).toBe(2);
    expect(input(at("21:59:59.999"))).toBe(2);
    expect(input(at("22:00:00"))).toBe(3);
    expect(input(-1)).toBe(3);
    expect(dearestIn(table, at("12:00:00"))?.input).toBe(2e9);
  });

  it("falls back on the first rule", () => {
    const table = rateTable([
      { constraint: { type: "start_date", start_date: "2026-02-01" }, prices: { input_mtok: 7 } },
    ]);
    expect(ratesIn(table, NOON, 1)?.input).toBe(7e9);
  });

  it("is free only for OpenRouter's free variants, and only without a stated price", () => {
    const input = (provider: string, id: string, prices: ModelInfo["prices"]) =>
      ratesIn(modelTable(provider, { id, prices }), NOON, 1)?.input;
    expect(input("openrouter", "a/b:free", {})).toBe(0);
    expect(input("openrouter", "a/b:free", { input_mtok: 1 })).toBe(1e9);
    expect(input("openrouter", "a/b:free", [{ prices: { input_mtok: 1 } }])).toBe(1e9);
    expect(input("openrouter", "a/b", {})).toBeUndefined();
    expect(input("azure", "b:free", {})).toBeUndefined();
  });
});
