import { AlphaError } from "../errors.js";
import { type Alert, thresholdCrossings } from "./alert.js";
import { NO_WINDOW_USAGE } from "./decide.js";
import { entitlementOf } from "./entitlement.js";
import { ENTERED, type ImportColumns } from "./import-columns.js";
import { ImportTotals } from "./import-totals.js";
import {
  hashForUser,
  type LedgerState,
  type LedgerUser,
  type WindowDelta,
  windowKey,
} from "./ledger-model.js";
import { type Amounts, addAmounts } from "./meter.js";
import { type PriceSource, promptSize } from "./price.js";
import { PRICED_BY, type Price, priceUsage } from "./price-rule.js";
import { isSealed } from "./sealing.js";
import type { Settings } from "./settings.js";
import type { Usage } from "./usage.js";
import { calendar, type Instant } from "./window.js";

/*
 * The functional core once more, for plain records of a log in columns: it decides what `applyOperations` would decide
 * about them as `record` operations where no guardrail is set, at a tenth of the cost.
 */

const INSERTED = ENTERED.indexOf("inserted");
const DUPLICATE = ENTERED.indexOf("duplicate");
const CONFLICT = ENTERED.indexOf("conflict");
const USER_UNKNOWN = ENTERED.indexOf("user-unknown");
const REFUSED = ENTERED.indexOf("refused");
const SEALED = ENTERED.indexOf("sealed");

/** Which of the records: half-open. */
export interface Slice {
  readonly from: number;
  readonly to: number;
}

/** Everything a slice is decided from. */
export interface SliceState extends Pick<LedgerState, "settings" | "ownPrices" | "sealedUntil"> {
  /** The price book; `null`: no record needs it. */
  readonly book: PriceSource | null;
  /** The number of each of the columns' users whom the slice names; 0: nobody. */
  readonly userIds: Readonly<Float64Array>;
  /** Content hashes of those of the slice's ids that are in the ledger already. */
  readonly known: ReadonlyMap<string, number>;
  /** Whether no id stands twice in the slice. `false`: it may. */
  readonly distinct: boolean;
}

/** What the records that are inserted become, in their order, beyond what the columns say of them. */
export class SliceRows {
  count = 0;
  /** Which record of the columns. */
  readonly record: Int32Array;
  readonly userId: Float64Array;
  readonly hash: Float64Array;
  readonly cost: Float64Array;
  readonly assumed: Float64Array;
  /** As an index of `PRICED_BY`. */
  readonly pricedBy: Uint8Array;

  constructor(most: number) {
    this.record = new Int32Array(most);
    this.userId = new Float64Array(most);
    this.hash = new Float64Array(most);
    this.cost = new Float64Array(most);
    this.assumed = new Float64Array(most);
    this.pricedBy = new Uint8Array(most);
  }

  add(record: number, userId: number, hash: number, price: Price): void {
    const row = this.count++;
    this.record[row] = record;
    this.userId[row] = userId;
    this.hash[row] = hash;
    this.cost[row] = price.cost;
    this.assumed[row] = price.assumed;
    this.pricedBy[row] = PRICED_BY.indexOf(price.pricedBy);
  }
}

export interface SliceEntered {
  /** For each record of the slice an index of `ENTERED`. */
  readonly outcome: Uint8Array;
  /** Why a record is `refused`, by its index in the columns. */
  readonly refusals: ReadonlyMap<number, string>;
  readonly rows: SliceRows;
  readonly totals: ImportTotals;
  readonly windows: readonly WindowDelta[];
}

/**
 * Decides about a slice, each record seeing those before it.
 * @returns `null` when a sum leaves the safe integers, so that it matters which records come first
 */
export function enterSlice(
  columns: ImportColumns,
  { from, to }: Slice,
  state: SliceState,
): SliceEntered | null {
  const { ids, user, hash, kind, occurredAt, requests } = columns;
  const { userIds, known, sealedUntil } = state;
  const pricing = new Pricing(columns, state);
  const days = new Days(state.settings);
  const outcome = new Uint8Array(to - from);
  const refusals = new Map<number, string>();
  const rows = new SliceRows(to - from);
  const totals = new ImportTotals(calendar(state.settings.time_zone), columns.kinds.length);
  const seen = state.distinct ? null : new Map<string, number>();

  for (let i = from; i < to; i++) {
    const userId = userIds[user[i]!]!;
    if (userId === 0) {
      outcome[i - from] = USER_UNKNOWN;
      continue;
    }
    const id = ids[i] as string;
    const ownHash = hashForUser(hash[i]!, userId);
    const before = seen?.get(id) ?? known.get(id);
    if (before !== undefined) {
      outcome[i - from] = before === ownHash ? DUPLICATE : CONFLICT;
      continue;
    }
    if (isSealed(occurredAt[i]!, sealedUntil)) {
      outcome[i - from] = SEALED;
      continue;
    }
    try {
      const price = pricing.priceOf(i);
      const day = days.dayOf(occurredAt[i]!);
      rows.add(i, userId, ownHash, price);
      totals.add(userId, day, kind[i]!, pricing.usage, requests[i]!, price);
    } catch (error) {
      if (!(error instanceof AlphaError) || error.code !== "usage") throw error;
      outcome[i - from] = REFUSED;
      refusals.set(i, error.message);
      continue;
    }
    outcome[i - from] = INSERTED;
    seen?.set(id, ownHash);
  }
  if (!totals.close()) return null;
  const windows = totals.windows();
  if (!windows.every(({ amounts }) => areSafe(amounts))) return null;
  return { outcome, refusals, rows, totals, windows };
}

