import type { TokenBuckets } from "../domain/usage.js";
import type { RecordFields } from "./record-fields.js";

/** The `usage` of an Anthropic message, whose input leaves out what was read from or written to the cache. */
export function anthropicUsage(usage: RecordFields): TokenBuckets {
  for (const field of ["input_tokens", "output_tokens"]) {
    if (!usage.has(field)) usage.reject(field, "is missing");
  }
  return {
    input: usage.count("input_tokens") ?? 0,
    cacheRead: usage.count("cache_read_input_tokens") ?? 0,
    cacheWrite: cacheWriteOf(usage),
    output: usage.count("output_tokens") ?? 0,
    reasoning: usage.at("output_tokens_details").count("thinking_tokens") ?? 0,
  };
}

function cacheWriteOf(usage: RecordFields): number {
  const field = "cache_creation_input_tokens";
  const total = usage.count(field);
  if (!usage.has("cache_creation")) return total ?? 0;
  const byLifetime = usage.at("cache_creation");
  const parts =
    (byLifetime.count("ephemeral_5m_input_tokens") ?? 0) +
    (byLifetime.count("ephemeral_1h_input_tokens") ?? 0);
  if (total !== null && total !== parts) {
    usage.reject(field, `is ${total}, but its parts in cache_creation add up to ${parts}`);
  }
  return total ?? parts;
}
