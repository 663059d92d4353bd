import type { LedgerRequest } from "../domain/ledger-model.js";
import type { PriceSource } from "../domain/price.js";
import type { CallKind } from "../domain/usage.js";
import type { Engine } from "./engine.js";
import { kindOf, type LimitsRequest, quoted } from "./live-usage.js";

const NO_PRICES: PriceSource = { rates: () => null, dearest: () => null };

/** Brings what an application says into the ledger's form; asks the price book only where a cost is not stated. */
export class Preparing {
  #book: PriceSource | null = null;
  #loading: Promise<PriceSource> | null = null;
  /** What those who wait are waiting for. */
  #awaited: Promise<PriceSource> = Promise.resolve(NO_PRICES);
  #waiting = 0;

  constructor(
    private readonly engine: Engine,
    /** The zone of messages where a request names none. */
    private readonly zone: string | undefined,
  ) {}

  /**
   * A promise only where the price book has to be loaded first, for this request or for one before it: requests are
   * decided in the order in which they come.
   */
  request(request: LimitsRequest): LedgerRequest | Promise<LedgerRequest> {
    const kind = kindOf(request);
    const book = isToBePriced(request, kind) ? this.book() : null;
    return this.#waiting > 0 || book instanceof Promise
      ? this.#inTurn(request, kind, book)
      : this.#ledgerRequest(request, kind, book);
  }

  /** All take equally many steps from one promise to their caller, so that none comes before those that came first. */
  #inTurn(
    request: LimitsRequest,
    kind: CallKind,
    book: PriceSource | Promise<PriceSource> | null,
  ): Promise<LedgerRequest> {
    if (book instanceof Promise) this.#awaited = book;
    this.#waiting += 1;
    const prepared = this.#awaited.then((loaded) =>
      this.#ledgerRequest(request, kind, book instanceof Promise ? loaded : book),
    );
    const served = () => {
      this.#waiting -= 1;
    };
    // Before the caller waits for it: once nobody waits, the last one's turn comes next.
    prepared.then(served, served);
    return prepared;
  }

  #ledgerRequest(request: LimitsRequest, kind: CallKind, book: PriceSource | null): LedgerRequest {
    const { tokens = null, maxTokens, images = null, cost = null, zone = this.zone } = request;
    const { provider, model, feature } = kind;
    const dearest = book === null ? null : quoted(book.dearest(kind, this.engine.now()));
    return { provider, model, feature, tokens, maxTokens, images, cost, dearest, zone };
  }

  /**
   * A promise only until it is loaded. Without a price book a call is one without a price: the rule for those applies,
   * and the next call tries again.
   */
  book(): PriceSource | Promise<PriceSource> {
    if (this.#book !== null) return this.#book;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #load(): Promise<PriceSource> {
    try {
      this.#book = await this.engine.prices();
      return this.#book;
    } catch {
      return NO_PRICES;
    }
  }
}

/** Whether its cost has to be estimated. */
function isToBePriced({ cost, tokens, maxTokens, images }: LimitsRequest, { model }: CallKind): boolean {
  const states = tokens !== undefined || maxTokens !== undefined || images !== undefined;
  return cost === undefined && model !== "" && states;
}
