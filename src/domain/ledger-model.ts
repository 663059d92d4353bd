import type { Alert } from "./alert.js";
import type { Decision, WindowUsage } from "./decide.js";
import type { Stop } from "./emergency.js";
import type { Override, UserStatus } from "./entitlement.js";
import type { GuardrailDelta, GuardrailState, SystemHeld, Trip } from "./guardrail.js";
import type { Amounts, Meter, Period } from "./meter.js";
import type { Nanos } from "./money.js";
import type { OwnPrices } from "./own-prices.js";
import type { Price, PricedBy, QuotedRates } from "./price-rule.js";
import type { RefusedCall } from "./refused-call.js";
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
  /** The operator's own prices; `null`: there are none. */
  readonly ownPrices: OwnPrices | null;
  /** By the name that the operations use; a name without an entry is nobody's. */
  readonly users: ReadonlyMap<string, LedgerUser>;
  /**
   * Content hashes of those of the batch's events that are in the ledger already, by `eventKey`; of those that it reserves
   * under a source; and of the first parts of what is settled without a live hold.
   */
  readonly knownEvents: ReadonlyMap<string, number>;
  /** Those of the batch's provider ids that are in the ledger already. */
  readonly knownProviderIds: ReadonlySet<string>;
  /** The guardrails in the windows that run at the batch's instants. */
  readonly guardrails: readonly GuardrailState[];
  /** Needed where there are guardrails only. */
  readonly systemHeld: SystemHeld;
  /** Needed where the batch corrects events, or brings entries that may supersede others. */
  readonly corrections?: CorrectionState;
  /** Months that ended by then are sealed: nothing is entered into them. Left out where none is. */
  readonly sealedUntil?: Instant | undefined;
}

/** What the ledger has of the events that a batch may correct. */
export interface CorrectionState {
  /**
   * By `eventKey`: the identities of superseding entries that are known with another hash; and of what is undone, with
   * all under which its event was met again.
   */
  readonly keys: ReadonlyMap<string, LedgerKey>;
  /** By the event's number: the event and its corrections, in the order of the ledger. */
  readonly rows: ReadonlyMap<number, readonly LedgerRow[]>;
}

/** An identity as the ledger has it. */
export interface LedgerKey extends EventIdentity {
  /** The event's number in the ledger. */
  readonly event: number;
  /** By which import the event was met again under it, 0 for live metering; `null`: it is the event's own. */
  readonly metAgainBy: number | null;
}

/** Identifies an event: ids are unique within their source. */
export interface EventIdentity {
  readonly source: string;
  readonly id: string;
  /** A hash of the content, a non-negative safe integer: tells a duplicate from a conflict. `UNKNOWN_CONTENT`: none. */
  readonly hash: number;
  readonly providerId: string | null;
}

/** Usage that happened, on its way into the ledger. */
export interface Entry extends Usage, CallKind, EventIdentity {
  readonly user: string;
  readonly occurredAt: Instant;
  /** The stated cost; `null` when none was stated. */
  readonly cost: Nanos | null;
  /** The price book's rates when it occurred; `null` when the book does not know the model. Own prices come first. */
  readonly rates: QuotedRates | null;
  /** Its price where that is known already; goes before all others. */
  readonly priced?: Price | undefined;
  readonly status: string;
  /** How many calls it sums up, where a log records sums; one call unless given. */
  readonly requests?: number | undefined;
  /** The amounts are the hold's, since the call never said what it used. */
  readonly estimated: boolean;
  /** The import that brought it; `null` when metered live. */
  readonly importId: number | null;
  /** Whether it replaces what its id stands for when it is the later of the two, rather than be in conflict with it. */
  readonly supersedes?: boolean;
}

/** What a caller asks for. `null`: not stated. */
export interface LedgerRequest extends CallKind {
  readonly tokens: number | null;
  /** Instead of `tokens`: at most so many, clamped to what may be granted. */
  readonly maxTokens?: number | undefined;
  readonly images: number | null;
  /** In nanos. */
  readonly cost: Nanos | null;
  /** The price book's dearest rates of the model; `null` when it does not know it. Own prices come first. */
  readonly dearest: QuotedRates | null;
  /** The time zone in which the decision's message tells instants; the accounting zone unless given. */
  readonly zone?: string | undefined;
}

/** Says that an entry is a part of what a reserved call uses, and not its end; its identity is that of `partIdentity`. */
export interface PartOfCall {
  /** The source under which the call is settled in the end. */
  readonly source: string;
  /** The id of the reservation, which lives on. */
  readonly hold: string;
  /** From 1. The first part counts the request, unless the end has. */
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
      /**
       * The source under which its usage is settled: once any of it is, the id reserves nothing more. Left out where the
       * id was made for this call, so that nobody has to look.
       */
      readonly source?: string;
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
    }
  | {
      readonly op: "correct";
      /** Whose event it is. */
      readonly user: string;
      /** The event's number in the ledger: that of the event itself, not of a correction. */
      readonly event: number;
      readonly correction: Correction;
      readonly at: Instant;
    };

