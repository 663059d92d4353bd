import { hash } from "node:crypto";
import { cellAt } from "./cells.js";
import { draftOf, needUsage } from "./drafts.js";
import type { Fields, Importer, ReadContext, Rejection, UsageDraft } from "./importer.js";
import { RecordFields } from "./record-fields.js";
import { disjointTokens } from "./token-sums.js";

const MAKES_IMAGES = /image_(?:generation|edit|variation)/;
/** LiteLLM's own id, where the provider gave none or the call failed. */
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const KEY = "sk-";
const COUNTS = ["prompt_tokens", "completion_tokens", "total_tokens"] as const;

/** The table `LiteLLM_SpendLogs` of the LiteLLM proxy, or what its endpoints under `/spend/logs` return. */
export const litellm: Importer = {
  name: "litellm",
  description: "LiteLLM's spend logs, from its database or its API (JSON, JSONL or CSV)",
  detect: (sample) =>
    "spend" in sample && "request_id" in sample && ("startTime" in sample || "endTime" in sample),
  read,
};

function read(raw: Fields, context: ReadContext): UsageDraft | Rejection {
  const fields = new RecordFields(raw);
  const id = fields.text("request_id");
  const provider = fields.text("custom_llm_provider");
  const status = statusOf(fields);
  const fromCache = String(raw.cache_hit).toLowerCase() === "true";
  const makesImages = MAKES_IMAGES.test(fields.text("call_type") ?? "");
  const outcome = {
    // The log says that images were made, not how many.
    images: makesImages && status === null ? 1 : 0,
    cost: fields.cost("spend"),
    free: fromCache,
    status,
  };
  needUsage(fields, COUNTS, outcome);
  return draftOf(fields, {
    ...outcome,
    occurredAt: fields.time(fields.pick("endTime", "startTime"), context),
    id,
    // The id of an answer from LiteLLM's cache is that of the call which filled it, made unique.
    providerId: id !== null && !fromCache && !UUID.test(id) ? id : null,
    user: userOf(fields),
    provider,
    model: withoutPrefix(fields.text("model"), provider),
    ...readTokens(fields),
  });
}

function readTokens(fields: RecordFields) {
  const metadata = cellAt(fields, "metadata");
  // Older versions keep what the provider said beyond the three sums under another name.
  const usage = cellAt(metadata, metadata.pick("usage_object", "additional_usage_values"));
  const into = usage.at(usage.pick("prompt_tokens_details", "input_tokens_details"));
  const out = usage.at(usage.pick("completion_tokens_details", "output_tokens_details"));
  const stated = {
    input: fields.count("prompt_tokens"),
    // Both names say the same thing; one of them may be left at 0.
    cacheRead: larger(into.count("cached_tokens"), usage.count("cache_read_input_tokens")),
    cacheWrite: larger(into.count("cache_creation_tokens"), usage.count("cache_creation_input_tokens")),
    output: fields.count("completion_tokens"),
    reasoning: out.count("reasoning_tokens"),
    total: fields.count("total_tokens"),
  };
  return disjointTokens(fields, stated, {
    parts: "inside",
    input: "prompt_tokens",
    output: "completion_tokens",
    total: "total_tokens",
  });
}

function larger(a: number | null, b: number | null): number {
  return Math.max(a ?? 0, b ?? 0);
}

function statusOf(fields: RecordFields): string | null {
  const status = fields.text("status");
  return status === "success" ? null : status;
}

/** Who called: the end user that the product named, else the user of the key, else the key's hash. */
function userOf(fields: RecordFields): string | null {
  const user = fields.text(fields.pick("end_user", "user"));
  if (user !== null) return user;
  const key = fields.text("api_key");
  // LiteLLM stores the hash; a key itself must not end up in a list of unknown users.
  return key?.startsWith(KEY) ? hash("sha256", key, "hex") : key;
}

/** `anthropic/claude-x` of the provider `anthropic` is `claude-x`. */
function withoutPrefix(model: string | null, provider: string | null): string | null {
  const prefix = `${provider}/`;
  return model?.startsWith(prefix) ? model.slice(prefix.length) : model;
}
