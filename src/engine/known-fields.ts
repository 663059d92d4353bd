import { AlphaError } from "../errors.js";
import { nearest } from "./find.js";
import type { LimitsRequest, UsageReport } from "./live-usage.js";

/*
 * What a product that is not type-checked hands over under a name that nobody reads would count for nothing, and in
 * silence.
 */

const REQUEST: Record<keyof LimitsRequest, true> = {
  user: true,
  tokens: true,
  maxTokens: true,
  images: true,
  cost: true,
  provider: true,
  model: true,
  feature: true,
  zone: true,
};

const REPORT: Record<keyof UsageReport, true> = {
  input: true,
  cacheRead: true,
  cacheWrite: true,
  output: true,
  reasoning: true,
  images: true,
  cost: true,
  provider: true,
  model: true,
  feature: true,
  occurredAt: true,
  providerId: true,
  status: true,
};

/** As providers and their clients name them, without what separates words. */
const MEANT_IN_REQUESTS: ReadonlyMap<string, keyof LimitsRequest> = new Map([
  ["totaltokens", "tokens"],
  ["maxoutputtokens", "maxTokens"],
  ["maxcompletiontokens", "maxTokens"],
  ["timezone", "zone"],
]);

const MEANT_IN_REPORTS: ReadonlyMap<string, keyof UsageReport> = new Map([
  ["inputtokens", "input"],
  ["prompttokens", "input"],
  ["cachedinputtokens", "cacheRead"],
  ["cachedtokens", "cacheRead"],
  ["cachereadtokens", "cacheRead"],
  ["cachereadinputtokens", "cacheRead"],
  ["cachewritetokens", "cacheWrite"],
  ["cachecreationinputtokens", "cacheWrite"],
  ["outputtokens", "output"],
  ["completiontokens", "output"],
  ["reasoningtokens", "reasoning"],
  ["id", "providerId"],
  ["responseid", "providerId"],
]);

interface Fields {
  readonly of: string;
  readonly names: ReadonlySet<string>;
  readonly meant: ReadonlyMap<string, string>;
  readonly hint: string;
}

const OF_REQUESTS: Fields = {
  of: "a request",
  names: new Set(Object.keys(REQUEST)),
  meant: MEANT_IN_REQUESTS,
  hint: `a request has ${Object.keys(REQUEST).join(", ")}`,
};

const OF_REPORTS: Fields = {
  of: "a report",
  names: new Set(Object.keys(REPORT)),
  meant: MEANT_IN_REPORTS,
  hint: `a report has ${Object.keys(REPORT).join(", ")}; input is without what was cached`,
};

/** Refuses a request that says something under a name that requests do not have. */
export function requireRequestFields(request: LimitsRequest): void {
  requireFields(OF_REQUESTS, request);
}

/** The same for a report. */
export function requireReportFields(usage: UsageReport): void {
  requireFields(OF_REPORTS, usage);
}

function requireFields(known: Fields, value: object): void {
  // Not by a list of the keys: it would have to be made for every call.
  for (const name in value) {
    // What a program has hung on every object of its own is nothing that it said here.
    if (!known.names.has(name) && Object.hasOwn(value, name)) throw unknown(known, name);
  }
}

function unknown({ of, names, meant, hint }: Fields, name: string): AlphaError {
  const words = name.replaceAll(/[^\p{L}\p{N}]/gu, "").toLowerCase();
  const field =
    meant.get(words) ?? [...names].find((each) => each.toLowerCase() === words) ?? nearest(name, [...names]);
  const suggestion = field === undefined ? "" : `; did you mean ${field}?`;
  return new AlphaError("usage", `${of} has no "${name}"${suggestion}`, { hint });
}
