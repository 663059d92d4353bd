import { contentHash } from "../domain/content-hash.js";
import { type Nanos, usdFromNumber, usdString } from "../domain/money.js";
import { PRICED_BY, type Price, type PricedBy } from "../domain/price-rule.js";
import type { UsageRecord } from "../domain/usage.js";
import { formatInstant } from "../domain/window.js";
import { type Fields, type Rejection, reject, type UsageDraft } from "./importer.js";
import { isAbsent, isRejection, readCost, readText } from "./values.js";

/*
 * What an exported record says beyond what a log says: how its ledger priced it, and by which content it is known
 * there. A log's record is priced where it is imported; an exported one was priced, and would cost something else if the
 * prices or settings there are others.
 */

const HASHES = /^([0-9a-z]{1,11})-([0-9a-z]{1,11})$/;
const RADIX = 36;

/** Whether the record comes from an export. */
export function isExported(fields: Fields): boolean {
  return !isAbsent(fields.priced_by) || !isAbsent(fields.content_hash);
}

/**
 * The draft of an exported record.
 * @param draft what the record says as any record of the native format does
 * @param cost what stands in `cost_usd`, be it 0
 */
export function asExported(draft: UsageDraft, cost: Nanos | null, fields: Fields): UsageDraft | Rejection {
  const pricedBy = readText(fields, "priced_by");
  if (isRejection(pricedBy)) return pricedBy;
  const priced = pricedBy === null ? undefined : priceOf(pricedBy, cost, fields);
  if (isRejection(priced)) return priced;
  const { estimated } = fields;
  const exported: UsageDraft = {
    ...draft,
    ...(priced === undefined ? {} : priced.pricedBy === "log" ? { cost } : { cost: null, priced }),
    ...(estimated === true || estimated === "true" ? { estimated: true } : {}),
  };
  const hash = knownHash(exported, fields);
  if (isRejection(hash)) return hash;
  return hash === undefined ? exported : { ...exported, hash };
}

function priceOf(pricedBy: string, cost: Nanos | null, fields: Fields): Price | Rejection {
  if (!isPricedBy(pricedBy)) {
    return reject("priced_by", `is none of ${PRICED_BY.join(", ")}: ${JSON.stringify(pricedBy)}`);
  }
  const assumed = readCost(fields, "assumed_usd");
  if (isRejection(assumed)) return assumed;
  if (pricedBy === "none") {
    if (cost !== null) return reject("cost_usd", "is there, but priced_by says that nothing priced it");
    return { cost: 0, assumed: assumed ?? 0, pricedBy };
  }
  if (cost === null) return reject("cost_usd", `is missing, but priced_by says ${pricedBy}`);
  if (assumed !== null) return reject("assumed_usd", `is there, but priced_by says ${pricedBy}`);
  return { cost, assumed: 0, pricedBy };
}

function isPricedBy(text: string): text is PricedBy {
  return (PRICED_BY as readonly string[]).includes(text);
}

/** The first of the two hashes, if the second says that nobody has changed the record since. */
function knownHash(draft: UsageDraft, fields: Fields): number | undefined | Rejection {
  const text = readText(fields, "content_hash");
  if (text === null || isRejection(text)) return text ?? undefined;
  const [, known, own] = HASHES.exec(text) ?? [];
  if (known === undefined || own === undefined) return reject("content_hash", "is not two hashes");
  const hash = Number.parseInt(known, RADIX);
  if (!Number.isSafeInteger(hash)) return reject("content_hash", "is too large");
  return Number.parseInt(own, RADIX) === contentHash(draft) ? hash : undefined;
}

/**
 * A record under the names of the native format, such that `alpha` reads the very record from it. What is 0, empty or as
 * usual is left out, but for the tokens.
 */
export function nativeFields(record: UsageRecord): Fields {
  const { priced } = record;
  return {
    id: record.id,
    source: record.source,
    ...(record.providerId === null ? {} : { provider_id: record.providerId }),
    timestamp: formatInstant(record.occurredAt),
    user: record.user,
    ...texts({ provider: record.provider, model: record.model, feature: record.feature }),
    input_tokens: record.input,
    ...counts({ cached_input_tokens: record.cacheRead, cache_write_tokens: record.cacheWrite }),
    output_tokens: record.output,
    ...counts({ reasoning_tokens: record.reasoning, images: record.images }),
    ...(record.requests === undefined ? {} : { requests: record.requests }),
    ...(priced?.pricedBy === "none" ? {} : { cost_usd: usd(priced?.cost ?? record.cost ?? 0) }),
    ...(priced?.pricedBy === "none" ? { assumed_usd: usd(priced.assumed) } : {}),
    priced_by: priced?.pricedBy ?? "log",
    status: record.status,
    ...(record.estimated === true ? { estimated: true } : {}),
    ...(record.hash === undefined
      ? {}
      : { content_hash: `${record.hash.toString(RADIX)}-${contentHash(record).toString(RADIX)}` }),
  };
}

function texts(fields: Readonly<Record<string, string>>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== ""));
}

function counts(fields: Readonly<Record<string, number>>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, count]) => count !== 0));
}

/** A number, which can be added up; where one cannot say it exactly, the decimal. */
function usd(nanos: Nanos): number | string {
  const text = usdString(nanos);
  const number = Number(text);
  return usdFromNumber(number) === nanos ? number : text;
}
