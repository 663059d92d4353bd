/** How long slices may take, in milliseconds. */
interface Lengths {
  /** While others write, and at first. */
  readonly shortMs: number;
  /** While nobody else does. */
  readonly longMs: number;
}

/** How long nobody else must have written before slices grow again. */
const QUIET_MS = 1_500;
/** Rows a millisecond, until it is known. */
const FIRST_SPEED = 200;
const FEWEST_ROWS = 100;

/**
 * How much a bulk import writes at once. Long slices cost less for each record; but who meters meanwhile waits for the
 * end of one, so they are short while anybody does.
 */
export class SlicePace {
  #sliceMs: number;
  #speed = FIRST_SPEED;
  #contendedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly lengths: Lengths) {
    this.#sliceMs = lengths.shortMs;
  }

  /** Somebody else writes. */
  contended(): void {
    this.#contendedAt = performance.now();
    this.#sliceMs = this.lengths.shortMs;
  }

  /** How many rows the next slice may have. */
  size(): number {
    return Math.max(FEWEST_ROWS, Math.round(this.#sliceMs * this.#speed));
  }

  /** @param ms how long nobody else could write */
  took(rows: number, ms: number): void {
    // A few rows tell nothing about speed.
    if (rows >= FEWEST_ROWS) this.#speed = rows / Math.max(0.1, ms);
    if (!this.isContended) this.#sliceMs = Math.min(this.lengths.longMs, this.#sliceMs * 2);
  }

  get isContended(): boolean {
    return performance.now() - this.#contendedAt < QUIET_MS;
  }
}
