import type { Durability } from "../domain/settings.js";
import { calendar, dayLabel, type Instant } from "../domain/window.js";
import { BACKUP_ACTION } from "./backup.js";
import type { Engine } from "./engine.js";
import type { Client, ResetRun } from "./ports.js";
import { sealOf } from "./sealing.js";

/** What a database holds, and what was done for it. */
export interface DatabaseInfo {
  readonly createdAt: Instant | null;
  readonly timeZone: string;
  readonly durability: Durability;
  /** Bytes. */
  readonly size: number;
  /** Testers who are not removed. */
  readonly testers: number;
  /** Rows of the ledger: events and corrections. */
  readonly rows: number;
  /** The first and the last day with usage, such as `2026-11-22`. */
  readonly days: { readonly first: string; readonly last: string } | null;
  /** `before` is the first month that is open. */
  readonly sealed: { readonly before: string; readonly months: number; readonly events: number } | null;
  readonly lastReset: ResetRun | null;
  readonly lastBackup: { readonly at: Instant; readonly path: string } | null;
  /** Products that ever opened it, the latest first. */
  readonly clients: readonly Client[];
}

export async function databaseInfo(engine: Engine): Promise<DatabaseInfo> {
  const size = await engine.store.size();
  return engine.store.read(async (tx) => {
    const { time_zone, durability } = await tx.settings.current();
    const seal = await sealOf(tx);
    const months = await tx.sealing.months();
    const days = await tx.sealing.daysWithTotals();
    const [backup] = await tx.records.audit({ actions: [BACKUP_ACTION], limit: 1 });
    const testers = [...(await tx.tiers.userCounts()).values()].reduce((sum, users) => sum + users, 0);
    return {
      createdAt: await tx.records.createdAt(),
      timeZone: calendar(time_zone).zone,
      durability,
      size,
      testers,
      rows: await tx.ledger.rowCount(),
      days: days === null ? null : { first: dayLabel(days.first), last: dayLabel(days.last) },
      sealed:
        seal === null
          ? null
          : {
              before: seal.month,
              months: months.length,
              events: months.reduce((sum, { events }) => sum + events, 0),
            },
      lastReset: (await tx.records.lastReset()) ?? null,
      lastBackup: backup === undefined ? null : { at: backup.at, path: pathIn(backup.after) },
      clients: await tx.records.clients(),
    };
  });
}

function pathIn(after: unknown): string {
  const path = (after as { path?: unknown } | null)?.path;
  return typeof path === "string" ? path : "";
}
