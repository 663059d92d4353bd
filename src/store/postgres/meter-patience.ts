/**
 * What an answer may take beyond the time in which somebody waits, in milliseconds: the server has to say that it gave up,
 * or what it could begin just in time has to be done and committed.
 */
const ANSWER_MS = 1_000;
/** An answer gets this long, however late it is asked for. */
const LEAST_MS = 250;

/** How long one operation waits, for everything that it waits for together. */
export class Patience {
  #until: number;

  /** @param answerMs what an answer may take beyond it */
  constructor(
    waitMs: number,
    private readonly answerMs = ANSWER_MS,
  ) {
    this.#until = performance.now() + waitMs;
  }

  /** What is left to wait: for a connection, for a lock, for the server to come back. */
  get waitMs(): number {
    return Math.max(1, Math.ceil(this.#until - performance.now()));
  }

  /** Whether nothing is begun any more. */
  get isOver(): boolean {
    return performance.now() >= this.#until;
  }

  /** Whether nothing is asked any more either. */
  get isSpent(): boolean {
    return performance.now() >= this.#until + this.answerMs;
  }

  /** What the server may work on one statement: it gives up before nobody waits for it any more. */
  get workMs(): number {
    return this.waitMs + this.answerMs / 2;
  }

  /** How long an answer is waited for. */
  get silenceMs(): number {
    return Math.max(LEAST_MS, Math.ceil(this.#until + this.answerMs - performance.now()));
  }

  /** The same where something is left to ask if there is none. */
  get firstSilenceMs(): number {
    return Math.max(LEAST_MS, this.silenceMs / 2);
  }

  /** Does not count what is done meanwhile. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    const since = performance.now();
    try {
      return await work();
    } finally {
      this.#until += performance.now() - since;
    }
  }
}
