import type { ImportColumns } from "../../domain/import-columns.js";
import type { SliceRows } from "../../domain/ledger-import.js";
import { PRICED_BY } from "../../domain/price-rule.js";
import type { Instant } from "../../domain/window.js";
import { sortedRows } from "../slice-entry.js";
import { COLUMNS_BYTES, encodedRow, encodedText, INTEGER_BYTES, mostTextBytes } from "./binary-rows.js";
import type { CopiedRows } from "./copy-in.js";

const EVENT_INTEGERS = [
  "id",
  "user_id",
  "call_kind_id",
  "occurred_at",
  "recorded_at",
  "input",
  "cache_read",
  "cache_write",
  "output",
  "reasoning",
  "images",
  "requests",
  "cost",
  "assumed",
  "import_id",
] as const;
const COPY_EVENTS = `copy usage_event (${EVENT_INTEGERS.join(", ")}, priced_by, status) from stdin (format binary)`;

/** The place of each. */
const AT = Object.fromEntries(EVENT_INTEGERS.map((name, place) => [name, place])) as Record<
  (typeof EVENT_INTEGERS)[number],
  number
>;

const KEY_COLUMNS = 4;
/** All but the text. */
const KEY_BYTES = COLUMNS_BYTES + (KEY_COLUMNS - 1) * INTEGER_BYTES;
const COPY_KEYS = "copy event_key (source_id, id, hash, event_id) from stdin (format binary)";

/** By its place among the rows. */
export type NumberOf = (row: number) => number;

/** What the rows of a slice have in common, and the numbers that they refer to. */
interface EventNumbers {
  readonly at: Instant;
  readonly importId: number;
  /** Of the columns' kinds. */
  readonly kinds: Readonly<Float64Array>;
  /** Of the event of a row. */
  readonly events: NumberOf;
}

/** The events of a slice. */
export function eventRows(columns: ImportColumns, rows: SliceRows, numbers: EventNumbers): CopiedRows {
  const { kind, status, occurredAt, input, cacheRead, cacheWrite, output, reasoning, images, requests } =
    columns;
  const { record, userId, cost, assumed, pricedBy, count } = rows;
  const likes = encodedRows(columns);
  const most = Math.max(...likes.map(({ length }) => length));
  return {
    copy: COPY_EVENTS,
    count,
    mostBytes: () => most,
    write(row, to) {
      const i = record[row]!;
      to.rowLike(likes[status[i]! * PRICED_BY.length + pricedBy[row]!]!);
      to.set(AT.id, numbers.events(row));
      to.set(AT.user_id, userId[row]!);
      to.set(AT.call_kind_id, numbers.kinds[kind[i]!]!);
      to.set(AT.occurred_at, occurredAt[i]!);
      to.set(AT.recorded_at, numbers.at);
      to.set(AT.input, input[i]!);
      to.set(AT.cache_read, cacheRead[i]!);
      to.set(AT.cache_write, cacheWrite[i]!);
      to.set(AT.output, output[i]!);
      to.set(AT.reasoning, reasoning[i]!);
      to.set(AT.images, images[i]!);
      to.set(AT.requests, requests[i]!);
      to.set(AT.cost, cost[row]!);
      to.set(AT.assumed, assumed[row]!);
      to.set(AT.import_id, numbers.importId);
    },
  };
}

/** A row for each pair of a status and what priced it: by status, then by `PRICED_BY`. */
function encodedRows({ statuses }: ImportColumns): Buffer[] {
  return statuses.flatMap((status) =>
    PRICED_BY.map((by) =>
      encodedRow(EVENT_INTEGERS.length, encodedText(by), encodedText(status === "ok" ? null : status)),
    ),
  );
}

/**
 * Their identities, in the order of the ids: whoever brings the same ones waits and not in a circle, and neighbours lie on
 * the same pages.
 * @param numbers.events of the event of a row
 * @param numbers.inOrder whether the ids of the slice come in that order
 */
export function keyRows(
  ids: readonly string[],
  rows: SliceRows,
  numbers: { readonly source: number; readonly events: NumberOf; readonly inOrder: boolean },
): CopiedRows {
  const { source, events, inOrder } = numbers;
  const { record, hash, count } = rows;
  const sorted = inOrder ? null : sortedRows(ids, rows);
  const rowAt = (nth: number) => (sorted === null ? nth : sorted[nth]!);
  return {
    copy: COPY_KEYS,
    count,
    mostBytes: (nth) => KEY_BYTES + mostTextBytes(ids[record[rowAt(nth)]!]!),
    write(nth, to) {
      const row = rowAt(nth);
      to.row(KEY_COLUMNS);
      to.integer(source);
      to.text(ids[record[row]!]!);
      to.integer(hash[row]!);
      to.integer(events(row));
    },
  };
}
