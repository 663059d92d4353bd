import { askOf } from "../domain/ask.js";
import { type Decision, refusal } from "../domain/decide.js";
import { stopFor } from "../domain/emergency.js";
import type { LedgerRequest } from "../domain/ledger-model.js";
import { decisionMessage } from "../domain/message.js";
import type { Amounts } from "../domain/meter.js";
import { INITIAL_SETTINGS } from "../domain/settings.js";
import type { Instant } from "../domain/window.js";
import type { LastSeen } from "./ports.js";

/** A decision without a store, for an application that chose to go on without one. */
export interface OpenDecision {
  readonly decision: Decision;
  /** What the call is granted; nothing holds it. `null` when blocked. */
  readonly amounts: Amounts | null;
  readonly holdTtl: number;
}

/**
 * Lets a call through while the store cannot be reached, unless a stop or a suspension that was seen before speaks
 * against it. No quota is judged, but the ceiling of one call is kept.
 */
export function decideOpen(
  request: LedgerRequest,
  seen: LastSeen | null,
  at: Instant,
  cause: string,
): OpenDecision {
  const { settings = INITIAL_SETTINGS, stops = [], ownPrices = null, user = null } = seen ?? {};
  const blocked = (decision: Decision): OpenDecision => ({
    decision: { ...decision, cause },
    amounts: null,
    holdTtl: 0,
  });
  const { provider, model, feature } = request;
  const subject = { provider, model, feature, ...(user && { userId: user.id, tier: user.tier }) };
  const stop = stopFor(stops, subject, at);
  const zone = request.zone ?? settings.time_zone;
  if (stop !== undefined) return blocked(refusal("emergency-stop", [], { resetsAt: stop.until, zone }));
  if (user?.status === "suspended") return blocked(refusal("user-suspended", []));
  if (user?.status === "removed") return blocked(refusal("user-unknown", []));
  const { maxTokens } = request;
  const most = Math.min(maxTokens ?? 0, settings.call_tokens ?? Number.POSITIVE_INFINITY);
  const tokens = maxTokens === undefined ? request.tokens : most;
  const { amounts } = askOf(
    { ...request, tokens, maxTokens: undefined },
    { user: null, stops, settings, ownPrices, at },
  );
  const decision: Decision = {
    ...refusal("store-unavailable", []),
    outcome: "allow",
    message: decisionMessage({ code: "ok" }),
    remaining: null,
    ...(maxTokens === undefined ? {} : { maxTokens: most }),
    cause,
  };
  return { decision, amounts, holdTtl: settings.hold_ttl };
}
