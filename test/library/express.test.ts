import { once } from "node:events";
import { createServer, request as httpRequest, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import Database from "better-sqlite3";
import express from "express";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type LimitsMiddlewareOptions, limitsMiddleware, limitsOf } from "../../src/express.js";
import { type Limits, type LimitsRequest, openLimits, UnsettledError } from "../../src/index.js";
import { type Home, NOW } from "../support/cli.js";
import { opened } from "../support/opened-limits.js";

const ASK: LimitsRequest = { user: "ada", tokens: 300, cost: 1_000, feature: "blog_writer" };

/** Serves on a port of its own; the address of the server. */
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

function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

type Options = Partial<LimitsMiddlewareOptions<express.Request>>;

/** An Express application whose one route is limited. */
function application(
  limits: Limits,
  handler: express.RequestHandler,
  options: Options = {},
): express.Express {
  const app = express();
  app.use(limitsMiddleware<express.Request>(limits, { request: () => ASK, now: () => NOW, ...options }));
  app.get("/", handler);
  return app;
}

async function ledger(home: Home) {
  return (await home.json(["usage", "events"])).reverse();
}

const held = async (limits: Limits) => (await limits.check({ user: "ada", tokens: 1 })).held;

/** Usage is written when the response has ended, which its reader may see a moment before. */
const settled = (limits: Limits) => vi.waitFor(async () => expect(await held(limits)).toBe(0));

