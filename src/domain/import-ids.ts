/** What is known of a run of ids without looking at each one again. */
export interface IdSpan {
  readonly least: string;
  readonly greatest: string;
  /** Whether each id is greater than the one before, so that none stands twice. */
  readonly ascending: boolean;
  /**
   * Whether `least` and `greatest` are that in the order of UTF-8 too, in which databases sort. The two orders differ
   * for what UTF-16 writes with surrogates.
   */
  readonly inByteOrder: boolean;
}

const BEYOND_ORDER = /[\ud800-\uffff]/;

/** At least one id. */
export function spanOf(ids: readonly string[], from: number, to: number): IdSpan {
  let least = ids[from] as string;
  let greatest = least;
  let ascending = true;
  let inByteOrder = !BEYOND_ORDER.test(least);
  for (let i = from + 1; i < to; i++) {
    const id = ids[i] as string;
    if (id > greatest) {
      greatest = id;
    } else {
      ascending = false;
      if (id < least) least = id;
    }
    if (inByteOrder && BEYOND_ORDER.test(id)) inByteOrder = false;
  }
  return { least, greatest, ascending, inByteOrder };
}
