import type { CallKind } from "./usage.js";
import type { Instant } from "./window.js";

/** What a stop or throttle is limited to. All that are named must match; none named means everything. */
export interface StopScope {
  /** Internal user number. */
  readonly userId?: number;
  readonly tier?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly feature?: string;
}

/** An emergency stop, or a throttle to the emergency limits, as it is in force. */
export interface Stop {
  readonly id: number;
  readonly action: "stop" | "throttle";
  readonly scope: StopScope;
  readonly reason: string | null;
  readonly actor: string;
  readonly since: Instant;
  /** When its time box ends; `null`: when it is lifted. */
  readonly until: Instant | null;
}

/** Whom and what a request concerns, as far as it says so. Left out: not known. */
export interface StopSubject extends Partial<CallKind> {
  /** `null`: known to be nobody's. */
  readonly userId?: number | null;
  readonly tier?: string | null;
}

/**
 * Whether a stop that is in force covers a request. When it was turned on plays no part: the clock of who asks may be
 * behind the clock of who stopped. A request of which a scoped dimension is not known is covered: it might be the very
 * thing that was to be stopped.
 */
export function covers(stop: Stop, subject: StopSubject, at: Instant): boolean {
  if (stop.until !== null && at >= stop.until) return false;
  const { userId, tier, provider, model, feature } = stop.scope;
  return (
    matches(userId, subject.userId) &&
    matches(tier, subject.tier) &&
    matches(provider, subject.provider) &&
    matches(model, subject.model) &&
    matches(feature, subject.feature)
  );
}

function matches<T extends string | number>(scoped: T | undefined, stated: T | null | undefined): boolean {
  return scoped === undefined || stated === undefined || stated === "" || stated === scoped;
}

/** The first stop that covers the request, if any; throttles are not stops. */
export function stopFor(stops: readonly Stop[], subject: StopSubject, at: Instant): Stop | undefined {
  return stops.find((stop) => stop.action === "stop" && covers(stop, subject, at));
}

export function isThrottled(stops: readonly Stop[], subject: StopSubject, at: Instant): boolean {
  return stops.some((stop) => stop.action === "throttle" && covers(stop, subject, at));
}
