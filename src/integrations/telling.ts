/** A warning of the process: something was used, and nobody else can be told that it is not counted. */
export function warn(message: string, detail: string): void {
  process.emitWarning(message, { type: "AlphaLimitsWarning", code: "ALPHA_UNSETTLED", detail });
}

/**
 * Tells a product's `onError`. Nobody waits for what it returns or throws, now or later: it would end the process, or
 * take the result of a call away that has been paid for.
 */
export function tell(onError: (error: unknown) => unknown, error: unknown): void {
  new Promise((resolve) => resolve(onError(error))).catch((thrown: unknown) => {
    warn(`onError failed: ${messageOf(thrown)}`, `it was told of: ${messageOf(error)}`);
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
