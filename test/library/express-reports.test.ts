import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  type LimitsMiddlewareOptions,
  limitsMiddleware,
  limitsOf,
  type RequestLimits,
} from "../../src/express.js";
import { AlphaError, type Limits, type LimitsRequest } from "../../src/index.js";
import { type Home, NOW } from "../support/cli.js";
import { opened } from "../support/opened-limits.js";

const ASK: LimitsRequest = { user: "ada", tokens: 300, provider: "azure", model: "our-model-7b" };

/** How long is waited at most for what happens after the response, programs that are started for it included. */
const PATIENT = { timeout: 20_000 };

type Handler = (call: RequestLimits, response: ServerResponse) => void;

/** Serves on a port of its own, and gets one answer. */
async function answered(
  limits: Limits,
  handler: Handler,
  options: Partial<LimitsMiddlewareOptions> = {},
): Promise<Response> {
  const limited = limitsMiddleware(limits, { request: () => ASK, now: () => NOW, ...options });
  const serve = (request: IncomingMessage, response: ServerResponse) =>
    limited(request, response, (error) => {
      if (error instanceof Error) response.writeHead(500).end(error.message);
      else handler(limitsOf(request)!, response);
    });
  const server = createServer(serve).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** What is counted once the response has ended, which its reader may see a moment before. */
async function counted(home: Home, limits: Limits) {
  await vi.waitFor(
    async () => expect((await limits.check({ user: "ada", tokens: 1 })).held).toBe(0),
    PATIENT,
  );
  return (await home.json(["usage", "events"])).reverse();
}

describe("a request that says maxTokens", () => {
  const request = () => ({ user: "ada", maxTokens: 700 });

  it.each(["reserve", "check"] as const)("is admitted, and its handler knows how many (%s)", async (mode) => {
    const { home, limits } = await opened();
    await limits.record("ada", { output: 600 });
    const response = await answered(
      limits,
      (call, answer) => {
        const { decision } = call;
        call.report({ output: 5 });
        answer.end(`${decision.code} ${decision.maxTokens}`);
      },
      { request, mode },
    );
    expect(await response.text()).toBe("near-limit 400");
    expect(response.status).toBe(200);
    expect(response.headers.get("ratelimit-limit")).toBe("1000");
    expect(response.headers.get("ratelimit-remaining")).toBe(mode === "reserve" ? "0" : "400");
    await vi.waitFor(async () => expect(await counted(home, limits)).toHaveLength(2), PATIENT);
  });
});

describe("a report that makes no sense", () => {
  it.each(["reserve", "check"] as const)("is refused where it is made (%s)", async (mode) => {
    const { home, limits } = await opened();
    const onError = vi.fn();
    const response = await answered(
      limits,
      (call, answer) => {
        expect(call.report({ output: 3 })).toBe(true);
        let refused: unknown;
        try {
          call.report({ output: -5 });
        } catch (error) {
          refused = error;
        }
        expect(refused).toBeInstanceOf(AlphaError);
        answer.end((refused as AlphaError).code);
      },
      { mode, onError },
    );
    expect(await response.text()).toBe("usage");
    // What made sense before still stands.
    await vi.waitFor(
      async () => expect(await counted(home, limits)).toMatchObject([{ output_tokens: 3, estimated: false }]),
      PATIENT,
    );
    expect(onError).not.toHaveBeenCalled();
  });
});

describe("a handler that does not report", () => {
  it.each([
    [200, "ok"],
    [404, "ok"],
    [500, "error"],
  ])("and answers %i has its hold charged without a cost, with status %s", async (code, status) => {
    const { home, limits } = await opened();
    const onError = vi.fn();
    await answered(limits, (_, answer) => void answer.writeHead(code).end(), { onError });
    expect(await counted(home, limits)).toMatchObject([
      { output_tokens: 300, estimated: true, priced_by: "none", unpriced: true, status },
    ]);
    expect(onError).not.toHaveBeenCalled();
  });
});

it("what is refused for good does not ask to be tried again", async () => {
  const { home, limits } = await opened();
  const onError = vi.fn();
  await answered(
    limits,
    async (call, answer) => {
      call.report({ output: 3 });
      await home.ok(["users", "remove", "ada", "--yes"]);
      await home.ok(["users", "erase", "ada", "--yes"]);
      answer.end();
    },
    { mode: "check", onError },
  );
  await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce(), PATIENT);
  expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: "not-found" });
});
