import type { Alert } from "../domain/alert.js";
import type { LedgerDay } from "../domain/bill.js";
import type { DayRange } from "../domain/day-range.js";
import type { Stop } from "../domain/emergency.js";
import type { Override } from "../domain/entitlement.js";
import type { Guardrail, GuardrailAction } from "../domain/guardrail.js";
import type { Period } from "../domain/meter.js";
import type { Nanos } from "../domain/money.js";
import type { OwnPrice } from "../domain/own-prices.js";
import type { PricedKind } from "../domain/price.js";
import type { PriceBook } from "../domain/price-book.js";
import type { PricedBy } from "../domain/price-rule.js";
import type { UserActivity } from "../domain/report-users.js";
import type { SettingKey, Settings } from "../domain/settings.js";
import type { Tier } from "../domain/tier.js";
import type { CallKind, Usage } from "../domain/usage.js";
import type { Instant } from "../domain/window.js";
import type { MeterStore } from "./meter-port.js";

export type { LastSeen, MeterStore, SeenUser } from "./meter-port.js";
export type { AlertsWriting, ListedAlert } from "./ports/alerts.js";
export type { AuditEntry, AuditWriting, RecordedEntry } from "./ports/audit.js";
export type {
  CopyOptions,
  DatabaseCopies,
  DatabaseCopy,
  DatabaseFacts,
  KeptCopy,
} from "./ports/database.js";
export type { LookAtDatabase } from "./ports/doctor.js";
export type { AsOf, DayRefusals, HistoryReading, UserInForce } from "./ports/history.js";
export type { IdentityCursor, ImportRecord, ImportsWriting } from "./ports/imports.js";
export type {
  IdentifiedEvent,
  IdentifiedFilter,
  LedgerReading,
  Page,
  PageWanted,
  UserShare,
} from "./ports/ledger.js";
export type { LedgerMonths, MonthSpan } from "./ports/months.js";
export type { CarryOptions, DatabaseMove, MoveTarget, TableRows } from "./ports/move.js";
export type { HoursWithin } from "./ports/overlaps.js";
export type { RecentReading } from "./ports/recent.js";
export type { ReplayFilter, ReplayReading } from "./ports/replay.js";
export type { SealingWriting } from "./ports/sealing.js";
export type { StatusReading } from "./ports/status.js";
export type { TotalsWriting } from "./ports/totals.js";
export type { NewUser, UserFilter, UsersReading, UsersWriting } from "./ports/users.js";

import type { AlertsReading, AlertsWriting } from "./ports/alerts.js";
import type { AuditReading, AuditWriting } from "./ports/audit.js";
import type { HistoryReading } from "./ports/history.js";
import type { HoldsReading, HoldsWriting } from "./ports/holds.js";
import type { ImportsReading, ImportsWriting } from "./ports/imports.js";
import type { LedgerReading } from "./ports/ledger.js";
import type { LedgerMonths } from "./ports/months.js";
import type { OverlapReading } from "./ports/overlaps.js";
import type { RecentReading } from "./ports/recent.js";
import type { ReplayReading } from "./ports/replay.js";
import type { SealingReading, SealingWriting } from "./ports/sealing.js";
import type { StatusReading } from "./ports/status.js";
import type { TotalsWriting } from "./ports/totals.js";
import type { UsersReading, UsersWriting } from "./ports/users.js";

/** Tells the time. Injected, so that nothing reads the machine's clock behind a test's back. */
export type Clock = () => Instant;

/** Makes ids: unique, and sorting by when they were made. */
export interface Ids {
  event(): string;
  reservation(): string;
  user(): string;
}

/** Loads the price book; called only where something has to be priced, since loading it takes a while. */
export type LoadPrices = () => Promise<PriceBook>;

/** Hears how far a long task has come. */
export interface Progress {
  report(state: {
    readonly done: number;
    readonly total: number | null;
    /** `null`: it is not about records. */
    readonly records: number | null;
    readonly rejected: number;
  }): void;
}

/** What the use cases keep their state in. */
export interface Store {
  /** Where the database is, without any password: for messages. */
  readonly location: string;
  readonly meter: MeterStore;
  /** `undefined`: the database keeps the whole ledger in one. */
  readonly months?: LedgerMonths;
  /** How much room the database takes, in bytes. */
  size(): Promise<number>;
  /** Runs `work` on one consistent snapshot. */
  read<T>(work: (tx: Reading) => Promise<T>): Promise<T>;
  /**
   * Runs `work` in one write transaction, alone among all writers. Rolled back when `work` throws, and when
   * `dryRun` is set: what it returns is then what would have been.
   */
  write<T>(work: (tx: Writing) => Promise<T>, options?: { readonly dryRun?: boolean }): Promise<T>;
  close(): Promise<void>;
}

