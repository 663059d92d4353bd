import type { DatabaseHealth } from "../../domain/doctor-database.js";

/** Looks at a database from outside: at its file and disk, or at its server. */
export type LookAtDatabase = (options: {
  /** Whether the pages of a file are read, all of them. */
  readonly pages: boolean;
}) => Promise<DatabaseHealth>;
