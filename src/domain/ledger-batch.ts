import { type Alert, thresholdCrossings, tripAlert } from "./alert.js";
import { askOf } from "./ask.js";
import { BatchCorrections } from "./batch-corrections.js";
import { BatchRefusals } from "./batch-refusals.js";
import { countCorrections } from "./count-corrections.js";
import { type Ask, type DecidedUser, type Decision, decide, refusal } from "./decide.js";
import type { Stop } from "./emergency.js";
import { entitlementOf } from "./entitlement.js";
import { GuardrailWatch, stopOfTrip, type Trip } from "./guardrail.js";
import { type Entered, ledgerEvent, lessUsed } from "./ledger-event.js";
import {
  type Changes,
  type Entry,
  eventKey,
  type Hold,
  type HoldGone,
  type HoldPut,
  hashForUser,
  type LedgerEvent,
  type LedgerRequest,
  type LedgerResult,
  type LedgerRow,
  type LedgerState,
  type Operation,
  type OperationOutcome,
  type PartOfCall,
  type SameEvent,
} from "./ledger-model.js";
import { MetEvents } from "./met-events.js";
import type { Amounts, Period } from "./meter.js";
import { addNanos, type Nanos } from "./money.js";
import { type Price, priceUsage, type QuotedRates } from "./price-rule.js";
import { isSealed } from "./sealing.js";
import { TotalDeltas } from "./total-deltas.js";
import { type CallKind, totalTokens, type Usage } from "./usage.js";
import { calendar, type Instant } from "./window.js";
import { WorkingUser } from "./working-user.js";

type UsageOperation = Extract<Operation, { op: "settle" | "record" }>;

interface Judged {
  readonly user: DecidedUser | null;
  readonly ask: Ask;
  readonly decision: Decision;
}

/** One batch while it is decided: the state loaded, and what its operations have changed so far. */
export class Batch {
  readonly #state: LedgerState;
  readonly #zone;
  readonly #users = new Map<number, WorkingUser>();
  readonly #met: MetEvents;
  readonly #events: LedgerEvent[] = [];
  readonly #sameEvents: SameEvent[] = [];
  #corrections: BatchCorrections | null = null;
  readonly #totals = new TotalDeltas();
  #refusals: BatchRefusals | null = null;
  readonly #alerts: Alert[] = [];
  readonly #guardrails: GuardrailWatch;
  /** Those in force, and those that the batch itself has tripped. */
  #stops: readonly Stop[];

  constructor(state: LedgerState) {
    this.#state = state;
    this.#stops = state.stops;
    this.#met = new MetEvents(state, () => this.#corrections);
    this.#zone = calendar(state.settings.time_zone);
    this.#guardrails = new GuardrailWatch(state.guardrails, state.systemHeld);
  }

  #changes(): Changes {
    const holdsPut: HoldPut[] = [];
    const holdsGone: HoldGone[] = [];
    for (const user of this.#users.values()) user.addHoldChanges(holdsPut, holdsGone);
    return {
      events: this.#events,
      sameEvents: this.#sameEvents,
      windows: this.#totals.windows(),
      days: this.#totals.days(),
      holdsPut,
      holdsGone,
      refusals: this.#refusals?.counts() ?? [],
      refusedCalls: this.#refusals?.calls ?? [],
      alerts: this.#alerts,
      guardrailUse: this.#guardrails.deltas(),
      trips: this.#guardrails.trips(),
      ...(this.#corrections === null ? {} : { corrections: this.#corrections.changes() }),
    };
  }

  result(outcomes: readonly OperationOutcome[]): LedgerResult {
    return {
      outcomes,
      changes: this.#changes(),
      users: [...this.#users.values()].map((user) => user.next()),
      guardrails: this.#guardrails.states(),
      systemHeld: this.#guardrails.held(),
    };
  }

  apply(operation: Operation): OperationOutcome {
    switch (operation.op) {
      case "reserve":
        return this.#reserve(operation);
      case "settle":
      case "record":
        return this.#enter(operation);
      case "release":
        return this.#release(operation);
      case "extend":
        return this.#extend(operation);
      case "correct":
        return this.#correct(operation);
    }
  }

  #decide(name: string, request: LedgerRequest, at: Instant): Judged {
    const user = this.#user(name)?.decided(at, this.#zone) ?? null;
    const stops = this.#stops;
    const { settings, ownPrices } = this.#state;
    const ask = askOf(request, { user, stops, settings, ownPrices, at });
    return { user, ask, decision: decide({ ask, user, stops, settings, at }) };
  }

  #user(name: string): WorkingUser | undefined {
    const loaded = this.#state.users.get(name);
    if (loaded === undefined) return undefined;
    let working = this.#users.get(loaded.id);
    if (working === undefined) {
      working = new WorkingUser(loaded);
      this.#users.set(loaded.id, working);
    }
    return working;
  }

