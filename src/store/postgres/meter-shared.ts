import type { Pool } from "pg";
import { type Asked, ConnectionLost, MeterClient, type Rows } from "./meter-client.js";

interface Lease {
  readonly client: Promise<MeterClient>;
  asking: number;
  isFit: boolean;
}

/** One connection for questions that come at the same time: they need no transaction, and none waits for another. */
export class SharedConnection {
  #lease: Lease | null = null;

  constructor(private readonly pool: Pool) {}

  async ask(asked: Asked, waitMs: number): Promise<Rows> {
    const lease = this.#lease ?? { client: MeterClient.borrow(this.pool, waitMs), asking: 0, isFit: true };
    this.#lease = lease;
    lease.asking += 1;
    try {
      const [rows = []] = await (await lease.client).ask([asked], waitMs);
      return rows;
    } catch (error) {
      if (error instanceof ConnectionLost) {
        lease.isFit = false;
        this.#leave(lease);
      }
      throw error;
    } finally {
      lease.asking -= 1;
      if (lease.asking === 0) {
        this.#leave(lease);
        lease.client.then((client) => client.giveBack(lease.isFit)).catch(() => undefined);
      }
    }
  }

  /** Whoever asks from now on borrows another connection. */
  #leave(lease: Lease): void {
    if (this.#lease === lease) this.#lease = null;
  }
}
