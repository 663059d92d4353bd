import { type Alert, thresholdCrossings } from "./alert.js";
import { entitlementOf } from "./entitlement.js";
import { type Counted, type GuardrailWatch, grownIn, type Trip } from "./guardrail.js";
import type { LedgerRow } from "./ledger-model.js";
import { PERIODS } from "./meter.js";
import { addNanos } from "./money.js";
import type { Settings } from "./settings.js";
import type { TotalDeltas } from "./total-deltas.js";
import { totalTokens } from "./usage.js";
import type { Calendar, Instant } from "./window.js";
import type { WorkingUser } from "./working-user.js";

/** What counts usage in one batch. */
export interface Counters {
  readonly zone: Calendar;
  readonly settings: Settings;
  readonly totals: TotalDeltas;
  readonly guardrails: GuardrailWatch;
}

/** When a correction is made, and the instant whose windows it may warn of: never before it. */
interface When {
  readonly at: Instant;
  readonly warnOf: Instant;
}

/**
 * Moves every total by what the rows of one correction say. Trips and alerts only where the rows together make the usage
 * of a running window grow, or of one that is warned of: what shrinks warns nobody, and neither does what is late.
 */
export function countCorrections(
  rows: readonly LedgerRow[],
  user: WorkingUser,
  { at, warnOf }: When,
  { zone, settings, totals, guardrails }: Counters,
): { readonly alerts: readonly Alert[]; readonly trips: readonly Trip[] } {
  const windowsOf = (instant: Instant) => {
    const day = zone.dayOf(instant);
    return { day, month: zone.dayToMonth(day) };
  };
  const open = windowsOf(warnOf);
  const before = { day: user.window("day", open.day), month: user.window("month", open.month) };
  const counted = rows.map((row) => countedBy(row, zone));
  for (const [index, { amounts, windows }] of counted.entries()) {
    for (const period of PERIODS) {
      user.use(period, windows[period], amounts);
      totals.addWindow(user.loaded.id, period, windows[period], amounts);
    }
    totals.addDay(rows[index] as LedgerRow, windows.day);
  }
  const trips = guardrails.afterCorrection(counted, windowsOf(at), at);
  const { tier, overrides, id } = user.loaded;
  const { quotas } = entitlementOf(tier, overrides, at);
  const alerts = PERIODS.flatMap((period) =>
    thresholdCrossings(
      quotas.filter((quota) => quota.period === period),
      before,
      grownIn(period, open[period], counted),
      settings,
      { userId: id, index: open, at },
    ),
  );
  return { alerts, trips };
}

function countedBy(row: LedgerRow, zone: Calendar): Counted {
  const day = zone.dayOf(row.occurredAt);
  return {
    amounts: {
      tokens: totalTokens(row),
      images: row.images,
      cost: addNanos(row.cost, row.assumed),
      requests: row.requests,
    },
    windows: { day, month: zone.dayToMonth(day) },
  };
}
