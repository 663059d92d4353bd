import type { Pool } from "pg";
import { AlphaError } from "../../errors.js";
import { migrate } from "../migrate.js";
import { type MigrationState, requireCurrent } from "../migration-state.js";
import { explainPostgres } from "./explain.js";
import { POSTGRES_FLAVOR } from "./flavor.js";
import { connect, look, lookAt, type PostgresOptions, stateOf } from "./open.js";

/**
 * Creates the tables in the first schema of the search path, or brings existing ones to this program's schema. Safe to
 * repeat and for two at once. The database itself must be there.
 * @returns what was done: `created` where there were no tables
 */
export async function initPostgres(
  options: PostgresOptions,
): Promise<{ created: boolean; migrated: string[] }> {
  const { pool, db, location } = connect(options);
  try {
    const { schema } = await lookAt(pool, location);
    // Before the state: tables that another process makes right now would look like another program's.
    const other = await otherTable(pool);
    const state = await stateOf(pool, await lookAt(pool, location));
    const existed = state !== null && isOurs(state);
    if (!existed && other !== undefined) throw foreign(location, other);
    if (existed && state.unknown.length > 0) requireCurrent(state, location);
    const migrated = await migrate(db, POSTGRES_FLAVOR, schema ?? undefined);
    return { created: !existed, migrated };
  } catch (error) {
    throw explainPostgres(error, location);
  } finally {
    await pool.end();
  }
}

/** Whether this program, of whichever version, ever made its tables there. */
export async function isInitialised(options: PostgresOptions): Promise<boolean> {
  const { pool, location } = connect(options);
  try {
    const state = await stateOf(pool, await lookAt(pool, location));
    return state !== null && isOurs(state);
  } catch (error) {
    throw explainPostgres(error, location);
  } finally {
    await pool.end();
  }
}

/** Another program may use the same migrator. */
function isOurs({ applied, unknown }: MigrationState): boolean {
  return applied.length > unknown.length;
}

interface OtherTable {
  readonly name: string;
  readonly schema: string;
}

/** A table in the schema that the migrator did not make; those of extensions do not count. */
async function otherTable(pool: Pool): Promise<OtherTable | undefined> {
  const [found] = await look<OtherTable>(
    pool,
    `select relname as name, current_schema() as schema from pg_class
      where relnamespace = to_regnamespace(quote_ident(current_schema())) and relkind in ('r', 'p')
      and relname not like 'kysely\\_%'
      and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid
        and deptype = 'e')
      order by relname limit 1`,
  );
  return found;
}

function foreign(location: string, { name, schema }: OtherTable): AlphaError {
  return new AlphaError(
    "database",
    `the schema ${schema} of ${location} is another program's (it has a table ${name})`,
    {
      hint: "give alpha a schema of its own: create schema alpha, and ?options=-c%20search_path%3Dalpha in the URL",
    },
  );
}
