import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import connect from "connect";
import express from "express";
import express4 from "express4";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { limitsMiddleware, limitsOf } from "../../src/express.js";
import { NOW } from "../support/cli.js";
import { opened } from "../support/opened-limits.js";

type Middleware = ReturnType<typeof limitsMiddleware>;
type Handler = RequestListener;

/** How each framework is told to run the middleware and then the handler. */
const FRAMEWORKS: Record<string, (middleware: Middleware, handler: Handler) => RequestListener> = {
  "Express 5": (middleware, handler) => express().use(middleware).use(handler),
  "Express 4": (middleware, handler) => express4().use(middleware).use(handler),
  Connect: (middleware, handler) => connect().use(middleware).use(handler),
  "node:http": (middleware, handler) => (request, response) =>
    middleware(request, response, (error) => {
      if (error === undefined) handler(request, response);
      else response.writeHead(500).end();
    }),
};

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.each(Object.entries(FRAMEWORKS))("under %s", (_name, application) => {
  it("what a handler reports is counted, and what the next one asks for beyond the limit is blocked", async () => {
    const { home, limits } = await opened();
    const handler = vi.fn<Handler>((request, response) => {
      limitsOf(request)?.report({ input: 20, output: 30, cost: 77 });
      response.end("A draft.");
    });
    const middleware = limitsMiddleware(limits, {
      request: ({ url }) => ({ user: "ada", tokens: url === "/long" ? 2_000 : 300, cost: 1_000 }),
      now: () => NOW,
    });
    const url = await serving(application(middleware, handler));

    const short = await fetch(url);
    expect(await short.text()).toBe("A draft.");
    // Usage is written when the response has ended, which its reader may see a moment before.
    await vi.waitFor(async () => {
      expect(await limits.check({ user: "ada", tokens: 1 })).toMatchObject({ used: 50, held: 0 });
    });
    const long = await fetch(`${url}/long`);
    expect(long.status).toBe(429);
    expect(await long.json()).toMatchObject({ error: { code: "request-too-large" } });
    expect(handler).toHaveBeenCalledOnce();
    expect(await home.json(["usage", "events"])).toMatchObject([{ output_tokens: 30, cost: { nanos: 77 } }]);
  });

  it("what goes wrong before the decision is the framework's to answer, and no handler runs", async () => {
    const { limits } = await opened();
    const handler = vi.fn<Handler>();
    const middleware = limitsMiddleware(limits, {
      request: () => {
        throw new Error("who is it?");
      },
    });
    vi.spyOn(console, "error").mockReturnValue();
    const response = await fetch(await serving(application(middleware, handler)));
    expect(response.status).toBe(500);
    expect(handler).not.toHaveBeenCalled();
  });
});
