import { AlphaError, OutageError } from "../../errors.js";
import { explainPostgres, postgresCode } from "./explain.js";
import { ConnectionLost } from "./meter-client.js";

const SERIALIZATION_FAILURE = "40001";
const DEADLOCK = "40P01";
const KEY_TAKEN = "23505";
/** A migration has changed a table under a statement that was prepared before. */
const PLAN_OUTDATED = "0A000";

/** How often a batch is decided anew for what has to do with what others do at the same time. */
const MOST_TRIES = 5;

/** Whether a batch that failed wrote nothing, and may be luckier the next time. */
export function mayTryAgain(error: unknown, tries: number): boolean {
  if (error instanceof ConnectionLost) return isTransient(error);
  const code = postgresCode(error);
  if (code === SERIALIZATION_FAILURE || code === DEADLOCK) return true;
  // Of two who bring the same identity at once the second finds it known when it decides anew.
  return (code === KEY_TAKEN || isOutdated(error)) && tries < MOST_TRIES;
}

/** Whether the connection is of no use any more, though it lives. */
export function isOutdated(error: unknown): boolean {
  return postgresCode(error) === PLAN_OUTDATED;
}

/** Whether the server may be back: a refused password will be refused again. */
function isTransient({ cause }: ConnectionLost): boolean {
  const state = postgresCode(cause);
  return !/^(28|3D|42)/.test(state);
}

/** Says what went wrong in words; what is wrong with the batch itself is left as it is. */
export function explainMeter(error: unknown, location: string): unknown {
  if (!(error instanceof ConnectionLost)) return explainPostgres(error, location);
  const explained = explainPostgres(error.cause, location);
  const Kind =
    explained instanceof AlphaError && !(explained instanceof OutageError) ? AlphaError : OutageError;
  const { message, hint } = sayLost(explained, error, location);
  return new Kind("database", message, { hint, cause: error });
}

function sayLost(explained: unknown, { message }: ConnectionLost, location: string) {
  if (explained instanceof AlphaError && explained.hint !== undefined) {
    return { message: explained.message, hint: explained.hint };
  }
  return {
    message: `the connection to ${location} was lost: ${message}`,
    hint: "try again when the server can be reached",
  };
}

/** What was being committed when the connection was lost is in the database, or not. */
export function unknownOutcome(cause: unknown, location: string): AlphaError {
  return new OutageError(
    "database",
    `the connection to ${location} was lost while usage was being saved: it may be saved, or not`,
    { hint: "try again with the same handle or id; it counts once", cause },
  );
}

/** Whether nobody else would have been answered either. */
export function isUnreachable(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ConnectionLost) return true;
  }
  return false;
}
