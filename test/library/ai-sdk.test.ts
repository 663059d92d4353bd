import type {
  LanguageModelV3CallOptions,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
} from "@ai-sdk/provider";
import {
  APICallError,
  generateText,
  jsonSchema,
  LoadAPIKeyError,
  simulateReadableStream,
  stepCountIs,
  streamText,
  tool,
  wrapLanguageModel,
} from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { describe, expect, it, vi } from "vitest";
import { LimitsBlockedError, type LimitsModelOptions, limitsModelMiddleware } from "../../src/ai-sdk.js";
import { type Limits, openLimits, UnsettledError } from "../../src/index.js";
import { type Home, NOW } from "../support/cli.js";
import { opened } from "../support/opened-limits.js";

const USAGE: LanguageModelV3Usage = {
  inputTokens: { total: 100, noCache: 40, cacheRead: 50, cacheWrite: 10 },
  outputTokens: { total: 60, text: 35, reasoning: 25 },
};
const COUNTED = {
  input_tokens: 40,
  cached_input_tokens: 50,
  cache_write_tokens: 10,
  output_tokens: 60,
  reasoning_tokens: 25,
  estimated: false,
};
const UNKNOWN: LanguageModelV3Usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};
/** "Hi" in one message is held as 5 tokens of input. */
const ASK = { prompt: "Hi", maxOutputTokens: 295, maxRetries: 0 };
const CHARGED = { output_tokens: 300, estimated: true };

async function ledger(home: Home) {
  return (await home.json(["usage", "events"])).reverse();
}

const held = async (limits: Limits) => (await limits.check({ user: "ada", tokens: 1 })).held;

function answer(more: Partial<LanguageModelV3GenerateResult> = {}): LanguageModelV3GenerateResult {
  return {
    content: [{ type: "text", text: "A draft." }],
    finishReason: { unified: "stop", raw: "stop" },
    usage: USAGE,
    warnings: [],
    ...more,
  };
}

function mock(parts: Partial<ConstructorParameters<typeof MockLanguageModelV3>[0]>): MockLanguageModelV3 {
  return new MockLanguageModelV3({ provider: "openai.responses", modelId: "gpt-4o-mini", ...parts });
}

function limited(limits: Limits, model: MockLanguageModelV3, options: LimitsModelOptions = {}) {
  const middleware = limitsModelMiddleware(limits, { user: "ada", feature: "blog_writer", ...options });
  return wrapLanguageModel({ model, middleware });
}

const refused = (statusCode: number | undefined, cause?: unknown) =>
  new APICallError({
    message: "refused",
    url: "https://api.example.com",
    requestBodyValues: {},
    isRetryable: false,
    cause,
    ...(statusCode === undefined ? {} : { statusCode }),
  });