/** What can be read in a transaction. */
export interface Reading {
  readonly settings: SettingsReading;
  readonly tiers: TiersReading;
  readonly users: UsersReading;
  readonly emergency: EmergencyReading;
  readonly usage: UsageReading;
  readonly ledger: LedgerReading;
  readonly prices: PricesReading;
  readonly holds: HoldsReading;
  readonly alerts: AlertsReading;
  readonly status: StatusReading;
  readonly history: HistoryReading;
  readonly recent: RecentReading;
  readonly sealing: SealingReading;
  readonly replay: ReplayReading;
  readonly records: RecordsReading;
}

/** What can be read and changed in a write transaction. */
export interface Writing extends Reading {
  readonly settings: SettingsWriting;
  readonly tiers: TiersWriting;
  readonly users: UsersWriting;
  readonly emergency: EmergencyWriting;
  readonly prices: PricesWriting;
  readonly holds: HoldsWriting;
  readonly alerts: AlertsWriting;
  readonly sealing: SealingWriting;
  readonly totals: TotalsWriting;
  readonly records: RecordsWriting;
}

export interface SettingsReading {
  current(): Promise<Settings>;
}
export interface SettingsWriting extends SettingsReading {
  set<K extends SettingKey>(key: K, value: Settings[K], at: Instant): Promise<void>;
}

export interface PricesReading {
  /** The operator's own prices, begun or not: by provider, model and start. */
  own(): Promise<OwnPrice[]>;
  /** Every provider and model of which calls were metered or reserved, by name; empty where not stated. */
  models(): Promise<PricedKind[]>;
}
export interface PricesWriting extends PricesReading {
  /** Enters a price; there must be none for the same provider, model and start. */
  add(price: Omit<OwnPrice, "id">, at: Instant): Promise<OwnPrice>;
  /** Takes a price out of force. */
  end(id: number, at: Instant): Promise<void>;
}

export interface TiersReading {
  /** By rank. */
  list(): Promise<Tier[]>;
  find(key: string): Promise<Tier | undefined>;
  /** Number of users, not removed, by tier key. */
  userCounts(): Promise<ReadonlyMap<string, number>>;
}
export interface TiersWriting extends TiersReading {
  /** Creates the tier, or replaces what it says from `at` on. */
  save(tier: Tier, at: Instant): Promise<void>;
  /** Ends the tier; its key may be used again. */
  remove(key: string, at: Instant): Promise<void>;
}

/** A stop or throttle as it is created. */
export interface NewStop {
  readonly action: Stop["action"];
  readonly userId: number | null;
  readonly tier: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly feature: string | null;
  readonly reason: string | null;
  readonly actor: string;
  readonly until: Instant | null;
}

export interface GuardrailTrip {
  readonly guardrailId: number;
  /** Index of the window. */
  readonly index: number;
  readonly at: Instant;
}

export interface EmergencyReading {
  /** Stops and throttles in force at an instant, oldest first. */
  active(at: Instant): Promise<Stop[]>;
  guardrails(): Promise<Guardrail[]>;
  /** In which windows the guardrails in force have tripped, and when. */
  trips(): Promise<GuardrailTrip[]>;
  /** Whether a call of that kind, as far as it is stated, was ever metered on this database. */
  wasMetered(kind: Partial<CallKind>): Promise<boolean>;
}
export interface EmergencyWriting extends EmergencyReading {
  start(stop: NewStop, at: Instant): Promise<Stop>;
  lift(id: number, at: Instant): Promise<void>;
  /**
   * Replaces the one of the same meter and period. With the same limit it stays tripped where it was.
   * @param endedAt puts back one that ended then: it is tripped where that was
   */
  setGuardrail(
    guardrail: {
      readonly meter: Guardrail["meter"];
      readonly period: Period;
      readonly limit: number;
      readonly action: GuardrailAction;
    },
    at: Instant,
    endedAt?: Instant,
  ): Promise<void>;
  /** Ends a guardrail. What it turned on stays on. */
  clearGuardrail(id: number, at: Instant): Promise<void>;
}

/** Summed usage; fields that were summed over are 0 or empty. */
export interface UsageCell extends Usage, CallKind {
  readonly userId: number;
  readonly day: number;
  readonly requests: number;
  /** Nanos; over many users a sum may leave the safe integers. */
  readonly cost: bigint;
  readonly assumed: bigint;
  readonly unpriced: number;
}

/** A row of the ledger as it is listed. */
export interface ListedEvent extends Usage, CallKind {
  /** Its number in the ledger. */
  readonly number: number;
  /** The id that people see of its user. */
  readonly user: string;
  readonly email: string | null;
  readonly source: string | null;
  readonly id: string | null;
  readonly providerId: string | null;
  readonly occurredAt: Instant;
  readonly recordedAt: Instant;
  readonly requests: number;
  readonly cost: Nanos;
  readonly assumed: Nanos;
  readonly pricedBy: PricedBy;
  readonly status: string;
  readonly estimated: boolean;
  readonly importId: number | null;
  /** The number of the event that this row corrects, by signed differences; `null`: it is an event itself. */
  readonly corrects: number | null;
}

