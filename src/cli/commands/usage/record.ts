import { recordUsage } from "../../../engine/record-usage.js";
import { AlphaError } from "../../../errors.js";
import type { Fields } from "../../../importers/importer.js";
import { isRejection, readText, readTime } from "../../../importers/values.js";
import { recordJson, recordText } from "../../../render/views/record.js";
import type { Context } from "../../context.js";
import type { Invocation } from "../../run.js";
import { parseCount, parseMoney } from "../../values.js";

interface Options {
  readonly provider?: string;
  readonly model?: string;
  readonly feature?: string;
  readonly inputTokens?: string;
  readonly cachedInputTokens?: string;
  readonly cacheWriteTokens?: string;
  readonly outputTokens?: string;
  readonly reasoningTokens?: string;
  readonly images?: string;
  readonly cost?: string;
  readonly at?: string;
  readonly id?: string;
  readonly providerId?: string;
  readonly status?: string;
}

export default async function record(
  context: Context,
  { args, options }: Invocation<Options>,
): Promise<void> {
  const counts = {
    ...counted("input", "--input-tokens", options.inputTokens),
    ...counted("cacheRead", "--cached-input-tokens", options.cachedInputTokens),
    ...counted("cacheWrite", "--cache-write-tokens", options.cacheWriteTokens),
    ...counted("output", "--output-tokens", options.outputTokens),
    ...counted("reasoning", "--reasoning-tokens", options.reasoningTokens),
    ...counted("images", "--images", options.images),
    ...(options.cost === undefined ? {} : { cost: parseMoney("--cost", options.cost) }),
  };
  if (Object.keys(counts).length === 0) {
    throw new AlphaError("usage", "nothing was used: no tokens, no images and no cost", {
      hint: "for example: alpha usage record ada@example.com --model gpt-4o --input-tokens 1200 --output-tokens 300",
    });
  }
  const engine = await context.engine();
  const usage = {
    ...counts,
    ...text("provider", "--provider", options.provider),
    ...text("model", "--model", options.model),
    ...text("feature", "--feature", options.feature),
    ...text("providerId", "--provider-id", options.providerId),
    ...text("status", "--status", options.status),
    ...(options.at === undefined ? {} : { occurredAt: momentOf(options.at, engine.now()) }),
  };
  const recorded = await recordUsage(
    engine,
    { user: args[0] as string, usage, ...text("id", "--id", options.id) },
    { dryRun: context.dryRun },
  );
  context.changed({
    kind: "usage-record",
    data: recordJson(recorded),
    text: (style) => recordText(recorded, context.dryRun, style),
  });
}

function counted<K extends string>(key: K, option: string, given: string | undefined): { [P in K]?: number } {
  return given === undefined ? {} : ({ [key]: parseCount(option, given) } as { [P in K]: number });
}

/** The rules for what a log may say hold here, too. */
function text<K extends string>(key: K, option: string, given: string | undefined): { [P in K]?: string } {
  if (given === undefined) return {};
  const value = readText({ [option]: given } satisfies Fields, option);
  if (isRejection(value)) throw new AlphaError("usage", `${option} ${value.reason}`);
  if (value === null)
    throw new AlphaError("usage", `${option} is empty`, { hint: "name something, or leave it out" });
  return { [key]: value } as { [P in K]: string };
}

function momentOf(given: string, now: number): number {
  const at = readTime({ "--at": given }, "--at", now);
  if (!isRejection(at)) return at;
  throw new AlphaError("usage", `--at ${at.reason}`, { hint: "write it as 2026-11-22T19:30:00Z" });
}
