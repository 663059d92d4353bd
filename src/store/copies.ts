import type { DatabaseCopies } from "../engine/ports.js";
import { AlphaError } from "../errors.js";
import { isPostgresUrl, withoutPassword } from "./location.js";
import type { StoreOptions } from "./open-store.js";

/**
 * Copies of a database that is a file.
 * @param what is to be done, such as `backup`
 * @throws AlphaError `usage` for one on a server, with how it is done there
 */
export async function copiesOf(
  { database, waitMs }: StoreOptions,
  what: keyof typeof ON_A_SERVER,
): Promise<DatabaseCopies> {
  if (isPostgresUrl(database)) {
    const { message, hint } = ON_A_SERVER[what];
    throw new AlphaError("usage", message, { hint: hint(withoutPassword(database)) });
  }
  const { SqliteCopies } = await import("./sqlite/copies.js");
  return new SqliteCopies({ path: database, waitMs });
}

const ON_A_SERVER = {
  backup: {
    message: "a database on a PostgreSQL server is backed up by PostgreSQL's own tools",
    hint: (url: string) => `pg_dump --format=custom --file=alpha.dump '${url}'`,
  },
  restore: {
    message: "a database on a PostgreSQL server is restored by PostgreSQL's own tools",
    hint: (url: string) =>
      `pg_restore --clean --if-exists --single-transaction --dbname='${url}' alpha.dump; then, before anything may use it: alpha emergency-stop on`,
  },
} as const;
