import { Option } from "commander";
import type { LimitsRequest } from "../../engine/limits.js";
import { parseCount, parseMoney } from "../values.js";

/** What a call would use, as the commands that ask about one take it. */
export interface CallOptions {
  readonly tokens?: string;
  readonly images?: string;
  readonly cost?: string;
  readonly feature?: string;
  readonly provider?: string;
  readonly model?: string;
}

export function callOptions(): Option[] {
  return [
    new Option("--tokens <count>", "tokens that the call would use, input and output together"),
    new Option("--images <count>", "images that it would make"),
    new Option("--cost <usd>", "its cost (default: estimated by the model's dearest rate)"),
    new Option("--feature <feature>", "the feature of the product that it is for"),
    new Option("--provider <provider>", "the provider that it goes to"),
    new Option("--model <model>", "the model that it goes to"),
  ];
}

export function callRequest(user: string, options: CallOptions): LimitsRequest {
  const { tokens, images, cost, feature, provider, model } = options;
  return {
    user,
    ...(tokens === undefined ? {} : { tokens: parseCount("--tokens", tokens) }),
    ...(images === undefined ? {} : { images: parseCount("--images", images) }),
    ...(cost === undefined ? {} : { cost: parseMoney("--cost", cost) }),
    ...(feature === undefined ? {} : { feature }),
    ...(provider === undefined ? {} : { provider }),
    ...(model === undefined ? {} : { model }),
  };
}
