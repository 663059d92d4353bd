import { draftOf } from "./drafts.js";
import type { Fields, Importer, ReadContext, Rejection, Skip, UsageDraft } from "./importer.js";
import { isObject, RecordFields } from "./record-fields.js";
import { disjointTokens } from "./token-sums.js";

const ATTRIBUTE = "attributes.";
const GEN_AI = `${ATTRIBUTE}gen_ai.`;
const USAGE = `${GEN_AI}usage.`;
/** Operations around calls of a model; the usage that they state is that of the calls, which have spans of their own. */
const AROUND_CALLS = /agent|workflow|tool|^(?:plan|retrieval)$/;
/** What the AI SDK of Vercel puts behind the provider: the API. */
const API = /\..*\b(?:chat|responses|messages|completion|embedding|image|generative-ai)$/;
/** What follows the milliseconds in a time in nanoseconds. */
const NANOS = /^(\d{10,})\d{6}$/;

const INPUT = usage("input_tokens", "prompt_tokens");
const OUTPUT = usage("output_tokens", "completion_tokens");
const CACHE_READ = usage("cache_read.input_tokens", "cache_read_input_tokens", "details.cache_read_tokens");
const CACHE_WRITE = usage(
  "cache_write.input_tokens",
  "cache_creation.input_tokens",
  "cache_creation_input_tokens",
  "cache_write_input_tokens",
  "details.cache_write_tokens",
);
const REASONING = usage("reasoning.output_tokens", "reasoning_tokens", "details.reasoning_tokens");
const TOTAL = usage("total_tokens");

/** Spans of OpenTelemetry as OTLP writes them in JSON, by the conventions for generative AI. */
export const otel: Importer = {
  name: "otel",
  description: "OpenTelemetry spans of model calls, in OTLP JSON (a whole export or JSONL)",
  detect: (sample) => "spanId" in sample && ("startTimeUnixNano" in sample || "endTimeUnixNano" in sample),
  flatten,
  read,
};

function usage(...names: readonly [string, ...string[]]): readonly [string, ...string[]] {
  const [first, ...others] = names;
  return [`${USAGE}${first}`, ...others.map((name) => `${USAGE}${name}`)];
}

/** The span with one field for each attribute: `attributes.gen_ai.request.model`. */
function flatten({ attributes, status, events: _, links: __, ...span }: Fields): Fields {
  const flat: Record<string, unknown> = { ...span };
  for (const [key, value] of entriesOf(attributes)) flat[`${ATTRIBUTE}${key}`] ??= plain(value);
  if (isObject(status)) flat["status.code"] = status.code;
  return flat;
}

function entriesOf(attributes: unknown): [string, unknown][] {
  if (isObject(attributes)) return Object.entries(attributes);
  if (!Array.isArray(attributes)) return [];
  return attributes.filter(isObject).map(({ key, value }) => [String(key), value]);
}

/** OTLP names the type of each value; 64-bit integers are text. */
function plain(value: unknown): unknown {
  if (!isObject(value)) return value;
  return value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue;
}

function read(raw: Fields, context: ReadContext): UsageDraft | Rejection | Skip {
  const fields = new RecordFields(withMilliseconds(raw));
  const operation = fields.text(`${GEN_AI}operation.name`);
  const model = fields.text(fields.pick(`${GEN_AI}response.model`, `${GEN_AI}request.model`));
  if (fields.problem) return fields.problem;
  const isCall = operation === null ? model !== null : !AROUND_CALLS.test(operation);
  if (!isCall) return { kind: "skip", reason: "it is no call of a model" };

  const status = statusOf(fields);
  const tokens = readTokens(fields);
  const cost = fields.cost(`${USAGE}cost`);
  if (
    cost === null &&
    status === null &&
    ![INPUT, OUTPUT].some((names) => fields.has(fields.pick(...names)))
  ) {
    fields.reject(INPUT[0], "is missing, and so are output and cost");
  }
  return draftOf(fields, {
    occurredAt: fields.time(fields.pick("endTimeUnixNano", "startTimeUnixNano"), context),
    id: fields.text("spanId"),
    providerId: fields.text(`${GEN_AI}response.id`),
    user: fields.text(fields.pick(`${ATTRIBUTE}enduser.id`, `${ATTRIBUTE}user.id`)),
    provider: fields.text(fields.pick(`${GEN_AI}provider.name`, `${GEN_AI}system`))?.replace(API, "") ?? null,
    model,
    ...tokens,
    cost,
    status,
  });
}

function readTokens(fields: RecordFields) {
  const count = (names: readonly [string, ...string[]]) => fields.count(fields.pick(...names));
  const stated = {
    input: count(INPUT),
    cacheRead: count(CACHE_READ),
    cacheWrite: count(CACHE_WRITE),
    output: count(OUTPUT),
    reasoning: count(REASONING),
    total: count(TOTAL),
  };
  return disjointTokens(fields, stated, {
    parts: "inside",
    input: fields.pick(...INPUT),
    output: fields.pick(...OUTPUT),
    total: TOTAL[0],
  });
}

/** The span with its times in milliseconds; a time of 0 is one that was never set. */
function withMilliseconds(fields: Fields): Fields {
  const { startTimeUnixNano, endTimeUnixNano } = fields;
  return {
    ...fields,
    startTimeUnixNano: milliseconds(startTimeUnixNano),
    endTimeUnixNano: milliseconds(endTimeUnixNano),
  };
}

function milliseconds(value: unknown): unknown {
  if (typeof value !== "string" && typeof value !== "number") return value;
  const text = String(value).trim();
  return text === "0" ? null : (NANOS.exec(text)?.[1] ?? value);
}

function statusOf(fields: RecordFields): string | null {
  const code = fields.get("status.code");
  const failed = code === 2 || code === "2" || code === "STATUS_CODE_ERROR";
  return failed ? (fields.text(`${ATTRIBUTE}error.type`) ?? "error") : null;
}
