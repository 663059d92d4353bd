import type { LanguageModelMiddleware } from "ai";
import type { Limits, UsageReport } from "../index.js";

// Taken from the middleware's own type, so that `ai` is the only package that has to be found.
type WrapGenerate = NonNullable<LanguageModelMiddleware["wrapGenerate"]>;
type WrapStream = NonNullable<LanguageModelMiddleware["wrapStream"]>;
/** The SDK's `LanguageModelV3CallOptions`. */
export type CallOptions = Parameters<WrapGenerate>[0]["params"];
export type Model = Parameters<WrapGenerate>[0]["model"];
export type GenerateResult = Awaited<ReturnType<WrapGenerate>>;
export type StreamResult = Awaited<ReturnType<WrapStream>>;
export type StreamPart = StreamResult["stream"] extends ReadableStream<infer Part> ? Part : never;
type ModelUsage = GenerateResult["usage"];

/**
 * Roughly how many tokens a prompt is: a quarter of a token for each ASCII character and one for every other, in texts,
 * tool calls, tool results and tool definitions; four for each message; 1,000 for each file.
 */
export function roughInput({ prompt, tools = [] }: CallOptions): number {
  let tokens = tools.length === 0 ? 0 : textTokens(JSON.stringify(tools));
  for (const { content } of prompt) {
    tokens += 4;
    if (typeof content === "string") tokens += textTokens(content);
    else for (const part of content) tokens += partTokens(part);
  }
  return Math.ceil(tokens);
}

type Part = Exclude<CallOptions["prompt"][number]["content"], string>[number];

function partTokens(part: Part): number {
  switch (part.type) {
    case "text":
    case "reasoning":
      return textTokens(part.text);
    case "file":
      return 1_000;
    case "tool-call":
      return textTokens(part.toolName) + textTokens(JSON.stringify(part.input) ?? "");
    case "tool-result":
      return textTokens(JSON.stringify(part.output));
    default:
      return 0;
  }
}

function textTokens(text: string): number {
  let others = 0;
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) others += 1;
  return others + (text.length - others) / 4;
}

/** Which provider and model a call goes to, under the names that prices are known by. */
export function kindOf({ provider, modelId }: Pick<Model, "provider" | "modelId">): {
  readonly provider: string;
  readonly model: string;
} {
  // `openai.responses`: behind the dot is the API, not the provider.
  const name = provider.split(".")[0]!;
  const slash = modelId.indexOf("/");
  // The SDK's gateway serves the models of others, under the names of both.
  if (name === "gateway" && slash > 0) {
    return { provider: modelId.slice(0, slash), model: modelId.slice(slash + 1) };
  }
  return { provider: name === "amazon-bedrock" ? "bedrock" : name, model: modelId };
}

/** A count as a provider states it; `undefined` where it is no number of tokens. */
function count(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) && value >= 0 ? Math.round(value) : undefined;
}

/**
 * The usage of a result in disjoint buckets; `null` when the provider does not say how many tokens went in or came
 * out. Where its numbers for the input contradict each other, the greater one.
 */
function usageOf({ inputTokens, outputTokens }: ModelUsage): UsageReport | null {
  const cacheRead = count(inputTokens.cacheRead) ?? 0;
  const cacheWrite = count(inputTokens.cacheWrite) ?? 0;
  const fresh = count(inputTokens.noCache);
  const allInput = count(inputTokens.total);
  const reasoning = count(outputTokens.reasoning) ?? 0;
  const text = count(outputTokens.text);
  const allOutput = count(outputTokens.total);
  if (fresh === undefined && allInput === undefined) return null;
  if (text === undefined && allOutput === undefined) return null;
  return {
    input: Math.max(fresh ?? 0, (allInput ?? 0) - cacheRead - cacheWrite),
    cacheRead,
    cacheWrite,
    output: allOutput === undefined ? (text ?? 0) + reasoning : Math.max(allOutput, reasoning),
    reasoning,
  };
}

/** What a result or the end of a stream says of a call that was made. */
export interface Said {
  readonly usage: ModelUsage;
  /** The provider's id of the response. Some give an empty one, which is none. */
  readonly id: string | undefined;
  readonly images: number;
  readonly failed: boolean;
}

/**
 * What is to be reported of a call. It has been paid for, so nothing that a provider says of it is an error: an id that
 * cannot be kept is none.
 * @returns `null` when the provider does not say what was used, or says what no call can use
 */
export function reportOf(limits: Limits, { usage, id, images, failed }: Said): UsageReport | null {
  const counts = usageOf(usage);
  if (counts === null) return null;
  const report = { ...counts, images, status: failed ? "error" : "ok" };
  const identified = id === undefined ? report : { ...report, providerId: id };
  return [identified, report].find((each) => isTaken(limits, each)) ?? null;
}

function isTaken(limits: Limits, report: UsageReport): boolean {
  try {
    limits.requireReport(report);
    return true;
  } catch {
    return false;
  }
}

/** Errors that the SDK and its providers throw before they send anything. */
const BEFORE_SENDING: ReadonlySet<string> = new Set([
  "AI_InvalidPromptError",
  "AI_LoadAPIKeyError",
  "AI_LoadSettingError",
  "AI_UnsupportedFunctionalityError",
]);
const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/**
 * Whether an error means that the provider charges nothing: it refused the call with an HTTP error, was never
 * reached, or was not asked. Everything else, an abort or a lost connection too, may have been paid for.
 */
export function chargesNothing(error: unknown): boolean {
  // A cause of a cause is as deep as an unreachable provider hides; a bound keeps circles out.
  let each = error;
  for (let depth = 0; depth < 5 && each instanceof Error; depth += 1) {
    const { statusCode, code } = each as { statusCode?: unknown; code?: unknown };
    if (typeof statusCode === "number") return statusCode >= 400;
    if (BEFORE_SENDING.has(each.name) || NOT_CONNECTED.has(code)) return true;
    each = each.cause;
  }
  return false;
}
