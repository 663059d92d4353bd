import type { Decision } from "../domain/decide.js";
import { AlphaError } from "../errors.js";
import type { LimitsEngine, LimitsRequest, Recorded, ReservationHandle, UsageReport } from "./limits.js";

/** What a guarded function is given. */
export interface GuardContext {
  /** The reservation that holds for this call. */
  readonly handle: ReservationHandle;
  /** Says what the call used; the last word counts. Without it the hold is charged and marked as estimated. */
  report(usage: UsageReport): void;
  /** Says that the provider has begun to work. Needed with `beginsExplicitly` only. */
  began(): void;
  /** Says that the provider never began: when the function then throws, nothing is charged. */
  neverBegan(): void;
}

export interface GuardOptions {
  /** Id of the reservation and of the usage; a retry with the same id counts once. */
  readonly id?: string;
  /** How long the reservation holds, in milliseconds; the setting `hold_ttl` unless given. */
  readonly holdForMs?: number;
  /** The function calls `began()` when the provider begins: if it throws before, nothing is charged. */
  readonly beginsExplicitly?: boolean;
}

export type GuardResult<T> =
  | { readonly admitted: false; readonly decision: Decision }
  | { readonly admitted: true; readonly decision: Decision; readonly value: T; readonly recorded: Recorded };

/**
 * The call was made, but what it used could not be written. The value is not lost, and neither is the usage: `retry`
 * writes it under the same id, so that it counts once however often it is tried.
 */
export class UnsettledError<T = unknown> extends AlphaError {
  constructor(
    /** What the guarded function returned. */
    readonly value: T,
    readonly handle: ReservationHandle,
    readonly usage: UsageReport,
    readonly retry: () => Promise<Recorded>,
    cause: unknown,
  ) {
    super("database", "the call was made, but its usage could not be written", {
      hint: "call retry() on this error when the database is back; the id makes it count once",
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
  const { decision, reservation } = await limits.reserve(request, options);
  if (reservation === null) return { admitted: false, decision };
  const { handle } = reservation;
  // What is charged when nobody says what was used: all that was held, as output, the dearest kind of token.
  const held: UsageReport = {
    output: reservation.tokens,
    images: reservation.images,
    cost: reservation.cost,
  };

  let reported: UsageReport | null = null;
  let begun = options.beginsExplicitly !== true;
  const context: GuardContext = {
    handle,
    report: (usage) => {
      reported = usage;
    },
    began: () => {
      begun = true;
    },
    neverBegan: () => {
      begun = false;
    },
  };
  const settle = () => limits.settle(handle, reported ?? held, { estimated: reported === null });

  let value: T;
  try {
    value = await fn(context);
  } catch (error) {
    await settleFailed(begun || reported !== null ? settle : () => limits.release(handle), error);
    throw error;
  }
  try {
    return { admitted: true, decision, value, recorded: await settle() };
  } catch (error) {
    throw new UnsettledError(value, handle, reported ?? held, settle, error);
  }
}

/** The function's own error matters more than one of the store; but the store's must not vanish either. */
async function settleFailed(settle: () => Promise<unknown>, error: unknown): Promise<void> {
  try {
    await settle();
  } catch (unsettled) {
    throw new AggregateError([error, unsettled], "the call failed, and its usage could not be written");
  }
}
