import type pg from "pg";
import { inject, onTestFinished } from "vitest";
import type { Store } from "../../../src/engine/ports.js";
import { openPostgres } from "../../../src/store/postgres/open.js";
import { connectRaw, createDatabase, dropDatabase } from "../../support/postgres.js";
import { pooledUrl, socketUrl } from "../../support/postgres-server.js";
import { prepare, type Setup } from "./engine-parent.js";

export interface OnPostgres {
  readonly url: string;
  /** Past the pooler, where there is one. */
  readonly direct: string;
  readonly store: Store;
  /** A connection beside the program. */
  readonly raw: pg.Client;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the columns that it asked for
  query(text: string): Promise<any[]>;
}

/** A database on the server of the tests, with users on the tier `free`. */
export async function postgresWith(setup: Setup): Promise<OnPostgres> {
  const name = await createDatabase();
  const raw = await connectRaw(name);
  const server = inject("postgres");
  const url = pooledUrl(server, name);
  const store = await openPostgres({ url, waitMs: 5_000 });
  onTestFinished(async () => {
    await store.close();
    await raw.end();
    dropDatabase(name);
  });
  await prepare(store, setup);
  return {
    url,
    direct: socketUrl(server, name),
    store,
    raw,
    query: async (text) => (await raw.query(text)).rows,
  };
}

/** Resolves when the server has noticed that whoever was killed is gone: a commit that was sent is carried out. */
export async function quiet({ raw }: OnPostgres): Promise<void> {
  const busy = `select from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`;
  while ((await raw.query(busy)).rows.length > 0);
}