function areSafe({ tokens, images, cost, requests }: Amounts): boolean {
  return Math.max(tokens, images, cost, requests) <= Number.MAX_SAFE_INTEGER;
}

/** Prices records one after the other. */
class Pricing {
  /** That of the record priced last: an object for each would cost more than the price. */
  readonly usage: { -readonly [Bucket in keyof Usage]: number } = {
    input: 0,
    cacheRead: 0,
    cacheWrite: 0,
    output: 0,
    reasoning: 0,
    images: 0,
  };

  constructor(
    private readonly columns: ImportColumns,
    private readonly state: SliceState,
  ) {}

  /** @throws AlphaError `usage` when it costs more than can be counted */
  priceOf(i: number): Price {
    const { columns, usage } = this;
    usage.input = columns.input[i]!;
    usage.cacheRead = columns.cacheRead[i]!;
    usage.cacheWrite = columns.cacheWrite[i]!;
    usage.output = columns.output[i]!;
    usage.reasoning = columns.reasoning[i]!;
    usage.images = columns.images[i]!;
    const stated = columns.cost[i]!;
    const { settings, ownPrices, book } = this.state;
    const { priced } = columns;
    if (priced !== undefined && priced.by[i]! > 0) {
      return { cost: stated, assumed: priced.assumed[i]!, pricedBy: PRICED_BY[priced.by[i]! - 1]! };
    }
    if (!Number.isNaN(stated)) return priceUsage(usage, stated, null, null, settings);
    const call = columns.kinds[columns.kind[i]!]!;
    const at = columns.occurredAt[i]!;
    const requests = columns.requests[i]!;
    const own = ownPrices?.at(call, at) ?? null;
    const rates = call.model === "" ? null : (book?.rates(call, at, promptSize(usage, requests)) ?? null);
    return priceUsage(usage, null, own, rates === null ? null : { rates, from: "book" }, settings, requests);
  }
}

/** The day of each record; those of a log come in the order of time, or nearly so. */
class Days {
  readonly #zone;
  #last = { index: 0, start: 0, end: 0 };

  constructor({ time_zone }: Settings) {
    this.#zone = calendar(time_zone);
  }

  dayOf(at: Instant): number {
    if (!(at >= this.#last.start && at < this.#last.end)) this.#last = this.#zone.windowAt("day", at);
    return this.#last.index;
  }
}

/** The windows that have not ended at an instant: late usage warns nobody. */
export function openWindows(windows: readonly WindowDelta[], at: Instant, settings: Settings): WindowDelta[] {
  const zone = calendar(settings.time_zone);
  const running = { day: zone.dayOf(at), month: zone.monthOf(at) };
  return windows.filter(({ period, index }) => index >= running[period]);
}

/**
 * The thresholds that a slice crosses. No amount is negative, so whatever one of its records crosses lies between the
 * totals before and after all of them.
 * @param open windows that have not ended at `at`
 * @param users by their number, with these windows as they were before
 * @returns `null` when a total leaves the safe integers
 */
export function sliceAlerts(
  open: readonly WindowDelta[],
  users: ReadonlyMap<number, LedgerUser>,
  settings: Settings,
  at: Instant,
): Alert[] | null {
  const alerts: Alert[] = [];
  for (const { userId, period, index, amounts } of open) {
    const user = users.get(userId) as LedgerUser;
    const before = user.windows.get(windowKey(period, index)) ?? NO_WINDOW_USAGE;
    if (!areSafe(addAmounts(before.used, amounts))) return null;
    const quotas = entitlementOf(user.tier, user.overrides, at).quotas.filter(
      (each) => each.period === period,
    );
    const windows = { day: before, month: before };
    const context = { userId, index: { day: index, month: index }, at };
    alerts.push(...thresholdCrossings(quotas, windows, amounts, settings, context));
  }
  return alerts;
}
