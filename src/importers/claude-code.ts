import { anthropicUsage } from "./anthropic-usage.js";
import { draftOf } from "./drafts.js";
import type { Fields, Importer, ReadContext, Rejection, Skip, UsageDraft } from "./importer.js";
import { isObject, RecordFields } from "./record-fields.js";

/** The model of what Claude Code writes itself, such as the notice of an error. */
const NO_MODEL = "<synthetic>";

/**
 * The transcripts that Claude Code keeps of its sessions. A response stands there several times while it is streamed,
 * and its last record counts. A side chain that starts with what was said before repeats it under other request ids:
 * the message's id, as that of the provider, tells the copies from calls of its own.
 */
export const claudeCode: Importer = {
  name: "claude-code",
  description: "session transcripts of Claude Code (JSONL)",
  supersedes: true,
  detect(sample) {
    return "sessionId" in sample && ("uuid" in sample || isObject(sample.message) || isObject(sample.data));
  },
  read,
};

function read(record: Fields, context: ReadContext): UsageDraft | Rejection | Skip {
  const session = new RecordFields(record);
  const { entry, fields } = entryIn(record, session);
  const { message } = entry;
  if (!isObject(message) || !isObject(message.usage))
    return { kind: "skip", reason: "is no answer of a model" };
  if (message.model === NO_MODEL) return { kind: "skip", reason: "was written by Claude Code itself" };

  const inner = fields.at("message");
  const stating = (field: string) => (fields.has(field) ? fields : session);
  const id = inner.text("id");
  const request = stating("requestId").text("requestId");
  return draftOf(inner, {
    ...anthropicUsage(inner.at("usage")),
    occurredAt: stating("timestamp").time("timestamp", context),
    id: id === null || request === null ? id : `${id}:${request}`,
    providerId: id,
    provider: "anthropic",
    model: inner.text("model"),
    cost: stating("costUSD").cost("costUSD"),
  });
}

/** What holds `message`: the record itself, or that of a side chain which it reports in `data`. */
function entryIn(
  record: Fields,
  session: RecordFields,
): { readonly entry: Fields; readonly fields: RecordFields } {
  const { data } = record;
  if (isObject(record.message) || !isObject(data)) return { entry: record, fields: session };
  const within = session.at("data");
  return isObject(data.message) && isObject(data.message.message)
    ? { entry: data.message, fields: within.at("message") }
    : { entry: data, fields: within };
}
