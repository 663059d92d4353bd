import type { Alert } from "../../src/domain/alert.js";
import { NO_WINDOW_USAGE, type WindowUsage } from "../../src/domain/decide.js";
import type { Stop } from "../../src/domain/emergency.js";
import type { Override, UserStatus } from "../../src/domain/entitlement.js";
import { NOTHING_HELD } from "../../src/domain/guardrail.js";
import { applyOperations } from "../../src/domain/ledger.js";
import { rowOf } from "../../src/domain/ledger-event.js";
import {
  type Changes,
  type CorrectionState,
  type DayDelta,
  eventKey,
  type Hold,
  type LedgerCorrection,
  type LedgerEvent,
  type LedgerKey,
  type LedgerRow,
  type LedgerState,
  type LedgerUser,
  type Operation,
  type OperationOutcome,
  partIdentity,
  type RefusalCount,
  windowKey,
} from "../../src/domain/ledger-model.js";
import { type Amounts, type Meter, noAmounts, type Period } from "../../src/domain/meter.js";
import type { OwnPrices } from "../../src/domain/own-prices.js";
import { MOST_REFUSED_CALLS, type RefusedCall } from "../../src/domain/refused-call.js";
import type { Settings } from "../../src/domain/settings.js";
import type { Tier } from "../../src/domain/tier.js";
import { calendar, type Instant, parseDay, parseMonth } from "../../src/domain/window.js";

/** A tester as the model store knows them; `names` are all the names that find them. */
export interface ModelUser {
  readonly id: number;
  readonly names: readonly string[];
  readonly status: UserStatus;
  readonly tier: Tier;
  readonly overrides: readonly Override[];
  readonly forgiven?: ReadonlyMap<number, Amounts>;
}

export interface ModelConfig {
  readonly settings: Settings;
  readonly stops: readonly Stop[];
  readonly users: readonly ModelUser[];
  readonly ownPrices?: OwnPrices | null;
  readonly sealedUntil?: Instant;
}

/** Everything a store keeps, in an order that does not depend on how it came to be. */
export interface Snapshot {
  readonly events: readonly LedgerEvent[];
  readonly windows: ReadonlyMap<string, Amounts>;
  readonly days: readonly DayDelta[];
  readonly holds: ReadonlyMap<string, Hold>;
  readonly refusals: readonly RefusalCount[];
  readonly refusedCalls: readonly Omit<RefusedCall, "before">[];
  readonly alerts: readonly Alert[];
}

export function operationUser(operation: Operation): string {
  return operation.op === "settle" || operation.op === "record" ? operation.entry.user : operation.user;
}

/**
 * The simplest store that obeys the ledger's contract: it loads what a batch needs and writes back its changes. All
 * that it hands out is frozen, so that a core that changed its input would throw.
 */
export class ModelStore {
  /** Events and their corrections: the first is number 1. */
  readonly ledger: (LedgerEvent | LedgerCorrection)[] = [];
  /** Every identity, also those that name an event under another id. */
  readonly keys = new Map<string, LedgerKey>();
  readonly windows = new Map<string, Amounts>();
  readonly days = new Map<string, DayDelta>();
  readonly holds = new Map<string, Hold>();
  readonly refusals = new Map<string, RefusalCount>();
  readonly refusedCalls: Omit<RefusedCall, "before">[] = [];
  readonly alerts = new Map<string, Alert>();

  constructor(readonly config: ModelConfig) {}

  /** Without corrections. */
  get events(): LedgerEvent[] {
    return this.ledger.filter((row): row is LedgerEvent => !("corrects" in row));
  }

  /** The event of a number, and its corrections. */
  rowsOf(event: number): LedgerRow[] {
    const first = this.ledger[event - 1];
    if (first === undefined || "corrects" in first) return [];
    const corrections = this.ledger.filter(
      (each): each is LedgerCorrection => "corrects" in each && each.corrects === event,
    );
    return [rowOf(first), ...corrections.map(({ corrects: _, ...correction }) => correction)];
  }

  apply(operations: readonly Operation[]): readonly OperationOutcome[] {
    const { outcomes, changes } = applyOperations(this.load(operations), deepFreeze(operations));
    this.save(changes);
    return outcomes;
  }

