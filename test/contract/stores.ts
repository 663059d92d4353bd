import { openFreshPostgres } from "../support/postgres.js";
import { type OpenFresh, openFreshSqlite } from "../support/store.js";

/** Every store there is: each must keep the whole contract. */
export const STORES: readonly { readonly name: string; readonly openFresh: OpenFresh }[] = [
  { name: "SQLite", openFresh: openFreshSqlite },
  { name: "PostgreSQL", openFresh: openFreshPostgres },
];
