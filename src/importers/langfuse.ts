import type { Nanos } from "../domain/money.js";
import { cellAt, objectIn } from "./cells.js";
import { draftOf } from "./drafts.js";
import type { Fields, Importer, ReadContext, Rejection, Skip, UsageDraft } from "./importer.js";
import { RecordFields } from "./record-fields.js";
import { disjointTokens } from "./token-sums.js";

const COUNTED = ["GENERATION", "EMBEDDING"];
const RESPONSE_ID = "gen_ai.response.id";

/** Observations of Langfuse: exports to blob storage or from the UI, and what its API returns. */
export const langfuse: Importer = {
  name: "langfuse",
  description: "Langfuse's observations, exported or from its API (JSON, JSONL or CSV)",
  detect: (sample) =>
    ("usage_details" in sample || "usageDetails" in sample) && ("trace_id" in sample || "traceId" in sample),
  read,
};

function read(raw: Fields, context: ReadContext): UsageDraft | Rejection | Skip {
  const fields = new RecordFields(raw);
  const type = fields.text("type") ?? "";
  if (fields.problem) return fields.problem;
  if (!COUNTED.includes(type.toUpperCase())) {
    return { kind: "skip", reason: "it is neither a generation nor an embedding" };
  }
  const usage = cellAt(fields, fields.pick("usage_details", "usageDetails"));
  const status = fields.text("level") === "ERROR" ? "error" : null;
  const { tokens, images, isStated } = readUsage(usage);
  const cost = readCost(fields);
  if (!isStated && !cost && status === null) {
    fields.reject(fields.pick("usage_details", "usageDetails"), "states no usage");
  }
  return draftOf(fields, {
    occurredAt: fields.time(fields.pick("end_time", "endTime", "start_time", "startTime"), context),
    id: fields.text("id"),
    providerId: responseIdIn(raw.metadata),
    user: fields.text(fields.pick("user_id", "userId")),
    model: fields.text(fields.pick("provided_model_name", "providedModelName", "model")),
    ...tokens,
    images,
    cost,
    status,
  });
}

type Bucket = "input" | "cacheRead" | "cacheWrite" | "output" | "reasoning" | "images" | "total" | "unknown";

/** Which bucket a usage type belongs to. Langfuse leaves their names to whoever reports them. */
function bucketOf(type: string): Bucket {
  const name = type.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
  const goesIn = /input|prompt/.test(name);
  if (/^total/.test(name)) return "total";
  if (/cache/.test(name)) return /creat|writ/.test(name) ? "cacheWrite" : "cacheRead";
  if (/reason|thought|thinking/.test(name)) return "reasoning";
  if (/image/.test(name) && !/token/.test(name)) return goesIn ? "unknown" : "images";
  if (/output|completion|candidate/.test(name)) return "output";
  return goesIn ? "input" : "unknown";
}

function readUsage(usage: RecordFields) {
  const sums = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0, images: 0, total: 0 };
  const unknown: string[] = [];
  let isStated = false;
  for (const type of usage.names()) {
    const count = usage.count(type) ?? 0;
    const bucket = bucketOf(type);
    isStated = true;
    if (bucket !== "unknown") sums[bucket] += count;
    else if (count > 0) unknown.push(type);
  }
  // A total that adds up without them says that they are no tokens.
  const [first] = unknown;
  if (first !== undefined && sums.total === 0) usage.reject(first, "is a unit that cannot be counted");
  // Langfuse's types are disjoint, unless whoever reported them did not know that.
  const tokens = disjointTokens(usage, sums, {
    parts: "beside",
    input: "input",
    output: "output",
    total: "total",
  });
  return { tokens, images: sums.images, isStated };
}

function readCost(fields: RecordFields): Nanos | null {
  const total = fields.cost(fields.pick("total_cost", "totalCost", "calculatedTotalCost"));
  if (total !== null) return total;
  const details = cellAt(fields, fields.pick("cost_details", "costDetails"));
  if (details.has("total")) return details.cost("total");
  const costs = details.names().map((type) => details.cost(type) ?? 0);
  const sum = costs.reduce((a, b) => a + b, 0);
  if (!Number.isSafeInteger(sum)) details.reject("total", "is too large to be counted exactly");
  return costs.length === 0 ? null : sum;
}

/** What OpenTelemetry said of the call, where the observation came that way. */
function responseIdIn(metadata: unknown): string | null {
  // Metadata can be large, and most has nothing of the kind.
  if (typeof metadata === "string" && !metadata.includes(RESPONSE_ID)) return null;
  const attributes = objectIn(objectIn(metadata)?.attributes);
  const id = attributes?.[RESPONSE_ID];
  return typeof id === "string" && id.trim() !== "" ? id.trim() : null;
}
