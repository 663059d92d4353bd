import Sqlite from "better-sqlite3";
import type pg from "pg";
import { isPostgresUrl, urlParts } from "../../src/store/location.js";
import { connectRaw } from "./postgres.js";
import * as file from "./snapshot.js";
import type { Row } from "./store.js";

// What a database holds, seen and changed behind the program's back, wherever it is: over a connection of the test's own.

/** Every row of every table. */
export async function snapshot(database: string): Promise<Record<string, Row[]>> {
  return isPostgresUrl(database)
    ? connected(database, everyRow)
    : (file.snapshot(database) as Record<string, Row[]>);
}

/** Rows of one query. */
export async function rowsOf(database: string, text: string): Promise<Row[]> {
  if (!isPostgresUrl(database)) return file.rowsOf(database, text);
  return connected(database, async (client) => (await client.query<Row>(text)).rows);
}

/** Runs statements that both databases understand. */
export async function tamper(database: string, text: string): Promise<void> {
  if (isPostgresUrl(database)) {
    await connected(database, (client) => client.query(text));
    return;
  }
  const db = new Sqlite(database, { fileMustExist: true });
  db.exec(text);
  db.close();
}

async function connected<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connectRaw(urlParts(database).database);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const TABLES = `
  select relname as name from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
  order by relname`;

async function everyRow(client: pg.Client): Promise<Record<string, Row[]>> {
  const tables = (await client.query<{ name: string }>(TABLES)).rows;
  const found: Record<string, Row[]> = {};
  for (const { name } of tables) {
    const { rows } = await client.query<Row>(`select * from "${name}" as a order by a`);
    found[name] = rows;
  }
  return found;
}

/** Does something while another connection keeps everybody from changing anything, though not from reading. */
export async function whileLocked<T>(database: string, work: () => Promise<T>): Promise<T> {
  if (isPostgresUrl(database)) {
    return connected(database, async (client) => {
      const tables = (await client.query<{ name: string }>(TABLES)).rows.map(({ name }) => `"${name}"`);
      await client.query(`begin; lock table ${tables.join(", ")} in exclusive mode`);
      return work();
    });
  }
  const db = new Sqlite(database, { fileMustExist: true });
  try {
    db.exec("begin immediate");
    return await work();
  } finally {
    db.close();
  }
}
