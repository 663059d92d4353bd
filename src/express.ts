/**
 * A middleware for Express, Connect and plain `node:http` that limits and meters requests. See docs/integrations.md.
 * @module
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type Decision,
  type Instant,
  type Limits,
  type LimitsRequest,
  type ReservationHandle,
  UnsettledError,
  type UsageReport,
} from "./index.js";
import { answerBlocked, blockingQuota, fullestQuota, setRateLimit } from "./integrations/http-answer.js";
import { messageOf, tell, warn } from "./integrations/telling.js";
import { WordlessEnd, withoutWordlessEnd } from "./integrations/wordless-end.js";

/** What a handler tells about the request that it serves. */
export interface RequestLimits {
  /** What admitted it: `maxTokens` is what may be granted to the model, `message` what may be told to the tester. */
  readonly decision: Decision;
  /**
   * Says what the request used; the last word counts.
   * @returns `false` when it comes too late: the response has ended, and the request is settled
   * @throws AlphaError `usage` for counts that make no sense; what was said before it stands
   */
  report(usage: UsageReport): boolean;
  /** Says that nothing was used. Unless usage is reported nevertheless, what was held is given back. */
  neverBegan(): void;
}

export interface LimitsMiddlewareOptions<Request extends IncomingMessage = IncomingMessage> {
  /** What the request asks for; `null`: it is not limited, and `limitsOf` has nothing for it. */
  readonly request: (request: Request) => LimitsRequest | null | Promise<LimitsRequest | null>;
  /**
   * `reserve`, the default, holds what is asked for until the response has ended, and charges it if nothing is
   * reported. `check` only decides: two requests at once may both pass, and only what is reported counts.
   */
  readonly mode?: "reserve" | "check";
  /** How long a reservation holds, in milliseconds; the setting `hold_ttl` unless given. */
  readonly holdForMs?: number;
  /** Whether responses carry the `RateLimit` fields; `true` unless given. */
  readonly headers?: boolean;
  /** Answers a blocked request instead of the JSON body with status 429, 403 or 503. */
  readonly onBlocked?: (
    decision: Decision,
    request: Request,
    response: ServerResponse,
    next: Next,
  ) => unknown;
  /**
   * Told when usage could not be written, after the response: keep the error, and call its `retry()` when what its
   * `code` says is mended: `database`, most often. Unless given, it is a warning of the process (`process.on("warning")`).
   */
  readonly onError?: (error: unknown, request: Request) => void;
  /** The clock for `Retry-After` and `RateLimit-Reset`; the machine's unless given. */
  readonly now?: () => Instant;
}

type Next = (error?: unknown) => void;
/** The call is `null` where the decision is to block. */
type Admission = { readonly decision: Decision; readonly call: Call | null };
/** How a response came to its end: sent, or cut off because the client went away. */
type End = "finished" | "closed";

const METERED = new WeakMap<IncomingMessage, RequestLimits>();

/** What the middleware keeps for a request; `undefined` when the request is not limited. */
export function limitsOf(request: IncomingMessage): RequestLimits | undefined {
  return METERED.get(request);
}

/**
 * Limits requests before their handler runs, and meters them when the response has ended, once.
 * A request whose client went away before the handler ran uses nothing, and the handler does not run.
 */
export function limitsMiddleware<Request extends IncomingMessage = IncomingMessage>(
  limits: Limits,
  options: LimitsMiddlewareOptions<Request>,
): (request: Request, response: ServerResponse, next: Next) => void {
  const { mode = "reserve", headers = true, now = Date.now, onBlocked, onError = warnOf } = options;

  /** `true`: the handler is to run. */
  async function enter(request: Request, response: ServerResponse, next: Next): Promise<boolean> {
    const asked = await options.request(request);
    if (asked === null) return true;
    const ending = new Ending(response);
    const report = (error: unknown) => tell((told) => onError(told, request), error);
    const { decision, call } =
      mode === "check"
        ? await checked(limits, asked, ending, report)
        : await reserved(limits, asked, ending, report, options.holdForMs);

    if (call === null) {
      if (ending.how !== null) return false;
      if (headers) setRateLimit(response, blockingQuota(decision), now());
      if (onBlocked === undefined) answerBlocked(decision, response, now());
      else await onBlocked(decision, request, response, next);
      return false;
    }
    // Asked again, with the hold in place: what is left is then right for many requests at once, too.
    if (headers) {
      const { maxTokens, ...rest } = asked;
      const standing = await limits.check({ ...rest, tokens: 0, images: 0, cost: 0 });
      setRateLimit(response, fullestQuota(standing, asked), now());
    }
    if (ending.how !== null) return false;
    call.handlerRuns = true;
    METERED.set(request, call);
    return true;
  }

  return (request, response, next) => {
    enter(request, response, next).then((runs) => {
      // Outside of what catches: an error of the handler's own is none of ours.
      if (runs) queueMicrotask(next);
    }, next);
  };
}

