import type { Alert } from "./alert.js";
import type { Decision, WindowUsage } from "./decide.js";
import type { Stop } from "./emergency.js";
import type { Override, UserStatus } from "./entitlement.js";
import type { GuardrailDelta, GuardrailState, SystemHeld, Trip } from "./guardrail.js";
import type { Amounts, Meter, Period } from "./meter.js";
import type { Nanos } from "./money.js";
import type { PricedBy, QuotedRates } from "./price-rule.js";
import type { Settings } from "./settings.js";
import type { Tier } from "./tier.js";
import type { CallKind, Usage } from "./usage.js";
import type { Instant } from "./window.js";

/** What a reservation holds until it is settled, released, or expires. */
export interface Hold {
  readonly id: string;
  readonly amounts: Readonly<Amounts>;
  readonly kind: CallKind;
  readonly createdAt: Instant;
  /** Exclusive: from this instant on it holds nothing. */
  readonly expiresAt: Instant;
}

/** One user as the ledger knows them when a batch begins. */
export interface LedgerUser {
  readonly id: number;
  /** The id that people see. */
  readonly key: string;
  readonly status: UserStatus;
  readonly tier: Tier;
  readonly overrides: readonly Override[];
  /** By `windowKey`; a window that is missing has not been used. */
  readonly windows: ReadonlyMap<number, WindowUsage>;
  readonly holds: ReadonlyMap<string, Hold>;
}

/** Everything a batch is decided from. */
export interface LedgerState {
  readonly settings: Settings;
  readonly stops: readonly Stop[];
  /** By the name that the operations use; a name without an entry is nobody's. */
  readonly users: ReadonlyMap<string, LedgerUser>;
  /**
   * Content hashes of those of the batch's events that are in the ledger already, by `eventKey`; and of the first parts
   * of what is settled without a live hold.
   */
  readonly knownEvents: ReadonlyMap<string, number>;
  /** Those of the batch's provider ids that are in the ledger already. */
  readonly knownProviderIds: ReadonlySet<string>;
  /** The guardrails in the windows that run at the batch's instants. */
  readonly guardrails: readonly GuardrailState[];
  /** Needed where there are guardrails only. */
  readonly systemHeld: SystemHeld;
}

/** Identifies an event: ids are unique within their source. */
export interface EventIdentity {
  readonly source: string;
  readonly id: string;
  /** A hash of the content, a non-negative safe integer: tells a duplicate from a conflict. */
  readonly hash: number;
  readonly providerId: string | null;
}

/** Usage that happened, on its way into the ledger. */
export interface Entry extends Usage, CallKind, EventIdentity {
  readonly user: string;
  readonly occurredAt: Instant;
  /** The stated cost; `null` when none was stated. */
  readonly cost: Nanos | null;
  /** The rates in force when it occurred; `null` when no price covers the model. */
  readonly rates: QuotedRates | null;
  readonly status: string;
  /** The amounts are the hold's, since the call never said what it used. */
  readonly estimated: boolean;
  /** The import that brought it; `null` when metered live. */
  readonly importId: number | null;
}

/** What a caller asks for. `null`: not stated. */
export interface LedgerRequest extends CallKind {
  readonly tokens: number | null;
  /** Instead of `tokens`: at most so many, clamped to what may be granted. */
  readonly maxTokens?: number | undefined;
  readonly images: number | null;
  /** In nanos. */
  readonly cost: Nanos | null;
  /** The dearest rates of the model, for a cost that is not stated; `null` when no price covers it. */
  readonly dearest: QuotedRates | null;
  /** The time zone in which the decision's message tells instants; the accounting zone unless given. */
  readonly zone?: string | undefined;
}

/** Says that an entry is a part of what a reserved call uses, and not its end; the entry's id is `partId`'s. */
export interface PartOfCall {
  /** The id of the reservation, which lives on. */
  readonly hold: string;
  /** From 1. The first part counts the request. */
  readonly number: number;
  /** How much longer the call may take, in milliseconds; `null`: the setting `hold_ttl`. */
  readonly holdFor: number | null;
}

