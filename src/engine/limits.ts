import type { Decision } from "../domain/decide.js";
import { storeUnavailable } from "../domain/ledger.js";
import {
  type Entry,
  type EntryStatus,
  type LedgerRequest,
  type Operation,
  type OperationOutcome,
  type PartOfCall,
  partIdentity,
} from "../domain/ledger-model.js";
import type { Nanos } from "../domain/money.js";
import type { PricedBy } from "../domain/price-rule.js";
import { unpricedOf } from "../domain/total-deltas.js";
import type { Instant } from "../domain/window.js";
import { AlphaError, OutageError } from "../errors.js";
import type { Engine } from "./engine.js";
import { decideOpen, type OpenDecision } from "./fail-open.js";
import {
  entryOf,
  LIVE_SOURCE,
  type LimitsRequest,
  type NamedUsage,
  needsBook,
  type ReservationHandle,
  type UsageReport,
} from "./live-usage.js";
import type { LastSeen } from "./ports.js";
import { Preparing } from "./preparing.js";
import { sealedReason } from "./sealing.js";
import { inOwnWords, type MessageTemplate } from "./sentence.js";
import {
  requireHandle,
  requireHoldFor,
  requireId,
  requireReport,
  requireRequest,
  requireUser,
} from "./well-formed.js";

export type { LimitsRequest, ReservationHandle, UsageReport } from "./live-usage.js";

/** What became of reported usage. */
export interface Recorded {
  readonly id: string;
  readonly status: Exclude<EntryStatus, "user-unknown" | "superseded" | "sealed">;
  /** Known cost in nanos; 0 for unpriced usage, whose `assumed` cost counts instead. */
  readonly cost: Nanos;
  readonly assumed: Nanos;
  readonly unpriced: boolean;
  /** Where the cost comes from; `null` for a duplicate, which costs nothing more. */
  readonly pricedBy: PricedBy | null;
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

/** How an application wants to be answered. */
export interface LimitsOptions {
  /** Let calls through while the store cannot be reached. */
  readonly failOpen?: boolean;
  /** The time zone in which messages tell instants; the accounting zone unless given. */
  readonly messageZone?: string;
  readonly message?: MessageTemplate;
}

interface Pending {
  readonly operation: Operation;
  resolve(outcome: OperationOutcome): void;
  reject(error: unknown): void;
}

/** A reservation and what settles it. */
const AT_ONCE_A_TURN = 2;

/**
 * Decides and meters. Operations that arrive in the same turn of the event loop are decided together, in their order,
 * in one transaction; each is answered after the commit.
 */
export class LimitsEngine {
  #pending: Pending[] = [];
  /** Batches of this turn that did not wait for its end. */
  #atOnce = 0;
  readonly #preparing: Preparing;

  constructor(
    private readonly engine: Engine,
    private readonly options: LimitsOptions = {},
  ) {
    this.#preparing = new Preparing(engine, options.messageZone);
  }

  /** Decides a request without reserving anything. Never throws for what the store does: that is a decision too. */
  async check(request: LimitsRequest): Promise<Decision> {
    requireRequest(request);
    const asked = this.#preparing.request(request);
    const prepared = asked instanceof Promise ? await asked : asked;
    const at = this.engine.now();
    try {
      const checked = this.engine.store.meter.check(request.user, prepared, at);
      return this.#said(checked instanceof Promise ? await checked : checked, request);
    } catch (error) {
      return this.#withoutStore(request, prepared, at, error).decision;
    }
  }

