import type { Stop } from "../domain/emergency.js";
import type { OwnPrices } from "../domain/own-prices.js";
import type { Settings } from "../domain/settings.js";
import type { LastSeen } from "../engine/ports.js";

/** Users remembered at most. */
const MOST_USERS = 10_000;

/** What decided when the database was last read. Outlives the connection: it is for when there is none. */
export class LastSeenMemory {
  #config: Omit<LastSeen, "user"> | null = null;
  readonly #users = new Map<string, LastSeen["user"]>();

  config(settings: Settings, stops: readonly Stop[], ownPrices: OwnPrices | null): void {
    this.#config = { settings, stops, ownPrices };
  }

  /** A stop that this process turned on itself. */
  stop(stop: Stop): void {
    if (this.#config !== null) this.#config = { ...this.#config, stops: [...this.#config.stops, stop] };
  }

  user(name: string, user: LastSeen["user"]): void {
    if (this.#users.size >= MOST_USERS) this.#users.clear();
    this.#users.set(name, user);
  }

  of(name: string): LastSeen | null {
    return this.#config === null ? null : { ...this.#config, user: this.#users.get(name) ?? null };
  }
}
