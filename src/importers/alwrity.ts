import { NO_USAGE } from "../domain/usage.js";
import { draftOf } from "./drafts.js";
import type { Fields, Importer, ReadContext, Rejection, Skip, UsageDraft } from "./importer.js";
import { RecordFields } from "./record-fields.js";
import { disjointTokens } from "./token-sums.js";

/** What ALwrity writes in place of the endpoint when it replaces old rows by one with their sums. */
const AGGREGATED = "[AGGREGATED]";
/** Printed by Python, the provider has the name of its type in front. */
const TYPE_NAME = /^APIProvider\./i;
const IMAGE_PROVIDERS = ["stability", "image_edit"];

/** The table `api_usage_logs` of ALwrity, or what its endpoint `usage-logs` returns. */
export const alwrity: Importer = {
  name: "alwrity",
  description: "ALwrity's usage logs, from its database or its API (JSON, JSONL or CSV)",
  detect: (sample) => "tokens_input" in sample && ("model_used" in sample || "billing_period" in sample),
  read,
};

function read(raw: Fields, context: ReadContext): UsageDraft | Rejection | Skip {
  const fields = new RecordFields(raw);
  const endpoint = fields.text("endpoint") ?? "";
  if (endpoint === AGGREGATED) return { kind: "skip", reason: "it sums up calls that ALwrity has deleted" };

  const provider = (fields.text("provider") ?? "").replace(TYPE_NAME, "").toLowerCase();
  const isImage = IMAGE_PROVIDERS.includes(provider) || endpoint.startsWith("/image-generation");
  // What stands there as tokens is the characters that were spoken.
  const isAudio = provider === "audio" || endpoint.startsWith("/audio-generation");
  const tokens = isAudio ? NO_USAGE : readTokens(fields);
  const cost = fields.cost("cost_total");
  if (!isImage && !isAudio && !fields.has("cost_total") && !statesTokens(fields)) {
    fields.reject("tokens_total", "is missing, and so are the other tokens and the cost");
  }
  const status = statusOf(fields);
  const user = fields.text("user_id");
  const id = fields.text("id");
  return draftOf(fields, {
    occurredAt: fields.time("timestamp", context),
    // The ids are numbers that begin anew for each user; what is without a user is told apart by its content.
    id: id === null || user === null ? null : `${user}/${id}`,
    user,
    provider: fields.text("actual_provider_name") ?? provider,
    model: fields.text("model_used"),
    ...tokens,
    images: isImage && status === "ok" ? 1 : 0,
    cost,
    status,
  });
}

function statesTokens(fields: RecordFields): boolean {
  return ["tokens_input", "tokens_output", "tokens_total"].some((field) => fields.has(field));
}

function readTokens(fields: RecordFields) {
  const stated = {
    input: fields.count("tokens_input"),
    cacheRead: null,
    cacheWrite: null,
    output: fields.count("tokens_output"),
    reasoning: null,
    total: fields.count("tokens_total"),
  };
  return disjointTokens(fields, stated, {
    parts: "inside",
    input: "tokens_input",
    output: "tokens_output",
    total: "tokens_total",
  });
}

function statusOf(fields: RecordFields): string {
  const code = fields.count("status_code");
  if (code !== null) return code >= 200 && code < 300 ? "ok" : String(code);
  const status = fields.text("status");
  return status === null || status === "success" ? "ok" : status;
}
