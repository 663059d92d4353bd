import type { Instant } from "../domain/window.js";
import { draftOf, needUsage, withExtra } from "./drafts.js";
import type { Fields, Importer, ReadContext, Rejection, Skip, UsageDraft } from "./importer.js";
import { RecordFields } from "./record-fields.js";
import { disjointTokens } from "./token-sums.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Calls state no total. */
const HABIT = { parts: "inside", input: "tokens_prompt", output: "tokens_completion", total: "" } as const;
const CALL_COUNTS = ["tokens_prompt", "tokens_completion", "tokens_reasoning", "tokens_cached"] as const;
const DAY_COUNTS = ["prompt_tokens", "completion_tokens", "reasoning_tokens"] as const;

/**
 * OpenRouter's activity: one row for each call, or sums by day and endpoint. The provider is OpenRouter, which is
 * called and paid, whoever serves the call for it.
 */
export const openrouter: Importer = {
  name: "openrouter",
  description: "OpenRouter's activity, call by call or summed by day (CSV, JSONL)",
  detect(sample) {
    return "model_permaslug" in sample && (isSummed(sample) || "tokens_prompt" in sample);
  },
  read: (record, context) =>
    isSummed(record)
      ? readDay(new RecordFields(record), context)
      : readCall(new RecordFields(record), context),
};

function isSummed(record: Fields): boolean {
  return "date" in record && "prompt_tokens" in record;
}

function readCall(fields: RecordFields, context: ReadContext): UsageDraft | Rejection {
  const id = fields.text("generation_id");
  const stated = {
    input: fields.count("tokens_prompt"),
    cacheRead: fields.count("tokens_cached"),
    cacheWrite: null,
    output: fields.count("tokens_completion"),
    reasoning: fields.count("tokens_reasoning"),
    total: null,
  };
  const finish = fields.text("finish_reason_normalized");
  const failed = finish === "error" ? finish : null;
  const outcome = {
    ...charged(fields, "cost_total"),
    status: isTrue(fields.get("cancelled")) ? "cancelled" : failed,
  };
  needUsage(fields, CALL_COUNTS, outcome);
  return draftOf(fields, {
    ...outcome,
    occurredAt: fields.time("created_at", context),
    id,
    providerId: id,
    user: fields.text(fields.pick("user", "api_key_name")),
    provider: "openrouter",
    model: fields.text("model_permaslug"),
    ...disjointTokens(fields, stated, HABIT),
  });
}

function readDay(fields: RecordFields, context: ReadContext): UsageDraft | Rejection | Skip {
  const day = fields.time("date", { now: context.now });
  // Such a row is another one tomorrow, and would be counted once more.
  if (day + DAY > context.now && context.occurredAt === undefined) {
    return { kind: "skip", reason: "sums up a day that is not over" };
  }
  if (!fields.has("requests")) fields.reject("requests", "is missing");
  const outcome = charged(fields, "usage");
  needUsage(fields, DAY_COUNTS, outcome);
  return draftOf(fields, {
    ...outcome,
    occurredAt: context.occurredAt ?? withinDay(day),
    provider: "openrouter",
    model: fields.text(fields.pick("model", "model_permaslug")),
    input: fields.count("prompt_tokens"),
    output: fields.count("completion_tokens"),
    reasoning: fields.count("reasoning_tokens"),
    requests: fields.count("requests") ?? 0,
  });
}

/** Noon of a day of UTC, which is the same date in nearly every time zone. A row of an hour keeps its hour. */
function withinDay(at: Instant): Instant {
  return at % DAY === 0 ? at + 12 * HOUR : at;
}

/** What OpenRouter charges, with what the provider charges for calls with the caller's own key. */
function charged(fields: RecordFields, cost: string) {
  return {
    cost: withExtra(fields, cost, fields.cost("byok_usage_inference")),
    free: fields.text("variant") === "free" || fields.text("model_permaslug")?.endsWith(":free") === true,
  };
}

function isTrue(value: unknown): boolean {
  return value === true || (typeof value === "string" && value.trim().toLowerCase() === "true");
}
