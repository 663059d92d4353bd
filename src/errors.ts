/**
 * The kinds of failure `alpha` tells apart. The command line maps each kind to one exit code; the library
 * exposes them as `AlphaError.code`, so they are stable.
 *
 * - `usage`: the caller's words make no sense (a bad flag, a negative limit). Nothing was tried.
 * - `not-found`: the thing named does not exist.
 * - `conflict`: it exists already, or the change contradicts the present state.
 * - `failed`: it was tried and did not work.
 * - `config`: the configuration is unusable.
 * - `database`: the database is missing, is not ours, is newer than the program, or cannot be read or written.
 * - `busy`: another run holds the lock.
 * - `interrupted`: the operator asked to stop.
 */
export type ErrorCode =
  | "usage"
  | "not-found"
  | "conflict"
  | "failed"
  | "config"
  | "database"
  | "busy"
  | "interrupted";

/** An error that was foreseen: its message is a sentence for people, its hint says what to do about it. */
export class AlphaError extends Error {
  override readonly name = "AlphaError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/**
 * The database is out of reach, and nothing is wrong with it or with how it was named: what failed now may work later.
 * Its code is `database`.
 */
export class OutageError extends AlphaError {}
