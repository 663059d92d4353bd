import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { LanguageModelV3StreamPart, LanguageModelV3Usage } from "@ai-sdk/provider";
import { generateText, simulateReadableStream, streamText, wrapLanguageModel } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type LimitsModelOptions, limitsModelMiddleware } from "../../src/ai-sdk.js";
import { limitsMiddleware, limitsOf } from "../../src/express.js";
import { type Limits, openLimits } from "../../src/index.js";
import { freshHome, NOW } from "../support/cli.js";

const ASK = { prompt: "Hi", maxOutputTokens: 295, maxRetries: 0 };
const COUNTED = {
  input_tokens: 40,
  cached_input_tokens: 60,
  output_tokens: 60,
  estimated: false,
  status: "ok",
};
const CHARGED = { output_tokens: 300, estimated: true, status: "ok" };

function usage(input: object = {}, output: object = {}): LanguageModelV3Usage {
  return {
    inputTokens: { total: 100, noCache: 40, cacheRead: 60, cacheWrite: 0, ...input },
    outputTokens: { total: 60, text: 35, reasoning: 25, ...output },
  };
}

async function opened() {
  const home = freshHome();
  await home.ok(["init"]);
  await home.ok(["users", "add", "ada@example.com", "--id", "ada"]);
  const limits = await openLimits({ database: home.database, now: () => NOW });
  onTestFinished(() => limits.close());
  const ledger = async () => (await home.json(["usage", "events"])).reverse();
  return { limits, ledger };
}

interface Answer {
  readonly id?: string;
  readonly usage?: LanguageModelV3Usage;
  /** Runs when the provider has begun. */
  readonly meanwhile?: () => Promise<void>;
}

/** A limited model that answers "A draft." either way. */
function limited(limits: Limits, answer: Answer, options: LimitsModelOptions = {}) {
  const { id, usage: used = usage(), meanwhile } = answer;
  const finishReason = { unified: "stop", raw: "stop" } as const;
  const chunks: LanguageModelV3StreamPart[] = [
    ...(id === undefined ? [] : [{ type: "response-metadata", id } as const]),
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: "A draft." },
    { type: "text-end", id: "1" },
    { type: "finish", usage: used, finishReason },
  ];
  const model = new MockLanguageModelV3({
    provider: "openai.responses",
    modelId: "gpt-4o-mini",
    doGenerate: async () => {
      await meanwhile?.();
      const content = [{ type: "text" as const, text: "A draft." }];
      return { content, finishReason, usage: used, warnings: [], ...(id && { response: { id } }) };
    },
    doStream: async () => {
      await meanwhile?.();
      return { stream: simulateReadableStream({ chunks, initialDelayInMs: null, chunkDelayInMs: null }) };
    },
  });
  return wrapLanguageModel({ model, middleware: limitsModelMiddleware(limits, { user: "ada", ...options }) });
}

type Model = ReturnType<typeof limited>;

/** The texts of a result and of a stream. */
const ways: [string, (model: Model) => Promise<string>][] = [
  ["generateText", async (model) => (await generateText({ model, ...ASK })).text],
  [
    "streamText",
    async (model) => {
      const errors: unknown[] = [];
      const result = streamText({ model, ...ASK, onError: ({ error }) => void errors.push(error) });
      let text = "";
      for await (const delta of result.textStream) text += delta;
      expect(errors).toEqual([]);
      return text;
    },
  ],
];

describe.each(ways)("what a provider says wrongly takes no result away (%s)", (_, textOf) => {
  it.each(["x".repeat(513), "a\0b", 7 as unknown as string])(
    "an id that cannot be kept is none",
    async (id) => {
      const { limits, ledger } = await opened();
      expect(await textOf(limited(limits, { id }))).toBe("A draft.");
      expect(await ledger()).toMatchObject([COUNTED]);
    },
  );

  it("an id that can be kept is", async () => {
    const { limits, ledger } = await opened();
    expect(await textOf(limited(limits, { id: "x".repeat(512) }))).toBe("A draft.");
    expect(await ledger()).toMatchObject([COUNTED]);
    const again = await limits.record("ada", { output: 1, providerId: "x".repeat(512) });
    expect(again).toMatchObject({ status: "duplicate" });
  });

  it.each([
    usage({ total: 1e12, noCache: undefined }),
    usage({ noCache: 1e300 }),
    usage({}, { total: 1e12 }),
    usage({}, { total: undefined, text: 1e10, reasoning: 1e10 }),
  ])("counts that no call can use charge the hold", async (used) => {
    const { limits, ledger } = await opened();
    expect(await textOf(limited(limits, { id: "resp-1", usage: used }))).toBe("A draft.");
    expect(await ledger()).toMatchObject([CHARGED]);
  });

  it("an estimate of the prompt is rounded up", async () => {
    const { limits, ledger } = await opened();
    const guard = vi.spyOn(limits, "guard");
    expect(await textOf(limited(limits, {}, { estimateInput: () => 1.2 }))).toBe("A draft.");
    expect(guard.mock.calls.map(([{ tokens }]) => tokens)).toEqual([297]);
    expect(await ledger()).toMatchObject([COUNTED]);
  });
});

/** An `onError` that fails, now or later, and the process's word about it. */
const failing: [string, (error: unknown) => void][] = [
  [
    "throws",
    () => {
      throw new Error("no such queue");
    },
  ],
  ["rejects", async () => Promise.reject(new Error("no such queue"))],
];

async function warned() {
  const [warning] = (await once(process, "warning")) as [Error & { detail?: string; code?: string }];
  return warning;
}
const WARNING = {
  name: "AlphaLimitsWarning",
  code: "ALPHA_UNSETTLED",
  message: "onError failed: no such queue",
  detail: "it was told of: the call was made, but its usage could not be written",
};

describe.each(failing)("an onError that %s is a warning of the process", (_, onError) => {
  it.each(ways)("and takes no result away (%s)", async (_name, textOf) => {
    const { limits } = await opened();
    const warning = warned();
    const model = limited(limits, { meanwhile: () => limits.close() }, { onError });
    expect(await textOf(model)).toBe("A draft.");
    expect(await warning).toMatchObject(WARNING);
  });

  it.each(["reserve", "check"] as const)("and not its end (%s)", async (mode) => {
    const { limits } = await opened();
    const limit = limitsMiddleware(limits, { request: () => ({ user: "ada", tokens: 9 }), mode, onError });
    const server = createServer((request, response) =>
      limit(request, response, async () => {
        limitsOf(request)?.report({ output: 7 });
        await limits.close();
        response.end("done");
      }),
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const warning = warned();
    const answered = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await answered.text()).toBe("done");
    expect(await warning).toMatchObject(WARNING);
    server.closeAllConnections();
  });
});
