import type { Kysely } from "kysely";
import pg from "pg";
import type { Store } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import {
  MIGRATION_TABLE,
  type MigrationState,
  MOVE_TABLE,
  requireCurrent,
  stateFrom,
} from "../migration-state.js";
import type { Schema } from "../schema.js";
import { readAddress } from "./address.js";
import { kyselyOver } from "./dialect.js";
import { explainPostgres } from "./explain.js";
import { PostgresStore } from "./store.js";

export interface PostgresOptions {
  /** A connection URL as libpq reads it: `postgres://user@host:5432/name?parameter=value`. */
  readonly url: string;
  /** How long to wait for another writer, in milliseconds. */
  readonly waitMs: number;
}

/** The oldest major version whose behaviour is tested and which its makers still maintained when this was written. */
const OLDEST_MAJOR = 14;

interface Server {
  readonly version: number;
  readonly versionName: string;
  readonly encoding: string;
  /** The schema in which tables are created; `null`: none on the search path. */
  readonly schema: string | null;
  /** Whether anybody ever ran migrations there. */
  readonly migrated: boolean;
  readonly partlyMoved: boolean;
}

/**
 * Holds come and go by the thousand, and a row that is gone stays in its index until somebody who passes it marks it. A scan
 * by bitmap marks nothing, and then goes through all of them each time, until the next vacuum. Not behind poolers, where a
 * setting would stay on connections that are others' next.
 */
const NO_BITMAPS = "set enable_bitmapscan = off";

/** `pg` leaves a connection open whose server asked for a password in vain, and with it a program that wants to end. */
class Client extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    this.connection.on("error", () => this.connection.stream.destroy());
  }
}

/** Has every statement parsed anew. */
class ForgetfulClient extends Client {
  // biome-ignore lint/suspicious/noExplicitAny: as the many forms of the method that it stands before
  override query(config: any, ...rest: any[]): any {
    const isNamed = typeof config === "object" && config.name !== undefined;
    const unnamed = isNamed ? { ...config, name: undefined } : config;
    return super.query(unnamed, ...(rest as []));
  }
}

/** A pool of connections that is not yet connected. */
export function connect({ url, waitMs }: PostgresOptions): {
  readonly pool: pg.Pool;
  readonly db: Kysely<Schema>;
  readonly location: string;
} {
  const { location, pool: config, keepsStatements } = readAddress(url, { waitMs, env: process.env });
  const pool = new pg.Pool({ ...config, Client: keepsStatements ? Client : ForgetfulClient });
  // A connection that is lost while nothing runs on it is replaced when it is needed; nobody has to hear of it.
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    client.on("error", () => {});
    if (keepsStatements) client.query(NO_BITMAPS).catch(() => {});
  });
  return { pool, db: kyselyOver(pool, waitMs), location };
}

/**
 * Opens an existing alpha database whose schema is this program's.
 * @throws AlphaError `config` for a URL that cannot be used, `database` for a server that cannot be
 */
export async function openPostgres(options: PostgresOptions): Promise<Store> {
  const { pool, db, location } = connect(options);
  try {
    requireCurrent(await stateOf(pool, await lookAt(pool, location)), location);
    return new PostgresStore({ pool, db, location, waitMs: options.waitMs });
  } catch (error) {
    await pool.end();
    throw explainPostgres(error, location);
  }
}

/** Asks for what is known at once: a server that has let somebody in and then falls silent is not waited for. */
export async function look<Row extends object>(pool: pg.Pool, text: string): Promise<Row[]> {
  const asked = { text, query_timeout: pool.options.connectionTimeoutMillis };
  return (await pool.query<Row>(asked)).rows;
}

/** What kind of server it is. Refuses one that the program does not work with. */
export async function lookAt(pool: pg.Pool, location: string): Promise<Server> {
  const [server] = (await look<Server>(
    pool,
    `select current_setting('server_version_num')::int as version,
      current_setting('server_version') as "versionName",
      current_setting('server_encoding') as encoding,
      current_schema() as schema,
      to_regclass('${MIGRATION_TABLE}') is not null as migrated,
      to_regclass('${MOVE_TABLE}') is not null as "partlyMoved"`,
  )) as [Server];
  if (server.version < OLDEST_MAJOR * 10_000) {
    throw new AlphaError("database", `${location} is PostgreSQL ${server.versionName}, which is too old`, {
      hint: `alpha works with PostgreSQL ${OLDEST_MAJOR} and newer`,
    });
  }
  if (server.encoding !== "UTF8") {
    throw new AlphaError(
      "database",
      `${location} keeps text as ${server.encoding}, which cannot hold every name`,
      {
        hint: "create a database with the encoding UTF8: createdb --encoding UTF8 --template template0",
      },
    );
  }
  return server;
}

/** `null`: the database has never been initialised. */
export async function stateOf(
  pool: pg.Pool,
  { migrated, partlyMoved }: Server,
): Promise<MigrationState | null> {
  if (!migrated) return null;
  const rows = await look<{ name: string }>(pool, `select name from ${MIGRATION_TABLE} order by name`);
  return stateFrom(
    rows.map(({ name }) => name),
    partlyMoved,
  );
}
