import type { DayRange } from "../../domain/day-range.js";
import type { Amounts } from "../../domain/meter.js";
import type { RefusedByLimit } from "../../domain/suggest-refusals.js";
import type { Instant } from "../../domain/window.js";
import type { RefusalTally } from "./history.js";

/** What one user used on one day, as limits count it. */
export interface UserDay {
  readonly userId: number;
  readonly day: number;
  readonly used: Readonly<Amounts>;
}

/** How often a user was refused on one day, for one reason. */
export interface UserRefusals extends RefusalTally {
  readonly userId: number;
  readonly day: number;
}

/** On how many days a user called for a feature, and how often. */
export interface FeatureDays {
  readonly userId: number;
  readonly feature: string;
  readonly days: number;
  readonly calls: number;
}

/** What everybody used in some days, and what they were refused. */
export interface RecentReading {
  /** Every day of every user with usage. */
  days(range: DayRange): Promise<readonly UserDay[]>;
  /** How often they were refused, by day. */
  refusals(range: DayRange): Promise<readonly UserRefusals[]>;
  /** Calls that limits refused, as far as they were kept one by one; those of a user follow one another, in their order. */
  refusedByLimits(range: DayRange): AsyncIterable<RefusedByLimit>;
  /** How many calls for a feature were refused since their tier has not got it, as far as they were kept one by one. */
  featureRefusals(range: DayRange): Promise<readonly FeatureDays[]>;
  /** Since when everybody is on the tier that they have now. */
  tierSince(): Promise<ReadonlyMap<number, Instant>>;
  /** What was used of each feature that calls named. */
  featureUse(range: DayRange): Promise<readonly FeatureDays[]>;
}