describe("the Express middleware", () => {
  it("holds while the handler runs, and counts what it reports", async () => {
    const { home, limits } = await opened();
    let during = 0;
    const url = await serving(
      application(limits, async (req, res) => {
        during = await held(limits);
        expect(limitsOf(req)?.report({ input: 20, output: 30, cost: 77, providerId: "r-1" })).toBe(true);
        res.json({ text: "A draft." });
      }),
    );
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(during).toBe(300);
    await settled(limits);
    expect(await ledger(home)).toMatchObject([
      { input_tokens: 20, output_tokens: 30, cost: { nanos: 77 }, estimated: false, feature: "blog_writer" },
    ]);
    expect((await limits.check(ASK)).used).toBe(50);
  });

  it("charges the hold when the handler says nothing, also when it fails", async () => {
    const { home, limits } = await opened();
    const app = application(limits, (req, res) => {
      if (req.query.fail !== undefined) throw new Error("no model");
      res.json({});
    });
    app.use(((_error, _req, res, _next) => void res.status(500).end()) as express.ErrorRequestHandler);
    const url = await serving(app);
    await fetch(url);
    expect((await fetch(`${url}?fail`)).status).toBe(500);
    await settled(limits);
    const charged = { output_tokens: 300, cost: { nanos: 1_000 }, estimated: true };
    expect(await ledger(home)).toMatchObject([charged, charged]);
  });

  it("gives the hold back when the handler says that nothing began", async () => {
    const { home, limits } = await opened();
    const url = await serving(
      application(limits, (req, res) => {
        limitsOf(req)?.neverBegan();
        res.status(400).end();
      }),
    );
    expect((await fetch(url)).status).toBe(400);
    await settled(limits);
    expect(await ledger(home)).toEqual([]);
  });

  it("takes the last report, and none after the response", async () => {
    const { home, limits } = await opened();
    let late: boolean | undefined;
    const url = await serving(
      application(limits, (req, res) => {
        const call = limitsOf(req);
        call?.report({ output: 1, cost: 0 });
        call?.report({ output: 2, cost: 0 });
        res.once("close", () => {
          late = call?.report({ output: 3, cost: 0 });
        });
        res.end();
      }),
    );
    await fetch(url);
    await vi.waitFor(() => expect(late).toBe(false));
    await settled(limits);
    expect(await ledger(home)).toMatchObject([{ output_tokens: 2 }]);
  });

  it("answers a blocked request, and does not run its handler", async () => {
    const { limits } = await opened();
    const handler = vi.fn();
    const url = await serving(application(limits, handler, { request: () => ({ ...ASK, tokens: 2_000 }) }));
    const response = await fetch(url);
    expect(response.status).toBe(429);
    // Half a day until the new one: the clock stands at noon.
    expect(response.headers.get("retry-after")).toBe(String(12 * 3_600));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      "ratelimit-limit": "1000",
      "ratelimit-remaining": "1000",
      "ratelimit-reset": String(12 * 3_600),
    });
    expect(await response.json()).toEqual({
      error: {
        code: "request-too-large",
        message: "This call asks for 2,000 tokens, more than your whole daily limit of 1,000.",
        resetsAt: "2026-11-23T00:00:00.000Z",
        meter: "tokens",
        period: "day",
        limit: 1_000,
        remaining: 1_000,
      },
    });
    expect(handler).not.toHaveBeenCalled();
    expect(await held(limits)).toBe(0);
  });

  it.each([
    ["user-unknown", 403, ["status"], { user: "nobody" }],
    ["user-suspended", 403, ["users", "suspend", "ada"], {}],
    ["feature-not-in-tier", 403, ["status"], { feature: "seo_analysis" }],
    ["emergency-stop", 503, ["emergency-stop", "on"], {}],
    ["quota-disabled", 429, ["tiers", "set", "free", "--daily-tokens", "0"], {}],
  ])("answers %s with %i", async (code, status, command, ask) => {
    const { home, limits } = await opened();
    if (command[0] !== "status") await home.ok(command);
    const url = await serving(application(limits, vi.fn(), { request: () => ({ ...ASK, ...ask }) }));
    const response = await fetch(url);
    expect(response.status).toBe(status);
    expect(response.headers.has("retry-after")).toBe(false);
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  it("answers with 503 when the database cannot be written in time", async () => {
    const { home } = await opened();
    const limits = await openLimits({ database: home.database, now: () => NOW, waitMs: 1 });
    onTestFinished(() => limits.close());
    const url = await serving(application(limits, vi.fn()));
    const other = new Database(home.database);
    onTestFinished(() => void other.close());
    other.exec("begin immediate");
    const response = await fetch(url);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: "store-unavailable" } });
  });

  it("tells what is left with this request's hold in place, or nothing", async () => {
    const { limits } = await opened();
    const handler: express.RequestHandler = (_req, res) => void res.end();
    const told = await fetch(await serving(application(limits, handler)));
    expect(told.headers.get("ratelimit-limit")).toBe("1000");
    expect(told.headers.get("ratelimit-remaining")).toBe("700");
    expect(told.headers.get("ratelimit-reset")).toBe(String(12 * 3_600));
    const silent = await fetch(await serving(application(limits, handler, { headers: false })));
    expect([...silent.headers.keys()].filter((name) => name.startsWith("ratelimit"))).toEqual([]);
    await settled(limits);
    // 600 of 1,000 tokens are used; of the month's $10, this one holds nine.
    const request = () => ({ ...ASK, tokens: 1, cost: 9_000_000_000 });
    const dear = await fetch(await serving(application(limits, handler, { request })));
    expect(dear.headers.get("ratelimit-limit")).toBe("10000000000");
    expect(dear.headers.get("ratelimit-remaining")).toBe("999998000");
    await settled(limits);
  });

  it("leaves alone what is not limited", async () => {
    const { home, limits } = await opened();
    const url = await serving(
      application(limits, (req, res) => void res.json({ limited: limitsOf(req) !== undefined }), {
        request: async () => null,
      }),
    );
    expect(await (await fetch(url)).json()).toEqual({ limited: false });
    expect(await ledger(home)).toEqual([]);
  });

  it("lets the application answer what is blocked, and hands on what fails", async () => {
    const { home, limits } = await opened();
    await home.ok(["emergency-stop", "on"]);
    const answered = await fetch(
      await serving(
        application(limits, vi.fn(), {
          onBlocked: ({ code }, _req, res) => void res.writeHead(418).end(code),
        }),
      ),
    );
    expect([answered.status, await answered.text()]).toEqual([418, "emergency-stop"]);
    const app = application(limits, vi.fn(), { request: () => ({ ...ASK, tokens: -1 }) });
    app.use(
      ((error, _req, res, _next) => void res.status(500).end(error.message)) as express.ErrorRequestHandler,
    );
    expect(await (await fetch(await serving(app))).text()).toContain("tokens must be a whole number");
  });

  it("admits what fits when many ask at once", async () => {
    const { home, limits } = await opened();
    const url = await serving(
      application(
        limits,
        (req, res) => {
          limitsOf(req)?.report({ output: 100, cost: 0 });
          res.end();
        },
        { request: () => ({ ...ASK, tokens: 100 }) },
      ),
    );
    const all = await Promise.all(Array.from({ length: 40 }, async () => (await fetch(url)).status));
    expect(all.filter((status) => status === 200)).toHaveLength(10);
    expect(all.filter((status) => status === 429)).toHaveLength(30);
    await settled(limits);
    expect(await ledger(home)).toHaveLength(10);
  });
});

