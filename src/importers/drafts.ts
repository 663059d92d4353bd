import type { Nanos } from "../domain/money.js";
import { canonicalProvider, NO_USAGE, totalTokens, type Usage } from "../domain/usage.js";
import type { Instant } from "../domain/window.js";
import { type Rejection, reject, type UsageDraft } from "./importer.js";
import type { RecordFields } from "./record-fields.js";

type Counts = { readonly [Field in keyof Usage]?: number | null };

/** What an importer has read from a record. `null`, and what is left out: the record does not state it. */
export interface Stated extends Counts {
  readonly occurredAt: Instant;
  readonly id?: string | null;
  readonly providerId?: string | null;
  readonly user?: string | null;
  readonly provider?: string | null;
  readonly model?: string | null;
  readonly feature?: string | null;
  readonly cost?: number | null;
  readonly status?: string | null;
  readonly requests?: number;
  /** A stated cost of 0 is the price, and not that of a logger which knows none. */
  readonly free?: boolean;
}

/** The draft of a record, or why it cannot be counted: a field that could not be read, or counts that contradict. */
export function draftOf(fields: RecordFields, stated: Stated): UsageDraft | Rejection {
  if (fields.problem) return fields.problem;
  const { occurredAt, provider, cost = null, free = false, requests } = stated;
  const usage = usageOf(stated);
  const tokens = totalTokens(usage);
  if (!Number.isSafeInteger(tokens)) {
    return reject(null, "its tokens add up to more than can be counted exactly");
  }
  if (usage.reasoning > usage.output) {
    return reject(
      null,
      `states ${usage.reasoning} reasoning tokens, but they are a part of its ${usage.output} output tokens`,
    );
  }
  return {
    kind: "draft",
    source: null,
    id: stated.id ?? null,
    providerId: stated.providerId ?? null,
    user: stated.user ?? null,
    occurredAt,
    provider: canonicalProvider(provider ?? ""),
    model: stated.model ?? "",
    feature: stated.feature ?? "",
    ...usage,
    cost: cost === 0 && !free && tokens + usage.images > 0 ? null : cost,
    status: stated.status ?? "ok",
    ...(requests === undefined ? {} : { requests }),
  };
}

/**
 * Rejects a record of which none of the fields `counts` states anything, and that states no images and no cost either,
 * unless its call came to nothing. Of a logger that knows no tokens a cost of 0 is none.
 */
export function needUsage(
  fields: RecordFields,
  counts: readonly [string, ...string[]],
  { images, cost, free = false, status = null }: Partial<Stated>,
): void {
  const isPriced = (cost ?? 0) > 0 || (cost === 0 && free);
  const isStated = isPriced || (images ?? 0) > 0 || counts.some((field) => fields.has(field));
  if (!isStated && status === null)
    fields.reject(counts[0], "is missing, and so are the other tokens and the cost");
}

function usageOf({ input, cacheRead, cacheWrite, output, reasoning, images }: Stated): Usage {
  return {
    input: input ?? NO_USAGE.input,
    cacheRead: cacheRead ?? NO_USAGE.cacheRead,
    cacheWrite: cacheWrite ?? NO_USAGE.cacheWrite,
    output: output ?? NO_USAGE.output,
    reasoning: reasoning ?? NO_USAGE.reasoning,
    images: images ?? NO_USAGE.images,
  };
}

/** What `field` states and, where it states something, what is charged beside it. */
export function withExtra(fields: RecordFields, field: string, extra: Nanos | null): Nanos | null {
  const own = fields.cost(field);
  const sum = own === null ? null : own + (extra ?? 0);
  if (sum === null || Number.isSafeInteger(sum)) return sum;
  fields.reject(field, "adds up to more than can be counted exactly");
  return null;
}
