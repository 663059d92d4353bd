import {
  type Ask,
  type DecidedUser,
  type Decision,
  type DecisionInput,
  decide,
  type WindowUsage,
} from "../../src/domain/decide.js";
import type { Stop } from "../../src/domain/emergency.js";
import { entitlementOf, type Override } from "../../src/domain/entitlement.js";
import { type Amounts, noAmounts, type Quota } from "../../src/domain/meter.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { INITIAL_TIERS, type Tier } from "../../src/domain/tier.js";
import { parseInstant } from "../../src/domain/window.js";

export function instant(text: string): number {
  const at = parseInstant(text);
  if (at === null) throw new Error(`${text} is no instant`);
  return at;
}

export const NOON = instant("2026-11-22T12:00:00Z");

export function tierNamed(key: string): Tier {
  const tier = INITIAL_TIERS.find((candidate) => candidate.key === key);
  if (tier === undefined) throw new Error(`there is no tier ${key}`);
  return tier;
}

/** Free Alpha with other quotas. */
export function tierWith(...quotas: Quota[]): Tier {
  return { ...tierNamed("free"), quotas };
}

/** `tokens` and `images` are stated when they are given. */
export function asking(
  request: Partial<Amounts> & Partial<Pick<Ask, "provider" | "model" | "feature" | "unpriced">>,
): Ask {
  const { tokens, images, cost = 0, requests = 1, ...rest } = request;
  return {
    provider: "",
    model: "",
    feature: "",
    unpriced: false,
    ...rest,
    amounts: { tokens: tokens ?? 0, images: images ?? 0, cost, requests },
    statesAmounts: tokens !== undefined || images !== undefined,
  };
}

export function usedUp(used: Partial<Amounts>, forgiven: Partial<Amounts> = {}): WindowUsage {
  return { used: { ...noAmounts(), ...used }, forgiven: { ...noAmounts(), ...forgiven } };
}

export function testerOn(
  tier: Tier,
  rest: Partial<Omit<DecidedUser, "held">> & {
    readonly overrides?: readonly Override[];
    readonly held?: Partial<Amounts>;
  } = {},
): DecidedUser {
  const { overrides = [], held = {}, ...given } = rest;
  return {
    id: 7,
    tier: tier.key,
    tierLabel: tier.label,
    status: "active",
    entitlement: entitlementOf(tier, overrides, NOON),
    day: usedUp({}),
    month: usedUp({}),
    held: { ...noAmounts(), ...held },
    ...given,
  };
}

export function stopOf(rest: Partial<Stop> = {}): Stop {
  return {
    id: 1,
    action: "stop",
    scope: {},
    reason: null,
    actor: "operator",
    since: NOON - 60_000,
    until: null,
    ...rest,
  };
}

export function decideOn(input: Partial<DecisionInput>): Decision {
  return decide({
    ask: asking({ tokens: 1 }),
    user: testerOn(tierNamed("free")),
    stops: [],
    settings: INITIAL_SETTINGS,
    at: NOON,
    ...input,
  });
}
