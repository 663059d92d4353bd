import type { Nanos } from "./money.js";
import { NANOS_PER_USD } from "./money.js";

/** How a tester is expected to use the product, as the plan states it. */
export interface Persona {
  readonly tokensPerDay: number;
  readonly imagesPerDay: number;
  /** The cost that the plan states for a month. */
  readonly statedPerMonth: Nanos;
}

export const PERSONA_KEYS = ["casual", "active", "power"] as const;
export type PersonaKey = (typeof PERSONA_KEYS)[number];

export const PERSONAS: Readonly<Record<PersonaKey, Persona>> = {
  casual: { tokensPerDay: 500, imagesPerDay: 2, statedPerMonth: 15 * NANOS_PER_USD },
  active: { tokensPerDay: 2_000, imagesPerDay: 10, statedPerMonth: 60 * NANOS_PER_USD },
  power: { tokensPerDay: 5_000, imagesPerDay: 25, statedPerMonth: 150 * NANOS_PER_USD },
};

/** Active days that it takes before a persona is inferred. */
export const INFERRED_AFTER_DAYS = 3;

/** Days up to the end of what is looked at from which a persona is inferred at least: a single day says little. */
export const INFERENCE_DAYS = 30;

/**
 * The persona whose tokens per day are nearest on a log scale, from what was used on active days; `null` before the
 * third active day, or where no tokens were used.
 */
export function inferPersona(tokens: number, activeDays: number): PersonaKey | null {
  if (activeDays < INFERRED_AFTER_DAYS || tokens <= 0) return null;
  const perDay = Math.log(tokens / activeDays);
  let best: PersonaKey = "casual";
  for (const key of PERSONA_KEYS) {
    if (distance(key, perDay) < distance(best, perDay)) best = key;
  }
  return best;
}

function distance(key: PersonaKey, logPerDay: number): number {
  return Math.abs(Math.log(PERSONAS[key].tokensPerDay) - logPerDay);
}
