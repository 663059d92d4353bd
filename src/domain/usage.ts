import type { Nanos } from "./money.js";
import type { Price } from "./price-rule.js";
import type { Instant } from "./window.js";

/**
 * Token counts of one call in disjoint buckets: no token is in two of them, except that `reasoning` is a part of
 * `output`. All are non-negative safe integers.
 */
export interface TokenBuckets {
  /** Input tokens that were neither read from nor written to a prompt cache. */
  readonly input: number;
  /** Input tokens read from a prompt cache. */
  readonly cacheRead: number;
  /** Input tokens written to a prompt cache. */
  readonly cacheWrite: number;
  /** Output tokens, reasoning included. */
  readonly output: number;
  /** Output tokens spent on reasoning; at most `output`. */
  readonly reasoning: number;
}

/** What one call consumed. */
export interface Usage extends TokenBuckets {
  readonly images: number;
}

/** Which provider and model served a call, and for which feature of the product. Empty string: not stated. */
export interface CallKind {
  /** Canonical provider name (see `canonicalProvider`). */
  readonly provider: string;
  readonly model: string;
  readonly feature: string;
}

/** One record of usage as a log or a caller states it, before it is priced and entered in the ledger. */
export interface UsageRecord extends Usage, CallKind {
  /** Where the id comes from: ids are unique within their source. */
  readonly source: string;
  readonly id: string;
  /** The provider's own id of the response; deduplicates across sources. */
  readonly providerId: string | null;
  /** The tester, as the log names them: an id, an email or an alias. */
  readonly user: string;
  readonly occurredAt: Instant;
  /** The cost that the log states; `null` when it states none. */
  readonly cost: Nanos | null;
  /** `ok`, or what went wrong as the log says it. Failed calls cost what they cost. */
  readonly status: string;
  /** How many calls the record sums up; one unless given. */
  readonly requests?: number | undefined;
  /** How the ledger that it was exported from priced it, which is taken over as it is; then `cost` is `null`. */
  readonly priced?: Price | undefined;
  /** Whether the amounts are those of a reservation whose call never said what it used. */
  readonly estimated?: boolean | undefined;
  /** The `contentHash` under which it was first known, where that is not the hash of what it says here. */
  readonly hash?: number | undefined;
}

/** Tokens as limits count them: input, cached or not, plus output. Reasoning is already in output. */
export function totalTokens(usage: TokenBuckets): number {
  return usage.input + usage.cacheRead + usage.cacheWrite + usage.output;
}

/** Whether there is nothing that a price could be for: a call that failed, for example. */
export function usedNothing(usage: Usage): boolean {
  return totalTokens(usage) + usage.images === 0;
}

/** Usage of an earlier time is an epoch zero, seconds taken for milliseconds, or a clock's fault. */
export const EARLIEST_USAGE: Instant = Date.UTC(2015, 0, 1);
/** How far ahead of the present usage may be dated, in milliseconds: zones and clocks are mistaken by less. */
export const MOST_AHEAD = 24 * 3_600_000;

/** Characters that a name or an id may have; more than any has, and few enough for an index of every database. */
export const MOST_TEXT = 512;
/** NUL and lone surrogates, which databases cannot keep. */
export const UNSTORABLE = /[\0\ud800-\udfff]/u;

export const NO_USAGE: Usage = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0, images: 0 };

const PROVIDER_ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    gemini: "google",
    "google-gla": "google",
    "google-vertex": "google",
    vertex_ai: "google",
    vertexai: "google",
    "google-ai-studio": "google",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    claude: "anthropic",
    "azure-openai": "azure",
    azure_openai: "azure",
    azure_ai: "azure",
    "az.ai.openai": "azure",
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "aws-bedrock": "aws",
    "aws.bedrock": "aws",
    bedrock: "aws",
    "x.ai": "x-ai",
    x_ai: "x-ai",
    xai: "x-ai",
    grok: "x-ai",
    mistralai: "mistral",
    mistral_ai: "mistral",
    zhipu: "zhipuai",
    "z-ai": "zai",
    fireworks_ai: "fireworks",
  }),
);

/** The one name under which a provider is stored and matched: trimmed, lower case, `gemini` = `google`. */
export function canonicalProvider(name: string): string {
  if (name === "") return name;
  const key = name.trim().toLowerCase();
  return PROVIDER_ALIASES.get(key) ?? key;
}
