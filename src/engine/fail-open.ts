import { askOf } from "../domain/ask.js";
import { beyondCeiling, callCeiling, type Decision, refusal } from "../domain/decide.js";
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
  /** Whom to count it for: their id, where they were seen. */
  readonly user: string;
}

/**
 * Lets a call through while the store cannot be reached, unless a stop or a suspension that was seen before speaks
 * against it: of somebody who was not seen, a stop may be meant for just them. No quota is judged, but the ceiling of
 * one call is kept.
 */
export function decideOpen(
  name: string,
  request: LedgerRequest,
  seen: LastSeen | null,
  at: Instant,
  cause: string,
): OpenDecision {
  const { settings = INITIAL_SETTINGS, stops = [], ownPrices = null, user = null } = seen ?? {};
  const counted = user?.key ?? name;
  const blocked = (decision: Decision): OpenDecision => ({
    decision: { ...decision, cause },
    amounts: null,
    holdTtl: 0,
    user: counted,
  });
  const { provider, model, feature, maxTokens } = request;
  const subject = { provider, model, feature, ...(user && { userId: user.id, tier: user.tier }) };
  const stop = stopFor(stops, subject, at);
  const zone = request.zone ?? settings.time_zone;
  if (stop !== undefined) return blocked(refusal("emergency-stop", [], { resetsAt: stop.until, zone }));
  if (user?.status === "suspended") return blocked(refusal("user-suspended", []));
  if (user?.status === "removed") return blocked(refusal("user-unknown", []));
  const ceiling = callCeiling(user ?? {}, settings);
  const granted = maxTokens === undefined ? undefined : Math.min(maxTokens, ceiling ?? maxTokens);
  const ask = askOf(
    { ...request, tokens: granted ?? request.tokens, maxTokens: undefined },
    { user: null, stops, settings, ownPrices, at },
  );
  if (ceiling !== null && ask.amounts.tokens > ceiling) return blocked(beyondCeiling(ask, ceiling, []));
  const clampedTo = granted === maxTokens ? undefined : granted;
  const decision: Decision = {
    ...refusal("store-unavailable", []),
    outcome: "allow",
    message: decisionMessage({ code: "ok", clampedTo }),
    remaining: null,
    ...(granted === undefined ? {} : { maxTokens: granted }),
    cause,
  };
  return { decision, amounts: ask.amounts, holdTtl: settings.hold_ttl, user: counted };
}
