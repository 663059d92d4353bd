import type { DatabaseFacts } from "../../engine/ports.js";
import { requireKnown } from "../migration-state.js";
import { explainPostgres } from "./explain.js";
import { connect, lookAt, type PostgresOptions, stateOf } from "./open.js";

export async function inspectPostgres(options: PostgresOptions): Promise<DatabaseFacts> {
  const { pool, location } = connect(options);
  try {
    const server = await lookAt(pool, location);
    const { applied, pending } = requireKnown(await stateOf(pool, server), location);
    return { kind: "postgres", version: server.versionName, applied, pending };
  } catch (error) {
    throw explainPostgres(error, location);
  } finally {
    await pool.end();
  }
}
