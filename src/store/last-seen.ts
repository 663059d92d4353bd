import type { Stop } from "../domain/emergency.js";
import type { LedgerUser } from "../domain/ledger-model.js";
import type { OwnPrices } from "../domain/own-prices.js";
import type { Settings } from "../domain/settings.js";
import { isEmail, lookupNames } from "../domain/user.js";
import type { LastSeen, SeenUser } from "../engine/ports.js";

/** Names remembered at most; beyond it the one that was seen first is forgotten. */
const MOST_NAMES = 30_000;

/** What decided when the database was last read. Outlives the connection: it is for when there is none. */
export class LastSeenMemory {
  #config: Omit<LastSeen, "user"> | null = null;
  /** The id that a name stands for, ids among the names; `null`: nobody's. */
  readonly #ids = new Map<string, string | null>();
  readonly #users = new Map<string, SeenUser>();

  config(settings: Settings, stops: readonly Stop[], ownPrices: OwnPrices | null): void {
    this.#config = { settings, stops, ownPrices };
  }

  /** A stop that this process turned on itself. */
  stop(stop: Stop): void {
    if (this.#config !== null) this.#config = { ...this.#config, stops: [...this.#config.stops, stop] };
  }

  /** @param user who was found under the name; `null`: nobody */
  user(name: string, user: Omit<LedgerUser, "windows" | "holds"> | null): void {
    if (user === null) {
      for (const spelling of lookupNames(name)) this.#put(spelling, null);
      return;
    }
    const { id, key, status, tier } = user;
    this.#users.set(key, { id, key, status, tier: tier.key, callTokens: tier.callTokens });
    this.#put(asStored(name), key);
    this.#put(key, key);
  }

  of(name: string): LastSeen | null {
    if (this.#config === null) return null;
    const id = lookupNames(name)
      .map((spelling) => this.#ids.get(spelling))
      .find((found) => found !== undefined);
    return { ...this.#config, user: this.#users.get(id ?? "") ?? null };
  }

  #put(name: string, id: string | null): void {
    this.#ids.delete(name);
    this.#ids.set(name, id);
    if (this.#ids.size <= MOST_NAMES) return;
    const [first = ""] = this.#ids.keys();
    this.#ids.delete(first);
    this.#users.delete(first);
  }
}

/** Of the spellings of a name the one that found somebody, as far as it tells: only emails are kept in one case. */
function asStored(name: string): string {
  const typed = name.trim();
  return isEmail(typed) ? typed.toLowerCase() : typed;
}
