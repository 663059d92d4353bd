import type { ColumnsEntered, ImportColumns } from "../domain/import-columns.js";
import type { Slice, SliceEntered, SliceRows } from "../domain/ledger-import.js";

/* What stores have in common when they enter records in columns. */

/** The users whom a slice names, as indexes of the columns' users, in the order in which they come. */
export function usersIn({ user, users }: ImportColumns, { from, to }: Slice): number[] {
  const met = new Uint8Array(users.length);
  const indexes: number[] = [];
  for (let i = from; i < to; i++) {
    const index = user[i]!;
    if (met[index] === 1) continue;
    met[index] = 1;
    indexes.push(index);
  }
  return indexes;
}

/** What a slice came to, for whoever brought it. */
export function enteredUpTo(
  to: number,
  { outcome, refusals, windows, totals, rows }: SliceEntered,
): Omit<ColumnsEntered, "waited"> {
  return {
    to,
    outcome,
    refusals,
    inserted: totals.inserted(rows.count),
    brought: windows.flatMap(({ userId, period, index, amounts }) =>
      period === "day" ? [{ userId, day: index, requests: amounts.requests }] : [],
    ),
  };
}

/** The rows in the order of their ids. */
export function sortedRows(ids: readonly string[], { record, count }: SliceRows): Int32Array {
  const rows = Int32Array.from({ length: count }, (_, row) => row);
  return rows.sort((a, b) => (ids[record[a]!]! < ids[record[b]!]! ? -1 : 1));
}
