import { MIGRATION_NAMES } from "../../migrations/names.js";
import { AlphaError } from "../errors.js";

export interface MigrationState {
  /** Names of the migrations that ran, oldest first. */
  readonly applied: readonly string[];
  /** Names of those that this program has and the database has not. */
  readonly pending: readonly string[];
  /** Names of those that the database has and this program does not know: it is newer than the program. */
  readonly unknown: readonly string[];
  /** Whether it is the target of a move that did not come to its end. */
  readonly isPartlyMoved: boolean;
}

/** Where Kysely's migrator keeps what ran. */
export const MIGRATION_TABLE = "kysely_migration";
/** Is there as long as a database is only partly moved to where it is. */
export const MOVE_TABLE = "unfinished_move";

/** @param applied names of the migrations that ran, oldest first */
export function stateFrom(applied: readonly string[], isPartlyMoved: boolean): MigrationState {
  const known: readonly string[] = MIGRATION_NAMES;
  return {
    applied,
    pending: known.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !known.includes(name)),
    isPartlyMoved,
  };
}

/** Refuses a database that this program must not touch even to migrate it: somebody else's, a newer one, or part of one. */
export function requireKnown(state: MigrationState | null, where: string): MigrationState {
  // Another program may use the same migrator: where none of ours ran, the database is not ours.
  if (state === null || state.applied.length === state.unknown.length) {
    throw new AlphaError("database", `${where} holds no alpha database`, {
      hint: "create one with: alpha init",
    });
  }
  if (state.unknown.length > 0) {
    throw new AlphaError(
      "database",
      `the database ${where} was made by a newer version of alpha (it has ${state.unknown.join(", ")})`,
      { hint: "update alpha: npm install -g alpha-limits@latest" },
    );
  }
  if (state.isPartlyMoved) {
    throw new AlphaError("database", `${where} holds only a part of a database that is being moved there`, {
      hint: "run the same alpha db move again: it goes on where it stopped",
    });
  }
  return state;
}

/** The same, and an older one. */
export function requireCurrent(state: MigrationState | null, where: string): void {
  const { pending } = requireKnown(state, where);
  if (pending.length > 0) {
    throw new AlphaError(
      "database",
      `the database ${where} is older than this version of alpha (it lacks ${pending.join(", ")})`,
      { hint: "bring it up to date with: alpha db migrate" },
    );
  }
}
