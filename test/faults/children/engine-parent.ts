import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { Quota } from "../../../src/domain/meter.js";
import { INITIAL_TIERS } from "../../../src/domain/tier.js";
import type { Store, Writing } from "../../../src/engine/ports.js";
import { openSqlite } from "../../../src/store/sqlite/open.js";
import { type Child, program, type Spawn } from "../../support/processes.js";
import { change, freshSqliteFile, newUser, populate, T0, tempFolder } from "../../support/store.js";
import type { Asked, Hammered, Order } from "./engine-product.js";

interface Answers {
  readonly open: "opened";
  readonly close: null;
  readonly reserve: Asked;
  readonly churn: Asked;
  readonly hammer: Hammered;
  readonly pairs: Asked;
}

/** A process with the library in it. */
export interface Product {
  readonly child: Child;
  /** Gives an order; resolves with the answer. */
  tell<O extends Order>(order: O): Promise<Answers[O["do"]]>;
}

/** To be called once, in the body of a test file. */
export function products(): { start: (count: number) => Promise<Product[]> } {
  const built = program(new URL("engine-product.ts", import.meta.url));
  return {
    async start(count) {
      const spawn = await built.start();
      return Array.from({ length: count }, () => productIn(spawn));
    },
  };
}

function productIn(spawn: Spawn): Product {
  const child = spawn();
  let given = 0;
  return {
    child,
    async tell(order) {
      const number = ++given;
      child.say(JSON.stringify({ number, ...order }));
      const head = `${number} `;
      return JSON.parse((await child.line((line) => line.startsWith(head))).slice(head.length));
    },
  };
}

/** Resolves when a product that was told to hammer has had a first reservation admitted. */
export function going({ child }: Product, number: number): Promise<string> {
  return child.line((line) => line === `going ${number}`);
}

export interface Setup {
  /** The only limits of the tier `free`. */
  readonly quotas?: readonly Quota[];
  /** In basis points; 100% unless given, so that a limit of 100 calls lets 100 through. */
  readonly blockAt?: number;
  readonly users?: readonly string[];
  readonly more?: (tx: Writing) => Promise<unknown>;
}

const WHOLE = 10_000;

/** A database in a folder of its own, with users on the tier `free`; returns its path. */
export async function databaseWith(setup: Setup): Promise<string> {
  return fill(await freshSqliteFile(join(tempFolder(), "alpha.db")), setup);
}

/** The same at a path that is given, where there is no database yet. */
export async function databaseAt(path: string, setup: Setup): Promise<string> {
  copyFileSync(await freshSqliteFile(join(tempFolder(), "alpha.db")), path);
  return fill(path, setup);
}

async function fill(path: string, setup: Setup): Promise<string> {
  const store = await openSqlite({ path, waitMs: 5_000 });
  try {
    await prepare(store, setup);
  } finally {
    await store.close();
  }
  return path;
}

/** Puts tiers, limits and users into a database that has nothing but its tables. */
export async function prepare(
  store: Store,
  { quotas = [], blockAt = WHOLE, users = ["ada"], more }: Setup,
): Promise<void> {
  await populate(store);
  await change(store, async (tx) => {
    await tx.tiers.save({ ...INITIAL_TIERS[0]!, quotas }, T0);
    for (const key of users) await tx.users.add(newUser(key), T0);
    await tx.settings.set("block_at", blockAt, T0);
    await more?.(tx);
  });
}

/** Tells a process a number and waits for its answer to it. */
export function asking<T>(child: Child): () => Promise<T> {
  let asked = 0;
  return async () => {
    const head = `${++asked} `;
    child.say(head.trim());
    return JSON.parse((await child.line((line) => line.startsWith(head))).slice(head.length));
  };
}