  #reserve(operation: Extract<Operation, { op: "reserve" }>): OperationOutcome {
    const { user: name, id, source, request, at, holdFor } = operation;
    const user = this.#user(name);
    if (user !== undefined && source !== undefined && this.#met.hasAnyOf(source, id)) {
      // Nothing was refused that anybody asked for: it is not counted, and trips nothing.
      const { quotas } = this.#decide(name, request, at).decision;
      return { op: "reserve", decision: refusal("already-settled", quotas), hold: null };
    }
    const present = user?.liveHold(id, at);
    // A retry of a reservation that was made must not be judged against its own hold.
    if (user !== undefined && present !== undefined) this.#unhold(user, present);
    const judged = this.#decideGuarded(name, request, at);
    const { ask, decision } = judged;
    if (decision.outcome === "block") this.#refuse(judged, at);
    if (user !== undefined && present !== undefined) this.#hold(user, present);
    if (decision.outcome === "block" || user === undefined) return { op: "reserve", decision, hold: null };
    const { amounts, provider, model, feature } = ask;
    const kind = { provider, model, feature };
    // A retry may ask for something else than the first try did: what was granted is what is held.
    const hold: Hold =
      present === undefined
        ? { id, amounts, kind, createdAt: at, expiresAt: this.#expiry(at, holdFor) }
        : { ...present, amounts, kind };
    this.#putHold(user, hold);
    return { op: "reserve", decision, hold, user: user.loaded.key };
  }

  /** A request that would be admitted may still trip a guardrail, and is then decided under what that turned on. */
  #decideGuarded(name: string, request: LedgerRequest, at: Instant): Judged {
    const judged = this.#decide(name, request, at);
    if (judged.decision.outcome === "block" || this.#guardrails.isEmpty) return judged;
    const trips = this.#guardrails.beforeReserve(judged.ask.amounts, this.#running(at), at);
    if (trips.length === 0) return judged;
    this.#turnOn(trips);
    return this.#decide(name, request, at);
  }

  #running(at: Instant): Record<Period, number> {
    const day = this.#zone.dayOf(at);
    return { day, month: this.#zone.dayToMonth(day) };
  }

