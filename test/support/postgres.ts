import pg from "pg";
import { afterAll, inject } from "vitest";
import type { Store } from "../../src/engine/ports.js";
import { openPostgres } from "../../src/store/postgres/open.js";
import { TYPES } from "../../src/store/postgres/types.js";
import { type SharedPostgres, socketUrl, TEMPLATE } from "./postgres-server.js";
import type { OpenFresh, Row } from "./store.js";

declare module "vitest" {
  interface ProvidedContext {
    postgres: SharedPostgres;
  }
}

/** One connection, for what a test does beside the program. */
export async function connectRaw(database: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: socketUrl(inject("postgres"), database), types: TYPES });
  await client.connect();
  return client;
}

let creating: pg.Pool | undefined;
let copying: Promise<string> | undefined;
let dropping: pg.Pool | undefined;
const dropped: Promise<unknown>[] = [];
let made = 0;
afterAll(async () => {
  await Promise.all(dropped);
  await creating?.end();
  await dropping?.end();
});

/** One connection, on which one thing is done after the other. */
function administrator(): pg.Pool {
  return new pg.Pool({ connectionString: socketUrl(inject("postgres"), "postgres"), max: 1 });
}

/** Of files is the fastest for small databases, and until version 14 the only way. */
async function howToCopy(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query("select current_setting('server_version_num')::int >= 150000 as chooses");
  return rows[0].chooses ? "strategy file_copy" : "";
}

/** Puts a fresh database on the server; migrating one takes longer than most tests, so one is copied. */
export async function createDatabase(template = TEMPLATE): Promise<string> {
  creating ??= administrator();
  const name = `test_${process.pid}_${++made}`;
  copying ??= howToCopy(creating);
  await creating.query(`create database ${name} template ${template} ${await copying}`);
  return name;
}

/** Ends whatever is connected to it still. Nobody waits for it but the end of the file. */
export function dropDatabase(name: string): void {
  dropping ??= administrator();
  dropped.push(dropping.query(`drop database if exists ${name} with (force)`));
}

export const openFreshPostgres: OpenFresh = async () => {
  const name = await createDatabase();
  const url = socketUrl(inject("postgres"), name);
  const stores: Store[] = [];
  const open = async () => {
    const store = await openPostgres({ url, waitMs: 5_000 });
    stores.push(store);
    return store;
  };
  const store = await open();
  const raw = await connectRaw(name);
  return {
    store,
    open,
    rows: async (table) => {
      // SQLite keeps a keyed table in the order of its key, which its first columns are.
      const { fields } = await raw.query(`select * from "${table}" limit 0`);
      const order = fields.map((_, index) => index + 1).join(", ");
      return (await raw.query<Row>(`select * from "${table}" order by ${order}`)).rows;
    },
    async insert(table, row) {
      const columns = Object.keys(row);
      await raw.query(
        `insert into "${table}" (${columns.map((column) => `"${column}"`).join(", ")})
          values (${columns.map((_, index) => `$${index + 1}`).join(", ")})`,
        Object.values(row),
      );
    },
    async drop() {
      await raw.end();
      for (const each of stores) await each.close();
      dropDatabase(name);
    },
  };
};
