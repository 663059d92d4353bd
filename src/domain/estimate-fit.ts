import type { Pricing } from "./estimate.js";
import type { Meter, Quota } from "./meter.js";
import type { Nanos } from "./money.js";
import { PERSONA_KEYS, PERSONAS, type PersonaKey } from "./persona.js";
import { quotaFor, type Tier } from "./tier.js";

/** The plan's figures for a month are those of 30 days, whatever month it is. */
export const PLAN_MONTH_DAYS = 30;

/** How the stated use of a persona compares with the limits of a tier. */
export interface PersonaFit {
  readonly persona: PersonaKey;
  readonly tier: string;
  /** A month of the persona, in nanos: as the plan states it, and as its tokens and images compute. */
  readonly stated: Nanos;
  readonly computed: Nanos;
  /** The tier's cost limit a month; `null`: none. */
  readonly costLimit: Nanos | null;
  /** The quota that the stated use reaches first or, where it reaches none, comes nearest to; `null`: no quota. */
  readonly first: { readonly quota: Quota; readonly ratio: number; readonly reached: boolean } | null;
}

/** A tier whose token and image limits, used in full, cost more than its cost limit lets through. */
export interface TierFit {
  readonly tier: string;
  readonly fullUse: Nanos;
  readonly costLimit: Nanos;
}

/**
 * @param blockAt from which part of a limit new calls are blocked, in basis points
 */
export function personaFit(key: PersonaKey, tier: Tier, pricing: Pricing, blockAt: number): PersonaFit {
  const persona = PERSONAS[key];
  const expected = (days: number): Partial<Record<Meter, number>> => {
    const tokens = days * persona.tokensPerDay;
    const images = days * persona.imagesPerDay;
    return { tokens, images, cost: pricing({ tokens, images }) };
  };
  const perDay = expected(1);
  const perMonth = expected(PLAN_MONTH_DAYS);
  const ranked = tier.quotas
    .flatMap((quota) => {
      const use = (quota.period === "day" ? perDay : perMonth)[quota.meter];
      if (use === undefined) return [];
      const ratio = quota.limit === 0 ? Number.POSITIVE_INFINITY : use / quota.limit;
      return [{ quota, ratio, reached: ratio * 10_000 >= blockAt }];
    })
    .sort((a, b) => urgency(b) - urgency(a) || (a.ratio === b.ratio ? 0 : b.ratio - a.ratio));
  return {
    persona: key,
    tier: tier.key,
    stated: persona.statedPerMonth,
    computed: perMonth.cost ?? 0,
    costLimit: quotaFor(tier.quotas, "cost", "month")?.limit ?? null,
    first: ranked[0] ?? null,
  };
}

/** A day's limit that is reached is reached on the first day already, before any month's. */
function urgency({ quota, reached }: { quota: Quota; reached: boolean }): number {
  return !reached ? 0 : quota.period === "day" ? 2 : 1;
}

/** `null` when the limits fit each other, or one of them is missing. */
export function tierFit(tier: Tier, pricing: Pricing): TierFit | null {
  const costLimit = quotaFor(tier.quotas, "cost", "month")?.limit;
  const tokens = monthOf(tier, "tokens");
  const images = monthOf(tier, "images");
  if (costLimit === undefined || tokens === null || images === null) return null;
  const fullUse = pricing({ tokens, images });
  return fullUse > costLimit ? { tier: tier.key, fullUse, costLimit } : null;
}

function monthOf(tier: Tier, meter: Meter): number | null {
  const day = quotaFor(tier.quotas, meter, "day")?.limit;
  const month = quotaFor(tier.quotas, meter, "month")?.limit;
  if (day === undefined) return month ?? null;
  return Math.min(day * PLAN_MONTH_DAYS, month ?? Number.POSITIVE_INFINITY);
}

export interface Fits {
  readonly personas: readonly PersonaFit[];
  readonly tiers: readonly TierFit[];
}

/** Looks at the pairs of persona and tier that occur, in the order of the tiers. */
export function fitsOf(
  pairs: Iterable<{ readonly persona: PersonaKey | null; readonly tier: string }>,
  tiers: readonly Tier[],
  pricing: Pricing,
  blockAt: number,
): Fits {
  const occurring = new Set<string>();
  for (const { persona, tier } of pairs) if (persona !== null) occurring.add(`${persona}/${tier}`);
  const personas = tiers.flatMap((tier) =>
    PERSONA_KEYS.filter((key) => occurring.has(`${key}/${tier.key}`)).map((key) =>
      personaFit(key, tier, pricing, blockAt),
    ),
  );
  const concerned = tiers.filter((tier) => personas.some((fit) => fit.tier === tier.key));
  const tierFits = concerned.flatMap((tier) => tierFit(tier, pricing) ?? []);
  return { personas, tiers: tierFits };
}
