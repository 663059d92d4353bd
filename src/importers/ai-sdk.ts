import { canonicalProvider } from "../domain/usage.js";
import { draftOf } from "./drafts.js";
import type { Fields, Importer, ReadContext, Rejection, UsageDraft } from "./importer.js";
import { isObject, RecordFields } from "./record-fields.js";
import { disjointTokens } from "./token-sums.js";

/** Up to version 5 of the SDK these leave out of the input what was read from or written to a cache. */
const EXCLUDING: readonly string[] = ["anthropic", "aws"];
/** Anthropic's models as others serve them. */
const SERVED_FOR_ANTHROPIC = /^(?:google\.)?vertex\.anthropic(?:\.|$)/;
/** They pass on what the provider of the model states. */
const PASSING_ON: readonly unknown[] = [null, "gateway"];

/** Usage as the AI SDK states it, of its versions 4 to 6, with `timestamp`, `user` and `model` around it. */
export const aiSdk: Importer = {
  name: "ai-sdk",
  description: "usage as Vercel's AI SDK states it, with a timestamp around it (JSONL)",
  detect(sample) {
    const usage = usageName(sample) === null ? sample : sample[usageName(sample) ?? ""];
    return isObject(usage) && ("inputTokens" in usage || "promptTokens" in usage) && "totalTokens" in usage;
  },
  read,
};

/** `totalUsage` is that of all steps of a call. `null`: the counts stand in the record itself. */
function usageName({ usage, totalUsage }: Fields): string | null {
  if (isObject(totalUsage)) return "totalUsage";
  return isObject(usage) ? "usage" : null;
}

function read(record: Fields, context: ReadContext): UsageDraft | Rejection {
  const fields = new RecordFields(record);
  const { response } = record;
  const answer = fields.inside(isObject(response) ? response : {}, "response");
  const name = usageName(record);
  const usage = name === null ? fields : fields.at(name);
  const kind = kindOf(record, fields, answer);
  const dated = fields.has("timestamp") || !answer.has("timestamp") ? fields : answer;
  const id = answer.text("id");
  const finish = fields.text("finishReason");
  return draftOf(fields, {
    ...readUsage(usage, fields, kind),
    ...underOwnName(kind),
    occurredAt: dated.time("timestamp", context),
    id: fields.text("id") ?? id,
    providerId: id,
    user: fields.text(fields.pick("user", "userId")),
    feature: fields.text("feature"),
    images: Array.isArray(record.images) ? record.images.length : fields.count("images"),
    status: finish === "error" ? finish : null,
  });
}

interface Kind {
  readonly provider: string | null;
  readonly model: string | null;
}

/** Names as the SDK has them: `openai.responses`, and under the gateway `openai/gpt-4o`. */
function kindOf({ model }: Fields, fields: RecordFields, answer: RecordFields): Kind {
  if (isObject(model)) {
    const inner = fields.at("model");
    return { provider: inner.text("provider"), model: inner.text("modelId") };
  }
  const named = fields.text(fields.pick("model", "modelId"));
  return { provider: fields.text("provider"), model: named ?? answer.text("modelId") };
}

/** The names that prices are known by. Behind the dot is the API, not the provider. */
function underOwnName({ provider, model }: Kind): Kind {
  const name = provider?.split(".")[0] ?? null;
  const slash = model?.indexOf("/") ?? -1;
  if (name === "gateway" && model !== null && slash > 0) {
    return { provider: model.slice(0, slash), model: model.slice(slash + 1) };
  }
  return { provider: name === "amazon-bedrock" ? "bedrock" : name, model };
}

function readUsage(usage: RecordFields, fields: RecordFields, kind: Kind) {
  const inputName = usage.pick("inputTokens", "promptTokens", "tokens");
  const outputName = usage.pick("outputTokens", "completionTokens");
  if (!usage.has(inputName) && !usage.has(outputName)) usage.reject(inputName, "is missing");
  const details = usage.at("inputTokenDetails");
  const stated = {
    input: usage.count(inputName),
    cacheRead: details.count("cacheReadTokens") ?? usage.count("cachedInputTokens"),
    cacheWrite: details.count("cacheWriteTokens"),
    output: usage.count(outputName),
    reasoning: usage.at("outputTokenDetails").count("reasoningTokens") ?? usage.count("reasoningTokens"),
    total: usage.count("totalTokens"),
  };
  const habit = { parts: "inside", input: inputName, output: outputName, total: "totalTokens" } as const;
  if (!usage.has("inputTokenDetails") && excludesCached(kind, fields)) {
    const { cacheRead } = stated;
    const cacheWrite = fields.at("providerMetadata").at("anthropic").count("cacheCreationInputTokens");
    // The total leaves them out, too.
    const rest = disjointTokens(usage, { ...stated, cacheRead: 0, cacheWrite: 0 }, habit);
    return { ...rest, cacheRead, cacheWrite };
  }
  const tokens = disjointTokens(usage, stated, habit);
  const fresh = details.count("noCacheTokens");
  if (fresh !== null && fresh !== tokens.input) {
    usage.reject(
      inputName,
      `is ${stated.input}, of which ${tokens.input} without the cached, but noCacheTokens is ${fresh}`,
    );
  }
  return tokens;
}

function excludesCached(kind: Kind, fields: RecordFields): boolean {
  const { provider, model } = kind;
  const metadata = fields.get("providerMetadata");
  // However the application has named the provider, its adapter says whose it is.
  if (isObject(metadata) && isObject(metadata.anthropic)) return true;
  if (PASSING_ON.includes(provider)) return model?.includes("claude") === true;
  const name = canonicalProvider(underOwnName(kind).provider ?? "");
  return EXCLUDING.includes(name) || SERVED_FOR_ANTHROPIC.test(provider ?? "");
}