describe("generateText with a limited model", () => {
  it("holds during the call, and counts cached and reasoning tokens apart", async () => {
    const { home, limits } = await opened();
    let during = 0;
    const model = mock({
      doGenerate: async () => {
        during = await held(limits);
        return answer({ response: { id: "resp-1" } });
      },
    });
    const { text } = await generateText({ model: limited(limits, model), ...ASK });
    expect(text).toBe("A draft.");
    expect(during).toBe(300);
    expect(await held(limits)).toBe(0);
    expect(await ledger(home)).toMatchObject([
      { ...COUNTED, provider: "openai", model: "gpt-4o-mini", feature: "blog_writer", unpriced: false },
    ]);
    expect((await limits.check({ user: "ada", tokens: 1 })).used).toBe(160);
    expect(await limits.record("ada", { output: 1, providerId: "resp-1" })).toMatchObject({
      status: "duplicate",
    });
  });

  it("throws for what is blocked, does not call the model, and does not try again", async () => {
    const { home, limits } = await opened();
    await home.ok(["emergency-stop", "on"]);
    const model = mock({ doGenerate: answer() });
    const guard = vi.spyOn(limits, "guard");
    const error = await generateText({ model: limited(limits, model), prompt: "Hi", maxRetries: 3 }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(LimitsBlockedError);
    expect(error).toMatchObject({
      name: "LimitsBlockedError",
      code: "emergency-stop",
      message: "All calls are stopped for now. Please try again later.",
      decision: { outcome: "block" },
    });
    expect(guard).toHaveBeenCalledTimes(1);
    expect(model.doGenerateCalls).toEqual([]);
  });

  it("counts each step of a tool loop as a call of its own", async () => {
    const { home, limits } = await opened();
    const call = { type: "tool-call", toolCallId: "c-1", toolName: "weather", input: "{}" } as const;
    const model = mock({
      doGenerate: [
        answer({ content: [call], finishReason: { unified: "tool-calls", raw: "tool_calls" } }),
        answer(),
      ],
    });
    const held: number[] = [];
    const guard = limits.guard;
    vi.spyOn(limits, "guard").mockImplementation((request, ...rest) => {
      held.push(request.tokens ?? 0);
      return guard(request, ...rest) as never;
    });
    const { text } = await generateText({
      model: limited(limits, model),
      tools: {
        weather: tool({
          description: "The weather",
          inputSchema: jsonSchema({ type: "object", properties: {} }),
          execute: async () => ({ sky: "clear" }),
        }),
      },
      stopWhen: stepCountIs(2),
      ...ASK,
    });
    expect(text).toBe("A draft.");
    expect(await ledger(home)).toMatchObject([COUNTED, COUNTED]);
    // The definition of the tool is a part of each prompt, its call and its result are a part of the second.
    expect(held[0]).toBeGreaterThan(320);
    expect(held[1]).toBeGreaterThan((held[0] ?? 0) + 10);
  });

  it.each([
    ["nothing that the provider refused", () => refused(400), 0],
    ["nothing when the provider is overloaded", () => refused(529), 0],
    [
      "nothing when it was not reached",
      () => refused(undefined, Object.assign(new Error(), { code: "ECONNREFUSED" })),
      0,
    ],
    ["nothing without an API key", () => new LoadAPIKeyError({ message: "no key" }), 0],
    ["the hold when the answer could not be read", () => refused(200), 1],
    [
      "the hold when the connection broke",
      () => refused(undefined, Object.assign(new Error(), { code: "ECONNRESET" })),
      1,
    ],
    ["the hold for what nobody knows", () => new Error("odd"), 1],
  ])("charges %s", async (_name, fail, charged) => {
    const { home, limits } = await opened();
    const model = mock({ doGenerate: () => Promise.reject(fail()) });
    await expect(generateText({ model: limited(limits, model), ...ASK })).rejects.toThrow(fail().message);
    const failed = { ...CHARGED, status: "error" };
    expect(await ledger(home)).toMatchObject(Array.from({ length: charged }, () => failed));
    expect(await held(limits)).toBe(0);
  });

  it("charges the hold when the provider does not say what was used", async () => {
    const { home, limits } = await opened();
    const onlyInput = { ...UNKNOWN, inputTokens: USAGE.inputTokens };
    const model = mock({ doGenerate: [answer({ usage: UNKNOWN }), answer({ usage: onlyInput })] });
    await generateText({ model: limited(limits, model), ...ASK });
    await generateText({ model: limited(limits, model), ...ASK });
    expect(await ledger(home)).toMatchObject([CHARGED, CHARGED]);
  });

  it("leaves what an unknown model is charged without a price", async () => {
    const { home, limits } = await opened();
    const model = mock({ modelId: "our-model-7b", doGenerate: answer({ usage: UNKNOWN }) });
    await generateText({ model: limited(limits, model), ...ASK });
    expect(await ledger(home)).toMatchObject([{ ...CHARGED, priced_by: "none", unpriced: true }]);
  });

  it.each(["", " "])("takes %j as the id of a response for none", async (id) => {
    const { home, limits } = await opened();
    const chunks: LanguageModelV3StreamPart[] = [
      { type: "response-metadata", id: "resp-9" },
      { type: "response-metadata", id },
      { type: "finish", usage: USAGE, finishReason: { unified: "stop", raw: "stop" } },
    ];
    const model = limited(
      limits,
      mock({
        doGenerate: async () => answer({ response: { id } }),
        doStream: async () => ({ stream: simulateReadableStream({ chunks }) }),
      }),
    );
    await generateText({ model, ...ASK });
    await generateText({ model, ...ASK });
    await streamText({ model, ...ASK }).consumeStream();
    expect(await ledger(home)).toMatchObject([COUNTED, COUNTED, COUNTED]);
    // The one before it was a response's id.
    expect(await limits.record("ada", { output: 1, providerId: "resp-9" })).toMatchObject({
      status: "duplicate",
    });
  });

  it("works parts out from totals, and counts images", async () => {
    const { home, limits } = await opened();
    const usage = {
      inputTokens: { total: 100, noCache: undefined, cacheRead: 30, cacheWrite: undefined },
      outputTokens: { total: undefined, text: 5, reasoning: 2 },
    };
    const content = [
      { type: "file", mediaType: "image/png", data: "AAAA" },
      { type: "file", mediaType: "audio/wav", data: "AAAA" },
    ] as const;
    const finishReason = { unified: "error", raw: "error" } as const;
    const model = mock({ doGenerate: answer({ usage, content: [...content], finishReason }) });
    await generateText({ model: limited(limits, model), ...ASK });
    expect(await ledger(home)).toMatchObject([
      {
        input_tokens: 70,
        cached_input_tokens: 30,
        output_tokens: 7,
        reasoning_tokens: 2,
        images: 1,
        status: "error",
      },
    ]);
  });

  it("admits what fits when many call at once", async () => {
    const { home, limits } = await opened();
    const usage = {
      ...UNKNOWN,
      inputTokens: { ...USAGE.inputTokens, ...{ total: 5, noCache: 5, cacheRead: 0, cacheWrite: 0 } },
    };
    const full = { ...usage, outputTokens: { total: 95, text: 95, reasoning: 0 } };
    const model = limited(limits, mock({ doGenerate: async () => answer({ usage: full }) }));
    const all = await Promise.allSettled(
      Array.from({ length: 50 }, () => generateText({ model, prompt: "Hi", maxOutputTokens: 95 })),
    );
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    for (const one of all) {
      if (one.status === "rejected") expect(one.reason).toBeInstanceOf(LimitsBlockedError);
    }
    expect(await ledger(home)).toHaveLength(10);
    expect((await limits.check({ user: "ada", tokens: 1 })).used).toBe(1_000);
  });

  it("takes user and feature from the call before the options, and needs a user", async () => {
    const { home, limits } = await opened();
    await home.ok(["users", "add", "bob@example.com", "--id", "bob", "--tier", "pro"]);
    const options = { user: ({ headers }: LanguageModelV3CallOptions) => headers?.["x-user"] ?? "" };
    const model = limited(limits, mock({ doGenerate: async () => answer() }), options);
    await generateText({ model, ...ASK, headers: { "x-user": "ada" } });
    await generateText({
      model,
      ...ASK,
      providerOptions: { alpha: { user: "bob", feature: "advanced_analytics" } },
    });
    expect(await ledger(home)).toMatchObject([
      { user: "ada", feature: "blog_writer" },
      { user: "bob", feature: "advanced_analytics" },
    ]);
    await expect(generateText({ model, ...ASK })).rejects.toMatchObject({ code: "usage" });
    const bad = { alpha: { user: 7 } };
    await expect(generateText({ model, ...ASK, providerOptions: bad })).rejects.toMatchObject({
      code: "usage",
    });
  });

  it("estimates as it is told", async () => {
    const { limits } = await opened();
    const model = mock({ doGenerate: async () => answer() });
    const guard = vi.spyOn(limits, "guard");
    await generateText({ model: limited(limits, model), prompt: "Hi" });
    await generateText({ model: limited(limits, model), ...ASK, prompt: "茶は緑" });
    const options = {
      assumedOutputTokens: 10,
      estimateInput: () => 3,
      provider: "gemini",
      model: "m",
      holdForMs: 9_000,
    };
    await generateText({ model: limited(limits, model, options), prompt: "Hi" });
    expect(guard.mock.calls.map(([{ tokens }]) => tokens)).toEqual([505, 302, 13]);
    expect(guard.mock.calls[2]).toMatchObject([{ provider: "gemini", model: "m" }, {}, { holdForMs: 9_000 }]);
  });

  it.each([
    ["gateway", "anthropic/claude-sonnet-4", "anthropic", "claude-sonnet-4"],
    ["amazon-bedrock", "amazon.nova-lite-v1:0", "aws", "amazon.nova-lite-v1:0"],
    ["google.generative-ai", "gemini-2.5-flash", "google", "gemini-2.5-flash"],
  ])("knows whose model %s serves", async (provider, modelId, whose, which) => {
    const { home, limits } = await opened();
    const model = mock({ provider, modelId, doGenerate: answer() });
    await generateText({ model: limited(limits, model), ...ASK });
    expect(await ledger(home)).toMatchObject([{ provider: whose, model: which }]);
  });

  it("does not begin what was aborted, and charges what was aborted later", async () => {
    const { home, limits } = await opened();
    const early = new AbortController();
    const model = mock({ doGenerate: async () => answer() });
    const guard = limits.guard;
    // Aborted while it waits for its reservation.
    vi.spyOn(limits, "guard").mockImplementationOnce((...rest) => {
      const call = guard(...rest);
      early.abort();
      return call as never;
    });
    const asked = generateText({ model: limited(limits, model), ...ASK, abortSignal: early.signal });
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    expect(model.doGenerateCalls).toEqual([]);
    expect(await held(limits)).toBe(0);
    expect(await ledger(home)).toEqual([]);

    const late = new AbortController();
    const slow = mock({
      doGenerate: ({ abortSignal }) =>
        new Promise((_resolve, reject) => {
          abortSignal?.addEventListener("abort", () => reject(abortSignal.reason));
          late.abort();
        }),
    });
    const cut = generateText({ model: limited(limits, slow), ...ASK, abortSignal: late.signal });
    await expect(cut).rejects.toMatchObject({ name: "AbortError" });
    expect(await ledger(home)).toMatchObject([{ ...CHARGED, status: "error" }]);
  });

  it("throws what could not be written, or hands it to onError and goes on", async () => {
    const { home, limits } = await opened();
    const closing = () =>
      mock({
        doGenerate: async () => {
          await limits.close();
          return answer();
        },
      });
    const thrown = await generateText({ model: limited(limits, closing()), ...ASK }).catch(
      (error: unknown) => error,
    );
    expect(thrown).toBeInstanceOf(UnsettledError);

    const again = await openLimits({ database: home.database, now: () => NOW });
    const failed: unknown[] = [];
    const model = limited(
      again,
      mock({
        doGenerate: async () => {
          await again.close();
          return answer();
        },
      }),
      { onError: (error) => failed.push(error) },
    );
    expect((await generateText({ model, ...ASK })).text).toBe("A draft.");
    expect(failed).toMatchObject([{ usage: { input: 40, cacheRead: 50, output: 60 } }]);
    expect(failed[0]).toBeInstanceOf(UnsettledError);
  });
});

describe("streamText with a limited model", () => {
  const TEXT: LanguageModelV3StreamPart[] = [
    { type: "stream-start", warnings: [] },
    { type: "response-metadata", id: "resp-1" },
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: "A " },
    { type: "text-delta", id: "1", delta: "draft." },
    { type: "text-end", id: "1" },
  ];
  const finish = (usage = USAGE): LanguageModelV3StreamPart => ({
    type: "finish",
    usage,
    finishReason: { unified: "stop", raw: "stop" },
  });
  const streaming = (...chunks: LanguageModelV3StreamPart[]) => ({
    stream: simulateReadableStream({ chunks, initialDelayInMs: null, chunkDelayInMs: null }),
  });

  async function read(model: ReturnType<typeof limited>, more: { abortSignal?: AbortSignal } = {}) {
    const errors: unknown[] = [];
    const result = streamText({ model, ...ASK, ...more, onError: ({ error }) => void errors.push(error) });
    let text = "";
    try {
      for await (const delta of result.textStream) text += delta;
    } catch (error) {
      errors.push(error);
    }
    return { text, errors };
  }

  it("holds while it streams, and counts what its end says", async () => {
    const { home, limits } = await opened();
    const model = mock({ doStream: streaming(...TEXT, finish()) });
    const result = streamText({ model: limited(limits, model), ...ASK });
    let text = "";
    for await (const delta of result.textStream) {
      expect(await held(limits)).toBe(300);
      text += delta;
    }
    expect(text).toBe("A draft.");
    expect((await result.totalUsage).totalTokens).toBe(160);
    // Written before the reader saw the end.
    expect(await held(limits)).toBe(0);
    expect(await ledger(home)).toMatchObject([COUNTED]);
    expect(await limits.record("ada", { output: 1, providerId: "resp-1" })).toMatchObject({
      status: "duplicate",
    });
  });

  it("reports what is blocked as an error, and does not call the model", async () => {
    const { limits } = await opened();
    const model = mock({ doStream: streaming(...TEXT, finish()) });
    const { text, errors } = await read(limited(limits, model, { user: "nobody" }));
    expect(text).toBe("");
    expect(errors[0]).toBeInstanceOf(LimitsBlockedError);
    expect(errors).toMatchObject([{ decision: { code: "user-unknown" } }]);
    expect(model.doStreamCalls).toEqual([]);
  });

  it("gives back what the provider refused before it streamed", async () => {
    const { home, limits } = await opened();
    const model = mock({ doStream: () => Promise.reject(refused(500)) });
    const { errors } = await read(limited(limits, model));
    expect(errors).toMatchObject([{ statusCode: 500 }]);
    expect(await held(limits)).toBe(0);
    expect(await ledger(home)).toEqual([]);
  });

  it.each([
    [
      "breaks",
      () =>
        new ReadableStream<LanguageModelV3StreamPart>({
          start: (controller) => {
            for (const part of TEXT) controller.enqueue(part);
          },
          pull: (controller) => controller.error(new Error("connection lost")),
        }),
      ["connection lost"],
      "error",
    ],
    ["just ends", () => streaming(...TEXT).stream, [], "ok"],
    ["ends without usage", () => streaming(...TEXT, finish(UNKNOWN)).stream, [], "ok"],
    [
      "fails without usage",
      () => streaming(...TEXT, { type: "error", error: new Error("odd") }, finish(UNKNOWN)).stream,
      ["odd"],
      "error",
    ],
  ])("charges the hold of a stream that %s", async (_name, stream, messages, status) => {
    const { home, limits } = await opened();
    const { errors } = await read(limited(limits, mock({ doStream: async () => ({ stream: stream() }) })));
    if (messages.length > 0) expect(errors).toMatchObject(messages.map((message) => ({ message })));
    expect(await held(limits)).toBe(0);
    expect(await ledger(home)).toMatchObject([{ ...CHARGED, status }]);
  });

  it("counts the usage of a stream that failed, marked so", async () => {
    const { home, limits } = await opened();
    const parts = [...TEXT.slice(0, 4), { type: "error", error: new Error("overloaded") } as const, finish()];
    const { errors } = await read(limited(limits, mock({ doStream: streaming(...parts) })));
    expect(errors).toMatchObject([{ message: "overloaded" }]);
    expect(await ledger(home)).toMatchObject([{ ...COUNTED, status: "error" }]);
  });

  /** A provider that sends its first words and then nothing more. */
  const endless = () => {
    const cancelled = vi.fn();
    const stream = new ReadableStream<LanguageModelV3StreamPart>({
      start: (controller) => {
        for (const part of TEXT.slice(0, 4)) controller.enqueue(part);
      },
      cancel: cancelled,
    });
    return { model: mock({ doStream: { stream } }), cancelled };
  };

  it("charges the hold of an aborted stream, and ends the provider's", async () => {
    const { home, limits } = await opened();
    const { model, cancelled } = endless();
    const abort = new AbortController();
    const onAbort = vi.fn();
    const result = streamText({ model: limited(limits, model), ...ASK, abortSignal: abort.signal, onAbort });
    for await (const delta of result.textStream) {
      expect(delta).toBe("A ");
      abort.abort();
    }
    expect(onAbort).toHaveBeenCalledOnce();
    expect(cancelled).toHaveBeenCalledOnce();
    expect(await held(limits)).toBe(0);
    expect(await ledger(home)).toMatchObject([{ ...CHARGED, status: "error" }]);
  });

  it("charges the hold when the reader leaves", async () => {
    const { home, limits } = await opened();
    const { model, cancelled } = endless();
    const { stream } = await limited(limits, model).doStream({
      prompt: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
      maxOutputTokens: 295,
    });
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel("seen enough");
    expect(cancelled).toHaveBeenCalledWith("seen enough");
    expect(await held(limits)).toBe(0);
    expect(await ledger(home)).toMatchObject([CHARGED]);
  });

  it("says that the charge of a stream that broke could not be written", async () => {
    const { limits } = await opened();
    const breaking = async function* () {
      yield* TEXT;
      await limits.close();
      throw new Error("connection lost");
    };
    const from = mock({ doStream: async () => ({ stream: ReadableStream.from(breaking()) }) });
    const failed: unknown[] = [];
    await read(limited(limits, from, { onError: (error) => failed.push(error) }));
    expect(failed).toHaveLength(1);
    expect(failed[0]).toBeInstanceOf(UnsettledError);
    expect(failed).toMatchObject([{ usage: { output: 300, status: "error" } }]);
  });

  it("renews a reservation that a long stream would outlive", async () => {
    let now = NOW;
    const { home, limits } = await opened({ now: () => now });
    const extend = vi.spyOn(limits, "extend");
    const model = limited(limits, mock({ doStream: streaming(...TEXT, finish()) }), {
      holdForMs: 10_000,
      now: () => now,
    });
    const { stream } = await model.doStream({
      prompt: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
      maxOutputTokens: 295,
    });
    for await (const part of stream) {
      if (part.type === "finish") break;
      // What renews goes out with the turn of the event loop.
      await new Promise(setImmediate);
      now += 4_000;
      expect(await held(limits)).toBe(300);
    }
    // Parts arrive after 0, 4, … 20 seconds; more than 5 seconds apart are those after 8 and 16.
    expect(extend).toHaveBeenCalledTimes(2);
    expect(await ledger(home)).toMatchObject([COUNTED]);
  });

  it("ends with what could not be written, or hands it to onError and goes on", async () => {
    const { home, limits } = await opened();
    const closing = async function* (of: Limits) {
      yield* TEXT;
      await of.close();
      yield finish();
    };
    const from = (of: Limits) =>
      mock({ doStream: async () => ({ stream: ReadableStream.from(closing(of)) }) });
    expect((await read(limited(limits, from(limits)))).errors[0]).toBeInstanceOf(UnsettledError);

    const again = await openLimits({ database: home.database, now: () => NOW });
    const failed: unknown[] = [];
    const model = limited(again, from(again), { onError: (error) => failed.push(error) });
    expect(await read(model)).toEqual({ text: "A draft.", errors: [] });
    expect(failed).toHaveLength(1);
    expect(failed).toMatchObject([{ usage: { input: 40, output: 60 } }]);
  });
});