  #turnOn(trips: readonly Trip[]): void {
    for (const trip of trips) {
      const stop = stopOfTrip(trip);
      if (stop !== undefined) this.#stops = [...this.#stops, stop];
      this.#alerts.push(tripAlert(trip));
    }
  }

  #release({ user: name, id, at }: Extract<Operation, { op: "release" }>): OperationOutcome {
    const user = this.#user(name);
    const held = user?.liveHold(id, at) !== undefined;
    if (user !== undefined) this.#dropHold(user, id, at);
    return { op: "release", status: held ? "released" : "not-held" };
  }

  #extend({ user: name, id, at, holdFor }: Extract<Operation, { op: "extend" }>): OperationOutcome {
    const user = this.#user(name);
    const hold = user?.liveHold(id, at);
    if (user === undefined || hold === undefined) return { op: "extend", status: "not-held" };
    this.#putHold(user, { ...hold, expiresAt: Math.max(hold.expiresAt, this.#expiry(at, holdFor)) });
    return { op: "extend", status: "extended" };
  }

  #expiry(at: Instant, holdFor: number | null): Instant {
    return at + (holdFor ?? this.#state.settings.hold_ttl);
  }

  #enter(operation: UsageOperation): OperationOutcome {
    const { op, entry, at } = operation;
    const part = op === "settle" ? operation.part : undefined;
    const user = this.#user(entry.user);
    if (user === undefined) return { op, status: "user-unknown", event: null };
    const entered = {
      userId: user.loaded.id,
      recordedAt: at,
      requests: this.#requestsOf(user, operation),
      reserved: op === "settle" ? (user.hold(part?.hold ?? entry.id) ?? null) : null,
      part: part?.number ?? null,
    };
    if (op === "settle" && part === undefined) this.#dropHold(user, entry.id, at);
    const hash = hashForUser(entry.hash, user.loaded.id);
    const key = eventKey(entry.source, entry.id);
    const known = this.#met.hash(key);
    if (known === hash) return { op, status: "duplicate", event: null };
    if (known !== undefined) {
      if (entry.supersedes !== true) return { op, status: "conflict", event: null };
      return { op, ...this.#supersede(user, key, this.#event(entry, hash, entered)) };
    }
    const { providerId } = entry;
    if (providerId !== null && this.#met.hasProviderId(providerId)) {
      // Its own id counts as known from now on, or a retry that leaves the provider id out would count again.
      this.#met.add(key, hash, null);
      const { source, id, importId } = entry;
      this.#sameEvents.push({ source, id, hash, providerId, importId });
      return { op, status: "duplicate", event: null };
    }
    if (isSealed(entry.occurredAt, this.#state.sealedUntil)) return { op, status: "sealed", event: null };
    this.#met.add(key, hash, providerId);
    const event = this.#event(entry, hash, entered);
    if (part !== undefined) this.#lowerHold(user, part, event, at);
    if (entry.supersedes === true) this.#correcting().mayBeSuperseded(key, this.#events.length);
    this.#events.push(event);
    this.#count(user, event, at);
    return { op, status: "inserted", event };
  }

  #correcting(): BatchCorrections {
    const { corrections, sealedUntil } = this.#state;
    this.#corrections ??= new BatchCorrections(
      corrections,
      { zone: this.#zone, sealedUntil },
      { events: this.#events, hashes: this.#met.brought },
    );
    return this.#corrections;
  }

  #supersede(user: WorkingUser, key: string, next: LedgerEvent) {
    const { status, rows, net } = this.#correcting().supersede(key, next);
    this.#countCorrections(user, rows, next.recordedAt, next.occurredAt);
    return { status, event: net === null ? null : { ...next, ...net } };
  }

  #correct(operation: Extract<Operation, { op: "correct" }>): OperationOutcome {
    const { op, user: name, event, correction, at } = operation;
    const user = this.#user(name);
    if (user === undefined) return { op, status: "unchanged", event: null };
    const { status, rows, net } =
      correction.to === "undo"
        ? this.#correcting().undo(event, at, correction)
        : this.#correcting().reprice(event, at, (usage) =>
            this.#price(usage, usage.requests, null, correction.rates),
          );
    this.#countCorrections(user, rows, at);
    return { op, status, event: net };
  }

  /** @param grows the instant whose windows may grow; those that have ended warn nobody */
  #countCorrections(user: WorkingUser, rows: readonly LedgerRow[], at: Instant, grows = at): void {
    if (rows.length === 0) return;
    const by = { zone: this.#zone, settings: this.#state.settings, totals: this.#totals };
    const when = { at, warnOf: Math.max(at, grows) };
    const { alerts, trips } = countCorrections(rows, user, when, { ...by, guardrails: this.#guardrails });
    this.#turnOn(trips);
    this.#alerts.push(...alerts);
  }

  /** A call in parts is one request: its first part counts it, or its end where that comes first. */
  #requestsOf(user: WorkingUser, operation: UsageOperation): number {
    if (operation.op === "record") return operation.entry.requests ?? 1;
    const { entry, at, part } = operation;
    if (part !== undefined) return part.number === 1 && !this.#met.hasEnd(part.source, part.hold) ? 1 : 0;
    const hold = user.liveHold(entry.id, at);
    if (hold !== undefined) return hold.amounts.requests;
    return this.#met.hasFirstPart(entry.source, entry.id) ? 0 : 1;
  }

  /** What a part has used is no longer held beside it; and a call that reports is alive. */
  #lowerHold(user: WorkingUser, part: PartOfCall, event: LedgerEvent, at: Instant): void {
    const hold = user.liveHold(part.hold, at);
    if (hold === undefined) return;
    const amounts = lessUsed(hold.amounts, event);
    const expiresAt = Math.max(hold.expiresAt, this.#expiry(at, part.holdFor));
    this.#putHold(user, { ...hold, amounts, expiresAt });
  }

  #event(entry: Entry, hash: number, entered: Entered): LedgerEvent {
    const price = entry.priced ?? this.#price(entry, entered.requests, entry.cost, entry.rates);
    return ledgerEvent(entry, hash, entered, price);
  }

  /** What a call costs: as stated, else by the prices in force when it occurred. */
  #price(
    call: Usage & CallKind & { readonly occurredAt: Instant },
    requests: number,
    stated: Nanos | null,
    book: QuotedRates | null,
  ): Price {
    const { settings, ownPrices } = this.#state;
    const own = stated === null ? (ownPrices?.at(call, call.occurredAt) ?? null) : null;
    return priceUsage(call, stated, own, book, settings, requests);
  }

  #count(user: WorkingUser, event: LedgerEvent, at: Instant): void {
    const amounts: Amounts = {
      tokens: totalTokens(event),
      images: event.images,
      cost: addNanos(event.cost, event.assumed),
      requests: event.requests,
    };
    const day = this.#zone.dayOf(event.occurredAt);
    const month = this.#zone.dayToMonth(day);
    const today = this.#zone.dayOf(at);
    // Late usage changes the totals of a closed window but warns nobody about it. A window that has not begun is warned
    // of now: when it begins, nothing crosses any more.
    const open = { day: day >= today, month: month >= this.#zone.dayToMonth(today) };
    const before = { day: user.window("day", day), month: user.window("month", month) };
    user.use("day", day, amounts);
    user.use("month", month, amounts);
    this.#totals.addWindow(user.loaded.id, "day", day, amounts);
    this.#totals.addWindow(user.loaded.id, "month", month, amounts);
    this.#totals.addDay(event, day);
    if (!this.#guardrails.isEmpty) {
      const running = { day: today, month: this.#zone.dayToMonth(today) };
      this.#turnOn(this.#guardrails.afterUse(amounts, { day, month }, running, at));
    }
    if (!open.day && !open.month) return;
    const { tier, overrides, id } = user.loaded;
    const quotas = entitlementOf(tier, overrides, at).quotas.filter((quota) => open[quota.period]);
    const index = { day, month };
    this.#alerts.push(
      ...thresholdCrossings(quotas, before, amounts, this.#state.settings, { userId: id, index, at }),
    );
  }

  #putHold(user: WorkingUser, hold: Hold): void {
    const before = user.liveHold(hold.id, hold.createdAt);
    if (before !== undefined) this.#guardrails.drop(before.amounts);
    user.putHold(hold);
    this.#guardrails.hold(hold.amounts, hold.expiresAt);
  }

  #dropHold(user: WorkingUser, id: string, at: Instant): void {
    if (!user.hasHold(id)) return;
    const hold = user.liveHold(id, at);
    if (hold !== undefined) this.#guardrails.drop(hold.amounts);
    user.dropHold(id);
  }

  #hold(user: WorkingUser, hold: Hold): void {
    user.returnHold(hold);
    this.#guardrails.hold(hold.amounts, hold.expiresAt);
  }

  #unhold(user: WorkingUser, hold: Hold): void {
    user.takeHold(hold.id);
    this.#guardrails.drop(hold.amounts);
  }

  #refuse({ user, ask, decision }: Judged, at: Instant): void {
    if (user === null) return;
    const { settings } = this.#state;
    this.#refusals ??= new BatchRefusals();
    const alert = this.#refusals.add({ user, ask, decision, settings, day: this.#zone.dayOf(at), at });
    if (alert !== null) this.#alerts.push(alert);
  }
}
