import { NO_USAGE } from "../../src/domain/usage.js";
import type { LogBatch, LoggedUsage, UsageLog } from "../../src/engine/usage-log.js";
import { DAY, T0 } from "./store.js";

/** A record of ada's, as a log states it: 15 tokens of a known model, a day ago. */
export function logged(
  id: string,
  draft: Partial<LoggedUsage["draft"]> = {},
  more: Partial<LoggedUsage> = {},
): LoggedUsage {
  return {
    format: "alpha",
    source: "alpha",
    id,
    hasOwnId: true,
    record: { line: 1, raw: `{"id":"${id}"}` },
    draft: {
      ...NO_USAGE,
      user: "ada",
      providerId: null,
      provider: "openai",
      model: "known",
      feature: "",
      occurredAt: T0 - DAY,
      input: 10,
      output: 5,
      cost: null,
      status: "ok",
      ...draft,
    },
    ...more,
  };
}

/** A log that comes in batches of `size` records. */
export function logOf(
  records: readonly LoggedUsage[],
  { size = 50, name = "a.jsonl", format = "alpha", end = async () => {} } = {},
): UsageLog {
  return {
    name,
    bytes: 1000,
    async *read() {
      for (let from = 0; from < Math.max(records.length, 1); from += size) {
        yield batch(records.slice(from, from + size), { format });
      }
      await end();
    },
  };
}

export function batch(records: readonly LoggedUsage[], more: Partial<LogBatch> = {}): LogBatch {
  return { records, rejects: [], skipped: [], bytesRead: 500, format: "alpha", ...more };
}