/** `holdFor` is in milliseconds; `null`: the setting `hold_ttl`. */
export type Operation =
  | {
      readonly op: "reserve";
      readonly user: string;
      readonly id: string;
      readonly request: LedgerRequest;
      readonly at: Instant;
      readonly holdFor: number | null;
    }
  | { readonly op: "settle"; readonly entry: Entry; readonly at: Instant; readonly part?: PartOfCall }
  | { readonly op: "record"; readonly entry: Entry; readonly at: Instant }
  | { readonly op: "release"; readonly user: string; readonly id: string; readonly at: Instant }
  | {
      readonly op: "extend";
      readonly user: string;
      readonly id: string;
      readonly at: Instant;
      readonly holdFor: number | null;
    };

/** What became of an entry. `conflict`: the same id is in the ledger with other content. */
export type EntryStatus = "inserted" | "duplicate" | "conflict" | "user-unknown";

export type OperationOutcome =
  | { readonly op: "reserve"; readonly decision: Decision; readonly hold: Hold | null }
  | { readonly op: "settle" | "record"; readonly status: EntryStatus; readonly event: LedgerEvent | null }
  | { readonly op: "release"; readonly status: "released" | "not-held" }
  | { readonly op: "extend"; readonly status: "extended" | "not-held" };

/** A row of the ledger. */
export interface LedgerEvent extends Usage, CallKind, EventIdentity {
  readonly userId: number;
  readonly occurredAt: Instant;
  readonly recordedAt: Instant;
  readonly requests: number;
  /** Known cost; 0 when unpriced. */
  readonly cost: Nanos;
  /** What unpriced usage is assumed to cost; 0 when priced, or when the rule ignores such usage. */
  readonly assumed: Nanos;
  readonly pricedBy: PricedBy;
  readonly status: string;
  readonly estimated: boolean;
  readonly importId: number | null;
}

/** How much a window's total grows; `cost` includes what is assumed. */
export interface WindowDelta {
  readonly userId: number;
  readonly period: Period;
  readonly index: number;
  readonly amounts: Amounts;
}

/** How much a cell of the daily report totals grows. */
export interface DayDelta extends CallKind {
  readonly userId: number;
  readonly day: number;
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
  reasoning: number;
  images: number;
  requests: number;
  cost: Nanos;
  assumed: Nanos;
  /** Events that no price covered. */
  unpriced: number;
}

export interface RefusalCount {
  readonly userId: number;
  readonly day: number;
  readonly code: Decision["code"];
  /** The meter that bound; empty where no quota decided. */
  readonly meter: Meter | "";
  count: number;
}

/** Another identity of an event that the ledger has already, under the same provider id. */
export interface SameEvent extends EventIdentity {
  readonly providerId: string;
}

/** What a batch changes; to be written in the transaction in which the state was loaded. */
export interface Changes {
  readonly events: readonly LedgerEvent[];
  readonly sameEvents: readonly SameEvent[];
  readonly windows: readonly WindowDelta[];
  readonly days: readonly DayDelta[];
  readonly holdsPut: readonly (Hold & { readonly userId: number })[];
  readonly holdsGone: readonly { readonly userId: number; readonly id: string }[];
  readonly refusals: readonly RefusalCount[];
  /** To be written unless they are there already. */
  readonly alerts: readonly Alert[];
  readonly guardrailUse: readonly GuardrailDelta[];
  readonly trips: readonly Trip[];
}

export interface LedgerResult {
  readonly outcomes: readonly OperationOutcome[];
  readonly changes: Changes;
  /** The users as the batch leaves them, with the windows that were loaded: what a store may remember. */
  readonly users: readonly LedgerUser[];
  readonly guardrails: readonly GuardrailState[];
  readonly systemHeld: SystemHeld;
}

/** The key of a window within one user: days even, months odd. */
export function windowKey(period: Period, index: number): number {
  return index * 2 + (period === "month" ? 1 : 0);
}

export function eventKey(source: string, id: string): string {
  return `${source}\n${id}`;
}

/** The id of the event that a part of a call becomes. */
export function partId(hold: string, number: number): string {
  return `${hold}#${number}`;
}

/** The content hash as it is kept: who used it is part of the content. */
export function hashForUser(hash: number, userId: number): number {
  return (hash + userId * 0x9e37_79b1) % Number.MAX_SAFE_INTEGER;
}
