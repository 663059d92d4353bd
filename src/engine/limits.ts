import type { Decision } from "../domain/decide.js";
import { storeUnavailable } from "../domain/ledger.js";
import type {
  Entry,
  EntryStatus,
  LedgerRequest,
  Operation,
  OperationOutcome,
} from "../domain/ledger-model.js";
import type { Nanos } from "../domain/money.js";
import type { PriceSource } from "../domain/price.js";
import { type CallKind, canonicalProvider } from "../domain/usage.js";
import type { Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import {
  entryOf,
  kindOf,
  type LimitsRequest,
  needsBook,
  quoted,
  requireCounts,
  type UsageReport,
} from "./live-usage.js";

export type { LimitsRequest, UsageReport } from "./live-usage.js";

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

/**
 * Decides and meters. Operations that arrive in the same turn of the event loop are decided together, in their order,
 * in one transaction; each is answered after the commit.
 */
export class LimitsEngine {
  #pending: Pending[] = [];
  #loading: Promise<PriceSource> | null = null;
  #book: PriceSource | null = null;

  constructor(private readonly engine: Engine) {}

  /** Decides a request without reserving anything. Never throws for what the store does: that is a decision too. */
  async check(request: LimitsRequest): Promise<Decision> {
    requireCounts(request);
    try {
      const prepared = this.#request(request) ?? (await this.#priced(request));
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
    const prepared = this.#request(request) ?? (await this.#priced(request));
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

  /** What `record` would answer, with nothing written. */
  async previewRecord(user: string, usage: UsageReport, id = this.engine.ids.event()): Promise<Recorded> {
    requireCounts(usage);
    const at = this.engine.now();
    const book = needsBook(usage) ? (this.#book ?? (await this.#loadBook())) : null;
    const entry = entryOf(user, id, usage, { estimated: false, at, book });
    const [outcome] = await this.engine.store.meter.preview([{ op: "record", entry, at }]);
    return recordedOf(entry, outcome as OperationOutcome);
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
    const book = needsBook(usage) ? (this.#book ?? (await this.#loadBook())) : null;
    const entry = entryOf(user, id, usage, { estimated, at, book });
    return recordedOf(entry, await this.#submit({ op, entry, at }));
  }

  /** The request as the ledger takes it; `undefined` where the price book has to be asked first. */
  #request(request: LimitsRequest): LedgerRequest | undefined {
    const { provider = "", model = "", feature = "", tokens = null, images = null, cost = null } = request;
    if (cost === null && model !== "" && (tokens !== null || images !== null)) return undefined;
    return { provider: canonicalProvider(provider), model, feature, tokens, images, cost, dearest: null };
  }

  async #priced(request: LimitsRequest): Promise<LedgerRequest> {
    const kind = kindOf(request);
    const book = this.#book ?? (await this.#loadBook());
    const dearest = quoted(book.dearest(kind, this.engine.now()));
    return { ...kind, tokens: request.tokens ?? null, images: request.images ?? null, cost: null, dearest };
  }

  async #loadBook(): Promise<PriceSource> {
    this.#loading ??= this.engine.prices();
    this.#book = await this.#loading;
    return this.#book;
  }

  #submit<O extends Operation>(operation: O): Promise<Extract<OperationOutcome, { op: O["op"] }>> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ operation, resolve: resolve as Pending["resolve"], reject });
      if (this.#pending.length === 1) setImmediate(() => void this.#flush());
    });
  }

  #flush(): Promise<void> {
    const batch = this.#pending;
    this.#pending = [];
    return this.#commit(batch);
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    try {
      const outcomes = await this.engine.store.meter.commit(batch.map((each) => each.operation));
      for (const [index, each] of batch.entries()) each.resolve(outcomes[index] as OperationOutcome);
    } catch (error) {
      if (batch.length === 1 || isUnavailable(error)) {
        for (const each of batch) each.reject(error);
        return;
      }
      // One operation that cannot be counted must not take the others down with it.
      for (const each of batch) await this.#commit([each]);
    }
  }
}

function recordedOf({ id, user }: Entry, outcome: OperationOutcome): Recorded {
  if (outcome.op !== "record" && outcome.op !== "settle")
    throw new Error(`usage was answered as ${outcome.op}`);
  const { status, event } = outcome;
  if (status === "user-unknown") {
    throw new AlphaError("not-found", `no user "${user}"`, { hint: "onboard them with: alpha users add" });
  }
  const { cost = 0, assumed = 0 } = event ?? {};
  return { id, status, cost, assumed, unpriced: event?.pricedBy === "none" };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AlphaError && error.code === "database";
}
