import { contentHash } from "../domain/content-hash.js";
import type { Decision } from "../domain/decide.js";
import { storeUnavailable } from "../domain/ledger.js";
import type {
  Entry,
  EntryStatus,
  LedgerEvent,
  LedgerRequest,
  Operation,
  OperationOutcome,
} from "../domain/ledger-model.js";
import type { Nanos } from "../domain/money.js";
import { type PriceSource, totalInput } from "../domain/price.js";
import type { QuotedRates } from "../domain/price-rule.js";
import { type CallKind, canonicalProvider, type Usage } from "../domain/usage.js";
import type { Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";

/** The source of events that are metered live, by the product or by `alpha usage record`. */
export const LIVE_SOURCE = "live";

/** What a call is about to use. Everything but the user may be left out. */
export interface LimitsRequest extends Partial<CallKind> {
  /** Id, email or alias. */
  readonly user: string;
  /** Tokens, input and output together. Left out together with `images`: the request is judged by both quotas. */
  readonly tokens?: number;
  readonly images?: number;
  /** Expected cost in nanos; estimated from the model's dearest rate when left out. */
  readonly cost?: Nanos;
}

/** What a call used. Buckets are disjoint, see `TokenBuckets`; what is left out is 0. */
export interface UsageReport extends Partial<Usage>, Partial<CallKind> {
  /** Cost in nanos, where the provider states it; computed from the price book when left out. */
  readonly cost?: Nanos;
  /** When the call ended; now, when left out. */
  readonly occurredAt?: Instant;
  /** The provider's id of the response: the same call found again in a log then counts once. */
  readonly providerId?: string;
  /** `ok` unless given. */
  readonly status?: string;
}

/** What became of reported usage. */
export interface Recorded {
  readonly id: string;
  readonly status: Exclude<EntryStatus, "user-unknown">;
  /** Known cost in nanos; 0 for unpriced usage, whose `assumed` cost counts instead. */
  readonly cost: Nanos;
  readonly assumed: Nanos;
  readonly unpriced: boolean;
}

/** Names a reservation; can be sent to another process and settled there. */
export interface ReservationHandle extends CallKind {
  readonly user: string;
  readonly id: string;
}

/** What a reservation was granted. */
export interface Reservation {
  readonly handle: ReservationHandle;
  readonly expiresAt: Instant;
  /** What it holds until it is settled, released or expires. */
  readonly tokens: number;
  readonly images: number;
  readonly cost: Nanos;
}

export interface ReserveResult {
  readonly decision: Decision;
  /** `null` when the decision is to block. */
  readonly reservation: Reservation | null;
}

interface Pending {
  readonly operation: Operation;
  resolve(outcome: OperationOutcome): void;
  reject(error: unknown): void;
}

const COUNTS = [
  "tokens",
  "images",
  "cost",
  "input",
  "cacheRead",
  "cacheWrite",
  "output",
  "reasoning",
] as const;

function requireCounts(values: Partial<Record<(typeof COUNTS)[number], number>>): void {
  for (const name of COUNTS) {
    const value = values[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) {
      throw new AlphaError("usage", `${name} must be a whole number of 0 or more, not ${value}`);
    }
  }
  if ((values.reasoning ?? 0) > (values.output ?? 0)) {
    throw new AlphaError("usage", "reasoning is a part of output and cannot be more than it");
  }
}

function kindOf({ provider = "", model = "", feature = "" }: Partial<CallKind>): CallKind {
  return { provider: canonicalProvider(provider), model: model.trim(), feature: feature.trim() };
}

/**
 * Decides and meters. Operations that arrive in the same turn of the event loop are decided together, in their order,
 * in one transaction; each is answered after the commit.
 */
export class LimitsEngine {
  #pending: Pending[] = [];
  #prices: Promise<PriceSource> | null = null;

  constructor(private readonly engine: Engine) {}

  /** Decides a request without reserving anything. Never throws for what the store does: that is a decision too. */
  async check(request: LimitsRequest): Promise<Decision> {
    requireCounts(request);
    const prepared = await this.#request(request);
    try {
      const at = this.engine.now();
      const [decision] = await this.engine.store.meter.check([{ user: request.user, request: prepared, at }]);
      return decision as Decision;
    } catch (error) {
      if (isUnavailable(error)) return storeUnavailable();
      throw error;
    }
  }

  /** Decides a request and, unless it is blocked, holds what it asks for. */
  async reserve(
    request: LimitsRequest,
    options: { readonly id?: string; readonly holdForMs?: number } = {},
  ): Promise<ReserveResult> {
    requireCounts(request);
    const prepared = await this.#request(request);
    const id = options.id ?? this.engine.ids.reservation();
    try {
      const outcome = await this.#submit({
        op: "reserve",
        user: request.user,
        id,
        request: prepared,
        at: this.engine.now(),
        holdFor: options.holdForMs ?? null,
      });
      const { decision, hold } = outcome;
      if (hold === null) return { decision, reservation: null };
      const { tokens, images, cost } = hold.amounts;
      const handle = { user: request.user, id, ...hold.kind };
      return { decision, reservation: { handle, expiresAt: hold.expiresAt, tokens, images, cost } };
    } catch (error) {
      if (isUnavailable(error)) return { decision: storeUnavailable(), reservation: null };
      throw error;
    }
  }

  /** Ends a reservation with what the call used. Recorded even after the reservation expired. */
  settle(
    handle: ReservationHandle,
    usage: UsageReport,
    options: { readonly estimated?: boolean } = {},
  ): Promise<Recorded> {
    const { user, id, ...kind } = handle;
    return this.#enter("settle", user, id, { ...kind, ...usage }, options.estimated ?? false);
  }

  /** Ends a reservation that used nothing. Releasing twice, or what has expired, does no harm. */
  async release(handle: ReservationHandle): Promise<void> {
    await this.#submit({ op: "release", user: handle.user, id: handle.id, at: this.engine.now() });
  }

  /** Gives a long call more time. `false`: the reservation is gone already. */
  async extend(handle: ReservationHandle, holdForMs?: number): Promise<boolean> {
    const at = this.engine.now();
    const { status } = await this.#submit({
      op: "extend",
      user: handle.user,
      id: handle.id,
      at,
      holdFor: holdForMs ?? null,
    });
    return status === "extended";
  }

  /** Records usage that nothing was reserved for. The same id again is a duplicate and counts once. */
  record(user: string, usage: UsageReport, options: { readonly id?: string } = {}): Promise<Recorded> {
    return this.#enter("record", user, options.id ?? this.engine.ids.event(), usage, false);
  }

  async #enter(
    op: "settle" | "record",
    user: string,
    id: string,
    usage: UsageReport,
    estimated: boolean,
  ): Promise<Recorded> {
    requireCounts(usage);
    const at = this.engine.now();
    const entry = await this.#entry(user, id, usage, estimated, at);
    const outcome = await this.#submit({ op, entry, at });
    if (outcome.status === "user-unknown") {
      throw new AlphaError("not-found", `no user "${user}"`, { hint: "onboard them with: alpha users add" });
    }
    return recorded(id, outcome.status, outcome.event);
  }

  async #entry(
    user: string,
    id: string,
    usage: UsageReport,
    estimated: boolean,
    at: Instant,
  ): Promise<Entry> {
    const { input = 0, cacheRead = 0, cacheWrite = 0, output = 0, reasoning = 0, images = 0 } = usage;
    const amounts = { input, cacheRead, cacheWrite, output, reasoning, images };
    const occurredAt = usage.occurredAt ?? at;
    const content = {
      ...kindOf(usage),
      ...amounts,
      occurredAt,
      cost: usage.cost ?? null,
      status: usage.status ?? "ok",
      providerId: usage.providerId ?? null,
    };
    // A retry is made later: when the instant was not given, it is no part of what makes the content the same.
    const hash = contentHash(usage.occurredAt === undefined ? { ...content, occurredAt: 0 } : content);
    const rates = content.cost === null ? await this.#rates(content, occurredAt, totalInput(amounts)) : null;
    return { user, source: LIVE_SOURCE, id, hash, ...content, rates, estimated, importId: null };
  }

  async #request(request: LimitsRequest): Promise<LedgerRequest> {
    const kind = kindOf(request);
    const cost = request.cost ?? null;
    const dearest =
      cost !== null || kind.model === ""
        ? null
        : quoted((await this.#book()).dearest(kind, this.engine.now()));
    return { ...kind, tokens: request.tokens ?? null, images: request.images ?? null, cost, dearest };
  }

  async #rates(kind: CallKind, at: Instant, inputTokens: number): Promise<QuotedRates | null> {
    return kind.model === "" ? null : quoted((await this.#book()).rates(kind, at, inputTokens));
  }

  #book(): Promise<PriceSource> {
    this.#prices ??= this.engine.prices();
    return this.#prices;
  }

  #submit<O extends Operation>(operation: O): Promise<Extract<OperationOutcome, { op: O["op"] }>> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ operation, resolve: resolve as Pending["resolve"], reject });
      if (this.#pending.length === 1) setImmediate(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#pending;
    this.#pending = [];
    try {
      const outcomes = await this.engine.store.meter.commit(batch.map((each) => each.operation));
      for (const [index, each] of batch.entries()) each.resolve(outcomes[index] as OperationOutcome);
    } catch (error) {
      for (const each of batch) each.reject(error);
    }
  }
}

function quoted(rates: QuotedRates["rates"] | null): QuotedRates | null {
  return rates === null ? null : { rates, from: "book" };
}

function recorded(id: string, status: Recorded["status"], event: LedgerEvent | null): Recorded {
  return {
    id,
    status,
    cost: event?.cost ?? 0,
    assumed: event?.assumed ?? 0,
    unpriced: event?.pricedBy === "none",
  };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AlphaError && error.code === "database";
}
