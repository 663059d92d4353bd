import { contentHash } from "../domain/content-hash.js";
import type { Entry } from "../domain/ledger-model.js";
import type { Nanos } from "../domain/money.js";
import { type PriceSource, type Rates, totalInput } from "../domain/price.js";
import type { QuotedRates } from "../domain/price-rule.js";
import { type CallKind, canonicalProvider, MOST_TEXT, UNSTORABLE, type Usage } from "../domain/usage.js";
import type { Instant } from "../domain/window.js";

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
  /** When the call ended; now, when left out. Neither before 2015 nor more than 24 hours ahead. */
  readonly occurredAt?: Instant;
  /** The provider's id of the response: the same call found again in a log then counts once. A blank one is none. */
  readonly providerId?: string;
  /** `ok` unless given. Cut to 512 characters: it may be the text of an error. */
  readonly status?: string;
}

/** Names a reservation; can be sent to another process and settled there. */
export interface ReservationHandle extends CallKind {
  /** The tester's id, whatever name the request gave: the others may be taken from them while the call runs. */
  readonly user: string;
  readonly id: string;
}

/** Whose usage it is and under which id; of a reservation with what the call was said to be. */
export type NamedUsage = Pick<ReservationHandle, "user" | "id"> & Partial<CallKind>;

export function kindOf({ provider = "", model = "", feature = "" }: Partial<CallKind>): CallKind {
  return { provider: canonicalProvider(provider), model: model.trim(), feature: feature.trim() };
}

/** Whether the cost has to be computed from the price book. */
export function needsBook(usage: UsageReport, kind: Partial<CallKind> = usage): boolean {
  return usage.cost === undefined && (usage.model ?? kind.model ?? "") !== "";
}

export function quoted(rates: Rates | null): QuotedRates | null {
  return rates === null ? null : { rates, from: "book" };
}

const UNSTORABLE_EACH = new RegExp(UNSTORABLE, "gu");

/** It only describes: however odd, it must not keep a call from being counted. */
function storableStatus(status: string): string {
  const text = String(status);
  if (text.length <= MOST_TEXT && !UNSTORABLE.test(text)) return text;
  return text.slice(0, MOST_TEXT).replace(UNSTORABLE_EACH, "\ufffd");
}

/** One that says nothing would make all calls that have it the same. */
function providerIdOf({ providerId }: UsageReport): string | null {
  return providerId === undefined || providerId.trim() === "" ? null : providerId;
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
    providerId: providerIdOf(usage),
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
    status: storableStatus(usage.status ?? "ok"),
    estimated,
    importId: null,
  };
  entry.hash = contentHash(entry);
  entry.occurredAt = usage.occurredAt ?? at;
  if (book !== null) entry.rates = quoted(book.rates(entry, entry.occurredAt, totalInput(entry)));
  return entry;
}
