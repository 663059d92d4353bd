import type { Stop } from "./emergency.js";
import type { Override } from "./entitlement.js";
import type { Amounts, Meter, Period } from "./meter.js";
import type { RefusedCall } from "./refused-call.js";
import type { Settings } from "./settings.js";
import type { Tier } from "./tier.js";
import type { CallKind } from "./usage.js";
import type { Instant } from "./window.js";

/** What is to be different about one tier while the past is replayed. */
export interface LimitChange {
  /** The key of the tier. */
  readonly tier: string;
  /** `limit: null`: unlimited. */
  readonly quotas: readonly {
    readonly meter: Meter;
    readonly period: Period;
    readonly limit: number | null;
  }[];
  /** Tokens that one call may use; left out: as it was. */
  readonly callTokens?: number | "unlimited" | "setting" | undefined;
}

/** A call that was let through by a reservation, and what it used: of one in parts, the first. */
export interface AdmittedThen {
  readonly what: "admitted";
  readonly at: Instant;
  readonly userId: number;
  readonly kind: CallKind;
  readonly asked: Readonly<Amounts>;
  /** When its reservation ran out before usage was recorded of it; `null`: it held until then. */
  readonly heldUntil: Instant | null;
  readonly used: UsedThen;
}

/** Usage that was recorded: from then on limits counted it. */
export interface UsedThen {
  readonly what: "used";
  readonly at: Instant;
  readonly userId: number;
  /** The number of the event. */
  readonly event: number;
  readonly occurredAt: Instant;
  /** Signed where it corrects. */
  readonly amounts: Readonly<Amounts>;
  /** `null`: it was only recorded. */
  readonly reservedAt: Instant | null;
  /** Which part of its call; `null`: all of it, or its end. */
  readonly part: number | null;
  /** The number of the event that it corrects. */
  readonly corrects: number | null;
}

/** A reservation that was refused. */
export interface RefusedThen extends Omit<RefusedCall, "before"> {
  readonly what: "refused";
}

/** What happened, in the order of time; at one instant what was decided goes before what was recorded. */
export type Happening = AdmittedThen | UsedThen | RefusedThen;

/** A row of the ledger by when it occurred; the rows of one event at one instant follow one another. */
export interface OccurredUsage {
  readonly userId: number;
  /** The number of the event: of a correction, of what it corrects. */
  readonly event: number;
  readonly occurredAt: Instant;
  readonly kind: CallKind;
  readonly amounts: Readonly<Amounts>;
  /** Whether the call was let through by a reservation. */
  readonly reserved: boolean;
}

/** Something that was in force from an instant on, until the next of its kind. */
export interface From<T> {
  readonly from: Instant;
  readonly value: T;
}

/** All that decided, over time; each list in the order of time. */
export interface RulesHistory {
  readonly settings: readonly From<Settings>[];
  readonly tiers: readonly From<ReadonlyMap<string, Tier>>[];
  readonly throttles: readonly From<readonly Stop[]>[];
  readonly memberships: readonly { readonly userId: number; readonly tier: string; readonly from: Instant }[];
  readonly overrides: readonly {
    readonly userId: number;
    readonly override: Override;
    /** When it was revoked or replaced; `null`: it was not. */
    readonly ended: Instant | null;
  }[];
  readonly forgiveness: readonly {
    readonly userId: number;
    readonly period: Period;
    readonly index: number;
    readonly meter: Meter;
    readonly at: Instant;
    readonly amount: number;
  }[];
}
