import type { Engine } from "../engine/engine.js";
import { createIds } from "../ids.js";
import { openStore } from "../store/open-store.js";
import type { Config } from "./config.js";

/** How long a command waits for another writer, in milliseconds. */
export const COMMAND_WAIT_MS = 5_000;

/** The engine on the configured database, with the operator as actor. */
export async function openEngine(config: Config, now: () => number): Promise<Engine> {
  const store = await openStore({ database: config.address, waitMs: COMMAND_WAIT_MS });
  return { store, ...actingAs(config, now) };
}

/** What an engine is made of besides its database. */
export function actingAs(config: Config, now: () => number): Omit<Engine, "store"> {
  return {
    now,
    ids: createIds(now),
    actor: config.actor,
    prices: async () => (await import("../prices/genai.js")).createGenaiPrices(),
  };
}
