import { type CallKind, EARLIEST_USAGE, MOST_AHEAD, MOST_TEXT, UNSTORABLE } from "../domain/usage.js";
import { calendar, type Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { requireReportFields, requireRequestFields } from "./known-fields.js";
import type { LimitsRequest, NamedUsage, UsageReport } from "./live-usage.js";

/*
 * What a product hands over is looked at before anything is done with it: what one database kept and another refused, or
 * what nobody can have meant, would be found out in the middle of a batch.
 */

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

/**
 * Refuses a report that makes no sense: that says nothing of what was used, counts, or a time that is none of a call
 * that has ended.
 * @param now the present
 */
export function requireReport(usage: UsageReport, now: Instant): void {
  if (typeof usage !== "object" || usage === null) {
    throw new AlphaError("usage", "there is no report of what was used", {
      hint: SAY_AMOUNTS,
    });
  }
  requireReportFields(usage);
  requireKind(usage);
  requireText("providerId", usage.providerId);
  requireCounts(usage);
  if (statesNothing(usage)) {
    throw new AlphaError("usage", "the report states no amount of what was used", { hint: SAY_AMOUNTS });
  }
  const { occurredAt } = usage;
  if (occurredAt === undefined) return;
  if (!Number.isSafeInteger(occurredAt)) {
    throw new AlphaError("usage", `occurredAt must be whole milliseconds since 1970, not ${occurredAt}`);
  }
  if (occurredAt < EARLIEST_USAGE) {
    throw new AlphaError("usage", `occurredAt is before 2015: ${occurredAt}`, {
      hint: "it is in milliseconds since 1970, not in seconds",
    });
  }
  if (occurredAt > now + MOST_AHEAD) {
    throw new AlphaError("usage", `occurredAt is more than 24 hours ahead: ${occurredAt}`);
  }
}

const SAY_AMOUNTS = "say at least the tokens: { input, output }; where nothing was used, { input: 0 }";

/** What is not known must not be counted as nothing in silence; nothing has to be said. */
function statesNothing({ input, cacheRead, cacheWrite, output, images, cost }: UsageReport): boolean {
  return (
    input === undefined &&
    cacheRead === undefined &&
    cacheWrite === undefined &&
    output === undefined &&
    images === undefined &&
    cost === undefined
  );
}

function requireCount(name: keyof typeof MOST, value: number | undefined): void {
  if (value === undefined) return;
  if (!(Number.isSafeInteger(value) && value >= 0)) {
    throw new AlphaError("usage", `${name} must be a whole number of 0 or more, not ${value}`);
  }
  if (value > MOST[name]) throw new AlphaError("usage", `${name} is more than one call can use: ${value}`);
}

/** Refuses a request that makes no sense. */
export function requireRequest(request: LimitsRequest): void {
  if (typeof request?.user !== "string") {
    throw new AlphaError("usage", "a request needs user: the id, email or alias of a tester");
  }
  requireRequestFields(request);
  requireKind(request);
  requireCounts(request);
  if (request.tokens !== undefined && request.maxTokens !== undefined) {
    throw new AlphaError("usage", "a request says tokens or maxTokens, not both", {
      hint: "tokens is what the call will use; maxTokens is what it may use at most",
    });
  }
  // Throws for what is no time zone.
  if (request.zone !== undefined) calendar(request.zone);
}

/** Refuses what names nobody. A name that nobody has is another thing: that is an answer of the ledger's. */
export function requireUser(user: string): void {
  if (typeof user === "string") return;
  throw new AlphaError("usage", "usage needs user: the id, email or alias of a tester");
}

/** Refuses what no reservation has answered. */
export function requireHandle(handle: NamedUsage): void {
  if (typeof handle !== "object" || typeof handle?.user !== "string") {
    throw new AlphaError("usage", "there is no handle of a reservation", {
      hint: "it is the `handle` of a reservation; a request that is blocked has none",
    });
  }
  requireId(handle.id);
  requireKind(handle);
}

/** Refuses an id that no database could keep. */
export function requireId(id: string): void {
  if (typeof id !== "string" || id === "") throw new AlphaError("usage", "an id must be a text of its own");
  requireText("id", id);
}

/** A reservation that lives longer was given seconds too many zeros. */
const LONGEST_HOLD = 30 * 24 * 3_600_000;

/** Refuses a length of time that no call takes. */
export function requireHoldFor(ms: number | null | undefined): void {
  if (ms === null || ms === undefined) return;
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= LONGEST_HOLD) return;
  throw new AlphaError("usage", `holdForMs must be whole milliseconds, from 1 to 30 days, not ${ms}`);
}

/** Texts that were found good: providers, models and features are few, and come with every call. */
const good = new Set<string>();
const MOST_GOOD = 1_000;

function requireKind({ provider, model, feature }: Partial<CallKind>): void {
  requireName("provider", provider);
  requireName("model", model);
  requireName("feature", feature);
}

function requireName(name: keyof CallKind, text: string | undefined): void {
  if (text === undefined || good.has(text)) return;
  requireText(name, text);
  if (good.size >= MOST_GOOD) good.clear();
  good.add(text);
}

function requireText(name: string, text: string | undefined): void {
  if (text === undefined) return;
  if (typeof text !== "string") throw new AlphaError("usage", `${name} must be a text, not ${String(text)}`);
  if (text.length > MOST_TEXT) {
    throw new AlphaError("usage", `${name} is longer than ${MOST_TEXT} characters`);
  }
  if (UNSTORABLE.test(text)) {
    throw new AlphaError("usage", `${name} contains characters that are not text`, {
      hint: "NUL and halves of surrogate pairs cannot be stored",
    });
  }
}