describe("a client that goes away", () => {
  /** Asks, and goes away when told to. */
  function asking(url: string): { leave(): void } {
    const request = httpRequest(url);
    request.on("error", () => {});
    request.end();
    return { leave: () => void request.destroy() };
  }

  it.each([
    ["charges the hold", undefined, { output_tokens: 300, estimated: true }],
    ["counts what was reported", { output: 7, cost: 0 }, { output_tokens: 7, estimated: false }],
  ])("%s while the handler runs", async (_name, usage, counted) => {
    const { home, limits } = await opened();
    const running = deferred<void>();
    const url = await serving(
      application(limits, (req, res) => {
        if (usage !== undefined) limitsOf(req)?.report(usage);
        res.write("A dr");
        running.resolve();
      }),
    );
    const client = asking(url);
    await running.promise;
    expect(await held(limits)).toBe(300);
    client.leave();
    await settled(limits);
    expect(await ledger(home)).toMatchObject([counted]);
  });

  it.each(["reserve", "check"] as const)("uses nothing before the handler ran (%s)", async (mode) => {
    const { home, limits } = await opened();
    const asked = deferred<void>();
    const gone = deferred<void>();
    const handler = vi.fn();
    const app = express();
    app.use((_req, res, next) => {
      res.once("close", () => gone.resolve());
      next();
    });
    app.use(
      application(limits, handler, {
        mode,
        request: async () => {
          asked.resolve();
          await gone.promise;
          return ASK;
        },
      }),
    );
    const reserve = vi.spyOn(limits, mode === "reserve" ? "guard" : "check");
    const client = asking(await serving(app));
    await asked.promise;
    client.leave();
    await vi.waitFor(() => expect(reserve).toHaveBeenCalled());
    await settled(limits);
    expect(handler).not.toHaveBeenCalled();
    expect(await ledger(home)).toEqual([]);
  });
});

describe("mode check", () => {
  it("holds nothing, counts what is reported, and nothing else", async () => {
    const { home, limits } = await opened();
    let during: number | undefined;
    const app = application(
      limits,
      async (req, res) => {
        during = await held(limits);
        if (req.query.report !== undefined) limitsOf(req)?.report({ output: 40, cost: 5 });
        res.end();
      },
      { mode: "check" },
    );
    const url = await serving(app);
    await fetch(url);
    await fetch(`${url}?report`);
    expect(during).toBe(0);
    await vi.waitFor(async () => expect((await limits.check(ASK)).used).toBe(40));
    expect(await ledger(home)).toMatchObject([
      { output_tokens: 40, feature: "blog_writer", estimated: false },
    ]);
  });
});

describe("usage that cannot be written", () => {
  it.each(["reserve", "check"] as const)("goes to onError with a retry (%s)", async (mode) => {
    const { home, limits } = await opened();
    const failed = deferred<unknown>();
    const url = await serving(
      application(
        limits,
        async (req, res) => {
          limitsOf(req)?.report({ output: 7, cost: 1 });
          await limits.close();
          res.end("done");
        },
        { mode, onError: failed.resolve },
      ),
    );
    expect(await (await fetch(url)).text()).toBe("done");
    const error = await failed.promise;
    expect(error).toBeInstanceOf(UnsettledError);
    const { handle, usage } = error as UnsettledError;
    const again = await openLimits({ database: home.database, now: () => NOW });
    onTestFinished(() => again.close());
    expect((await again.settle(handle, usage)).status).toBe("inserted");
    expect(await ledger(home)).toMatchObject([{ output_tokens: 7, feature: "blog_writer" }]);
  });

  it("is a warning of the process when nobody listens", async () => {
    const { limits } = await opened();
    const warned = once(process, "warning");
    const url = await serving(
      application(limits, async (_req, res) => {
        await limits.close();
        res.end();
      }),
    );
    await fetch(url);
    expect((await warned)[0]).toMatchObject({ name: "AlphaLimitsWarning", code: "ALPHA_UNSETTLED" });
  });
});

it("needs no framework", async () => {
  const { home, limits } = await opened();
  const limited = limitsMiddleware(limits, {
    request: (req) => ({ ...ASK, user: String(req.headers["x-user"]) }),
  });
  const url = await serving((req, res) =>
    limited(req, res, (error) => {
      if (error !== undefined) res.statusCode = 500;
      limitsOf(req)?.report({ output: 9, cost: 0 });
      res.end();
    }),
  );
  expect((await fetch(url, { headers: { "x-user": "ada" } })).status).toBe(200);
  expect((await fetch(url)).status).toBe(403);
  await settled(limits);
  expect(await ledger(home)).toMatchObject([{ output_tokens: 9 }]);
});
