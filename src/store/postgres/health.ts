import type { ServerHealth } from "../../domain/doctor-database.js";
import { explainPostgres } from "./explain.js";
import { connect, type PostgresOptions } from "./open.js";

interface Row {
  readonly unsafe: ServerHealth["unsafe"];
  readonly connections: number;
  readonly max: number;
}

export async function postgresHealth(options: PostgresOptions): Promise<ServerHealth> {
  const { pool, location } = connect(options);
  try {
    const { rows } = await pool.query<Row>(
      `select array(select name from pg_settings where name in ('fsync', 'full_page_writes') and setting = 'off'
          order by name) as unsafe,
        (select coalesce(sum(numbackends), 0)::int from pg_stat_database) as connections,
        current_setting('max_connections')::int as max`,
    );
    const { unsafe, connections, max } = rows[0] as Row;
    return { kind: "postgres", unsafe, connections, maxConnections: max };
  } catch (error) {
    throw explainPostgres(error, location);
  } finally {
    await pool.end();
  }
}
