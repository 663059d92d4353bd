import { totalTokens } from "../domain/usage.js";
import { AlphaError } from "../errors.js";
import type { LimitsEngine, Recorded, ReservationHandle, UsageReport } from "./limits.js";
import { UnsettledError } from "./unsettled-error.js";

interface Part {
  readonly number: number;
  readonly usage: UsageReport;
  /** The attempt that goes on. */
  writing?: Promise<Recorded> | undefined;
}

/**
 * The parts of a guarded call. Each has its number from when it is handed over until it is answered: whether one whose
 * answer got lost was written is found out by writing it again.
 */
export class GuardedParts {
  #last = 0;
  readonly #unanswered = new Map<number, Part>();
  readonly #answered = { tokens: 0, images: 0, cost: 0 };

  /** @param held what is charged for the call when nobody says what it used */
  constructor(
    private readonly limits: LimitsEngine,
    private readonly handle: ReservationHandle,
    private readonly held: UsageReport,
  ) {}

  async settle(given: UsageReport): Promise<Recorded> {
    // It may be written later than the caller expects, who may use the object again.
    const usage = { ...given };
    this.limits.requireReport(usage);
    this.#last += 1;
    const part: Part = { number: this.#last, usage };
    this.#unanswered.set(part.number, part);
    try {
      return await this.#write(part);
    } catch (error) {
      if (error instanceof AlphaError && error.code !== "database") {
        // It was refused, so nothing of it is counted.
        this.#unanswered.delete(part.number);
        throw error;
      }
      throw new UnsettledError(undefined, this.handle, usage, () => this.#write(part), error, part.number);
    }
  }

  /** Writes those that have no answer yet. */
  async writeUnanswered(): Promise<void> {
    const all = await Promise.allSettled([...this.#unanswered.values()].map((part) => this.#write(part)));
    const failed = all.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** What the parts leave of the hold. */
  rest(): UsageReport {
    let { tokens, images, cost } = this.#answered;
    for (const { usage } of this.#unanswered.values()) {
      tokens += tokensOf(usage);
      images += usage.images ?? 0;
      cost += usage.cost ?? 0;
    }
    const less = (amount = 0, used: number) => Math.max(0, amount - used);
    return {
      output: less(this.held.output, tokens),
      images: less(this.held.images, images),
      ...(this.held.cost === undefined ? {} : { cost: less(this.held.cost, cost) }),
    };
  }

  #write(part: Part): Promise<Recorded> {
    part.writing ??= this.#attempt(part).finally(() => {
      part.writing = undefined;
    });
    return part.writing;
  }

  async #attempt({ number, usage }: Part): Promise<Recorded> {
    const recorded = await this.limits.settlePart(this.handle, usage, { part: number });
    const cost = this.held.cost === undefined ? 0 : await this.#costOf(usage, recorded);
    if (this.#unanswered.delete(number)) {
      this.#answered.tokens += tokensOf(usage);
      this.#answered.images += usage.images ?? 0;
      this.#answered.cost += cost;
    }
    return recorded;
  }

  async #costOf(usage: UsageReport, recorded: Recorded): Promise<number> {
    // Of one whose answer got lost, the next answer says only that it was counted.
    const { provider, model, feature, user } = this.handle;
    const { cost, assumed } =
      recorded.status === "duplicate"
        ? await this.limits.previewRecord(user, { provider, model, feature, ...usage })
        : recorded;
    return cost + assumed;
  }
}

function tokensOf({ input = 0, cacheRead = 0, cacheWrite = 0, output = 0 }: UsageReport): number {
  return totalTokens({ input, cacheRead, cacheWrite, output, reasoning: 0 });
}
