import { setTimeout as delay } from "node:timers/promises";
import { SlicePace } from "../slice-pace.js";

/** How long a slice may hold the lock, in milliseconds. */
const LENGTHS = { shortMs: 5, longMs: 100 };
/** Between two slices. SQLite's lock has no queue: whoever waits for it looks again about every millisecond. */
const GAP_MS = 2;

/** The pace of a bulk import on SQLite, where whoever writes keeps everybody else from writing. */
export class BulkPace {
  readonly #pace = new SlicePace(LENGTHS);
  #version: number | undefined;
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
    if (this.#version !== undefined && version !== this.#version) this.#pace.contended();
    this.#version = version;
    return this.#pace.size();
  }

  /** @param lockedAt when it got the lock, which it has just given back */
  entered(rows: number, lockedAt: number): void {
    this.#unlockedAt = performance.now();
    this.#pace.took(rows, this.#unlockedAt - lockedAt);
  }

  get isContended(): boolean {
    return this.#pace.isContended;
  }
}