/** How a response comes to its end. */
class Ending {
  how: End | null = null;
  readonly reached: Promise<void>;

  constructor(private readonly response: ServerResponse) {
    this.reached = new Promise((resolve) => {
      const end = (how: End) => {
        this.how ??= how;
        resolve();
      };
      if (response.closed || response.destroyed) return end("closed");
      response.once("finish", () => end("finished"));
      response.once("close", () => end("closed"));
    });
  }

  get isFailure(): boolean {
    return this.response.statusCode >= 500;
  }
}

/** One admitted request, until its response ends. */
class Call implements RequestLimits {
  handlerRuns = false;
  usage: UsageReport | null = null;
  #began = true;

  constructor(
    private readonly limits: Limits,
    readonly decision: Decision,
    private readonly ending: Ending,
  ) {}

  /** Whether the hold is to be given back. */
  get usedNothing(): boolean {
    return this.usage === null && !(this.handlerRuns && this.#began);
  }

  report(usage: UsageReport): boolean {
    if (this.ending.how !== null) return false;
    this.limits.requireReport(usage);
    this.usage = usage;
    return true;
  }

  neverBegan(): void {
    this.#began = false;
  }
}

function reserved(
  limits: Limits,
  asked: LimitsRequest,
  ending: Ending,
  onError: (error: unknown) => void,
  holdForMs: number | undefined,
): Promise<Admission> {
  return new Promise((resolve, reject) => {
    let admitted = false;
    const untilTheEnd = limits.guard(
      asked,
      async (guarded) => {
        const { decision } = guarded;
        const call = new Call(limits, decision, ending);
        admitted = true;
        resolve({ decision, call });
        await ending.reached;
        if (call.usage !== null) {
          guarded.report(call.usage);
          return;
        }
        if (call.usedNothing) guarded.neverBegan();
        if (call.usedNothing || ending.isFailure) throw new WordlessEnd();
      },
      holdForMs === undefined ? {} : { holdForMs },
    );
    withoutWordlessEnd(untilTheEnd).then(
      (result) => {
        if (result?.admitted === false) resolve({ decision: result.decision, call: null });
      },
      // Where it is the hold that could not be given back, nothing is lost: it expires.
      (error: unknown) => (admitted ? onError(error) : reject(error)),
    );
  });
}

async function checked(
  limits: Limits,
  asked: LimitsRequest,
  ending: Ending,
  onError: (error: unknown) => void,
): Promise<Admission> {
  const decision = await limits.check(asked);
  if (decision.outcome === "block") return { decision, call: null };
  const call = new Call(limits, decision, ending);
  const { user, provider = "", model = "", feature = "" } = asked;
  const handle: ReservationHandle = { user, id: `http-${randomUUID()}`, provider, model, feature };
  void ending.reached.then(async () => {
    if (call.usage === null) return;
    const usage = { provider, model, feature, ...call.usage };
    const write = () => limits.record(user, usage, { id: handle.id });
    await write().catch((error: unknown) => {
      onError(new UnsettledError(undefined, handle, usage, write, error));
    });
  });
  return { decision, call };
}

function warnOf(error: unknown): void {
  warn(
    `after a request: ${messageOf(error)}`,
    "pass onError to limitsMiddleware to keep what could not be written, and to write it later",
  );
}
