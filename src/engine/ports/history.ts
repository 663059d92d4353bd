import type { DecisionCode } from "../../domain/decide.js";
import type { Stop } from "../../domain/emergency.js";
import type { Override, UserStatus } from "../../domain/entitlement.js";
import type { Guardrail } from "../../domain/guardrail.js";
import type { Hold } from "../../domain/ledger-model.js";
import type { Amounts, Meter, Period } from "../../domain/meter.js";
import type { OwnPrices } from "../../domain/own-prices.js";
import type { Settings } from "../../domain/settings.js";
import type { Tier } from "../../domain/tier.js";
import type { Instant, Window } from "../../domain/window.js";

/**
 * As of when something is read. An instant: as it was then, from what had been recorded by then. `null`: as it is now,
 * which is what decisions see, whatever the clock of who asks says.
 */
export type AsOf = Instant | null;

/** What decides about everybody. */
export interface RulesInForce {
  readonly settings: Settings;
  /** Those that were not lifted; the time box of some may have ended. */
  readonly stops: readonly Stop[];
  /** `null`: there were none. */
  readonly ownPrices: OwnPrices | null;
  readonly guardrails: readonly Guardrail[];
}

/** What decides about one user. */
export interface UserInForce {
  /** `null`: they were removed, and their tier since then too. */
  readonly tier: Tier | null;
  readonly status: UserStatus;
  readonly since: { readonly tier: Instant; readonly status: Instant };
  /** Those that were not revoked; some may have expired. */
  readonly overrides: readonly Override[];
}

/** Usage of a window that limits do not count. */
export interface Forgiven {
  readonly period: Period;
  readonly meter: Meter;
  readonly amount: number;
  readonly at: Instant;
}

export interface RefusalTally {
  readonly code: DecisionCode;
  /** Empty where no quota decided. */
  readonly meter: Meter | "";
  readonly count: number;
}

/** How often a user was refused on a day. */
export interface DayRefusals {
  readonly tallies: readonly RefusalTally[];
  /** `null`: there was none, or it was not kept one by one. */
  readonly last:
    | (Omit<RefusalTally, "count"> & { readonly period: Period | ""; readonly at: Instant })
    | null;
  /** `false`: of some it is only known that they were on that day, so that there may have been more by then. */
  readonly complete: boolean;
}

/** What a guardrail counts in one window. */
export interface Guarded {
  readonly used: number;
  readonly tripped: boolean;
}

/** What decided about somebody, now or at an instant of the past. */
export interface HistoryReading {
  rules(asOf: AsOf): Promise<RulesInForce>;
  /** `undefined` before they were added. */
  user(userId: number, asOf: AsOf): Promise<UserInForce | undefined>;
  /** Settled usage of a window, as limits count it. Of the past it is added up from the ledger. */
  used(userId: number, window: Window, asOf: AsOf): Promise<Amounts>;
  /** Oldest first. */
  forgiven(userId: number, window: Window, asOf: AsOf): Promise<readonly Forgiven[]>;
  /**
   * What had been reserved before an instant of the past and was live at it, as far as that left a trace: calls that
   * settled later, and those still held. What was released since, or expired and never settled, is not known any more.
   * @param userId `null`: of everybody
   */
  heldThen(userId: number | null, at: Instant): Promise<readonly Hold[]>;
  guarded(guardrail: Guardrail, window: Window, asOf: AsOf): Promise<Guarded>;
  refusals(userId: number, day: number, asOf: AsOf): Promise<DayRefusals>;
  /** Whether the events of a month were let go of. */
  isSealed(month: number): Promise<boolean>;
}
