import { setImmediate as nextTurn } from "node:timers/promises";
import type { Operation, OperationOutcome } from "../../domain/ledger-model.js";

interface Submitted {
  readonly operations: readonly Operation[];
  readonly background: boolean;
  resolve(outcomes: readonly OperationOutcome[]): void;
  reject(error: unknown): void;
}

/** Operations that one transaction takes at most, unless they were submitted together. */
const MOST_OPERATIONS = 512;

/**
 * Has one batch in flight at a time. What is submitted meanwhile waits, and is then decided together in the order in which
 * it came: the busier the database, the fewer the commits.
 */
export class BatchQueue {
  #waiting: Submitted[] = [];
  #isRunning = false;

  /**
   * @param run commits a batch; after a failure nothing of it is written
   * @param isForAll whether a failure has to do with the database and not with the batch, so that whoever waits would
   * only meet it once more
   */
  constructor(
    private readonly run: (operations: readonly Operation[]) => Promise<readonly OperationOutcome[]>,
    private readonly isForAll: (error: unknown) => boolean,
  ) {}

  /** @param background is never put together with anything, so that nobody waits for more of it than for one batch */
  submit(
    operations: readonly Operation[],
    { background }: { readonly background: boolean },
  ): Promise<readonly OperationOutcome[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operations, background, resolve, reject });
      if (!this.#isRunning) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      await this.#commit(this.#next());
      // Whoever has just been answered may ask for more at once, which takes the limits a turn to pass on: one batch of
      // all costs half as much as two that take turns.
      await nextTurn();
      await nextTurn();
    }
    this.#isRunning = false;
  }

  #next(): Submitted[] {
    const [first, ...others] = this.#waiting as [Submitted, ...Submitted[]];
    const batch = [first];
    let size = first.operations.length;
    const left: Submitted[] = [];
    for (const each of others) {
      size += each.operations.length;
      if (first.background || each.background || size > MOST_OPERATIONS) left.push(each);
      else batch.push(each);
    }
    this.#waiting = left;
    return batch;
  }

  async #commit(batch: readonly Submitted[]): Promise<void> {
    try {
      const outcomes = await this.run(batch.flatMap(({ operations }) => operations));
      let from = 0;
      for (const { operations, resolve } of batch) {
        resolve(outcomes.slice(from, from + operations.length));
        from += operations.length;
      }
    } catch (error) {
      if (this.isForAll(error)) {
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const { reject } of [...batch, ...waiting]) reject(error);
      } else if (batch.length === 1) {
        for (const { reject } of batch) reject(error);
      } else {
        // What one of them brought must not take the others down with it.
        for (const each of batch) await this.#commit([each]);
      }
    }
  }
}