  /**
   * Decides many requests on one snapshot, in their order: each sees those before it as if they were reserved. Nothing
   * is.
   */
  async checkMany(requests: readonly LimitsRequest[]): Promise<Decision[]> {
    requests.forEach(requireRequest);
    const prepared = await Promise.all(requests.map((request) => this.#preparing.request(request)));
    const at = this.engine.now();
    const operations = requests.map(({ user }, index): Operation => {
      const request = prepared[index] as LedgerRequest;
      return { op: "reserve", user, id: this.engine.ids.reservation(), request, at, holdFor: null };
    });
    try {
      const outcomes = operations.length === 0 ? [] : await this.engine.store.meter.preview(operations);
      return outcomes.map((outcome, index) => {
        const { decision } = outcome as Extract<OperationOutcome, { op: "reserve" }>;
        return this.#said(decision, requests[index] as LimitsRequest);
      });
    } catch (error) {
      return requests.map((request, index) => {
        return this.#withoutStore(request, prepared[index] as LedgerRequest, at, error).decision;
      });
    }
  }

  /**
   * Decides a request and, unless it is blocked, holds what it asks for.
   * @param options.id makes a retry the same reservation; once its usage is in the ledger, the answer is `already-settled`
   */
  async reserve(
    request: LimitsRequest,
    options: { readonly id?: string; readonly holdForMs?: number } = {},
  ): Promise<ReserveResult> {
    requireRequest(request);
    if (options.id !== undefined) requireId(options.id);
    requireHoldFor(options.holdForMs);
    const asked = this.#preparing.request(request);
    const prepared = asked instanceof Promise ? await asked : asked;
    const { user } = request;
    const { id: ownId, holdForMs: holdFor = null } = options;
    const id = ownId ?? this.engine.ids.reservation();
    const at = this.engine.now();
    try {
      const asks = { op: "reserve" as const, user, id, request: prepared, at, holdFor };
      // An id that was made just now cannot have been settled.
      const outcome = await this.#submit(ownId === undefined ? asks : { ...asks, source: LIVE_SOURCE });
      const decision = this.#said(outcome.decision, request);
      if (outcome.hold === null) return { decision, reservation: null };
      const { amounts, kind, expiresAt } = outcome.hold;
      const { tokens, images, cost } = amounts;
      const handle = { user: outcome.user, id, ...kind };
      return { decision, reservation: { handle, expiresAt, tokens, images, cost } };
    } catch (error) {
      const open = this.#withoutStore(request, prepared, at, error);
      const { decision, amounts, holdTtl } = open;
      if (amounts === null) return { decision, reservation: null };
      const { provider, model, feature } = prepared;
      const { tokens, images, cost } = amounts;
      const expiresAt = at + (holdFor ?? holdTtl);
      const handle = { user: open.user, id, provider, model, feature };
      return { decision, reservation: { handle, expiresAt, tokens, images, cost } };
    }
  }

  /** Ends a reservation with what the call used. Recorded even after the reservation expired. */
  settle(
    handle: ReservationHandle,
    usage: UsageReport,
    options: { readonly estimated?: boolean } = {},
  ): Promise<Recorded> {
    return this.#enter("settle", handle, usage, { estimated: options.estimated ?? false });
  }

  /**
   * Counts a part of what a reserved call uses, while it goes on: the reservation holds as much less, and longer.
   * @param options.part the number of the part, from 1; the same number again counts once
   */
  async settlePart(
    handle: ReservationHandle,
    usage: UsageReport,
    options: { readonly part: number; readonly holdForMs?: number },
  ): Promise<Recorded> {
    requireHandle(handle);
    const { part: number, holdForMs: holdFor = null } = options;
    requireHoldFor(holdFor);
    if (!Number.isSafeInteger(number) || number < 1) {
      throw new AlphaError(
        "usage",
        `the number of a part must be a whole number of 1 or more, not ${number}`,
      );
    }
    const part = { source: LIVE_SOURCE, hold: handle.id, number, holdFor };
    return this.#enter("settle", handle, usage, { estimated: false, part });
  }

  /** Ends a reservation that used nothing. Releasing twice, or what has expired, does no harm. */
  async release(handle: ReservationHandle): Promise<void> {
    requireHandle(handle);
    await this.#submit({ op: "release", user: handle.user, id: handle.id, at: this.engine.now() });
  }

  /** Gives a long call more time. `false`: the reservation is gone already. */
  async extend(handle: ReservationHandle, holdForMs?: number): Promise<boolean> {
    const at = this.engine.now();
    requireHandle(handle);
    requireHoldFor(holdForMs);
    const { status } = await this.#submit({
      op: "extend",
      user: handle.user,
      id: handle.id,
      at,
      holdFor: holdForMs ?? null,
    });
    return status === "extended";
  }

  /** Refuses a report that makes no sense before anything is done with it. */
  requireReport(usage: UsageReport): void {
    requireReport(usage, this.engine.now());
  }

  /** Records usage that nothing was reserved for. The same id again is a duplicate and counts once. */
  record(user: string, usage: UsageReport, options: { readonly id?: string } = {}): Promise<Recorded> {
    const id = options.id ?? this.engine.ids.event();
    return this.#enter("record", { user, id }, usage, { estimated: false });
  }

  /** What `record` would answer, with nothing written. */
  async previewRecord(user: string, usage: UsageReport, id = this.engine.ids.event()): Promise<Recorded> {
    const at = this.engine.now();
    requireUser(user);
    requireReport(usage, at);
    const book = needsBook(usage) ? await this.#preparing.book() : null;
    const entry = entryOf(user, id, usage, { estimated: false, at, book });
    const [outcome] = await this.engine.store.meter.preview([{ op: "record", entry, at }]);
    return recordedOf(entry, outcome as OperationOutcome);
  }

