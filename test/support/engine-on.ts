import type { Engine } from "../../src/engine/engine.js";
import { initialise } from "../../src/engine/init.js";
import type { Store } from "../../src/engine/ports.js";
import { type AddUser, addUsers } from "../../src/engine/users.js";
import { createIds } from "../../src/ids.js";
import { initStore } from "../../src/store/init-store.js";
import { openStore } from "../../src/store/open-store.js";
import { NOW } from "./cli.js";
import { T0 } from "./store.js";

/** An engine whose clock is set by hand. It has no price book: asking for one fails the test. */
export interface TestEngine extends Engine {
  at: number;
}

export function engineOn(store: Store, at = T0, actor = "olga"): TestEngine {
  const engine: TestEngine = {
    at,
    store,
    actor,
    now: () => engine.at,
    ids: createIds(() => engine.at),
    prices: () => Promise.reject(new Error("no price was to be asked for")),
  };
  return engine;
}

/** What is put into a database beside testers, and when. */
export interface Seed {
  readonly at?: number;
  readonly timeZone?: string;
  readonly prepare?: (engine: TestEngine) => Promise<unknown>;
}

/** An initialised database at a path or an address, with testers, made without the command line. */
export async function seededDatabase(
  database: string,
  users: readonly AddUser[],
  options: Seed = {},
): Promise<void> {
  await initStore({ database, waitMs: 5_000 });
  const store = await openStore({ database, waitMs: 5_000 });
  try {
    const engine = engineOn(store, options.at ?? NOW);
    await initialise(engine, { timeZone: options.timeZone ?? "UTC" });
    await addUsers(engine, users);
    await options.prepare?.(engine);
  } finally {
    await store.close();
  }
}
