import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { PriceBook } from "../../src/domain/price-book.js";
import { createGenaiPrices } from "../../src/prices/genai.js";
import { described, rateTable } from "../../src/prices/rate-table.js";

const AT = Date.parse("2026-01-15T12:00:00Z");
const HOUR = 3_600_000;
let book: PriceBook;

beforeAll(async () => {
  book = await createGenaiPrices();
});

const inputs = (provider: string, model: string, at = AT) => {
  const found = book.describe({ provider, model }, at);
  const said = (period: NonNullable<typeof found>["periods"][number]) => [
    period.from === null ? null : new Date(period.from).toISOString().slice(0, 10),
    period.hours,
    ...period.bands.map(({ above, rates }) => [above, (rates?.input ?? 0) / 1e9]),
  ];
  return found && { periods: found.periods.map(said), current: found.current && said(found.current) };
};

describe("what the price book says of a model", () => {
  it("is named and dated: o3 fell from $10 to $2 on 2025-06-10", () => {
    const before = [null, null, [null, 10]];
    const since = ["2025-06-10", null, [null, 2]];
    expect(inputs("openai", "o3")).toEqual({ periods: [before, since], current: since });
    expect(inputs("openai", "o3", Date.parse("2025-06-09T23:59:59Z"))?.current).toEqual(before);
    expect(book.describe({ provider: "", model: "o3" }, AT)).toMatchObject({
      provider: "openai",
      model: "o3",
    });
  });

  it("has bands by the size of the prompt, the smallest first", () => {
    const bands = [null, null, [null, 1.25], [200_000, 2.5]];
    expect(inputs("google", "gemini-2.5-pro")).toEqual({ periods: [bands], current: bands });
  });

  it("has hours of the day: deepseek-chat from 00:30 to 16:30 UTC", () => {
    const cheap = [null, null, [null, 0.135]];
    const dear = [null, { from: HOUR / 2, to: 16.5 * HOUR }, [null, 0.27]];
    expect(inputs("deepseek", "deepseek-chat")).toEqual({ periods: [cheap, dear], current: dear });
    expect(inputs("deepseek", "deepseek-chat", AT + 5 * HOUR)?.current).toEqual(cheap);
  });

  it("is nothing where it has no rate", () => {
    expect(book.describe({ provider: "openai", model: "no-such-model" }, AT)).toBeNull();
    expect(book.describe({ provider: "openai", model: "whisper-1" }, AT)).toBeNull();
  });

  it("is what calls are priced by, at any time and size", () => {
    for (const model of ["o3", "gpt-4o"]) {
      for (const at of [Date.parse("2025-01-01T00:00:00Z"), AT]) {
        const { current } = book.describe({ provider: "openai", model }, at) ?? {};
        expect(current?.bands[0]?.rates).toEqual(book.rates({ provider: "openai", model }, at, 1));
      }
    }
    const { current } = book.describe({ provider: "google", model: "gemini-2.5-pro" }, AT) ?? {};
    expect(current?.bands.map(({ rates }) => rates)).toEqual(
      [200_000, 200_001].map((size) => book.rates({ provider: "google", model: "gemini-2.5-pro" }, AT, size)),
    );
  });

  it("comes from the version that is installed", () => {
    const manifest = new URL("../../node_modules/@pydantic/genai-prices/package.json", import.meta.url);
    expect(book.name).toBe("@pydantic/genai-prices");
    expect(book.version).toBe(JSON.parse(readFileSync(manifest, "utf8")).version);
  });

  it("falls back on the first rule where none applies, and lists it once", () => {
    const table = rateTable([
      { constraint: { type: "start_date", start_date: "2026-02-01" }, prices: { input_mtok: 7 } },
    ]);
    const said = described(table, AT);
    expect(said?.periods).toHaveLength(1);
    expect(said?.current).toEqual(said?.periods[0]);
    expect(described(rateTable([]), AT)).toBeNull();
    expect(described(rateTable({ audio_hours: 1 }), AT)).toBeNull();
  });
});
