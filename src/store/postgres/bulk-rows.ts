import type { ImportColumns } from "../../domain/import-columns.js";
import type { SliceRows } from "../../domain/ledger-import.js";
import { PRICED_BY } from "../../domain/price-rule.js";
import type { Instant } from "../../domain/window.js";
import { sortedRows } from "../slice-entry.js";
import { BinaryRows, type CopiedRows, encodedText, INTEGER_BYTES, mostTextBytes } from "./copy-in.js";

/** In the order in which `eventRows` writes them. */
const EVENT_INTEGERS = `id, user_id, call_kind_id, occurred_at, recorded_at, input, cache_read, cache_write, output,
  reasoning, images, requests, cost, assumed, import_id`;
const EVENT_COLUMNS = 17;
const COPY_EVENTS = `copy usage_event (${EVENT_INTEGERS}, priced_by, status) from stdin (format binary)`;

const KEY_COLUMNS = 4;
const COPY_KEYS = "copy event_key (source_id, id, hash, event_id) from stdin (format binary)";
const ROW_BYTES = 2;

/** What the rows of a slice have in common, and the numbers that they refer to. */
interface EventNumbers {
  readonly at: Instant;
  readonly importId: number;
  /** Of the columns' kinds. */
  readonly kinds: Readonly<Float64Array>;
  /** Of the events, in the order of the rows. */
  readonly events: Readonly<Float64Array>;
}

/** The events of a slice. */
export function eventRows(columns: ImportColumns, rows: SliceRows, numbers: EventNumbers): CopiedRows {
  const { kind, occurredAt, input, cacheRead, cacheWrite, output, reasoning, images, requests } = columns;
  const { record, userId, cost, assumed, pricedBy, count } = rows;
  const texts = encodedTexts(columns);
  const widest = Math.max(...texts.map(({ length }) => length));
  const integers = EVENT_COLUMNS - 2;
  const to = new BinaryRows(count * (ROW_BYTES + integers * INTEGER_BYTES + widest));
  for (let row = 0; row < count; row++) {
    const i = record[row]!;
    to.begin(EVENT_COLUMNS);
    to.integer(numbers.events[row]!);
    to.integer(userId[row]!);
    to.integer(numbers.kinds[kind[i]!]!);
    to.integer(occurredAt[i]!);
    to.integer(numbers.at);
    to.integer(input[i]!);
    to.integer(cacheRead[i]!);
    to.integer(cacheWrite[i]!);
    to.integer(output[i]!);
    to.integer(reasoning[i]!);
    to.integer(images[i]!);
    to.integer(requests[i]!);
    to.integer(cost[row]!);
    to.integer(assumed[row]!);
    to.integer(numbers.importId);
    to.encoded(texts[columns.status[i]! * PRICED_BY.length + pricedBy[row]!]!);
  }
  return { copy: COPY_EVENTS, data: to.end() };
}

/** What priced an event and its status, for each pair of them: by status, then by `PRICED_BY`. */
function encodedTexts({ statuses }: ImportColumns): Buffer[] {
  return statuses.flatMap((status) =>
    PRICED_BY.map((by) => Buffer.concat([encodedText(by), encodedText(status === "ok" ? null : status)])),
  );
}

/**
 * Their identities, in the order of the ids: whoever brings the same ones waits and not in a circle, and neighbours lie on
 * the same pages.
 * @param numbers.events of the events, in the order of the rows
 * @param numbers.inOrder whether the ids of the slice come in that order
 */
export function keyRows(
  ids: readonly string[],
  rows: SliceRows,
  numbers: { readonly source: number; readonly events: Readonly<Float64Array>; readonly inOrder: boolean },
): CopiedRows {
  const { source, events, inOrder } = numbers;
  const { record, hash, count } = rows;
  const sorted = inOrder ? null : sortedRows(ids, rows);
  let texts = 0;
  for (let row = 0; row < count; row++) texts += mostTextBytes(ids[record[row]!]!);
  const to = new BinaryRows(texts + count * (ROW_BYTES + (KEY_COLUMNS - 1) * INTEGER_BYTES));
  for (let nth = 0; nth < count; nth++) {
    const row = sorted === null ? nth : sorted[nth]!;
    to.begin(KEY_COLUMNS);
    to.integer(source);
    to.text(ids[record[row]!]!);
    to.integer(hash[row]!);
    to.integer(events[row]!);
  }
  return { copy: COPY_KEYS, data: to.end() };
}
