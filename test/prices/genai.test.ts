import { calcPrice, type ModelInfo, type Provider, waitForUpdate } from "@pydantic/genai-prices";
import { beforeAll, describe, expect, it } from "vitest";
import { costOf, dearestCost, type PriceSource, totalInput } from "../../src/domain/price.js";
import { NO_USAGE, type Usage } from "../../src/domain/usage.js";
import { createGenaiPrices } from "../../src/prices/genai.js";

const AT = Date.parse("2026-01-15T12:00:00Z");
let prices: PriceSource;
let catalogue: { provider: Provider; model: ModelInfo }[];

beforeAll(async () => {
  prices = await createGenaiPrices();
  const providers = (await waitForUpdate()) ?? [];
  catalogue = providers.flatMap((provider) => provider.models.map((model) => ({ provider, model })));
});

function cost(provider: string, model: string, used: Partial<Usage>, at = AT): number | null {
  const usage = { ...NO_USAGE, ...used };
  const rates = prices.rates({ provider, model }, at, totalInput(usage));
  return rates === null ? null : costOf(usage, rates);
}

describe("prices worked by hand", () => {
  it.each(["openai", "azure"])("gpt-4o at %s: $2.50, cached $1.25, output $10", (provider) => {
    // 1,000 × 2,500 + 400 × 1,250 + 200 × 10,000 nanos
    const usage = { input: 1_000, cacheRead: 400, output: 200, reasoning: 50 };
    expect(cost(provider, "gpt-4o", usage)).toBe(5_000_000);
  });

  it("claude-sonnet-4-5: reads $0.30, writes $3.75", () => {
    // 1,000 × 3,000 + 10,000 × 300 + 2,000 × 3,750 + 500 × 15,000 nanos
    const usage = { input: 1_000, cacheRead: 10_000, cacheWrite: 2_000, output: 500 };
    expect(cost("anthropic", "claude-sonnet-4-5", usage)).toBe(21_000_000);
  });

  it.each([
    [199_999, 250_998_750],
    [200_000, 251_000_000],
    [200_001, 501_502_500],
  ])("gemini-2.5-pro charges all of %d tokens by the prompt's size", (input, nanos) => {
    // $1.25 and $10 up to 200,000 tokens of input, $2.50 and $15 above; 100 tokens of output.
    expect(cost("google", "gemini-2.5-pro", { input, output: 100 })).toBe(nanos);
  });

  it("counts cached input towards the prompt's size", () => {
    // 1 × 2,500 + 200,000 × 250 nanos
    expect(cost("google", "gemini-2.5-pro", { input: 1, cacheRead: 200_000 })).toBe(50_002_500);
  });

  it("o3 fell from $10 to $2 on 2025-06-10", () => {
    const start = Date.parse("2025-06-10T00:00:00Z");
    expect(cost("openai", "o3", { input: 1_000 }, start - 1)).toBe(10_000_000);
    expect(cost("openai", "o3", { input: 1_000 }, start)).toBe(2_000_000);
  });

  it("deepseek-chat is dearer from 00:30 to 16:30 UTC", () => {
    const input = { input: 1_000 };
    expect(cost("deepseek", "deepseek-chat", input, Date.parse("2026-01-15T16:29:59Z"))).toBe(270_000);
    expect(cost("deepseek", "deepseek-chat", input, Date.parse("2026-01-15T16:30:00Z"))).toBe(135_000);
  });

  it("sonar: $12 per thousand calls on top of $1", () => {
    expect(cost("perplexity", "sonar", { input: 100, output: 100 })).toBe(12_200_000);
  });

  it("holds at the dearest tier", () => {
    const rates = prices.dearest({ provider: "google", model: "gemini-2.5-pro" }, AT);
    expect(dearestCost({ tokens: 1_000, images: 0 }, rates!)).toBe(15_000_000);
  });
});

describe("what has no price", () => {
  it.each([
    ["openai", "no-such-model"],
    ["no-such-provider", "gpt-4o"],
    ["", "no-such-model"],
    ["", ""],
    ["openai", ""],
    ["openai", "/"],
  ])("provider '%s', model '%s'", (provider, model) => {
    expect(prices.rates({ provider, model }, AT, 1)).toBeNull();
    expect(prices.dearest({ provider, model }, AT)).toBeNull();
  });

  it.each([
    ["openai", "gpt-image-1"],
    ["openai", "gpt-4o"],
    ["google", "gemini-2.5-flash-image"],
    ["openai", "dall-e-3"],
  ])("an image of %s %s is unpriced, not free", (provider, model) => {
    expect(cost(provider, model, { images: 1 })).toBeNull();
    expect(cost(provider, model, { images: 1, input: 5 })).toBeNull();
  });

  it("output of a model that has a rate for input only", () => {
    expect(cost("openai", "text-embedding-3-small", { input: 100 })).toBe(2_000);
    expect(cost("openai", "text-embedding-3-small", { input: 100, output: 1 })).toBeNull();
  });

  it.each([
    ["openai", "whisper-1"],
    ["cerebras", "qwen-3-coder-480b"],
    ["mistral", "mistral-nemo:free"],
  ])("%s %s, whose price list is empty or in other units", (provider, model) => {
    expect(calcPrice({ input_tokens: 10 }, model, { providerId: provider })?.total_price).toBe(0);
    expect(cost(provider, model, { input: 10 })).toBeNull();
  });

  it("believes that OpenRouter's free variants are free, of tokens", () => {
    expect(cost("openrouter", "deepseek/deepseek-r1:free", { input: 9, output: 9 })).toBe(0);
    expect(cost("openrouter", "deepseek/deepseek-r1:free", { images: 1 })).toBeNull();
    expect(cost("openrouter", "no-such-model:free", { input: 9 })).toBeNull();
    expect(cost("openrouter", "google/lyria-3-pro-preview", { input: 9 })).toBeNull();
  });

  it("charges everybody else something: the cheapest ten tokens are no zero", () => {
    for (const { provider, model } of catalogue) {
      const rates = prices.rates({ provider: provider.id, model: model.id }, AT, 10);
      if (rates === null || model.id.endsWith(":free")) continue;
      for (const unit of ["input", "cacheRead", "cacheWrite", "output"] as const) {
        if (rates[unit] === null) continue;
        expect(costOf({ ...NO_USAGE, [unit]: 10 }, rates), `${provider.id} ${model.id}`).toBeGreaterThan(0);
      }
    }
  });
});

