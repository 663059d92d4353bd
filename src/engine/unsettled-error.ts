import { AlphaError } from "../errors.js";
import type { Recorded, ReservationHandle, UsageReport } from "./limits.js";

/**
 * The call was made, but what it used could not be written. The value is not lost, and neither is the usage: `retry`
 * writes it under the same id, so that it counts once however often it is tried. `code` is `database`, or what else the
 * usage was refused for, such as `not-found` for a tester who is gone: then `retry` helps only when that is mended.
 */
export class UnsettledError<T = unknown> extends AlphaError {
  constructor(
    /** What the guarded function returned; `undefined` when it threw, or has not ended. */
    readonly value: T,
    readonly handle: ReservationHandle,
    readonly usage: UsageReport,
    readonly retry: () => Promise<Recorded>,
    cause: unknown,
    /** The number of the part of the call that it is about; `null` for its end. */
    readonly part: number | null = null,
  ) {
    const said =
      part === null
        ? "the call was made, but its usage could not be written"
        : "a part of the call may not have been written";
    // What was refused for another reason than the database is refused again, as it is.
    const refused = cause instanceof AlphaError && cause.code !== "database" ? cause : null;
    super(refused?.code ?? "database", refused === null ? said : `${said}: ${refused.message}`, {
      hint: refused === null ? (part === null ? RETRY : RETRY_PART) : refused.hint,
      cause,
    });
  }
}

const RETRY = "call retry() on this error when the database is back; the id makes it count once";
const RETRY_PART =
  "call retry() on this error, or leave it to the end of the call; handed over again, it counts again";
