import type { Transaction } from "kysely";
import type { Writing } from "../engine/ports.js";
import { alertsOn } from "./alerts.js";
import { emergencyOn } from "./emergency.js";
import { historyOn } from "./history.js";
import { holdsOn } from "./holds.js";
import { ledgerOn } from "./ledger.js";
import { pricesOn } from "./prices.js";
import { recentOn } from "./recent.js";
import { recordsOn } from "./records.js";
import { replayOn } from "./replay.js";
import type { Schema } from "./schema.js";
import { sealingOn } from "./sealing.js";
import { settingsOn } from "./settings.js";
import { statusOn } from "./status.js";
import { tiersOn } from "./tiers.js";
import { totalsOn } from "./totals.js";
import { usageOn } from "./usage.js";
import { usersOn } from "./users.js";

/** Everything that can be read and changed, in one transaction of whichever database. */
export function allOn(tx: Transaction<Schema>): Writing {
  return {
    settings: settingsOn(tx),
    tiers: tiersOn(tx),
    users: usersOn(tx),
    emergency: emergencyOn(tx),
    usage: usageOn(tx),
    ledger: ledgerOn(tx),
    prices: pricesOn(tx),
    holds: holdsOn(tx),
    alerts: alertsOn(tx),
    status: statusOn(tx),
    history: historyOn(tx),
    recent: recentOn(tx),
    sealing: sealingOn(tx),
    replay: replayOn(tx),
    totals: totalsOn(tx),
    records: recordsOn(tx),
  };
}

/** Thrown to undo a transaction that was only tried. */
class DryRun extends Error {}

/**
 * Runs `work` in a transaction that `run` opens, commits, and rolls back on an error; with `dryRun` it is rolled back in
 * any case, and what `work` returned is what would have been.
 */
export async function changing<T>(
  run: (inTransaction: (tx: Transaction<Schema>) => Promise<T>) => Promise<T>,
  work: (tx: Writing) => Promise<T>,
  dryRun: boolean,
): Promise<T> {
  let tried: { readonly result: T } | undefined;
  try {
    return await run(async (tx) => {
      const result = await work(allOn(tx));
      if (!dryRun) return result;
      tried = { result };
      throw new DryRun();
    });
  } catch (error) {
    if (error instanceof DryRun && tried !== undefined) return tried.result;
    throw error;
  }
}
