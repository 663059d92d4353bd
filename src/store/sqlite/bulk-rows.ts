import type Sqlite from "better-sqlite3";
import { type Insertable, type Kysely, sql } from "kysely";
import type { ImportColumns } from "../../domain/import-columns.js";
import type { SliceRows } from "../../domain/ledger-import.js";
import { PRICED_BY } from "../../domain/price-rule.js";
import type { Instant } from "../../domain/window.js";
import type { Schema } from "../schema.js";
import { sortedRows } from "../slice-entry.js";
import type { Prepared } from "./meter-statements.js";
import { LONG_SIZES, RowWriter } from "./row-writer.js";

const ANY = 0;
const TEXT = "";

type EventRow = Insertable<Schema["usage_event"]>;

/** A column that usually says the same in all rows of a slice. */
interface Usual {
  readonly column: keyof EventRow;
  /** What it usually says. */
  readonly usual: number | string | null;
  readonly value: (row: number) => number | string | null;
}

/** Values that every event has bound; those that vary follow them. */
const ALWAYS = { user_id: ANY, call_kind_id: ANY, occurred_at: ANY, input: ANY, output: ANY, cost: ANY };
const ALWAYS_BOUND = Object.keys(ALWAYS).length;

/**
 * Writes the events of slices, and their keys. Binding a value costs as much as storing it: what is the same in all rows
 * of a slice stands in the statement's text.
 */
export class BulkRows {
  /** By what stands in the text. */
  readonly #events = new Map<string, RowWriter>();
  readonly #keys: RowWriter;

  constructor(
    private readonly raw: Sqlite.Database,
    private readonly db: Kysely<Schema>,
  ) {
    const key = { id: TEXT, hash: ANY, event_id: ANY, source_id: sql<number>`@source` };
    this.#keys = new RowWriter(
      3,
      (rows) => this.#prepare(db.insertInto("event_key").values(repeat(key, rows)).compile().sql),
      LONG_SIZES,
    );
  }

  /**
   * @param kindIds the numbers of the columns' kinds
   * @returns the number of the first event; the others follow it
   */
  writeEvents(
    columns: ImportColumns,
    rows: SliceRows,
    kindIds: Readonly<Float64Array>,
    shared: { readonly at: Instant; readonly importId: number },
  ): number {
    const { kind, occurredAt, input, output } = columns;
    const { record, userId, cost, count } = rows;
    const usuals = usualsOf(columns, rows);
    const varying = usuals.filter(({ usual, value }) => !isEverywhere(usual, value, count));
    const values = varying.map(({ value }) => value);
    const put = (row: number, into: unknown[], at: number) => {
      const i = record[row]!;
      into[at] = userId[row];
      into[at + 1] = kindIds[kind[i]!];
      into[at + 2] = occurredAt[i];
      into[at + 3] = input[i];
      into[at + 4] = output[i];
      into[at + 5] = cost[row];
      for (let n = 0; n < values.length; n++) into[at + ALWAYS_BOUND + n] = values[n]!(row);
    };
    return this.#eventWriter(usuals, varying).writeEach(count, put, shared) - count + 1;
  }

  /** @param inOrder whether the ids come in order: each page is then written once, else they are sorted for that */
  writeKeys(
    ids: readonly string[],
    rows: SliceRows,
    { source, firstEvent, inOrder }: { source: number; firstEvent: number; inOrder: boolean },
  ): void {
    const { record, hash, count } = rows;
    const sorted = inOrder ? null : sortedRows(ids, rows);
    const put = (nth: number, into: unknown[], at: number) => {
      const row = sorted === null ? nth : sorted[nth]!;
      into[at] = ids[record[row]!];
      into[at + 1] = hash[row];
      into[at + 2] = firstEvent + row;
    };
    this.#keys.writeEach(count, put, { source });
  }

  #eventWriter(usuals: readonly Usual[], varying: readonly Usual[]): RowWriter {
    const inText = usuals.filter((each) => !varying.includes(each));
    const key = inText.map(({ column, usual }) => `${column}=${usual}`).join();
    let writer = this.#events.get(key);
    if (writer === undefined) {
      const row = {
        ...ALWAYS,
        ...Object.fromEntries(varying.map(({ column }) => [column, ANY])),
        ...Object.fromEntries(inText.map(({ column, usual }) => [column, sql.lit(usual)])),
        recorded_at: sql<number>`@at`,
        import_id: sql<number>`@importId`,
      } as EventRow;
      const insert = (rows: number) => this.db.insertInto("usage_event").values(repeat(row, rows));
      writer = new RowWriter(
        ALWAYS_BOUND + varying.length,
        (rows) => this.#prepare(insert(rows).compile().sql),
        LONG_SIZES,
      );
      this.#events.set(key, writer);
    }
    return writer;
  }

  #prepare(text: string): Prepared<never> {
    return this.raw.prepare<unknown[], never>(text);
  }
}

function usualsOf(columns: ImportColumns, rows: SliceRows): Usual[] {
  const { record, assumed, pricedBy } = rows;
  const { cacheRead, cacheWrite, reasoning, images, requests, status, statuses } = columns;
  const priced = (row: number) => PRICED_BY[pricedBy[row]!]!;
  const statusOf = (row: number) => {
    const text = statuses[status[record[row]!]!]!;
    return text === "ok" ? null : text;
  };
  return [
    { column: "cache_read", usual: 0, value: (row) => cacheRead[record[row]!]! },
    { column: "cache_write", usual: 0, value: (row) => cacheWrite[record[row]!]! },
    { column: "reasoning", usual: 0, value: (row) => reasoning[record[row]!]! },
    { column: "images", usual: 0, value: (row) => images[record[row]!]! },
    { column: "requests", usual: 1, value: (row) => requests[record[row]!]! },
    { column: "assumed", usual: 0, value: (row) => assumed[row]! },
    { column: "priced_by", usual: priced(0), value: priced },
    { column: "status", usual: null, value: statusOf },
  ];
}

function isEverywhere(usual: Usual["usual"], value: Usual["value"], rows: number): boolean {
  for (let row = 0; row < rows; row++) if (value(row) !== usual) return false;
  return true;
}

function repeat<T>(row: T, times: number): T[] {
  return Array.from({ length: times }, () => row);
}
