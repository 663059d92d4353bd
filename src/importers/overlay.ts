import { canonicalProvider } from "../domain/usage.js";
import { alpha, type NativeField } from "./alpha.js";
import { draftOf } from "./drafts.js";
import { MAPPED_SOURCE } from "./identity.js";
import type { Fields, Importer, ReadContext, Rejection, Skip, UsageDraft } from "./importer.js";
import type { Mapping } from "./mapping.js";
import { RecordFields } from "./record-fields.js";

type Put = (named: RecordFields) => Partial<UsageDraft>;

/** What each native field that the operator names puts in place of what a format reads; a later one over an earlier. */
const PUT: { readonly [Field in Exclude<NativeField, "timestamp">]: Put } = {
  id: (named) => ({ id: named.text("id"), source: MAPPED_SOURCE }),
  source: (named) => ({ source: named.text("source") }),
  provider_id: (named) => ({ providerId: named.text("provider_id") }),
  user: (named) => ({ user: named.text("user") }),
  provider: (named) => ({ provider: canonicalProvider(named.text("provider") ?? "") }),
  model: (named) => ({ model: named.text("model") ?? "" }),
  feature: (named) => ({ feature: named.text("feature") ?? "" }),
  input_tokens: (named) => ({ input: named.count("input_tokens") ?? 0 }),
  cached_input_tokens: (named) => ({ cacheRead: named.count("cached_input_tokens") ?? 0 }),
  cache_write_tokens: (named) => ({ cacheWrite: named.count("cache_write_tokens") ?? 0 }),
  output_tokens: (named) => ({ output: named.count("output_tokens") ?? 0 }),
  reasoning_tokens: (named) => ({ reasoning: named.count("reasoning_tokens") ?? 0 }),
  images: (named) => ({ images: named.count("images") ?? 0 }),
  requests: (named) => ({ requests: named.count("requests") ?? undefined }),
  cost_usd: (named) => ({ cost: named.cost("cost_usd") }),
  status: (named) => ({ status: named.text("status") ?? "ok" }),
};

const PUT_IN_ORDER = Object.keys(PUT) as (keyof typeof PUT)[];

/**
 * The importer as the operator's `--map` and `--set` change it. The native format reads the record under the names
 * that they give its columns. Of any other format they replace what it reads, field by field; a field that they name
 * is theirs also where the record has nothing there.
 */
export function withMapping(importer: Importer, mapping: Mapping | null): Importer {
  if (mapping === null) return importer;
  return importer === alpha
    ? {
        ...importer,
        detect: (sample) => importer.detect(mapping.apply(sample)),
        read: (fields, context) => importer.read(mapping.apply(fields), context),
      }
    : { ...importer, read: (fields, context) => readOver(importer, mapping, fields, context) };
}

function readOver(
  importer: Importer,
  mapping: Mapping,
  fields: Fields,
  context: ReadContext,
): UsageDraft | Rejection | Skip {
  const named = new RecordFields(mapping.named(fields));
  const dated = mapping.names.includes("timestamp");
  const occurredAt = dated ? named.time("timestamp", context) : undefined;
  const read = importer.read(fields, occurredAt === undefined ? context : { ...context, occurredAt });
  // What is not counted at all needs nothing from the operator's columns.
  if (read.kind === "skip") return read;
  if (named.problem) return named.problem;
  if (read.kind === "rejection") return read;

  const changes: Partial<UsageDraft> = {};
  for (const name of PUT_IN_ORDER) {
    if (mapping.names.includes(name)) Object.assign(changes, PUT[name](named));
  }
  const { source, requests, ...draft } = { ...read, ...changes };
  const changed = draftOf(named, {
    ...draft,
    ...(requests === undefined ? {} : { requests }),
    occurredAt: occurredAt ?? draft.occurredAt,
    // What the format took for the price is the price.
    free: !mapping.names.includes("cost_usd"),
  });
  return changed.kind === "draft" ? { ...changed, source } : changed;
}
