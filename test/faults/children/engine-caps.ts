import type { Meter, Period } from "../../../src/domain/meter.js";
import type { LimitsRequest } from "../../../src/index.js";
import { T0 } from "../../support/store.js";
import type { Setup } from "./engine-parent.js";
import type { Asked } from "./engine-product.js";

/** A cap that exactly 100 calls fit under. */
export interface Cap {
  readonly setup: Setup;
  readonly request: LimitsRequest;
  /** How everybody else is refused. */
  readonly codes: readonly string[];
  readonly guardrail?: true;
}

export const FIT = 100;
export const ASKED = 1_000;
const DEFAULT_BLOCK_AT = 9_500;

export function quota(meter: Meter, limit: number, period: Period = "day", more: Setup = {}): Setup {
  return { ...more, quotas: [{ meter, period, limit }] };
}

function guarded(meter: "cost" | "tokens", limit: number): Setup {
  return {
    more: (tx) => tx.emergency.setGuardrail({ meter, period: "day", limit, action: "stop" }, T0),
  };
}

export const REQUEST: LimitsRequest = { user: "ada", tokens: 7, images: 3, cost: 11 };
const full = ["quota-exhausted"];

export const CAPS: Record<string, Cap> = {
  tokens: { setup: quota("tokens", FIT * 7), request: REQUEST, codes: full },
  images: { setup: quota("images", FIT * 3), request: REQUEST, codes: full },
  cost: { setup: quota("cost", FIT * 11, "month"), request: REQUEST, codes: full },
  requests: { setup: quota("requests", FIT), request: REQUEST, codes: full },
  // 99 calls of 19 are below 95% of 2,000, and 100 are exactly that.
  "tokens, with the default thresholds": {
    setup: quota("tokens", 2_000, "month", { blockAt: DEFAULT_BLOCK_AT }),
    request: { user: "ada", tokens: 19, cost: 0 },
    codes: full,
  },
  // 100 calls take 700 of 706, where 95% would have refused the last of them.
  "tokens, with a rest that no call fits in": {
    setup: quota("tokens", FIT * 7 + 6),
    request: REQUEST,
    codes: ["request-too-large"],
  },
  "a guardrail on cost": {
    setup: guarded("cost", FIT * 11),
    request: REQUEST,
    codes: ["emergency-stop"],
    guardrail: true,
  },
  "a guardrail on tokens": {
    setup: guarded("tokens", FIT * 7),
    request: REQUEST,
    codes: ["emergency-stop"],
    guardrail: true,
  },
};

/** What several processes were answered: how many were admitted, said to be, and by which codes others were refused. */
export function together(asked: readonly Asked[]) {
  const all: Record<string, number> = {};
  for (const each of asked) {
    for (const [code, count] of Object.entries(each.codes)) all[code] = (all[code] ?? 0) + count;
  }
  const admitted = asked.reduce((sum, each) => sum + each.admitted, 0);
  const { ok = 0, "near-limit": near = 0, ...refused } = all;
  return { admitted, said: ok + near, refused: Object.keys(refused) };
}
