import { type Calendar, calendar, monthLabel } from "../domain/window.js";
import type { Engine } from "./engine.js";
import type { MonthSpan } from "./ports/months.js";

/** So many months ahead: a reset that does not run for a while does no harm. */
const AHEAD = 3;

/** Makes room in the ledger for this month and the next ones, where the database keeps each by itself. */
export async function prepareMonths({ store, now }: Engine): Promise<void> {
  if (store.months === undefined) return;
  const { time_zone } = await store.read((tx) => tx.settings.current());
  const zone = calendar(time_zone);
  const first = zone.monthOf(now());
  await store.months.prepare(Array.from({ length: AHEAD + 1 }, (_, n) => monthSpan(zone, first + n)));
}

function monthSpan(zone: Calendar, month: number): MonthSpan {
  const { start, end } = zone.window("month", month);
  return { label: monthLabel(month), start, end };
}
