import type { Guardrail } from "../../domain/guardrail.js";
import type { Standing } from "../../domain/ledger-corrections.js";
import type { EventIdentity } from "../../domain/ledger-model.js";
import type { Meter, Period } from "../../domain/meter.js";
import type { Instant } from "../../domain/window.js";
import type { IdentityCursor } from "./imports.js";

/** An event of the ledger together with all that corrected it. */
export interface StandingEvent {
  /** Its number in the ledger. */
  readonly number: number;
  /** The id that people see of its user. */
  readonly user: string;
  readonly standing: Standing;
}

/** An event together with all that corrected it, and the identity under which it is known. */
export interface IdentifiedEvent {
  readonly identity: EventIdentity;
  /** The id that people see of its user. */
  readonly user: string;
  readonly standing: Standing;
}

/** Which events are looked at. */
export interface IdentifiedFilter {
  readonly userId?: number;
}

/** One page of something that is read in its order. */
export interface Page<Row, Cursor> {
  readonly rows: readonly Row[];
  /** What the next page comes after; `null`: this is the last. */
  readonly next: Cursor | null;
}

export interface PageWanted<Cursor> {
  /** `null`: the first page. */
  readonly after: Cursor | null;
  readonly limit: number;
}

/** Those users whose number leaves `remainder` when divided by `of`. */
export interface UserShare {
  readonly of: number;
  readonly remainder: number;
}

/** What the daily totals add up, and the rows of the ledger state. */
export const LEDGER_FIELDS = [
  "input",
  "cacheRead",
  "cacheWrite",
  "output",
  "reasoning",
  "images",
  "requests",
  "cost",
  "assumed",
  "unpriced",
] as const;
export type LedgerField = (typeof LEDGER_FIELDS)[number];

/** A row of the ledger, event or correction, as far as totals are made from it. */
export interface CountedRow extends Readonly<Record<LedgerField, number>> {
  readonly userId: number;
  readonly kindId: number;
  readonly occurredAt: Instant;
}

export interface DayTotalKey {
  readonly userId: number;
  readonly day: number;
  readonly kindId: number;
}
export interface DayTotal extends DayTotalKey, Readonly<Record<LedgerField, bigint>> {}

export interface WindowTotalKey {
  readonly userId: number;
  readonly period: Period;
  readonly index: number;
}
export interface WindowTotal extends WindowTotalKey, Readonly<Record<Meter, bigint>> {}

export interface GuardrailTotal {
  readonly guardrail: Guardrail;
  readonly index: number;
  readonly used: bigint;
}

/** Everything that the ledger and its totals hold, a page at a time. */
export interface LedgerReading {
  /** How all events stand, in the order of the ledger; those that were taken back are among them. */
  standings(page: PageWanted<number>): Promise<Page<StandingEvent, number>>;
  /**
   * The events that count, each once, in the order of their identities: by source, then by id. What was taken back has
   * no identity any more, and what was pruned has no event.
   */
  identified(
    filter: IdentifiedFilter,
    page: PageWanted<IdentityCursor>,
  ): Promise<Page<IdentifiedEvent, IdentityCursor>>;
  /** How many rows there are: events and corrections. Reads all of them. */
  rowCount(): Promise<number>;
  /** How many daily totals there are. */
  dayTotalCount(): Promise<number>;
  rows(share: UserShare, page: PageWanted<number>): Promise<Page<CountedRow, number>>;
  dayTotals(share: UserShare, page: PageWanted<DayTotalKey>): Promise<Page<DayTotal, DayTotalKey>>;
  windowTotals(
    share: UserShare,
    page: PageWanted<WindowTotalKey>,
  ): Promise<Page<WindowTotal, WindowTotalKey>>;
  /** Of the guardrails in force. */
  guardrailTotals(): Promise<GuardrailTotal[]>;
  /** Provider, model and feature of a call kind. */
  kindName(kindId: number): Promise<string>;
}
