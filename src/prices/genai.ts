import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { PriceCalculationResult } from "@pydantic/genai-prices";
import { makerOf } from "../domain/model-names.js";
import type { PricedKind, Rates } from "../domain/price.js";
import type { BookModel, PriceBook } from "../domain/price-book.js";
import type { Instant } from "../domain/window.js";
import { dearestIn, described, modelTable, type RateTable, ratesIn } from "./rate-table.js";

type GenaiPrices = typeof import("@pydantic/genai-prices");

/** Model names come from logs, so their number is not ours to bound; a real product uses a few dozen. */
const MAX_CACHED_MODELS = 10_000;
/** Under this provider id the package takes the provider from the model's name: `openai/gpt-4o`. */
const PROVIDER_IN_NAME = "litellm";
const PACKAGE = "@pydantic/genai-prices";

/**
 * The prices bundled with `@pydantic/genai-prices`; nothing is fetched. They carry no price per image. The package is
 * loaded by this call, not with this module, because it is large.
 */
export async function createGenaiPrices(): Promise<PriceBook> {
  return new GenaiPriceBook(await import("@pydantic/genai-prices"));
}

class GenaiPriceBook implements PriceBook {
  readonly name = PACKAGE;
  /** By provider, then model: a joined key would cost a string per record. `null`: looked up and not known. */
  readonly #cache = new Map<string, Map<string, RateTable | null>>();
  #cachedModels = 0;
  readonly #package: GenaiPrices;

  constructor(genaiPrices: GenaiPrices) {
    this.#package = genaiPrices;
  }

  rates(kind: PricedKind, at: Instant, inputTokens: number): Rates | null {
    const table = this.#table(kind);
    return table === null ? null : ratesIn(table, at, inputTokens);
  }

  dearest(kind: PricedKind, at: Instant): Rates | null {
    const table = this.#table(kind);
    return table === null ? null : dearestIn(table, at);
  }

  get version(): string {
    return installedVersion();
  }

  describe({ provider, model }: PricedKind, at: Instant): BookModel | null {
    const match = this.#match(provider, model);
    const table = this.#table({ provider, model });
    const says = table === null ? null : described(table, at);
    if (match === null || says === null) return null;
    return { provider: match.provider.id, model: match.model.id, ...says };
  }

  #table({ provider, model }: PricedKind): RateTable | null {
    const cached = this.#cache.get(provider)?.get(model);
    if (cached !== undefined) return cached;
    const table = this.#resolve(provider, model);
    if (this.#cachedModels >= MAX_CACHED_MODELS) {
      this.#cache.clear();
      this.#cachedModels = 0;
    }
    const models = this.#cache.get(provider) ?? new Map<string, RateTable | null>();
    this.#cache.set(provider, models.set(model, table));
    this.#cachedModels++;
    return table;
  }

  #resolve(provider: string, model: string): RateTable | null {
    const match = this.#match(provider, model);
    return match === null ? null : modelTable(match.provider.id, match.model);
  }

  #match(provider: string, model: string): PriceCalculationResult {
    if (provider === "") return this.#calculate(PROVIDER_IN_NAME, model) ?? this.#matchByMaker(model);
    const match = this.#calculate(provider, model);
    const slash = model.indexOf("/");
    if (match !== null || slash <= 0) return match;
    // `openai/gpt-4o` from the provider `openai` repeats it; a prefix that names another provider is left unknown.
    const { findProvider } = this.#package;
    const prefix = findProvider({ providerId: model.slice(0, slash) });
    const repeats = prefix !== undefined && prefix === findProvider({ providerId: provider });
    return repeats ? this.#calculate(provider, model.slice(slash + 1)) : null;
  }

  /** A log may name no provider. A prefix does, and is not passed over. */
  #matchByMaker(model: string): PriceCalculationResult {
    const maker = model.includes("/") ? null : makerOf(model);
    return maker === null ? null : this.#calculate(maker, model);
  }

  /** The calculator serves only to find the model: its total is no price, since what it does not know costs $0. */
  #calculate(providerId: string, model: string): PriceCalculationResult {
    return this.#package.calcPrice({}, model, { providerId, timestamp: new Date(0) });
  }
}

/** It is no part of what the package exports; and since it can be updated alone, no version can be built in. */
function installedVersion(): string {
  const entry = createRequire(import.meta.url).resolve(PACKAGE);
  const { version } = JSON.parse(readFileSync(join(dirname(entry), "../package.json"), "utf8"));
  return String(version);
}
