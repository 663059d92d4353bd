/**
 * A middleware for the language models of the AI SDK (`ai` 6) that limits and meters every call. See
 * docs/integrations.md.
 * @module
 */
import type { LanguageModelMiddleware } from "ai";
import { AlphaError, type Decision, type Instant, type Limits, type LimitsRequest } from "./index.js";
import {
  type CallOptions,
  chargesNothing,
  type GenerateResult,
  kindOf,
  type Model,
  reportOf,
  roughInput,
} from "./integrations/ai-sdk-call.js";
import { imagesIn, meteredStream } from "./integrations/ai-sdk-stream.js";
import { tell } from "./integrations/telling.js";
import { WordlessEnd, withoutWordlessEnd } from "./integrations/wordless-end.js";

export interface LimitsModelOptions {
  /** Whose call it is: id, email or alias. A call's own `providerOptions.alpha.user` goes before it. */
  readonly user?: string | ((params: CallOptions) => string);
  /** Checked against the tier. A call's own `providerOptions.alpha.feature` goes before it. */
  readonly feature?: string | ((params: CallOptions) => string);
  /** Tokens that a call without `maxOutputTokens` is assumed to put out; 500 unless given. */
  readonly assumedOutputTokens?: number;
  /** Tokens that the prompt is estimated at, rounded up; a rough rule by its characters unless given. */
  readonly estimateInput?: (params: CallOptions) => number;
  /** Names of the provider and the model for prices and stops; those of the wrapped model unless given. */
  readonly provider?: string;
  readonly model?: string;
  /** How long a reservation holds, in milliseconds; the setting `hold_ttl` unless given. */
  readonly holdForMs?: number;
  /**
   * A stream that runs on renews its reservation this often, in milliseconds, when a part arrives; half of
   * `holdForMs`, or a minute, unless given.
   */
  readonly renewEveryMs?: number;
  /**
   * Told when the usage of a call that was made could not be written: an `UnsettledError`, to keep and to `retry()`.
   * The call then succeeds. Unless given, the error is thrown, and ends a stream.
   */
  readonly onError?: (error: unknown) => void;
  /** The clock for renewing; the machine's unless given. */
  readonly now?: () => Instant;
}

/** A call that the limits do not allow. The model was not called, and the SDK does not try again. */
export class LimitsBlockedError extends Error {
  override readonly name = "LimitsBlockedError";
  readonly code: Decision["code"];

  /** @param decision why; its `message` is a sentence that a tester can read, and this error's message */
  constructor(readonly decision: Decision) {
    super(decision.message);
    this.code = decision.code;
  }
}

/**
 * For `wrapLanguageModel({ model, middleware })`: reserves before a call, and settles with the usage of its result,
 * cached and reasoning tokens apart. One step of a tool loop is one call.
 *
 * The wrapped model throws `LimitsBlockedError` for what is blocked, and `AlphaError` `usage` without a user.
 */
export function limitsModelMiddleware(
  limits: Limits,
  options: LimitsModelOptions = {},
): LanguageModelMiddleware {
  const { holdForMs, onError, now = Date.now } = options;
  const told = onError === undefined ? undefined : (error: unknown) => tell(onError, error);
  const renewEveryMs = options.renewEveryMs ?? (holdForMs === undefined ? 60_000 : holdForMs / 2);
  const guardOptions = holdForMs === undefined ? {} : { holdForMs };

  return {
    specificationVersion: "v3",

    async wrapGenerate({ doGenerate, params, model }) {
      params.abortSignal?.throwIfAborted();
      let made: GenerateResult | undefined;
      try {
        const call = await limits.guard(
          requestOf(params, model, options),
          async (guarded) => {
            try {
              made = await startUnlessAborted(params, doGenerate);
            } catch (error) {
              if (chargesNothing(error) || error instanceof NotStarted) guarded.neverBegan();
              throw error;
            }
            const report = reportOf(limits, {
              usage: made.usage,
              id: made.response?.id,
              images: imagesIn(made.content),
              failed: made.finishReason.unified === "error",
            });
            if (report !== null) guarded.report(report);
            return made;
          },
          guardOptions,
        );
        if (!call.admitted) throw new LimitsBlockedError(call.decision);
        return call.value;
      } catch (error) {
        if (made === undefined || told === undefined) throw reasonOf(error);
        told(error);
        return made;
      }
    },

    wrapStream({ doStream, params, model }) {
      return new Promise((resolve, reject) => {
        params.abortSignal?.throwIfAborted();
        let streams = false;
        const guarding = limits.guard(
          requestOf(params, model, options),
          async (guarded) => {
            let result: Awaited<ReturnType<typeof doStream>>;
            try {
              result = await startUnlessAborted(params, doStream);
            } catch (error) {
              if (chargesNothing(error) || error instanceof NotStarted) guarded.neverBegan();
              throw error;
            }
            streams = true;
            const { stream, ended } = meteredStream(result.stream, {
              settled: () => settled.then(() => {}, told),
              renew: () => void limits.extend(guarded.handle, holdForMs).catch(() => {}),
              renewEveryMs,
              signal: params.abortSignal,
              now,
            });
            resolve({ ...result, stream });
            const { said, failed } = await ended;
            const report = said === null ? null : reportOf(limits, said);
            if (report !== null) guarded.report(report);
            else if (failed) throw new WordlessEnd();
          },
          guardOptions,
        );
        const settled = withoutWordlessEnd(guarding);
        settled.then(
          (call) => {
            if (call?.admitted === false) reject(new LimitsBlockedError(call.decision));
          },
          // Once it streams, the error is the stream's.
          (error: unknown) => {
            if (!streams) reject(reasonOf(error));
          },
        );
      });
    },
  };
}

/** The call was aborted while it waited to be admitted. */
class NotStarted extends Error {}

/** What the abort says is what the SDK expects to be thrown. */
function reasonOf(error: unknown): unknown {
  return error instanceof NotStarted ? error.cause : error;
}

async function startUnlessAborted<T>({ abortSignal }: CallOptions, start: () => PromiseLike<T>): Promise<T> {
  if (abortSignal?.aborted) throw new NotStarted("aborted", { cause: abortSignal.reason });
  return await start();
}

function requestOf(params: CallOptions, model: Model, options: LimitsModelOptions): LimitsRequest {
  const own = params.providerOptions?.alpha;
  const user = textOf(own, "user") ?? chosen(options.user, params);
  if (user === undefined || user === "") {
    throw new AlphaError("usage", "a call of a limited model names no user", {
      hint: "give limitsModelMiddleware a user, or the call providerOptions: { alpha: { user } }",
    });
  }
  const input = (options.estimateInput ?? roughInput)(params);
  const output = params.maxOutputTokens ?? options.assumedOutputTokens ?? 500;
  const kind = kindOf(model);
  return {
    user,
    feature: textOf(own, "feature") ?? chosen(options.feature, params) ?? "",
    provider: options.provider ?? kind.provider,
    model: options.model ?? kind.model,
    tokens: Math.ceil(input + output),
  };
}

function chosen(
  option: string | ((params: CallOptions) => string) | undefined,
  params: CallOptions,
): string | undefined {
  return typeof option === "function" ? option(params) : option;
}

function textOf(own: Record<string, unknown> | undefined, name: "user" | "feature"): string | undefined {
  const value = own?.[name];
  if (value === undefined || typeof value === "string") return value;
  throw new AlphaError("usage", `providerOptions.alpha.${name} must be a text`);
}
