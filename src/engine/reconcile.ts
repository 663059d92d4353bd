import type { Bill, DayBounds, TokenCounts } from "../domain/bill.js";
import type { PriceSource } from "../domain/price.js";
import { type Reconciliation, reconcile, reconciledRange } from "../domain/reconcile.js";
import { isWithin, type Tolerance } from "../domain/tolerance.js";
import { canonicalProvider, EARLIEST_USAGE } from "../domain/usage.js";
import { calendar, dayLabel, parseDay } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import type { Reading } from "./ports.js";
import { sealOf } from "./sealing.js";

export interface ReconcileRequest {
  readonly bills: readonly Bill[];
  /** Whose usage in the ledger the bill is held against; its own provider's when left out. */
  readonly provider?: string;
  /** The first day of UTC, `YYYY-MM-DD`. */
  readonly since?: string;
  /** The day of UTC after the last. */
  readonly until?: string;
  readonly tolerance: Tolerance;
}

export interface ReconcileReport extends Reconciliation {
  readonly tolerance: Tolerance;
  /** Whether nothing is beyond the tolerance. */
  readonly isReconciled: boolean;
  /** The accounting zone, whose days the bill's are not. */
  readonly zone: string;
  /** Whose usage was asked for, where it was not the bill's own provider's. */
  readonly servedBy: string | null;
  /** Every provider with usage in the ledger on the days of the bill; empty: not stated. */
  readonly ledgerProviders: readonly string[];
}

/** Whole milliseconds of a day of UTC. */
const DAY = 86_400_000;
/** Bounds reach out day by day, so that there has to be an end. */
const EARLIEST = EARLIEST_USAGE / DAY;
const LATEST = Date.UTC(2100, 0, 1) / DAY;
const EQUAL: TokenCounts = { input: 1n, cacheRead: 1n, cacheWrite: 1n, output: 1n };

/** Holds bills of providers against the ledger, per day of UTC and model. */
export async function reconcileBills(engine: Engine, request: ReconcileRequest): Promise<ReconcileReport> {
  const { bills, tolerance } = request;
  const bounds = boundsOf(request);
  const servedBy = request.provider === undefined ? null : canonicalProvider(request.provider);
  const providers = new Set(bills.map(({ provider }) => provider));
  if (servedBy !== null && providers.size > 1) {
    throw new AlphaError("usage", `the usage of ${servedBy} cannot be held against two providers' bills`, {
      hint: "reconcile the bill of each provider by itself",
    });
  }
  const range = reconciledRange(bills, bounds);
  if (range === null) throw nothingBilled(bounds);
  const weigh = weights(isPriced(bills) ? await engine.prices() : null);
  return engine.store.read(async (tx) => {
    const zone = (await tx.settings.current()).time_zone;
    const isUtc = calendar(zone).zone === "UTC";
    if (!isUtc) await requireOpen(tx, range.from);
    const ledger = await tx.usage.utcDays(range, isUtc);
    const found = reconcile({ bills, bounds, ledger, servedBy, weigh });
    requireCost(found, tolerance);
    return {
      ...found,
      tolerance,
      // What has nothing in common is not the same, however much is tolerated.
      isReconciled: isWithin(found.totals, tolerance) && (found.isShared || !found.isBilled),
      zone,
      servedBy,
      ledgerProviders: [...new Set(ledger.map(({ provider }) => provider))].sort(),
    };
  });
}

/** Days of UTC are added up from calls, which are gone where a month is sealed, unless they are accounting days too. */
async function requireOpen(tx: Reading, day: number): Promise<void> {
  const seal = await sealOf(tx);
  if (seal === null || !seal.covers(day * DAY)) return;
  throw new AlphaError("conflict", `the bill begins in a month that is sealed: ${dayLabel(day)}`, {
    hint: `hold the days from then on against it: --since ${dayLabel(Math.ceil(seal.until / DAY))}`,
  });
}

function boundsOf({ since, until }: ReconcileRequest): DayBounds {
  const bounds = { since: dayOf("--since", since), until: dayOf("--until", until) };
  if (bounds.since !== null && bounds.until !== null && bounds.since >= bounds.until) {
    throw new AlphaError("usage", "the range holds no day: --until is exclusive and must be after --since");
  }
  return bounds;
}

function dayOf(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const day = parseDay(text);
  if (day === null) {
    throw new AlphaError("usage", `${option} "${text}" is not a day`, { hint: "write it as 2026-11-22" });
  }
  if (day >= EARLIEST && day <= LATEST) return day;
  throw new AlphaError("usage", `${option} "${text}" is no day that a bill could be of`);
}

function nothingBilled({ since, until }: DayBounds): AlphaError {
  if (since === null && until === null) return new AlphaError("failed", "the bill is of no day at all");
  return new AlphaError("failed", "the bill has no day in the range of --since and --until", {
    hint: "days are those of UTC, and --until is exclusive",
  });
}

/** Costs are divided by tokens only where a bill states both. */
function isPriced(bills: readonly Bill[]): boolean {
  return bills.some(
    ({ provider, measure }) =>
      measure === "cost" && bills.some((other) => other.provider === provider && other.measure === "tokens"),
  );
}

/** An output token costs several times what a cached one does, so that costs are divided as the price book has it. */
function weights(prices: PriceSource | null) {
  return (provider: string, model: string, day: number): TokenCounts => {
    const rates = prices?.rates({ provider, model }, day * DAY, 0) ?? null;
    const input = rates?.input ?? rates?.output ?? null;
    if (rates === null || input === null || input === 0) return EQUAL;
    const weight = (rate: number | null) => BigInt(rate === null || rate === 0 ? input : rate);
    return {
      input: weight(input),
      cacheRead: weight(rates.cacheRead),
      cacheWrite: weight(rates.cacheWrite),
      output: weight(rates.output),
    };
  };
}

function requireCost({ bills }: Reconciliation, tolerance: Tolerance): void {
  const without = bills.find(({ costDays }) => costDays.length === 0);
  if (tolerance.kind !== "cost" || without === undefined) return;
  throw new AlphaError(
    "usage",
    `the bill of ${without.provider} states no cost, so that no amount of money can be tolerated`,
    {
      hint: "add the provider's cost export, or give a share: --tolerance 0.5%",
    },
  );
}