describe("finding the model", () => {
  const input = { input: 1_000_000 };

  it.each([
    ["", "gpt-4o"],
    ["", "openai/gpt-4o"],
    ["", "azure/gpt-4o"],
    ["openai", "openai/gpt-4o"],
    ["azure", "azure/gpt-4o"],
    ["openai", "GPT-4o"],
    ["openai", "gpt-4o-2024-08-06"],
    ["openrouter", "openai/gpt-4o"],
    ["openrouter", "openrouter/openai/gpt-4o"],
  ])("knows '%s' '%s' as gpt-4o", (provider, model) => {
    expect(cost(provider, model, input)).toBe(2_500_000_000);
  });

  it.each([
    ["text-embedding-3-small", 20_000_000],
    ["text-embedding-3-large", 130_000_000],
    ["chatgpt-4o-latest", 5_000_000_000],
    ["codex-mini-latest", 1_500_000_000],
    ["computer-use-preview", 3_000_000_000],
    ["ft:gpt-4o-mini-2024-07-18:acme::9aBc", 300_000_000],
  ])("without a provider prices '%s' as its maker does", (model, nanos) => {
    expect(cost("openai", model, input)).toBe(nanos);
    expect(cost("", model, input)).toBe(nanos);
    expect(cost("azure-gateway", model, input)).toBeNull();
    expect(cost("", `azure-gateway/${model}`, input)).toBeNull();
  });

  it("does not take the price of another provider than the one stated", () => {
    expect(cost("openai", "anthropic/claude-sonnet-4-5", input)).toBeNull();
    expect(cost("anthropic", "gpt-4o", input)).toBeNull();
    expect(cost("azure", "openai/gpt-4o", input)).toBeNull();
  });
});

describe("the cache", () => {
  it("answers as a fresh source does, for whatever was asked before", async () => {
    const warm = await createGenaiPrices();
    const times = [Date.parse("2024-01-01T00:00:00Z"), AT, Date.parse("2027-06-01T03:00:00Z")];
    const sample = catalogue
      .filter((_, i) => i % 9 === 0)
      .map((e) => ({ provider: e.provider.id, model: e.model.id }));
    sample.push({ provider: "google", model: "gemini-2.5-pro" }, { provider: "openai", model: "o3" });
    for (let round = 0; round < 2; round++) {
      for (const kind of [...sample, { provider: "openai", model: "no-such-model" }]) {
        const fresh = await createGenaiPrices();
        for (const at of times) {
          for (const size of [1, 250_000])
            expect(warm.rates(kind, at, size)).toEqual(fresh.rates(kind, at, size));
          expect(warm.dearest(kind, at)).toEqual(fresh.dearest(kind, at));
        }
      }
    }
  });

  it("resolves a model once", () => {
    const kind = { provider: "openai", model: "gpt-4o" };
    expect(prices.rates(kind, AT, 1)).toBe(prices.rates({ ...kind }, AT + 1, 2));
  });

  it("survives more models than it keeps", () => {
    const first = prices.rates({ provider: "openai", model: "gpt-4o" }, AT, 1);
    for (let i = 0; i < 10_001; i++) prices.rates({ provider: `p${i % 7}`, model: `m${i}` }, AT, 1);
    const again = prices.rates({ provider: "openai", model: "gpt-4o" }, AT, 1);
    expect(again).toEqual(first);
    expect(again).not.toBe(first);
  });
});

describe("the package's own calculator", () => {
  const times = [
    "2024-06-01T00:00:00Z",
    "2026-01-15T12:00:00Z",
    "2026-09-01T02:00:00Z",
    "2027-02-01T20:00:00Z",
  ];
  const usages: Usage[] = [
    { ...NO_USAGE, input: 12_345, cacheRead: 678, cacheWrite: 91, output: 2_345 },
    { ...NO_USAGE, input: 150_000, cacheRead: 90_001, cacheWrite: 60_000, output: 4_321 },
    { ...NO_USAGE, input: 999_999 },
  ];

  it("agrees on tokens wherever both have a price", () => {
    let compared = 0;
    for (const { provider, model } of catalogue) {
      for (const time of times) {
        for (const usage of usages) {
          const at = Date.parse(time);
          const ours = cost(provider.id, model.id, usage, at);
          const theirs = calcPrice(
            {
              input_tokens: totalInput(usage),
              cache_read_tokens: usage.cacheRead,
              cache_write_tokens: usage.cacheWrite,
              output_tokens: usage.output,
            },
            model.id,
            { providerId: provider.id, timestamp: new Date(at) },
          );
          if (ours === null || theirs === null) continue;
          // Half a nano of rounding, and the package's float error.
          const difference = Math.abs(ours - theirs.total_price * 1e9);
          expect(difference, `${provider.id} ${model.id} ${time}`).toBeLessThan(1);
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(10_000);
  });
});