  async #enter(
    op: "settle" | "record",
    named: NamedUsage,
    usage: UsageReport,
    { estimated, part }: { readonly estimated: boolean; readonly part?: PartOfCall },
  ): Promise<Recorded> {
    const at = this.engine.now();
    if (op === "settle") requireHandle(named);
    else requireUser(named.user);
    const { user, id } = named;
    requireId(id);
    requireReport(usage, at);
    const book = needsBook(usage, named) ? await this.#preparing.book() : null;
    const whole = entryOf(user, id, usage, { estimated, at, book, kind: named });
    if (op === "record" || part === undefined) {
      return recordedOf(whole, await this.#submit({ op, entry: whole, at }));
    }
    if (whole.providerId !== null) {
      throw new AlphaError("usage", "a part has no providerId", {
        hint: "the id is the whole call's: report it when you settle the rest",
      });
    }
    const entry = { ...whole, ...partIdentity(part.source, id, part.number) };
    return recordedOf(entry, await this.#submit({ op, entry, at, part }));
  }

  /** A decision as it is said to the application. */
  #said(decision: Decision, request: LimitsRequest): Decision {
    const { message } = this.options;
    return message === undefined
      ? decision
      : inOwnWords(decision, message, request, () => this.#zoneOf(request));
  }

  #zoneOf({ user, zone = this.options.messageZone }: LimitsRequest): string {
    return zone ?? this.#lastSeen(user)?.settings.time_zone ?? "UTC";
  }

  #lastSeen(user: string): LastSeen | null {
    try {
      return this.engine.store.meter.lastSeen(user);
    } catch {
      // It was never opened, so nothing was ever seen.
      return null;
    }
  }

  /** The decision when the store failed: whatever it was, the application gets an answer. */
  #withoutStore(request: LimitsRequest, prepared: LedgerRequest, at: Instant, error: unknown): OpenDecision {
    const cause = error instanceof Error ? error.message : String(error);
    const seen = this.#lastSeen(request.user);
    // What was never read and is refused now, such as the half of a database, may have stops that nobody has seen.
    const mayOpen = this.options.failOpen === true && (seen !== null || error instanceof OutageError);
    const open = mayOpen
      ? decideOpen(request.user, prepared, seen, at, cause)
      : { decision: storeUnavailable(cause), amounts: null, holdTtl: 0, user: request.user };
    return { ...open, decision: this.#said(open.decision, request) };
  }

  #submit<O extends Operation>(operation: O): Promise<Extract<OperationOutcome, { op: O["op"] }>> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ operation, resolve: resolve as Pending["resolve"], reject });
      if (this.#pending.length === 1) this.#schedule();
    });
  }

  /**
   * The first batches of a turn are committed as soon as the code that asks has run on: whoever asks alone does not wait
   * for the turn to end. Those after them gather what many callers, each on an event of its own, ask for in the turn;
   * and nobody who asks in a loop keeps the event loop from turning.
   */
  #schedule(): void {
    if (this.#atOnce === AT_ONCE_A_TURN) {
      setImmediate(() => void this.#flush());
      return;
    }
    if (this.#atOnce === 0) {
      setImmediate(() => {
        this.#atOnce = 0;
      });
    }
    this.#atOnce += 1;
    queueMicrotask(() => void this.#flush());
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
        for (const each of batch) each.reject(unwritten(error));
        return;
      }
      // One operation that cannot be counted must not take the others down with it.
      for (const each of batch) await this.#commit([each]);
    }
  }
}

function recordedOf({ id, user, occurredAt }: Entry, outcome: OperationOutcome): Recorded {
  if (outcome.op !== "record" && outcome.op !== "settle")
    throw new Error(`usage was answered as ${outcome.op}`);
  const { status, event } = outcome;
  if (status === "superseded") throw new Error("usage that was metered live superseded other usage");
  if (status === "user-unknown") {
    throw new AlphaError("not-found", `no user "${user}"`, { hint: "onboard them with: alpha users add" });
  }
  if (status === "sealed") {
    throw new AlphaError("conflict", `the time of the usage ${sealedReason(occurredAt)}`, {
      hint: "see until when everything is sealed with: alpha db info",
    });
  }
  const { cost = 0, assumed = 0 } = event ?? {};
  const { pricedBy = null } = event ?? {};
  return { id, status, cost, assumed, unpriced: event !== null && unpricedOf(event) > 0, pricedBy };
}

/** Whatever went wrong, the caller is told in one way, and can try again. */
function unwritten(error: unknown): AlphaError {
  if (error instanceof AlphaError) return error;
  return new AlphaError("database", `it could not be written: ${(error as Error).message}`, {
    hint: "try again with the same handle or id; it counts once",
    cause: error,
  });
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AlphaError && error.code === "database";
}
