import type { Kysely } from "kysely";
import type { Store } from "../engine/ports.js";
import type { Row } from "./move-rows.js";
import type { Column } from "./move-tables.js";
import type { Schema } from "./schema.js";

/** One of the two databases of a move, opened whatever is in it. */
export interface MoveSide {
  /** Without any password. */
  readonly location: string;
  readonly db: Kysely<Schema>;
  /** Whether there is one writer at a time. */
  readonly oneWriter: boolean;
  readonly store: Store;
  /** Names of all tables there, also of other programs'. */
  tables(): Promise<string[]>;
  columns(): Promise<ReadonlyMap<string, readonly Column[]>>;
  /** Inserts rows with their numbers as they are, all or none. */
  insert(table: string, columns: readonly Column[], rows: readonly Row[]): Promise<void>;
  /** Readies it for use once all rows are there. */
  ready(): Promise<void>;
  /** Says what is wrong in words. */
  explain(error: unknown): unknown;
  close(): Promise<void>;
}

/** Waits for something that a side does, and has it say in words why it failed. */
export async function on<T>(side: Pick<MoveSide, "explain">, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw side.explain(error);
  }
}
