import type { CallKind, Usage } from "../../../src/domain/usage.js";

const HOUR = 3_600_000;
const HOW = ["record", "settle", "extend", "settle", "abandon"] as const;

/** The n-th call of a victim, whoever makes it: what is done again after a kill must be the same call. */
export interface VictimCall {
  readonly user: string;
  readonly kind: CallKind;
  readonly usage: Usage & { readonly cost: number; readonly occurredAt: number };
  readonly how: (typeof HOW)[number];
}

/** Usage lies on days of this month and the last. */
export function victimCall(n: number, now: number): VictimCall {
  return {
    user: ["ada", "bob", "eve"][n % 3]!,
    kind: { provider: "openai", model: `m${n % 4}`, feature: "" },
    usage: {
      input: n,
      cacheRead: 1,
      cacheWrite: n % 2,
      output: 5 + (n % 7),
      reasoning: n % 5,
      images: n % 2,
      cost: 3 * n + 1,
      occurredAt: now - (n % 50) * 13 * HOUR,
    },
    how: HOW[n % HOW.length]!,
  };
}

/** Numbers from 0 up to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
