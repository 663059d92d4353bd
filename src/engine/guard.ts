import type { Decision } from "../domain/decide.js";
import { GuardedParts } from "./guarded-parts.js";
import type { LimitsEngine, LimitsRequest, Recorded, ReservationHandle, UsageReport } from "./limits.js";
import { UnsettledError } from "./unsettled-error.js";

/** What a guarded function is given. */
export interface GuardContext {
  /** The reservation that holds for this call. */
  readonly handle: ReservationHandle;
  /** What admitted it: `maxTokens` is what may be granted to the model, `message` what may be told to the tester. */
  readonly decision: Decision;
  /**
   * Says what the call used; the last word counts. Without it the hold is charged and marked as estimated. Of a call
   * that throws, the `status` is `error` unless it is said.
   * @returns `false` when it comes too late: the function has ended, and the call is settled
   * @throws AlphaError `usage` for a report that makes no sense
   */
  report(usage: UsageReport): boolean;
  /**
   * Counts a part of what the call uses while it goes on; what is reported in the end is then the rest.
   * @throws UnsettledError when it may not have been written: `retry()` writes it, and so does the end of the call.
   * Handed over again, it is another part.
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
  const held: UsageReport = {
    output: reservation.tokens,
    images: reservation.images,
    ...(request.cost === undefined ? {} : { cost: reservation.cost }),
  };
  const parts = new GuardedParts(limits, handle, held);

  let reported: UsageReport | null = null;
  let hasEnded = false;
  let begun = options.beginsExplicitly !== true;
  const context: GuardContext = {
    handle,
    decision,
    signal,
    settlePart: (usage) => parts.settle(usage),
    report: (usage) => {
      if (hasEnded) return false;
      limits.requireReport(usage);
      reported = usage;
      return true;
    },
    began: () => {
      begun = true;
    },
    neverBegan: () => {
      begun = false;
    },
  };
  const ended = (failed: boolean) => {
    hasEnded = true;
    const said = (): UsageReport => {
      const usage = reported ?? parts.rest();
      return failed && usage.status === undefined ? { ...usage, status: "error" } : usage;
    };
    // What was tried once is what is tried again.
    let tried: UsageReport | undefined;
    const settle = async () => {
      await parts.writeUnanswered();
      tried ??= said();
      return limits.settle(handle, tried, { estimated: reported === null });
    };
    const release = async () => {
      await parts.writeUnanswered();
      await limits.release(handle);
    };
    const unsettled = <V>(returned: V, cause: unknown) =>
      new UnsettledError(returned, handle, tried ?? said(), settle, cause);
    return { settle, release, unsettled };
  };

  let value: T;
  try {
    value = await fn(context);
  } catch (error) {
    const charged = begun || reported !== null;
    const { settle, release, unsettled } = ended(true);
    try {
      await (charged ? settle() : release());
    } catch (cause) {
      // The function's own error matters more than one of the store; but the store's must not vanish either.
      const lost = charged ? unsettled(undefined, cause) : cause;
      throw new AggregateError([error, lost], "the call failed, and its usage could not be written");
    }
    throw error;
  }
  const { settle, unsettled } = ended(false);
  try {
    return { admitted: true, decision, value, recorded: await settle() };
  } catch (error) {
    throw unsettled(value, error);
  }
}
