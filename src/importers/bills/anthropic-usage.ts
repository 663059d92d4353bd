import { reject } from "../importer.js";
import { isAbsent, isRejection, readCount, readText } from "../values.js";
import type { BillFormat } from "./bill-format.js";
import { hasAny, readUtcDay } from "./values.js";

/** Exports before the one-hour cache have all writes in one column. */
const ALL_WRITES = "usage_input_tokens_cache_write";
const WRITES = ["usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h"] as const;
const COUNTS = [
  "usage_input_tokens_no_cache",
  "usage_input_tokens_cache_read",
  ALL_WRITES,
  ...WRITES,
  "usage_output_tokens",
] as const;

/** Tokens by day, model, key and workspace. Its input is without what was cached. */
export const anthropicUsage: BillFormat = {
  name: "anthropic-usage",
  description: "an Anthropic usage export",
  provider: "anthropic",
  measure: "tokens",
  detect: (sample) => "usage_date_utc" in sample && hasAny(sample, COUNTS),
  read(fields, context) {
    const day = readUtcDay(fields, "usage_date_utc", context);
    if (isRejection(day)) return day;
    const model = readText(fields, "model_version");
    if (isRejection(model)) return model;
    if (model === null) return reject("model_version", "is missing");
    if (COUNTS.every((field) => isAbsent(fields[field]))) return reject(null, "states no tokens");

    const counts = new Map<string, number>();
    for (const field of COUNTS) {
      const count = readCount(fields, field);
      if (isRejection(count)) return count;
      counts.set(field, count ?? 0);
    }
    const of = (field: (typeof COUNTS)[number]) => BigInt(counts.get(field) ?? 0);
    const isSplit = WRITES.some((field) => !isAbsent(fields[field]));
    return {
      kind: "line",
      day,
      model,
      tokens: {
        input: of("usage_input_tokens_no_cache"),
        cacheRead: of("usage_input_tokens_cache_read"),
        cacheWrite: isSplit ? of(WRITES[0]) + of(WRITES[1]) : of(ALL_WRITES),
        output: of("usage_output_tokens"),
      },
      cost: 0n,
      rounding: 0n,
    };
  },
};
