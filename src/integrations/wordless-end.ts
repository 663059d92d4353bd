/**
 * What a guarded function throws where nobody waits for its error: it only tells `guard` that the hold is to be given
 * back, or charged for a call that failed.
 */
export class WordlessEnd extends Error {}

/**
 * What became of a guarded call.
 * @returns `null` where it came to a wordless end
 */
export async function withoutWordlessEnd<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof WordlessEnd) return null;
    // Besides, it could not be written.
    if (error instanceof AggregateError && error.errors[0] instanceof WordlessEnd) throw error.errors[1];
    throw error;
  }
}
