import { reject } from "../importer.js";
import { isAbsent, isRejection, readCount, readText } from "../values.js";
import type { BillFormat } from "./bill-format.js";
import { hasStart, hasTimesOnly, isEmptyRow, readBucketDay } from "./openai-days.js";

const TOKENS = ["input_tokens", "output_tokens"] as const;

/** Tokens by time, model, key and project, as far as it was grouped by them. Its input includes what was cached. */
export const openaiUsage: BillFormat = {
  name: "openai-usage",
  description: "an OpenAI usage export",
  provider: "openai",
  measure: "tokens",
  detect: (sample) => hasTimesOnly(sample) || (hasStart(sample) && "num_model_requests" in sample),
  read(fields, context) {
    const day = readBucketDay(fields, context);
    if (isRejection(day)) return day;
    if (isEmptyRow(fields)) return { kind: "empty-day", day };
    if (TOKENS.every((field) => isAbsent(fields[field]))) {
      return { kind: "skip", reason: "counts no tokens, but images, characters or seconds" };
    }
    const input = readCount(fields, "input_tokens");
    if (isRejection(input)) return input;
    const cached = readCount(fields, "input_cached_tokens");
    if (isRejection(cached)) return cached;
    const written = readCount(fields, "input_cache_write_tokens");
    if (isRejection(written)) return written;
    const output = readCount(fields, "output_tokens");
    if (isRejection(output)) return output;
    const apart = BigInt(cached ?? 0) + BigInt(written ?? 0);
    if (apart > BigInt(input ?? 0)) {
      return reject(
        "input_cached_tokens",
        `is ${apart}, but it is a part of input_tokens, which is ${input ?? 0}`,
      );
    }
    const model = readText(fields, "model");
    if (isRejection(model)) return model;
    return {
      kind: "line",
      day,
      model,
      tokens: {
        input: BigInt(input ?? 0) - apart,
        cacheRead: BigInt(cached ?? 0),
        cacheWrite: BigInt(written ?? 0),
        output: BigInt(output ?? 0),
      },
      cost: 0n,
      rounding: 0n,
    };
  },
};
