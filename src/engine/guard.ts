import type { Decision } from "../domain/decide.js";
import { AlphaError } from "../errors.js";
import type { LimitsEngine, LimitsRequest, Recorded, ReservationHandle, UsageReport } from "./limits.js";

/** What a guarded function is given. */
export interface GuardContext {
  /** The reservation that holds for this call. */
  readonly handle: ReservationHandle;
  /** What admitted it: `maxTokens` is what may be granted to the model, `message` what may be told to the tester. */
  readonly decision: Decision;
  /**
   * Says what the call used; the last word counts. Without it the hold is charged and marked as estimated. Of a call
   * that throws, the `status` is `error` unless it is said.
   * @throws AlphaError `usage` for counts that make no sense
   */
  report(usage: UsageReport): void;
  /**
   * Counts a part of what the call uses while it goes on; what is reported in the end is then the rest.
   * @throws AlphaError `database` when it cannot be written: count it with a later part, or in the end
   */
  settlePart(usage: UsageReport): Promise<Recorded>;
  /** The signal that was handed to `guard`, to be handed on to the provider's client. */
  readonly signal: AbortSignal | undefined;
  /** Says that the provider has begun to work. Needed with `beginsExplicitly` only. */
  began(): void;
  /** Says that the provider never began: when the function then throws, nothing is charged. */
  neverBegan(): void;
}

export interface GuardOptions {
  /**
   * Id of the reservation and of the usage; a retry with the same id counts once. Once it is settled, the function does
   * not run again: `already-settled`.
   */
  readonly id?: string;
  /** How long the reservation holds, in milliseconds; the setting `hold_ttl` unless given. */
  readonly holdForMs?: number;
  /** The function calls `began()` when the provider begins: if it throws before, nothing is charged. */
  readonly beginsExplicitly?: boolean;
  /** Ends the call: nothing is reserved when it is aborted already, and it reaches the function as `signal`. */
  readonly signal?: AbortSignal;
}

export type GuardResult<T> =
  | { readonly admitted: false; readonly decision: Decision }
  | { readonly admitted: true; readonly decision: Decision; readonly value: T; readonly recorded: Recorded };

/**
 * The call was made, but what it used could not be written. The value is not lost, and neither is the usage: `retry`
 * writes it under the same id, so that it counts once however often it is tried. `code` is `database`, or what else the
 * usage was refused for, such as `not-found` for a tester who is gone: then `retry` helps only when that is mended.
 */
export class UnsettledError<T = unknown> extends AlphaError {
  constructor(
    /** What the guarded function returned; `undefined` when it threw. */
    readonly value: T,
    readonly handle: ReservationHandle,
    readonly usage: UsageReport,
    readonly retry: () => Promise<Recorded>,
    cause: unknown,
  ) {
    const said = "the call was made, but its usage could not be written";
    // What was refused for another reason than the database is refused again, as it is.
    const refused = cause instanceof AlphaError && cause.code !== "database" ? cause : null;
    super(refused?.code ?? "database", refused === null ? said : `${said}: ${refused.message}`, {
      hint:
        refused === null
          ? "call retry() on this error when the database is back; the id makes it count once"
          : refused.hint,
      cause,
    });
  }
}

/**
 * Reserves, runs `fn`, and settles with what it reports. A blocked request does not run `fn`. When `fn` throws, its
 * error goes on to the caller after the hold was charged as an estimate, or released if the provider never began.
 */
export async function guard<T>(
  limits: LimitsEngine,
  request: LimitsRequest,
  fn: (context: GuardContext) => T | Promise<T>,
  options: GuardOptions = {},
): Promise<GuardResult<T>> {
  const { signal } = options;
  signal?.throwIfAborted();
  const { decision, reservation } = await limits.reserve(request, options);
  if (reservation === null) return { admitted: false, decision };
  const { handle } = reservation;
  if (signal?.aborted === true) {
    await limits.release(handle);
    throw signal.reason;
  }
  // What is charged when nobody says what was used: all that was held, as output, the dearest kind of token. Its cost is
  // known only where the request stated one; else it is priced as any usage.
  let held: UsageReport = {
    output: reservation.tokens,
    images: reservation.images,
    ...(request.cost === undefined ? {} : { cost: reservation.cost }),
  };

  let reported: UsageReport | null = null;
  let parts = 0;
  let begun = options.beginsExplicitly !== true;
  const context: GuardContext = {
    handle,
    decision,
    signal,
    settlePart: async (usage) => {
      parts += 1;
      const recorded = await limits.settlePart(handle, usage, { part: parts });
      const { input = 0, cacheRead = 0, cacheWrite = 0, output = 0, images = 0 } = usage;
      const less = (amount = 0, used = 0) => Math.max(0, amount - used);
      held = {
        output: less(held.output, input + cacheRead + cacheWrite + output),
        images: less(held.images, images),
        ...(held.cost === undefined ? {} : { cost: less(held.cost, recorded.cost + recorded.assumed) }),
      };
      return recorded;
    },
    report: (usage) => {
      limits.requireReport(usage);
      reported = usage;
    },
    began: () => {
      begun = true;
    },
    neverBegan: () => {
      begun = false;
    },
  };
  const ended = (failed: boolean) => {
    const estimated = reported === null;
    const said = reported ?? held;
    const usage = failed && said.status === undefined ? { ...said, status: "error" } : said;
    return { usage, settle: () => limits.settle(handle, usage, { estimated }) };
  };

  let value: T;
  try {
    value = await fn(context);
  } catch (error) {
    const charged = begun || reported !== null;
    const { usage, settle } = ended(true);
    try {
      await (charged ? settle() : limits.release(handle));
    } catch (cause) {
      // The function's own error matters more than one of the store; but the store's must not vanish either.
      const lost = charged ? new UnsettledError(undefined, handle, usage, settle, cause) : cause;
      throw new AggregateError([error, lost], "the call failed, and its usage could not be written");
    }
    throw error;
  }
  const { usage, settle } = ended(false);
  try {
    return { admitted: true, decision, value, recorded: await settle() };
  } catch (error) {
    throw new UnsettledError(value, handle, usage, settle, error);
  }
}
