import type { ServerResponse } from "node:http";
import type { Decision, DecisionCode, Instant, LimitsRequest, QuotaState } from "../index.js";

const STATUS: Readonly<Partial<Record<DecisionCode, number>>> = {
  "user-unknown": 403,
  "user-suspended": 403,
  "feature-not-in-tier": 403,
  "already-settled": 409,
  "emergency-stop": 503,
  "store-unavailable": 503,
};

/** The HTTP status that says why a request is blocked: 429 unless it is nothing that waiting or asking less cures. */
export function statusOf(code: DecisionCode): number {
  return STATUS[code] ?? 429;
}

/** Answers a blocked request with its decision as JSON. `retry-after` tells when the limit or the stop ends. */
export function answerBlocked(decision: Decision, response: ServerResponse, now: Instant): void {
  const { code, message, meter, period, limit, remaining, resetsAt } = decision;
  response.statusCode = statusOf(code);
  response.setHeader("content-type", "application/json; charset=utf-8");
  if (resetsAt !== null) response.setHeader("retry-after", secondsUntil(resetsAt, now));
  const at = resetsAt === null ? null : new Date(resetsAt).toISOString();
  response.end(JSON.stringify({ error: { code, message, resetsAt: at, meter, period, limit, remaining } }));
}

/** The quota that the rate limit fields tell about. */
type Told = Pick<QuotaState, "limit" | "remaining" | "resetsAt">;

/** Of a blocked request, the quota that blocks it; `null` where none does. */
export function blockingQuota({ limit, remaining, resetsAt }: Decision): Told | null {
  return limit === null ? null : { limit, remaining: remaining ?? 0, resetsAt };
}

/** Of a request that goes ahead, the fullest of the quotas that it touches, what is held for it included. */
export function fullestQuota({ quotas }: Decision, request: LimitsRequest): Told | null {
  const asked = { tokens: request.tokens ?? request.maxTokens, images: request.images };
  const statesNeither = asked.tokens === undefined && asked.images === undefined;
  let fullest: QuotaState | null = null;
  for (const quota of quotas) {
    const { meter } = quota;
    const touched = meter === "tokens" || meter === "images" ? (asked[meter] ?? 0) > 0 : true;
    if (!touched && !statesNeither) continue;
    if (fullest === null || fullness(quota) > fullness(fullest)) fullest = quota;
  }
  return fullest;
}

function fullness({ used, held, limit }: QuotaState): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : (used + held) / limit;
}

/** Sets `RateLimit-Limit`, `-Remaining` and `-Reset`, in the unit of the quota's meter and in seconds. */
export function setRateLimit(response: ServerResponse, quota: Told | null, now: Instant): void {
  if (quota === null || response.headersSent) return;
  response.setHeader("ratelimit-limit", String(quota.limit));
  response.setHeader("ratelimit-remaining", String(quota.remaining));
  if (quota.resetsAt !== null) response.setHeader("ratelimit-reset", secondsUntil(quota.resetsAt, now));
}

/** Rounded up: who waits that long is not turned away once more. */
function secondsUntil(at: Instant, now: Instant): string {
  return String(Math.max(0, Math.ceil((at - now) / 1_000)));
}
