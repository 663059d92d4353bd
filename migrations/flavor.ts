import type { ColumnDefinitionBuilder, CreateTableBuilder, RawBuilder } from "kysely";

/** What the databases spell differently, so that every migration is written once. */
export interface Flavor {
  /** A 64-bit integer column. */
  readonly int: "integer" | "bigint";
  /** A text column, ordered by its bytes. */
  readonly text: "text" | RawBuilder<unknown>;
  /** Makes a column the primary key that the database numbers itself. */
  numbered(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder;
  /** Begins the ledger's table: numbered by the database, and in parts by `occurred_at` where the database can do that. */
  ledger(table: CreateTableBuilder<string>): CreateTableBuilder<string>;
  /** What is to be done once it is there. */
  readonly ledgerParts: readonly RawBuilder<unknown>[];
  /** What stands behind the closing parenthesis of a table numbered by the database. */
  readonly tableEnd: RawBuilder<unknown>;
  /** The same for a table stored in the order of its own primary key, where the database can do that. */
  readonly keyedTableEnd: RawBuilder<unknown>;
  /**
   * What keeps a table quick to search by a column although its rows come and go by the thousand, in statements: none
   * where a row that is gone leaves nothing behind.
   */
  churning(table: string, column: string): readonly RawBuilder<unknown>[];
  /** What makes it cheap to change the rows of a table again and again, in statements. */
  changing(table: string): readonly RawBuilder<unknown>[];
}
