import type { ErrorCode } from "../errors.js";

/** What the shell is told. See docs/cli-reference.md. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  config: 3,
  blocked: 4,
  busy: 5,
  interrupted: 130,
} as const;

export const EXIT_OF: Readonly<Record<ErrorCode, number>> = {
  usage: EXIT.usage,
  "not-found": EXIT.failed,
  conflict: EXIT.failed,
  failed: EXIT.failed,
  config: EXIT.config,
  database: EXIT.config,
  busy: EXIT.busy,
  interrupted: EXIT.interrupted,
};
