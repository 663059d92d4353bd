import type { LedgerRequest } from "../domain/ledger-model.js";
import type { PriceSource } from "../domain/price.js";
import { canonicalProvider } from "../domain/usage.js";
import type { Engine } from "./engine.js";
import { kindOf, type LimitsRequest, quoted } from "./live-usage.js";

const NO_PRICES: PriceSource = { rates: () => null, dearest: () => null };

/** Brings what an application says into the ledger's form; asks the price book only where a cost is not stated. */
export class Preparing {
  #loading: Promise<PriceSource> | null = null;
  #book: PriceSource | null = null;

  constructor(
    private readonly engine: Engine,
    /** The zone of messages where a request names none. */
    private readonly zone: string | undefined,
  ) {}

  /** A promise only where the price book has to be asked. */
  request(request: LimitsRequest): LedgerRequest | Promise<LedgerRequest> {
    const { tokens = null, maxTokens, images = null, cost = null, model = "", zone = this.zone } = request;
    const states = tokens !== null || images !== null || maxTokens !== undefined;
    if (cost === null && model !== "" && states) return this.#priced(request);
    const { provider = "", feature = "" } = request;
    return {
      provider: canonicalProvider(provider),
      model,
      feature,
      tokens,
      maxTokens,
      images,
      cost,
      dearest: null,
      zone,
    };
  }

  async #priced(request: LimitsRequest): Promise<LedgerRequest> {
    const { tokens = null, maxTokens, images = null, zone = this.zone } = request;
    const kind = kindOf(request);
    const book = await this.book();
    const dearest = quoted(book.dearest(kind, this.engine.now()));
    return { ...kind, tokens, maxTokens, images, cost: null, dearest, zone };
  }

  /** Without a price book a call is one without a price: the rule for those applies, and the next call tries again. */
  async book(): Promise<PriceSource> {
    if (this.#book !== null) return this.#book;
    try {
      this.#loading ??= this.engine.prices();
      this.#book = await this.#loading;
      return this.#book;
    } catch {
      this.#loading = null;
      return NO_PRICES;
    }
  }
}
