import type { Pool } from "pg";
import { type Asked, ConnectionLost, MeterClient, type Rows } from "./meter-client.js";
import type { Patience } from "./meter-patience.js";

interface Lease {
  readonly client: Promise<MeterClient>;
  asking: number;
  isFit: boolean;
  /** Gives the connection back, once nobody has asked for a while. */
  idle: NodeJS.Timeout | null;
}

/** For how long it is kept after the last answer, in milliseconds: borrowing it costs as much as a question. */
const LINGER_MS = 20;

/** A pool of fewer connections has none to keep. */
const FEWEST_TO_LINGER = 4;

/** One connection for questions that come at the same time: they need no transaction, and none waits for another. */
export class SharedConnection {
  #lease: Lease | null = null;

  constructor(private readonly pool: Pool) {}

  async ask(asked: Asked, patience: Patience): Promise<Rows> {
    const lease = this.#joined(patience.waitMs);
    lease.asking += 1;
    try {
      return await (await lease.client).askOne(asked, patience.silenceMs);
    } catch (error) {
      if (error instanceof ConnectionLost) lease.isFit = false;
      throw error;
    } finally {
      lease.asking -= 1;
      if (!lease.isFit) this.#leave(lease);
      else if (lease.asking === 0) this.#linger(lease);
    }
  }

  /** Ends the lease as soon as nobody is asking. */
  close(): void {
    if (this.#lease !== null) this.#leave(this.#lease);
  }

  #joined(waitMs: number): Lease {
    this.#lease ??= {
      client: MeterClient.borrow(this.pool, waitMs),
      asking: 0,
      isFit: true,
      idle: null,
    };
    return this.#lease;
  }

  #linger(lease: Lease): void {
    const { waitingCount, options } = this.pool;
    if (this.#lease !== lease || waitingCount > 0 || options.max < FEWEST_TO_LINGER) this.#leave(lease);
    else if (lease.idle !== null) lease.idle.refresh();
    else lease.idle = setTimeout(() => this.#leave(lease), LINGER_MS).unref();
  }

  /** Whoever asks from now on borrows another connection; the last who is asking gives this one back. */
  #leave(lease: Lease): void {
    if (this.#lease === lease) this.#lease = null;
    if (lease.asking > 0) return;
    if (lease.idle !== null) clearTimeout(lease.idle);
    lease.client.then((client) => client.giveBack(lease.isFit)).catch(() => undefined);
  }
}
