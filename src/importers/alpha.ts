import { canonicalProvider } from "../domain/usage.js";
import { asExported, isExported } from "./exported.js";
import {
  type Fields,
  type Importer,
  type ReadContext,
  type Rejection,
  reject,
  type UsageDraft,
} from "./importer.js";
import { isAbsent, isRejection, readCost, readCount, readText, readTime } from "./values.js";

const COUNT_FIELDS = [
  "input_tokens",
  "cached_input_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "images",
] as const;

/** The fields of the native format: what `alpha usage export` writes and what `--map` and `--set` can name. */
export const NATIVE_FIELDS = [
  "id",
  "timestamp",
  "user",
  "provider",
  "model",
  "feature",
  ...COUNT_FIELDS,
  "requests",
  "cost_usd",
  "status",
  "provider_id",
  "source",
] as const;
export type NativeField = (typeof NATIVE_FIELDS)[number];

/** What only `alpha usage export` writes: nothing that a log says. */
export const EXPORT_FIELDS = ["priced_by", "assumed_usd", "estimated", "content_hash"] as const;

/** At least one of these makes a record usage. */
export const USAGE_FIELDS: readonly NativeField[] = [...COUNT_FIELDS, "cost_usd"];

/**
 * The native format. Its buckets are disjoint: `input_tokens` is without `cached_input_tokens` and
 * `cache_write_tokens`; `reasoning_tokens` is a part of `output_tokens`.
 */
export const alpha: Importer = {
  name: "alpha",
  description: "alpha's own format, as `alpha usage export` writes it (JSONL or CSV)",
  detect: (sample) => "timestamp" in sample && USAGE_FIELDS.some((field) => field in sample),
  read,
};

function read(fields: Fields, context: ReadContext): UsageDraft | Rejection {
  const occurredAt = readTime(fields, "timestamp", context.now);
  if (typeof occurredAt !== "number") return occurredAt;

  const input = readCount(fields, "input_tokens");
  if (isRejection(input)) return input;
  const cacheRead = readCount(fields, "cached_input_tokens");
  if (isRejection(cacheRead)) return cacheRead;
  const cacheWrite = readCount(fields, "cache_write_tokens");
  if (isRejection(cacheWrite)) return cacheWrite;
  const output = readCount(fields, "output_tokens");
  if (isRejection(output)) return output;
  const reasoning = readCount(fields, "reasoning_tokens");
  if (isRejection(reasoning)) return reasoning;
  const images = readCount(fields, "images");
  if (isRejection(images)) return images;
  const requests = readCount(fields, "requests");
  if (isRejection(requests)) return requests;
  const cost = readCost(fields, "cost_usd");
  if (isRejection(cost)) return cost;

  const tokens = (input ?? 0) + (cacheRead ?? 0) + (cacheWrite ?? 0) + (output ?? 0);
  if (tokens + (images ?? 0) + (cost ?? 0) === 0 && USAGE_FIELDS.every((field) => isAbsent(fields[field]))) {
    return reject(null, "states no usage: no tokens, no images and no cost");
  }
  if (!Number.isSafeInteger(tokens))
    return reject(null, "its tokens add up to more than can be counted exactly");
  if ((reasoning ?? 0) > (output ?? 0)) {
    return reject(
      "reasoning_tokens",
      `is ${reasoning}, but it is a part of output_tokens, which is ${output ?? 0}`,
    );
  }

  const id = readText(fields, "id");
  if (isRejection(id)) return id;
  const source = readText(fields, "source");
  if (isRejection(source)) return source;
  const providerId = readText(fields, "provider_id");
  if (isRejection(providerId)) return providerId;
  const user = readText(fields, "user");
  if (isRejection(user)) return user;
  const provider = readText(fields, "provider");
  if (isRejection(provider)) return provider;
  const model = readText(fields, "model");
  if (isRejection(model)) return model;
  const feature = readText(fields, "feature");
  if (isRejection(feature)) return feature;
  const status = readText(fields, "status");
  if (isRejection(status)) return status;

  const draft: UsageDraft = {
    kind: "draft",
    source,
    id,
    providerId,
    user,
    occurredAt,
    provider: provider === null ? "" : canonicalProvider(provider),
    model: model ?? "",
    feature: feature ?? "",
    input: input ?? 0,
    cacheRead: cacheRead ?? 0,
    cacheWrite: cacheWrite ?? 0,
    output: output ?? 0,
    reasoning: reasoning ?? 0,
    images: images ?? 0,
    // Loggers that do not know a price write 0; only a record without usage can really have cost nothing.
    cost: cost === 0 && tokens + (images ?? 0) > 0 ? null : cost,
    status: status ?? "ok",
    ...(requests === null ? {} : { requests }),
  };
  return isExported(fields) ? asExported(draft, cost, fields) : draft;
}
