import type { DecisionCode } from "../../domain/decide.js";
import type { Meter } from "../../domain/meter.js";
import type { Happening, OccurredUsage, RulesHistory } from "../../domain/simulate-model.js";
import type { Instant } from "../../domain/window.js";

/** What of the past is replayed. */
export interface ReplayFilter {
  /** Only of users who were on this tier at some time. */
  readonly tier: string;
  /** Usage that occurred before it is left out. */
  readonly from: Instant;
  /** Exclusive; calls that asked before it are followed to their end. */
  readonly to: Instant;
}

/** How often a user was refused on a day, for one reason. */
export interface CountedRefusal {
  readonly userId: number;
  readonly day: number;
  readonly code: DecisionCode;
  /** Empty where no quota decided. */
  readonly meter: Meter | "";
  readonly count: number;
}

/** The past in the order in which it is replayed. What is told one by one is never all in memory. */
export interface ReplayReading {
  /** What decided about the users of a tier, over time. */
  rules(tier: string): Promise<RulesHistory>;
  /** Whether there were calls that asked, and usage that was only recorded. */
  kinds(filter: ReplayFilter): Promise<{ readonly live: boolean; readonly recorded: boolean }>;
  /** In the order of time: calls that asked, and when what was used was recorded. */
  happenings(filter: ReplayFilter): AsyncIterable<Happening>;
  /** In the order of time: what was used, by when it occurred. */
  occurred(filter: ReplayFilter): AsyncIterable<OccurredUsage>;
  /** Of the days from `days.from` to before `days.to`. */
  refusals(
    tier: string,
    days: { readonly from: number; readonly to: number },
  ): Promise<readonly CountedRefusal[]>;
}
