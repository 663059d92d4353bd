import { contentHash } from "../domain/content-hash.js";
import type { Entry } from "../domain/ledger-model.js";
import type { Nanos } from "../domain/money.js";
import { type PriceSource, type Rates, totalInput } from "../domain/price.js";
import type { QuotedRates } from "../domain/price-rule.js";
import { type CallKind, canonicalProvider, type Usage } from "../domain/usage.js";
import { calendar, type Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";

/** The source of events that are metered live, by the product or by `alpha usage record`. */
export const LIVE_SOURCE = "live";

/** What a call is about to use. Everything but the user may be left out. */
export interface LimitsRequest extends Partial<CallKind> {
  /** Id, email or alias. */
  readonly user: string;
  /** Tokens, input and output together. Left out together with `images`: the request is judged by both quotas. */
  readonly tokens?: number;
  /**
   * Instead of `tokens`, for a call that is told how much it may write: clamped to the ceiling of one call and to what is
   * left, and the decision's `maxTokens` says to how many.
   */
  readonly maxTokens?: number;
  readonly images?: number;
  /** Expected cost in nanos; estimated from the model's dearest rate when left out. */
  readonly cost?: Nanos;
  /** The IANA time zone in which the decision's message tells instants. */
  readonly zone?: string;
}

/** What a call used. Buckets are disjoint, see `TokenBuckets`; what is left out is 0. */
export interface UsageReport extends Partial<Usage>, Partial<CallKind> {
  /** Cost in nanos, where the provider states it; computed from the price book when left out. */
  readonly cost?: Nanos;
  /** When the call ended; now, when left out. */
  readonly occurredAt?: Instant;
  /** The provider's id of the response: the same call found again in a log then counts once. */
  readonly providerId?: string;
  /** `ok` unless given. */
  readonly status?: string;
}

// More than any one call can use; it keeps estimates of its cost exact.
const MOST_TOKENS = 10_000_000_000;
const MOST_IMAGES = 10_000_000;
const MOST_COST = 1_000_000_000_000_000;

const MOST = {
  tokens: MOST_TOKENS,
  maxTokens: MOST_TOKENS,
  images: MOST_IMAGES,
  cost: MOST_COST,
  input: MOST_TOKENS,
  cacheRead: MOST_TOKENS,
  cacheWrite: MOST_TOKENS,
  output: MOST_TOKENS,
  reasoning: MOST_TOKENS,
} as const;

/** Refuses amounts that are negative, fractional, or more than any one call can use. */
export function requireCounts(values: Partial<Record<keyof typeof MOST, number>>): void {
  // One by one and not in a loop: looked up by a name that changes, they cost a call several times as much.
  requireCount("tokens", values.tokens);
  requireCount("maxTokens", values.maxTokens);
  requireCount("images", values.images);
  requireCount("cost", values.cost);
  requireCount("input", values.input);
  requireCount("cacheRead", values.cacheRead);
  requireCount("cacheWrite", values.cacheWrite);
  requireCount("output", values.output);
  requireCount("reasoning", values.reasoning);
  if ((values.reasoning ?? 0) > (values.output ?? 0)) {
    throw new AlphaError("usage", "reasoning is a part of output and cannot be more than it");
  }
}

function requireCount(name: keyof typeof MOST, value: number | undefined): void {
  if (value === undefined) return;
  if (!(Number.isSafeInteger(value) && value >= 0)) {
    throw new AlphaError("usage", `${name} must be a whole number of 0 or more, not ${value}`);
  }
  if (value > MOST[name]) throw new AlphaError("usage", `${name} is more than one call can use: ${value}`);
}

export function kindOf({ provider = "", model = "", feature = "" }: Partial<CallKind>): CallKind {
  return { provider: canonicalProvider(provider), model: model.trim(), feature: feature.trim() };
}

/** Refuses a request that makes no sense. */
export function requireRequest(request: LimitsRequest): void {
  requireCounts(request);
  if (request.tokens !== undefined && request.maxTokens !== undefined) {
    throw new AlphaError("usage", "a request says tokens or maxTokens, not both", {
      hint: "tokens is what the call will use; maxTokens is what it may use at most",
    });
  }
  // Throws for what is no time zone.
  if (request.zone !== undefined) calendar(request.zone);
}

/** Whether the cost has to be computed from the price book. */
export function needsBook(usage: UsageReport, kind: Partial<CallKind> = usage): boolean {
  return usage.cost === undefined && (usage.model ?? kind.model ?? "") !== "";
}

export function quoted(rates: Rates | null): QuotedRates | null {
  return rates === null ? null : { rates, from: "book" };
}

interface Reported {
  readonly at: Instant;
  /** The hold is charged, since nobody said what was used. */
  readonly estimated: boolean;
  /** `null` where `needsBook` says no. */
  readonly book: PriceSource | null;
  readonly kind?: Partial<CallKind>;
}

/**
 * What a caller reports, as the ledger takes it.
 * @param kind what the report leaves unsaid
 */
export function entryOf(
  user: string,
  id: string,
  usage: UsageReport,
  { at, estimated, book, kind = usage }: Reported,
): Entry {
  const entry = {
    user,
    source: LIVE_SOURCE,
    id,
    hash: 0,
    providerId: usage.providerId ?? null,
    provider: canonicalProvider(usage.provider ?? kind.provider ?? ""),
    model: (usage.model ?? kind.model ?? "").trim(),
    feature: (usage.feature ?? kind.feature ?? "").trim(),
    // A retry is made later: when the instant was not given, it is no part of what makes the content the same.
    occurredAt: usage.occurredAt ?? 0,
    input: usage.input ?? 0,
    cacheRead: usage.cacheRead ?? 0,
    cacheWrite: usage.cacheWrite ?? 0,
    output: usage.output ?? 0,
    reasoning: usage.reasoning ?? 0,
    images: usage.images ?? 0,
    cost: usage.cost ?? null,
    rates: null as QuotedRates | null,
    status: usage.status ?? "ok",
    estimated,
    importId: null,
  };
  entry.hash = contentHash(entry);
  entry.occurredAt = usage.occurredAt ?? at;
  if (book !== null) entry.rates = quoted(book.rates(entry, entry.occurredAt, totalInput(entry)));
  return entry;
}
