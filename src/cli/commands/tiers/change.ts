import type { TierChange } from "../../../engine/tiers.js";
import { AlphaError } from "../../../errors.js";
import { parseCount } from "../../values.js";
import { quotasGiven } from "./quota-options.js";

export interface TierOptions {
  readonly label?: string;
  readonly rank?: string;
  readonly callTokens?: string;
  readonly feature?: readonly string[];
  readonly addFeature?: readonly string[];
  readonly removeFeature?: readonly string[];
  readonly reason?: string;
}

/** What the options of `tiers add` and `tiers set` ask for. */
export function tierChange(options: TierOptions): TierChange {
  const { label, feature, addFeature, removeFeature, reason } = options;
  const quotas = quotasGiven(options);
  return {
    ...(label === undefined ? {} : { label: label.trim() }),
    ...(options.rank === undefined ? {} : { rank: parseRank(options.rank) }),
    ...(quotas.length === 0 ? {} : { quotas }),
    ...(options.callTokens === undefined ? {} : { callTokens: parseCeiling(options.callTokens) }),
    ...(feature === undefined ? {} : { features: feature }),
    ...(addFeature === undefined ? {} : { addFeatures: addFeature }),
    ...(removeFeature === undefined ? {} : { removeFeatures: removeFeature }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function parseCeiling(text: string): number | "unlimited" | "setting" {
  const word = text.trim().toLowerCase();
  if (word === "unlimited" || word === "setting") return word;
  const ceiling = parseCount("--call-tokens", text);
  if (ceiling > 0) return ceiling;
  throw new AlphaError("usage", "--call-tokens must be 1 or more", {
    hint: "to allow no tokens at all: --daily-tokens 0",
  });
}

function parseRank(text: string): number {
  const rank = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(rank) && rank > 0) return rank;
  throw new AlphaError("usage", `--rank must be a whole number of 1 or more, not "${text}"`, {
    hint: "1 is the lowest tier; see the others with: alpha tiers list",
  });
}
