import { usdString } from "../domain/money.js";
import type { SealedMonth } from "../domain/sealing.js";
import {
  type Calendar,
  calendar,
  dayLabel,
  firstDayOfMonth,
  type Instant,
  monthLabel,
  parseDay,
  parseMonth,
} from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { type KeepLease, leaveGap, underLease } from "./lease.js";
import type { Span } from "./ports/sealing.js";
import type { Progress, Reading, Writing } from "./ports.js";
import { LEDGER_JOB } from "./rebuild.js";
import { type Seal, sealOf } from "./sealing.js";
import { verifyTotals } from "./verify.js";

export interface PruneOptions extends ChangeOptions {
  /** Stops after the slice in hand; the same again goes on. */
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface Pruned {
  /** The first month that stays, such as `2026-06`. */
  readonly before: string;
  /** Months that were sealed now, oldest first. */
  readonly months: readonly SealedMonth[];
  /** Rows of the ledger that went, of these months and of any that a prune before this one has left. */
  readonly rows: number;
  /** 1 where the last row of the ledger is one of them: it stays until others follow it. */
  readonly kept: number;
  /** Refused calls that were kept one by one, and went with them. */
  readonly refusedCalls: number;
}

/** Rows deleted in one transaction, short enough for a call that wants the lock in between. */
const SLICE = 5_000;

/** Months to be sealed. */
interface Plan {
  readonly zone: Calendar;
  readonly months: readonly number[];
  /** The row up to which `counts` were taken. */
  readonly lastRow: number;
  readonly counts: readonly number[];
}

/**
 * Lets go of the events of whole months, all before one. First they are sealed: what they came to is kept, and nothing is
 * entered into them any more. Then their rows go, in short transactions. Totals stay, and with them reports.
 * @param before the first month that stays, as `2026-06-01` or `2026-06`
 * @throws AlphaError `usage` for what is no beginning of a month; `conflict` while a day of these months is not closed, or
 * a total is not what the ledger adds up to; `busy` while another prune or rebuild runs; `interrupted`
 */
export async function pruneLedger(
  engine: Engine,
  before: string,
  options: PruneOptions = {},
): Promise<Pruned> {
  const month = monthOf(before);
  const plan = await engine.store.read((tx) => planOf(engine, tx, month));
  if (plan.months.length > 0) await requireEqual(engine, options);
  const sealed = (keep: KeepLease | null) =>
    engine.store.write(async (tx) => {
      await keep?.(tx);
      return seal(engine, tx, plan);
    }, options);
  if (options.dryRun === true) {
    const months = await sealed(null);
    const gone = await engine.store.read(async (tx) => {
      const last = months.at(-1)?.month ?? (await tx.sealing.lastMonth());
      return last === null ? NOTHING_GONE : wouldGo(engine, tx, plan.zone, last);
    });
    return { before: monthLabel(month), months, ...gone };
  }
  return underLease(engine, LEDGER_JOB, async (keep) => {
    const months = await sealed(keep);
    const seal = await engine.store.read(sealOf);
    const gone = seal === null ? NOTHING_GONE : await letGo(engine, seal, keep, options);
    return { before: monthLabel(month), months, ...gone };
  });
}

type Gone = Pick<Pruned, "rows" | "kept" | "refusedCalls">;

const NOTHING_GONE: Gone = { rows: 0, kept: 0, refusedCalls: 0 };

/** What goes, once everything through a month is sealed. */
async function wouldGo(engine: Engine, tx: Reading, zone: Calendar, lastMonth: number): Promise<Gone> {
  const { end } = zone.window("month", lastMonth);
  const [sealed = 0] = await tx.sealing.rowCounts([{ start: Number.MIN_SAFE_INTEGER, end }], 0);
  const kept = await keptOf(tx, end, (await engine.store.months?.before(end)) ?? []);
  const refusedCalls = await tx.sealing.refusedCalls(firstDayOfMonth(lastMonth + 1));
  return { rows: sealed - kept, kept, refusedCalls };
}

/** How many sealed rows stay: `nextRows` never has the last of the ledger. */
async function keptOf(tx: Reading, until: Instant, dropped: readonly Span[]): Promise<number> {
  const last = await tx.sealing.lastOccurredAt(dropped);
  return last !== null && last < until ? 1 : 0;
}

function monthOf(text: string): number {
  const day = parseDay(text.trim());
  if (day === null) {
    const month = parseMonth(text.trim());
    if (month !== null) return month;
    throw new AlphaError("usage", `--before "${text}" is not a day`, {
      hint: "write it as 2026-06-01: the first day that stays",
    });
  }
  const month = calendar("UTC").dayToMonth(day);
  if (firstDayOfMonth(month) === day) return month;
  throw new AlphaError("usage", `--before ${dayLabel(day)} is in the middle of a month`, {
    hint: `only whole months are let go of: --before ${monthLabel(month)}-01, or ${monthLabel(month + 1)}-01`,
  });
}

async function planOf(engine: Engine, tx: Reading, before: number): Promise<Plan> {
  const zone = calendar((await tx.settings.current()).time_zone);
  requireOver(engine, before, zone);
  const days = await tx.sealing.daysWithTotals();
  const sealed = (await tx.sealing.lastMonth()) ?? Number.NEGATIVE_INFINITY;
  const months: number[] = [];
  if (days !== null) {
    for (let each = Math.max(zone.dayToMonth(days.first), sealed + 1); each < before; each += 1)
      months.push(each);
  }
  if (months.length > 0) await requireClosed(tx, before);
  const lastRow = await tx.sealing.lastRow();
  const counts = months.length === 0 ? [] : await tx.sealing.rowCounts(spansOf(months, zone), 0);
  return { zone, months, lastRow, counts };
}

function spansOf(months: readonly number[], zone: Calendar) {
  return months.map((month) => zone.window("month", month));
}

function requireOver(engine: Engine, before: number, zone: Calendar): void {
  const running = zone.monthOf(engine.now());
  if (before <= running) return;
  throw new AlphaError("conflict", `${monthLabel(before - 1)} is not over yet`, {
    hint: `the latest that can be given is --before ${monthLabel(running)}-01`,
  });
}

async function requireClosed(tx: Reading, before: number): Promise<void> {
  const last = firstDayOfMonth(before) - 1;
  const closed = (await tx.records.lastReset())?.day ?? null;
  if (closed !== null && closed >= last) return;
  throw new AlphaError(
    "conflict",
    `${dayLabel(last)} is not closed yet${closed === null ? "" : `: ${dayLabel(closed)} was the last day to close`}`,
    { hint: "close the days that are over with: alpha reset daily" },
  );
}

/** What is sealed can never be added up again. */
async function requireEqual(engine: Engine, { signal, progress }: PruneOptions): Promise<void> {
  const { differenceCount } = await verifyTotals(engine, { signal, progress });
  if (differenceCount === 0) return;
  throw new AlphaError(
    "conflict",
    `${differenceCount} ${differenceCount === 1 ? "total is" : "totals are"} not what the ledger adds up to; nothing was pruned`,
    { hint: "see them with: alpha db verify; mend them with: alpha db rebuild" },
  );
}

async function seal(
  engine: Engine,
  tx: Writing,
  { zone, months, lastRow, counts }: Plan,
): Promise<SealedMonth[]> {
  const sealedAt = engine.now();
  // Another run may have sealed some of them after the plan was made.
  const last = (await tx.sealing.lastMonth()) ?? Number.NEGATIVE_INFINITY;
  const more = months.length === 0 ? [] : await tx.sealing.rowCounts(spansOf(months, zone), lastRow);
  const sealed: SealedMonth[] = [];
  for (const [index, month] of months.entries()) {
    if (month <= last) continue;
    const events = (counts[index] ?? 0) + (more[index] ?? 0);
    const sums = await tx.sealing.sums(month);
    const row = { month, sealedAt, actor: engine.actor, events, ...sums };
    await tx.sealing.seal(row);
    await audit(engine, tx, sealedAt, {
      action: "db.prune",
      subject: `month:${monthLabel(month)}`,
      after: {
        events,
        requests: Number(sums.requests),
        tokens: Number(sums.tokens),
        images: Number(sums.images),
        cost_usd: usdString(sums.cost),
        assumed_usd: usdString(sums.assumed),
      },
    });
    sealed.push(row);
  }
  return sealed;
}

async function letGo(
  engine: Engine,
  { until, day }: Seal,
  keep: KeepLease,
  { signal, progress }: PruneOptions,
): Promise<Gone> {
  const gone = { rows: (await engine.store.months?.drop(until)) ?? 0, refusedCalls: 0 };
  const write = async (work: (tx: Writing) => Promise<number>): Promise<number> => {
    if (signal?.aborted === true) {
      throw new AlphaError("interrupted", `interrupted after ${gone.rows} rows`, {
        hint: "the months are sealed; the same command goes on with the rest of their rows",
      });
    }
    const dropped = await engine.store.write(async (tx) => {
      await keep(tx);
      return work(tx);
    });
    await leaveGap();
    return dropped;
  };
  // What is kept by the month goes by the month; the rest, and where nothing is, row by row.
  gone.rows += (await engine.store.months?.drop(until)) ?? 0;
  let after = 0;
  for (;;) {
    const page = { after, limit: SLICE };
    const next = await engine.store.read((tx) => tx.sealing.nextRows(until, page));
    if (next === null) break;
    const range = { after, last: next.last };
    gone.rows += await write((tx) => tx.sealing.dropRows(until, range));
    progress?.report({ done: gone.rows, total: null, records: gone.rows, rejected: 0 });
    after = next.last;
  }
  for (;;) {
    const dropped = await write((tx) => tx.sealing.dropRefusedCalls(day, SLICE));
    if (dropped === 0) break;
    gone.refusedCalls += dropped;
  }
  return { ...gone, kept: await engine.store.read((tx) => keptOf(tx, until, [])) };
}