/** What is to become of an event that is in the ledger. What it takes is worked out from how the event stands then. */
export type Correction =
  /** Its usage is priced anew, whatever priced it before. `rates` null: no price covers it. */
  | { readonly to: "price"; readonly rates: QuotedRates | null }
  /**
   * What an import brought under this identity is taken back: the event, or what superseded it. The identity is free
   * then, unless it is another import's event that was superseded.
   */
  | {
      readonly to: "undo";
      readonly source: string;
      readonly id: string;
      readonly importId: number;
      /** Imports that are undone already. */
      readonly undone: ReadonlySet<number>;
    };

/**
 * What became of an entry. `conflict`: the same id is in the ledger with other content; `superseded`: it was, and now
 * stands with this content; `sealed`: it occurred in a month that is sealed.
 */
export type EntryStatus = "inserted" | "superseded" | "duplicate" | "conflict" | "user-unknown" | "sealed";

/** What became of a correction. `kept`: what was to be undone stays, since others have met the same call. */
export type CorrectionStatus = "corrected" | "unchanged" | "kept";

export type OperationOutcome =
  | { readonly op: "reserve"; readonly decision: Decision; readonly hold: null }
  | {
      readonly op: "reserve";
      readonly decision: Decision;
      readonly hold: Hold;
      /** The id of whom it holds for: of all their names the one that nobody can take away while it does. */
      readonly user: string;
    }
  | {
      readonly op: "settle" | "record";
      readonly status: EntryStatus;
      /** What the ledger counts now and did not before: of superseded usage the difference. */
      readonly event: LedgerEvent | null;
    }
  | {
      readonly op: "correct";
      readonly status: CorrectionStatus;
      /** The difference that was entered. */
      readonly event: LedgerRow | null;
    }
  | { readonly op: "release"; readonly status: "released" | "not-held" }
  | { readonly op: "extend"; readonly status: "extended" | "not-held" };

/** A row of the ledger: an event, or a correction of one. */
export interface LedgerRow extends Usage, CallKind {
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
  /** By how much the number of unpriced events grows; as `unpricedOf` says where it is left out. */
  readonly unpriced?: number;
}

/** Usage that happened, as the ledger has it. */
export interface LedgerEvent extends LedgerRow, EventIdentity {
  /** The reservation by which its call was let through, as it was until then; `null`: the usage was only recorded. */
  readonly reserved: Hold | null;
  /** Which part of its call it is, from 1; `null`: all of it, or its end. */
  readonly part: number | null;
}

/** A row of the ledger that corrects an event: its amounts are signed differences. */
export interface LedgerCorrection extends LedgerRow {
  /** The number of the event that it corrects. */
  readonly corrects: number;
  readonly unpriced: number;
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
  /** The import that met it again; `null` for live metering. */
  readonly importId: number | null;
}

/** What a batch corrects. To be written before its events: an identity that is freed may be used again by them. */
export interface CorrectionChanges {
  readonly rows: readonly LedgerCorrection[];
  /** Identities that are free again. */
  readonly keysGone: readonly LedgerKey[];
  /** Identities whose content hash or provider id is another now. To be written after those that are gone. */
  readonly keysChanged: readonly LedgerKey[];
}

/** A hold to be written, new or in the place of one with its id. */
export interface HoldPut {
  readonly userId: number;
  readonly hold: Hold;
}

/** A hold to be ended. */
export interface HoldGone {
  readonly userId: number;
  readonly id: string;
}

/** What a batch changes; to be written in the transaction in which the state was loaded. */
export interface Changes {
  readonly events: readonly LedgerEvent[];
  readonly sameEvents: readonly SameEvent[];
  readonly windows: readonly WindowDelta[];
  readonly days: readonly DayDelta[];
  readonly holdsPut: readonly HoldPut[];
  readonly holdsGone: readonly HoldGone[];
  readonly refusals: readonly RefusalCount[];
  /** In their order. To be written before the refusals, and of one user and day no more than `MOST_REFUSED_CALLS`. */
  readonly refusedCalls: readonly RefusedCall[];
  /** To be written unless they are there already. */
  readonly alerts: readonly Alert[];
  readonly guardrailUse: readonly GuardrailDelta[];
  readonly trips: readonly Trip[];
  readonly corrections?: CorrectionChanges;
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

/** The identity of the event that a part of a call becomes: of a source of its own, in which no call has an id. */
export function partIdentity(
  source: string,
  hold: string,
  number: number,
): { readonly source: string; readonly id: string } {
  return { source: `${source}/part`, id: `${hold}#${number}` };
}

/** The content hash as it is kept: who used it is part of the content. */
export function hashForUser(hash: number, userId: number): number {
  const added = addedFor(userId);
  // Never summed up first: beyond the safe integers the sum of two is rounded.
  const room = Number.MAX_SAFE_INTEGER - added;
  return hash < room ? hash + added : hash - room;
}

/**
 * The content hash that `hashForUser` has kept.
 * @returns `null` where none was kept
 */
export function hashWithoutUser(kept: number, userId: number): number | null {
  if (kept === UNKNOWN_CONTENT) return null;
  const added = addedFor(userId);
  return kept < added ? kept + (Number.MAX_SAFE_INTEGER - added) : kept - added;
}

function addedFor(userId: number): number {
  return (userId * 0x9e37_79b1) % Number.MAX_SAFE_INTEGER;
}

/** The content hash of an event that stands for no record that was read: whichever comes next is another. */
export const UNKNOWN_CONTENT = -1;
