import { anthropicUsage } from "./anthropic-usage.js";
import { draftOf } from "./drafts.js";
import type { Fields, Importer, ReadContext, Rejection, Skip, UsageDraft } from "./importer.js";
import { isObject, type RecordFields } from "./record-fields.js";
import { responseError, responseIn, responseTime, responseUser } from "./response-wrappers.js";

const NAME = "anthropic-response";
/** What becomes of a batch's requests that were not made. */
const NEVER_MADE: readonly unknown[] = ["canceled", "expired"];
const FAILED = "errored";
/** Only together would the events of a stream state an id and the whole usage. */
const STREAM = /^(?:message|content_block)_|^ping$/;
/** What only Anthropic calls so. */
const CACHED = ["cache_read_input_tokens", "cache_creation_input_tokens"];

/**
 * Responses of the Anthropic Messages API: as they are, as batches return them, or with `timestamp` and `user` around
 * or beside them. They state no time of their own.
 */
export const anthropicResponse: Importer = {
  name: NAME,
  description: "responses of the Anthropic Messages API, with a timestamp beside them (JSONL)",
  detect(sample) {
    const { type, id, usage, error } = responseIn(sample).response;
    if (isBatchWithoutMessage(sample)) return true;
    // Others state errors alike, but with a code.
    if (type === "error" && isObject(error)) return typeof error.type === "string" && !("code" in error);
    if (!isObject(usage)) return false;
    if (type === "message_delta") return true;
    if (!("input_tokens" in usage)) return false;
    return type === "message" || String(id).startsWith("msg_") || CACHED.some((field) => field in usage);
  },
  read,
};

function read(fields: Fields, context: ReadContext): UsageDraft | Rejection | Skip {
  const logged = responseIn(fields);
  const { response, inner, outer } = logged;
  const { result } = fields;
  if (isObject(result) && NEVER_MADE.includes(result.type)) {
    return { kind: "skip", reason: "was never made by its batch" };
  }
  if (typeof response.type === "string" && STREAM.test(response.type)) {
    return { kind: "skip", reason: "is an event of a stream, and not a message" };
  }
  const error = responseError(logged) ?? batchError(fields, outer);
  if (error === null && !inner.has("usage")) inner.reject("usage", "is missing");

  const id = inner.text("id");
  return draftOf(inner, {
    ...(inner.has("usage") ? anthropicUsage(inner.at("usage")) : {}),
    occurredAt: responseTime(logged, [], context, NAME),
    id,
    providerId: id,
    user: responseUser(logged),
    provider: outer.text("provider") ?? "anthropic",
    model: inner.text("model") ?? outer.text("model"),
    feature: outer.text("feature"),
    status: error,
  });
}

function isBatchWithoutMessage({ custom_id: id, result }: Fields): boolean {
  return id !== undefined && isObject(result) && (result.type === FAILED || NEVER_MADE.includes(result.type));
}

/** What a batch says of a request that failed: `{"type":"errored","error":{"type":"error","error":{"type":…}}}`. */
function batchError({ result }: Fields, outer: RecordFields): string | null {
  if (!isObject(result) || result.type !== FAILED) return null;
  const { error } = result;
  const cause = isObject(error) && isObject(error.error) ? error.error : {};
  return outer.inside(cause, "result.error.error").text("type") ?? FAILED;
}