  /** As a database would: no other windows than those running at the operations or then dated ahead, no other events than theirs. */
  load(operations: readonly Operation[]): LedgerState {
    const { settings, stops, sealedUntil } = this.config;
    const users = new Map<string, LedgerUser>();
    const knownEvents = new Map<string, number>();
    const knownProviderIds = new Set<string>();
    for (const operation of operations) {
      const name = operationUser(operation);
      const user = this.config.users.find(({ names }) => names.includes(name));
      if (user !== undefined && !users.has(name)) {
        users.set(name, this.#user(user, operations));
      }
      const addKnown = (source: string, id: string) => {
        const known = this.keys.get(eventKey(source, id));
        if (known !== undefined) knownEvents.set(eventKey(source, id), known.hash);
      };
      if (operation.op === "reserve" && operation.source !== undefined) {
        addKnown(operation.source, operation.id);
        const first = partIdentity(operation.source, operation.id, 1);
        addKnown(first.source, first.id);
      }
      if (operation.op !== "settle" && operation.op !== "record") continue;
      const { source, id, providerId } = operation.entry;
      addKnown(source, id);
      if (operation.op === "settle") {
        const { part } = operation;
        const first = partIdentity(source, id, 1);
        if (part === undefined) addKnown(first.source, first.id);
        else addKnown(part.source, part.hold);
      }
      for (const key of this.keys.values()) {
        if (providerId !== null && key.providerId === providerId) knownProviderIds.add(providerId);
      }
    }
    return deepFreeze({
      settings,
      stops,
      ownPrices: this.config.ownPrices ?? null,
      users,
      knownEvents,
      knownProviderIds,
      guardrails: [],
      systemHeld: NOTHING_HELD,
      sealedUntil,
      corrections: this.#corrections(operations),
    });
  }

  #corrections(operations: readonly Operation[]): CorrectionState {
    const keys = new Map<string, LedgerKey>();
    const rows = new Map<number, readonly LedgerRow[]>();
    const add = (name: string): LedgerKey | undefined => {
      const key = this.keys.get(name);
      if (key !== undefined) keys.set(name, key);
      return key;
    };
    for (const operation of operations) {
      if (operation.op === "correct") {
        const { event, correction } = operation;
        rows.set(event, this.rowsOf(event));
        if (correction.to !== "undo") continue;
        add(eventKey(correction.source, correction.id));
        for (const [name, key] of this.keys) if (key.event === event && key.metAgainBy !== null) add(name);
      } else if (operation.op === "record" && operation.entry.supersedes === true) {
        const key = add(eventKey(operation.entry.source, operation.entry.id));
        if (key !== undefined) rows.set(key.event, this.rowsOf(key.event));
      }
    }
    return { keys, rows };
  }

