import type { ImportColumns } from "../domain/import-columns.js";
import { type PriceSource, promptSize } from "../domain/price.js";
import type { QuotedRates } from "../domain/price-rule.js";
import type { UsageRecord } from "../domain/usage.js";
import type { LoadPrices } from "./ports.js";

type Rated = Omit<UsageRecord, "source" | "id" | "user">;

/** The rates of many records. The price book is loaded with the first record that needs it. */
export class Rating {
  #book: PriceSource | null = null;

  constructor(private readonly load: LoadPrices) {}

  /** To be awaited before `rates` is asked about these records. */
  async prepare(records: readonly Rated[]): Promise<void> {
    if (this.#book === null && records.some(needsRates)) this.#book = await this.load();
  }

  /** The prices that these records need; `null` where they need none. */
  async bookFor({ cost, kind, kinds }: ImportColumns): Promise<PriceSource | null> {
    if (
      this.#book === null &&
      cost.some((nanos, at) => Number.isNaN(nanos) && kinds[kind[at]!]?.model !== "")
    ) {
      this.#book = await this.load();
    }
    return this.#book;
  }

  /** `null` where the record states its cost or was priced, names no model, or no price covers it. */
  rates(record: Rated): QuotedRates | null {
    if (!needsRates(record)) return null;
    const rates = this.#book?.rates(record, record.occurredAt, promptSize(record, record.requests)) ?? null;
    return rates === null ? null : { rates, from: "book" };
  }
}

function needsRates({ cost, priced, model }: Rated): boolean {
  return cost === null && priced === undefined && model !== "";
}
