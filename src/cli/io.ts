import type { Readable, Writable } from "node:stream";

/** Everything the command line takes from and gives to the outside: a test can put its own in place. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(mode: boolean): unknown };
  readonly stdout: Writable & {
    readonly isTTY?: boolean;
    readonly columns?: number;
    readonly rows?: number;
  };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The clock, in epoch milliseconds. */
  readonly now: () => number;
  /** Aborted when the operator interrupts. */
  readonly signal: AbortSignal;
}
