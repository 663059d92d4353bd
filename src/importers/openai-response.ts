import type { Nanos } from "../domain/money.js";
import { draftOf, withExtra } from "./drafts.js";
import type { Fields, Importer, ReadContext, Rejection, Skip, UsageDraft } from "./importer.js";
import { isObject, type RecordFields } from "./record-fields.js";
import { responseError, responseIn, responseTime, responseUser } from "./response-wrappers.js";
import { disjointTokens } from "./token-sums.js";

const NAME = "openai-response";
const CHUNK = "chat.completion.chunk";
const OBJECTS: readonly unknown[] = ["chat.completion", CHUNK, "text_completion", "response"];
/** A response has an end, a start, or only a start. */
const TIMES = ["completed_at", "created", "created_at"];
/** Of each call that used tokens one of these is more than 0. */
const TOTALS = ["prompt_tokens", "completion_tokens", "total_tokens"];
/** What a response can have come to that has no usage. */
const FAILED: readonly unknown[] = ["failed", "cancelled", "incomplete"];

/**
 * Responses of the OpenAI API and of those that speak it: chat completions, responses, embeddings, images; as they are,
 * as batches return them, or with `timestamp` and `user` around them.
 */
export const openaiResponse: Importer = {
  name: NAME,
  description: "responses of the OpenAI API, Chat Completions or Responses (JSONL)",
  detect(sample) {
    const { object, usage } = responseIn(sample).response;
    if (OBJECTS.includes(object)) return true;
    return isObject(usage) && ("prompt_tokens" in usage || "input_tokens_details" in usage);
  },
  read,
};

function read(fields: Fields, context: ReadContext): UsageDraft | Rejection | Skip {
  const logged = responseIn(fields);
  const { response, inner, outer } = logged;
  const reason = skipped(fields, response);
  if (reason !== null) return { kind: "skip", reason };

  const id = inner.text("id");
  const model = inner.text("model") ?? outer.text("model");
  const status = inner.text("status");
  return draftOf(inner, {
    ...readUsage(inner, response),
    occurredAt: responseTime(logged, TIMES, context, NAME),
    // A batch gives an id to its requests, also where what they ask for has none.
    id: id ?? outer.text("id"),
    providerId: id,
    user: responseUser(logged) ?? inner.text(inner.pick("user", "safety_identifier")),
    provider: providerOf(id, outer),
    model,
    feature: outer.text("feature"),
    images: imagesIn(response),
    free: model?.endsWith(":free") === true,
    status: responseError(logged) ?? (status === "completed" ? null : status),
  });
}

function skipped(fields: Fields, response: Fields): string | null {
  const isChunk = response.object === CHUNK;
  if (isObject(response.usage)) {
    // Some providers state in every chunk what was used so far.
    return isChunk && !isLast(response) && !endsOpenRouterStream(response)
      ? "is a chunk of a stream, and not its last"
      : null;
  }
  if (isChunk) return "is a chunk of a stream without usage";
  const { type, error } = fields;
  const { status } = response;
  if (typeof type === "string" && type.startsWith("response.") && !FAILED.includes(status)) {
    return "is an event of a stream without usage";
  }
  if (status === "in_progress" || status === "queued") return "is not finished";
  const neverMade = "custom_id" in fields && isObject(error) && !isObject(fields.response);
  return neverMade ? "was never made by its batch" : null;
}

function isLast({ choices }: Fields): boolean {
  return (
    !Array.isArray(choices) || listOf(choices).every((choice) => (choice.finish_reason ?? null) !== null)
  );
}

/** OpenRouter states usage once, after the chunk that ends the text, in one that has an empty text and no end. */
function endsOpenRouterStream({ id, usage }: Fields): boolean {
  return isOpenRouter(id) && isObject(usage) && TOTALS.some((field) => Number(usage[field]) > 0);
}

function isOpenRouter(id: unknown): boolean {
  return typeof id === "string" && id.startsWith("gen-");
}

function readUsage(inner: RecordFields, { status }: Fields) {
  if (!inner.has("usage")) {
    if (!inner.has("error") && !FAILED.includes(status)) inner.reject("usage", "is missing");
    return {};
  }
  const usage = inner.at("usage");
  const inputName = usage.pick("prompt_tokens", "input_tokens");
  const outputName = usage.pick("completion_tokens", "output_tokens");
  if (!usage.has(inputName) && !usage.has(outputName)) usage.reject(inputName, "is missing");
  const ofInput = usage.pick("prompt_tokens_details", "input_tokens_details", "input_token_details");
  const ofOutput = usage.pick("completion_tokens_details", "output_tokens_details", "output_token_details");

  const stated = {
    input: usage.count(inputName),
    cacheRead: usage.at(ofInput).count("cached_tokens") ?? usage.count("prompt_cache_hit_tokens"),
    cacheWrite: usage.at(ofInput).count("cache_write_tokens"),
    output: usage.count(outputName),
    reasoning: usage.at(ofOutput).count("reasoning_tokens"),
    total: usage.count("total_tokens"),
  };
  const names = { input: inputName, output: outputName, total: "total_tokens" };
  return { ...disjointTokens(usage, stated, { parts: "inside", ...names }), cost: costOf(usage) };
}

/** OpenRouter states what it charges, and apart from it what the provider charges where the key is the caller's own. */
function costOf(usage: RecordFields): Nanos | null {
  const isByok = usage.get("is_byok") === true;
  return withExtra(usage, "cost", isByok ? usage.at("cost_details").cost("upstream_inference_cost") : null);
}

/** OpenRouter's responses name the provider that it chose, which is not the one that is called and paid. */
function providerOf(id: string | null, outer: RecordFields): string {
  return isOpenRouter(id) ? "openrouter" : (outer.text("provider") ?? "openai");
}

/** The images that were made: calls of the image tool, those of a message, and what the Images API returns. */
function imagesIn({ status, output, data, choices }: Fields): number {
  const isMade = (call: Fields) =>
    (call.status ?? "completed") === "completed" || (call.status !== "failed" && status === "completed");
  const made = listOf(output).filter((call) => call.type === "image_generation_call" && isMade(call)).length;
  const returned = listOf(data).filter((item) => "b64_json" in item || "url" in item).length;
  const messages = listOf(choices).map(({ message }) => (isObject(message) ? message : {}));
  return messages.reduce((sum, { images }) => sum + listOf(images).length, made + returned);
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
