import { type Calendar, calendar } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { type KeepLease, underLease } from "./lease.js";
import { type CellSums, LedgerSums, WindowSums } from "./ledger-sums.js";
import { LEDGER_FIELDS, type LedgerField, type UserShare } from "./ports/ledger.js";
import type { Progress, Writing } from "./ports.js";
import { LEDGER_JOB } from "./rebuild.js";
import { sealOf } from "./sealing.js";
import { MOST_SUMS, sharesOf } from "./total-comparison.js";

export interface ZoneChange {
  readonly before: string;
  readonly after: string;
  /** Rows of the ledger that were added up anew. */
  readonly rows: number;
  /** Totals that they came to. */
  readonly windows: number;
  readonly days: number;
}

export interface ZoneOptions extends ChangeOptions {
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  readonly sumsAtOnce?: number;
}

const PAGE = 10_000;

/**
 * Changes the zone in which days and months begin, and adds the whole ledger up anew in it: all in one transaction, which
 * every call waits for, since no total of one zone means anything in another.
 * @throws AlphaError `conflict` where months are sealed: their events could not be counted anew; `busy` while a prune or
 * another rebuild runs; `interrupted`
 */
export async function changeTimeZone(
  engine: Engine,
  timeZone: string,
  options: ZoneOptions = {},
): Promise<ZoneChange> {
  const { zone } = calendar(timeZone);
  if (options.dryRun === true) return change(engine, zone, null, options);
  return underLease(engine, LEDGER_JOB, (keep) => change(engine, zone, keep, options));
}

function change(
  engine: Engine,
  zone: string,
  keep: KeepLease | null,
  options: ZoneOptions,
): Promise<ZoneChange> {
  return engine.store.write(async (tx) => {
    await keep?.(tx);
    const { time_zone: before } = await tx.settings.current();
    if (zone === before) throw new AlphaError("conflict", `days and months begin in ${zone} already`);
    const seal = await sealOf(tx);
    if (seal !== null) {
      throw new AlphaError(
        "conflict",
        `the time zone cannot be changed any more: what occurred before ${seal.month} is sealed`,
        { hint: "its events are gone, and could not be counted in days of another zone" },
      );
    }
    const at = engine.now();
    await tx.settings.set("time_zone", zone, at);
    const counts = await recount(tx, calendar(zone), options);
    await audit(engine, tx, at, {
      action: "db.rebuild",
      subject: "setting:time_zone",
      before: { value: before },
      after: { value: zone, ...counts },
    });
    return { before, after: zone, ...counts };
  }, options);
}

async function recount(
  tx: Writing,
  zone: Calendar,
  { signal, progress, sumsAtOnce = MOST_SUMS }: ZoneOptions,
): Promise<Pick<ZoneChange, "rows" | "windows" | "days">> {
  const shares = await sharesOf(tx, sumsAtOnce);
  await tx.totals.clear();
  const counts = { rows: 0, windows: 0, days: 0 };
  for (const share of shares) {
    const sums = new LedgerSums();
    for await (const rows of pagesOf(tx, share)) {
      if (signal?.aborted === true) throw new AlphaError("interrupted", "interrupted: nothing was changed");
      for (const row of rows) sums.add(row, zone.dayOf(row.occurredAt));
      counts.rows += rows.length;
      progress?.report({ done: share.remainder, total: share.of, records: counts.rows, rejected: 0 });
    }
    const windows = new WindowSums();
    const cells = [...sums.cells()];
    for (const cell of cells) windows.add(cell, cell.userId, zone);
    const totals = [...windows.windows()].map(({ amounts, ...key }) => ({ ...key, ...amounts }));
    await tx.totals.addToDays(cells.map(({ sums: of, ...key }) => ({ ...key, ...fieldsOf(of) })));
    await tx.totals.addToWindows(totals);
    counts.days += cells.length;
    counts.windows += totals.length;
  }
  return counts;
}

async function* pagesOf(tx: Writing, share: UserShare) {
  let after: number | null = null;
  do {
    const page: Awaited<ReturnType<typeof tx.ledger.rows>> = await tx.ledger.rows(share, {
      after,
      limit: PAGE,
    });
    yield page.rows;
    after = page.next;
  } while (after !== null);
}

function fieldsOf(sums: CellSums): Record<LedgerField, bigint> {
  return Object.fromEntries(LEDGER_FIELDS.map((field, index) => [field, sums[index]])) as Record<
    LedgerField,
    bigint
  >;
}
