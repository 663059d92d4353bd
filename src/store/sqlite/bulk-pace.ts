import { setTimeout as delay } from "node:timers/promises";

/** How long a slice may hold the lock while others write, and at first; in milliseconds. */
const SHORT_MS = 5;
/** How long one may hold it while nobody else writes. */
const LONG_MS = 100;
/** Between two slices. SQLite's lock has no queue: whoever waits for it looks again about every millisecond. */
const GAP_MS = 2;
/** How long nobody else must have written before slices grow again. */
const QUIET_MS = 1_500;
/** Rows a millisecond, until it is known. */
const FIRST_SPEED = 200;
const FEWEST_ROWS = 100;

/**
 * How much a bulk import writes at once. Long slices write each page less often; but who meters meanwhile waits for the
 * end of one, so they are short while anybody does.
 */
export class BulkPace {
  #lockMs = SHORT_MS;
  #speed = FIRST_SPEED;
  #version: number | undefined;
  #contendedAt = Number.NEGATIVE_INFINITY;
  #unlockedAt = Number.NEGATIVE_INFINITY;

  /** Lets others have the lock, unless they had time for that already. */
  async gap(): Promise<void> {
    const left = this.#unlockedAt + GAP_MS - performance.now();
    if (left > 0) await delay(left);
  }

  /** Whoever wrote last was this process itself. */
  ownWrite(): void {
    this.#version = undefined;
  }

  /**
   * How many rows the next slice may have.
   * @param version moves when another connection has written
   */
  rows(version: number | undefined): number {
    const now = performance.now();
    if (this.#version !== undefined && version !== this.#version) this.#contendedAt = now;
    this.#version = version;
    if (this.#isContended(now)) this.#lockMs = SHORT_MS;
    return Math.max(FEWEST_ROWS, Math.round(this.#lockMs * this.#speed));
  }

  /** @param lockedAt when it got the lock, which it has just given back */
  entered(rows: number, lockedAt: number): void {
    const now = performance.now();
    this.#unlockedAt = now;
    // A few rows tell nothing about speed.
    if (rows >= FEWEST_ROWS) this.#speed = rows / Math.max(0.1, now - lockedAt);
    if (!this.#isContended(now)) this.#lockMs = Math.min(LONG_MS, this.#lockMs * 2);
  }

  get isContended(): boolean {
    return this.#isContended(performance.now());
  }

  #isContended(now: number): boolean {
    return now - this.#contendedAt < QUIET_MS;
  }
}
