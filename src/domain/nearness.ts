import type { Decision, QuotaState } from "./decide.js";

/** How close somebody is to being refused, whatever they ask for. */
export interface Nearness {
  /** `blocked`: every call of some kind is refused now. `near`: from the next one on it may be. */
  readonly state: "blocked" | "near" | "free";
  readonly code: Decision["code"];
  /** The quota that says so, or of those that say nothing the fullest; `null`: no quota does. */
  readonly quota: QuotaState | null;
}

/**
 * What a decision about a call that asks for nothing says of its user. A quota of 0 that only switches images or tokens
 * off is no state to be looked after; one that lets no call pass at all is.
 */
export function nearnessOf({ code, quotas }: Pick<Decision, "code" | "quotas">): Nearness {
  if (code === "emergency-stop" || code === "user-suspended" || code === "user-unknown") {
    return { state: "blocked", code, quota: null };
  }
  let quota: QuotaState | null = null;
  for (const each of quotas) {
    if (each.limit === 0 && (each.meter === "tokens" || each.meter === "images")) continue;
    if (quota === null || isCloser(each, quota)) quota = each;
  }
  if (quota === null || quota.outcome === "allow") return { state: "free", code: "ok", quota };
  return { state: quota.outcome === "block" ? "blocked" : "near", code: quota.code, quota };
}

const WEIGHT = { allow: 0, warn: 1, block: 2 } as const;

function isCloser(a: QuotaState, b: QuotaState): boolean {
  const more = WEIGHT[a.outcome] - WEIGHT[b.outcome];
  return more === 0 ? fullnessOf(a) > fullnessOf(b) : more > 0;
}

/** Used and held as a part of the limit. */
export function fullnessOf({ used, held, limit }: QuotaState): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : (used + held) / limit;
}