  #user({ id, names, status, tier, overrides, forgiven }: ModelUser, operations: readonly Operation[]) {
    const zone = calendar(this.config.settings.time_zone);
    const windows = new Map<number, WindowUsage>();
    const add = (period: Period, at: Instant) => {
      const index = zone.windowAt(period, at).index;
      const key = windowKey(period, index);
      const used = this.windows.get(`${id}/${period}/${index}`);
      const less = forgiven?.get(key);
      if (used === undefined && less === undefined) return;
      windows.set(key, {
        used: used ?? NO_WINDOW_USAGE.used,
        forgiven: less ?? NO_WINDOW_USAGE.forgiven,
      });
    };
    for (const operation of operations) {
      const { at } = operation;
      const ahead = "entry" in operation ? Math.max(at, operation.entry.occurredAt) : at;
      for (const instant of new Set([at, ahead])) {
        add("day", instant);
        add("month", instant);
      }
    }
    const holds = new Map(
      [...this.holds].filter(([key]) => key.startsWith(`${id}/`)).map(([, hold]) => [hold.id, hold]),
    );
    return { id, key: names[0] ?? "", status, tier, overrides, windows, holds };
  }

  save(changes: Changes): void {
    const { rows = [], keysGone = [], keysChanged = [] } = changes.corrections ?? {};
    this.ledger.push(...rows);
    for (const { source, id } of keysGone) this.keys.delete(eventKey(source, id));
    for (const key of keysChanged) this.keys.set(eventKey(key.source, key.id), key);
    for (const event of changes.events) {
      const { source, id, hash, providerId } = event;
      this.ledger.push(event);
      const key = { source, id, hash, providerId, event: this.ledger.length, metAgainBy: null };
      this.keys.set(eventKey(source, id), key);
    }
    for (const { source, id, hash, providerId, importId } of changes.sameEvents) {
      const first = [...this.keys.values()].find((key) => key.providerId === providerId);
      const key = { source, id, hash, providerId: null, event: first?.event ?? 0, metAgainBy: importId ?? 0 };
      this.keys.set(eventKey(source, id), key);
    }
    for (const { userId, period, index, amounts } of changes.windows) {
      const key = `${userId}/${period}/${index}`;
      this.windows.set(key, added(this.windows.get(key) ?? noAmounts(), amounts));
    }
    for (const delta of changes.days) {
      const { userId, day, provider, model, feature } = delta;
      const key = JSON.stringify([userId, day, provider, model, feature]);
      const before = this.days.get(key);
      this.days.set(key, before === undefined ? { ...delta } : addedDay(before, delta));
    }
    // No hold is both put and gone, so that the order in which a store writes them is no matter.
    for (const { userId, hold } of changes.holdsPut) this.holds.set(`${userId}/${hold.id}`, hold);
    for (const { userId, id } of changes.holdsGone) this.holds.delete(`${userId}/${id}`);
    for (const { before, ...call } of changes.refusedCalls) {
      const counted = [...this.refusals.values()].filter(
        ({ userId, day }) => userId === call.userId && day === call.day,
      );
      const already = counted.reduce((sum, { count }) => sum + count, before);
      if (already < MOST_REFUSED_CALLS) this.refusedCalls.push(call);
    }
    for (const { userId, day, code, meter, count } of changes.refusals) {
      const key = JSON.stringify([userId, day, code, meter]);
      const before = this.refusals.get(key)?.count ?? 0;
      this.refusals.set(key, { userId, day, code, meter, count: before + count });
    }
    for (const alert of changes.alerts) {
      const { userId, index, kind, period, meter, threshold } = alert;
      const key = JSON.stringify([userId, index, kind, period, meter, threshold]);
      if (!this.alerts.has(key)) this.alerts.set(key, alert);
    }
  }

  snapshot(): Snapshot {
    return structuredClone({
      events: this.events,
      windows: sorted(this.windows),
      days: [...sorted(this.days).values()],
      holds: sorted(this.holds),
      refusals: [...sorted(this.refusals).values()],
      refusedCalls: this.refusedCalls,
      alerts: [...this.alerts.values()],
    });
  }
}

function sorted<T>(map: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function added(a: Amounts, b: Amounts): Amounts {
  return {
    tokens: a.tokens + b.tokens,
    images: a.images + b.images,
    cost: a.cost + b.cost,
    requests: a.requests + b.requests,
  };
}

function addedDay(before: DayDelta, delta: DayDelta): DayDelta {
  return {
    ...before,
    input: before.input + delta.input,
    cacheRead: before.cacheRead + delta.cacheRead,
    cacheWrite: before.cacheWrite + delta.cacheWrite,
    output: before.output + delta.output,
    reasoning: before.reasoning + delta.reasoning,
    images: before.images + delta.images,
    requests: before.requests + delta.requests,
    cost: before.cost + delta.cost,
    assumed: before.assumed + delta.assumed,
    unpriced: before.unpriced + delta.unpriced,
  };
}

function refuse(): never {
  throw new TypeError("an input was changed");
}

/** Freezes plain objects, arrays, maps and sets all the way down; what is frozen already is left alone. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) {
    for (const item of value.values()) deepFreeze(item);
    Object.assign(value, { set: refuse, delete: refuse, clear: refuse });
  } else if (value instanceof Set) {
    Object.assign(value, { add: refuse, delete: refuse, clear: refuse });
  } else {
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return Object.freeze(value);
}

/** The calendar date in a zone, read from Intl and not from the code under test: `2026-11-01`. */
export function dateIn(zone: string): (at: Instant) => string {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  return (at) => format.format(at);
}

export function userNamed(config: ModelConfig, name: string): ModelUser | undefined {
  return config.users.find(({ names }) => names.includes(name));
}

/** What was forgiven of a meter in the window of a label, a date or a month. */
export function forgivenIn(user: ModelUser, label: string, meter: Meter): number {
  const day = parseDay(label);
  const month = parseMonth(label);
  const key = day === null ? windowKey("month", month ?? 0) : windowKey("day", day);
  return user.forgiven?.get(key)?.[meter] ?? 0;
}

/** A stream applied in one batch to a store that was empty. */
export function inOneBatch({
  config,
  operations,
}: {
  config: ModelConfig;
  operations: readonly Operation[];
}) {
  const store = new ModelStore(config);
  return { store, outcomes: store.apply(operations) };
}