export interface EventFilter {
  readonly userId?: number;
  readonly provider?: string;
  readonly model?: string;
  readonly feature?: string;
  /** Inclusive. */
  readonly since?: Instant;
  /** Exclusive. */
  readonly until?: Instant;
  /** Only events that no price covers, as they stand. */
  readonly unpriced?: boolean;
  readonly importId?: number;
  /** Only events numbered below this one: the next page. */
  readonly before?: number;
  readonly limit: number;
}

/** By what the cells of a report are summed up. */
export type CellGrouping = "user-day" | "kind" | "user" | "day" | "day-kind";

/** Of which days totals are summed up. */
export interface CellRange extends DayRange {
  /** Only totals with unpriced events among them. */
  readonly unpriced?: boolean;
}

/** Of which days and months the windows of users are looked at; all half-open. */
export interface ActivityRanges {
  readonly days: DayRange;
  readonly months: DayRange;
  /** The days from which personas are inferred. */
  readonly inference: DayRange;
  readonly today: number;
  readonly thisMonth: number;
}

/** What reports need beside the cells: of all users at once, by their internal number. */
export interface ReportReading {
  /** Of users with usage in the ranges. */
  activity(ranges: ActivityRanges): Promise<ReadonlyMap<number, UserActivity>>;
  /** The first day with usage ever. */
  firstUse(): Promise<ReadonlyMap<number, number>>;
  /** Overrides that were not revoked; some may have expired. */
  overrides(): Promise<ReadonlyMap<number, readonly Override[]>>;
  /** Of users who are removed now. */
  removedAt(): Promise<ReadonlyMap<number, Instant>>;
}

export interface UsageReading {
  /**
   * Daily totals of the days from `from` up to and not including `to`, summed over what `group` leaves out: fields
   * left out are 0 or empty. `user-day` keeps user and day, `kind` provider, model and feature, `day-kind` day and kind.
   */
  cells(range: CellRange, group: CellGrouping): Promise<UsageCell[]>;
  /** Newest entries of the ledger first. */
  events(filter: EventFilter): Promise<ListedEvent[]>;
  /**
   * What the ledger has on days of UTC, corrections included: by day, provider, model and feature.
   * @param asAccounted whether accounting days are days of UTC, so that the daily totals can be taken
   */
  utcDays(range: DayRange, asAccounted: boolean): Promise<LedgerDay[]>;
  readonly report: ReportReading;
  readonly overlaps: OverlapReading;
}

export interface ResetRun {
  readonly day: number;
  readonly ranAt: Instant;
  readonly actor: string;
  readonly holdsEnded: number;
  readonly overridesEnded: number;
  readonly stopsEnded: number;
}

/** A program that opened the database to meter with it. */
export interface Client {
  readonly kind: "library";
  readonly host: string;
  readonly pid: number;
  /** Whether it lets calls through while the database cannot be reached. */
  readonly failOpen: boolean;
  readonly openedAt: Instant;
}

export interface RecordsReading extends AuditReading, ImportsReading {
  /** The latest opening of each kind on each machine, newest first. */
  clients(): Promise<Client[]>;
  /** The last day that the daily reset closed. */
  lastReset(): Promise<ResetRun | undefined>;
  /** When the database was initialised: its first audit entry. */
  createdAt(): Promise<Instant | null>;
  /** Who holds a lease, or held it last; it may have run out. */
  lease(name: string): Promise<{ readonly holder: string; readonly expiresAt: Instant } | undefined>;
}
export interface RecordsWriting extends RecordsReading, AuditWriting, ImportsWriting {
  /** Remembers who opened the database. No audit entry: nothing decides differently. */
  noteClient(client: Client): Promise<void>;
  /** Writes alerts, each unless it is there already. */
  addAlerts(alerts: readonly Alert[]): Promise<void>;
  /**
   * Ends what had run out at `at`: holds, overrides, stops. Returns how many of each.
   * @param holdsAt for holds, where theirs is another instant
   */
  endExpired(
    at: Instant,
    holdsAt?: Instant,
  ): Promise<Pick<ResetRun, "holdsEnded" | "overridesEnded" | "stopsEnded">>;
  saveReset(run: ResetRun): Promise<void>;
  /** Takes a lease, unless somebody else holds it. A lease is given back by its holder or by running out. */
  takeLease(name: string, holder: string, at: Instant, until: Instant): Promise<boolean>;
  dropLease(name: string, holder: string): Promise<void>;
}
