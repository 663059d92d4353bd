import { draftOf, needUsage } from "./drafts.js";
import type { Fields, Importer, ReadContext, Rejection, Skip, UsageDraft } from "./importer.js";
import { RecordFields } from "./record-fields.js";

/** What Helicone writes where a request was not answered from its cache. */
const NO_REFERENCE = "00000000-0000-0000-0000-000000000000";

const COUNTS = [
  "prompt_tokens",
  "completion_tokens",
  "total_tokens",
  "prompt_audio_tokens",
  "completion_audio_tokens",
  "prompt_cache_read_tokens",
  "prompt_cache_write_tokens",
] as const;

/** What Helicone's export writes of each request. Its prompt and completion tokens are without cached and audio tokens. */
export const helicone: Importer = {
  name: "helicone",
  description: "requests as Helicone exports them (JSONL or CSV)",
  detect(sample) {
    return "response_id" in sample && "request_created_at" in sample && "prompt_tokens" in sample;
  },
  read,
};

function read(record: Fields, context: ReadContext): UsageDraft | Rejection | Skip {
  const fields = new RecordFields(record);
  if (!fields.has("response_id") && !fields.has("response_created_at")) {
    return { kind: "skip", reason: "has no response yet" };
  }
  const prompt = fields.count("prompt_tokens") ?? 0;
  const completion = fields.count("completion_tokens") ?? 0;
  const total = fields.count("total_tokens");
  if (total !== null && total !== prompt + completion) {
    fields.reject(
      "total_tokens",
      `is ${total}, but prompt and completion tokens add up to ${prompt + completion}`,
    );
  }
  const provider = fields.text("provider");
  const reference = fields.text("cache_reference_id");
  const code = fields.text("response_status");
  const outcome = {
    cost: fields.cost(fields.pick("cost", "costUSD")),
    free: reference !== null && reference !== NO_REFERENCE,
    status: code === "200" ? null : code,
  };
  needUsage(fields, COUNTS, outcome);
  return draftOf(fields, {
    ...outcome,
    occurredAt: fields.time(fields.pick("response_created_at", "request_created_at"), context),
    id: fields.text("response_id"),
    user: fields.text("request_user_id"),
    provider: provider?.toUpperCase() === "CUSTOM" ? null : provider,
    model: fields.text(fields.pick("response_model", "model", "model_override", "request_model")),
    input: prompt + (fields.count("prompt_audio_tokens") ?? 0),
    cacheRead: fields.count("prompt_cache_read_tokens"),
    cacheWrite: fields.count("prompt_cache_write_tokens"),
    output: completion + (fields.count("completion_audio_tokens") ?? 0),
  });
}
