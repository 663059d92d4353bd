import {
  addTokens,
  type Bill,
  type BillLine,
  byBucket,
  coveredDays,
  type DayBounds,
  type LedgerDay,
  NO_TOKENS,
  rangesOf,
  sumTokens,
  TOKEN_BUCKETS,
  type TokenCounts,
} from "./bill.js";
import type { DayRange } from "./day-range.js";
import { type ModelGroup, makerOf, matchModels } from "./model-names.js";
import {
  type Cell,
  type CostParts,
  explain,
  NO_COST_PARTS,
  NO_TOKEN_PARTS,
  type Parts,
  type TokenParts,
} from "./reconcile-parts.js";

export interface ReconcileInput {
  readonly bills: readonly Bill[];
  readonly bounds: DayBounds;
  /** Everything that the ledger has on the days of the bills. */
  readonly ledger: readonly LedgerDay[];
  /** Whose usage the bills are held against, where it is not the bill's own provider's. */
  readonly servedBy: string | null;
  /** How dear the tokens of each bucket of a model are beside those of the others; all above 0. */
  readonly weigh: (provider: string, model: string, day: number) => TokenCounts;
}

/** One model on one day: what the bill has, what the ledger has, and why they differ. */
export interface ReconciledDay extends Parts, Cell {
  readonly provider: string;
  readonly model: ModelGroup;
  readonly ledger: Cell["ledger"] & Pick<LedgerDay, "assumed" | "unpriced">;
}

export interface ReconciledTotals {
  /** Over the days whose tokens the bill states; `null`: none. */
  readonly tokens: {
    readonly bill: TokenCounts;
    readonly ledger: TokenCounts;
    readonly parts: TokenParts;
    /** What is missing on either side, added up without signs. */
    readonly off: bigint;
    /** What is dated to neighbouring days. */
    readonly moved: bigint;
  } | null;
  /** Over the days whose cost the bill states, in nanos; `null`: none. */
  readonly cost: {
    readonly bill: bigint;
    readonly ledger: bigint;
    readonly parts: CostParts;
    /** What is neither rounding nor a day boundary, added up without signs. */
    readonly off: bigint;
    readonly moved: bigint;
  } | null;
}

/** What one provider bills, and for which days. */
export interface ReconciledBill {
  readonly provider: string;
  /** For which its exports state tokens, and cost; empty: none does. */
  readonly tokenDays: readonly DayRange[];
  readonly costDays: readonly DayRange[];
  readonly models: readonly ModelGroup[];
}

export interface Reconciliation {
  readonly bills: readonly ReconciledBill[];
  /** Every day and model with anything on either side, by day, provider and model. */
  readonly rows: readonly ReconciledDay[];
  readonly totals: ReconciledTotals;
  /** Whether anything is billed, and whether the ledger has anything that could be. */
  readonly isBilled: boolean;
  readonly isUsed: boolean;
  /** Whether there is a model that is billed and used, on the same day or not. */
  readonly isShared: boolean;
}

/** Holds bills against the ledger, per day of UTC and model. Bill less ledger is, exactly, the sum of the parts. */
export function reconcile(input: ReconcileInput): Reconciliation {
  const providers = [...new Set(input.bills.map(({ provider }) => provider))].sort();
  const found = providers.map((provider) => reconcileProvider(provider, input));
  const rows = found.flatMap((each) => each.rows);
  rows.sort((a, b) => a.day - b.day || order(a.provider, b.provider) || order(a.model.label, b.model.label));
  const billed = new Set(rows.filter(isBilled).map(({ model }) => model));
  const used = rows.filter(({ ledger }) => ledger.present);
  return {
    bills: found.map(({ bill }) => bill),
    rows,
    totals: { tokens: tokenTotals(rows), cost: costTotals(rows) },
    isBilled: billed.size > 0,
    isUsed: used.length > 0,
    isShared: used.some(({ model }) => billed.has(model)),
  };
}

/** Whether the bill has more for a day than a line that says 0. */
function isBilled({ bill }: ReconciledDay): boolean {
  return (bill.cost ?? 0n) !== 0n || sumTokens(bill.tokens ?? NO_TOKENS) !== 0n;
}

/** The days of all bills, over which the ledger has to be read; `null`: no day at all. */
export function reconciledRange(bills: readonly Bill[], bounds: DayBounds): DayRange | null {
  const ranges = (["tokens", "cost"] as const).flatMap((measure) =>
    rangesOf(coveredDays(bills, measure, bounds)),
  );
  if (ranges.length === 0) return null;
  return {
    from: Math.min(...ranges.map(({ from }) => from)),
    to: Math.max(...ranges.map(({ to }) => to)),
  };
}

interface Coverage {
  readonly tokens: ReadonlySet<number>;
  readonly cost: ReadonlySet<number>;
}

function reconcileProvider(provider: string, { bills, bounds, ledger, servedBy, weigh }: ReconcileInput) {
  const own = bills.filter((bill) => bill.provider === provider);
  const tokens = coveredDays(own, "tokens", bounds);
  const cost = coveredDays(own, "cost", bounds);
  const lines = own.flatMap((bill) =>
    bill.lines
      .filter(({ day }) => (bill.measure === "tokens" ? tokens : cost).has(day))
      .map((line) => ({ ...line, measure: bill.measure })),
  );
  const entries = ledger.filter(
    (entry) =>
      (tokens.has(entry.day) || cost.has(entry.day)) &&
      (servedBy === null ? isServedBy(provider, entry) : entry.provider === servedBy),
  );
  const models = groupsOf(lines, entries);
  const rows = models.flatMap((model) => {
    const cells = cellsOf(
      lines.filter((line) => model.match === "all" || model.billNames.includes(line.model ?? "")),
      entries.filter((entry) => model.match === "all" || model.ledgerNames.includes(entry.model)),
      { tokens, cost },
    );
    const name = model.ledgerNames[0] ?? model.billNames[0] ?? "";
    return explain(cells, (day) => weigh(provider, name, day)).map((parts, at): ReconciledDay => {
      const cell = cells[at];
      if (cell === undefined) throw new RangeError("there are parts of a day that is not there");
      return { ...cell, ...parts, provider, model };
    });
  });
  return { bill: { provider, tokenDays: rangesOf(tokens), costDays: rangesOf(cost), models }, rows };
}

function isServedBy(provider: string, entry: LedgerDay): boolean {
  return entry.provider === "" ? makerOf(entry.model) === provider : entry.provider === provider;
}

/** A bill that is not split by model can only be compared over all of them. */
function groupsOf(lines: readonly BillLine[], entries: readonly LedgerDay[]): ModelGroup[] {
  const ledgerNames = new Set(entries.map(({ model }) => model));
  const billNames = new Set(lines.flatMap(({ model }) => (model === null ? [] : [model])));
  if (lines.every(({ model }) => model !== null)) return matchModels(billNames, ledgerNames);
  const names = { billNames: [...billNames].sort(), ledgerNames: [...ledgerNames].sort() };
  return [{ label: "all models", match: "all", ...names }];
}

type MeasuredLine = BillLine & Pick<Bill, "measure">;

function cellsOf(lines: readonly MeasuredLine[], entries: readonly LedgerDay[], covered: Coverage) {
  const days = [...new Set([...lines, ...entries].map(({ day }) => day))].sort((a, b) => a - b);
  // An export of usage that leaves out a model which is billed was made without it, and does not say that it was unused.
  const isLeftOut =
    lines.some(({ measure }) => measure === "cost") && lines.every(({ measure }) => measure === "cost");
  const linesByDay = byDay(lines);
  const entriesByDay = byDay(entries);
  return days.map((day) => {
    const ofDay = linesByDay.get(day) ?? [];
    const bill = {
      tokens: covered.tokens.has(day) && !isLeftOut ? ofDay.reduce(addLineTokens, NO_TOKENS) : null,
      cost: covered.cost.has(day) ? sumOf(ofDay, ({ cost }) => cost) : null,
      rounding: sumOf(ofDay, ({ rounding }) => rounding),
      present: ofDay.length > 0,
    };
    return { day, bill, ledger: ledgerSide(entriesByDay.get(day) ?? []) };
  });
}

function ledgerSide(entries: readonly LedgerDay[]): ReconciledDay["ledger"] {
  const tokens = entries.reduce((sum, entry) => addTokens(sum, entry.tokens), NO_TOKENS);
  const requests = sumOf(entries, (entry) => entry.requests);
  const cost = sumOf(entries, (entry) => entry.cost);
  return {
    tokens,
    requests,
    cost,
    assumed: sumOf(entries, (entry) => entry.assumed),
    unpriced: sumOf(entries, (entry) => entry.unpriced),
    // What was taken back by corrections is as if it had never been.
    present: requests !== 0n || cost !== 0n || TOKEN_BUCKETS.some((bucket) => tokens[bucket] !== 0n),
  };
}

function tokenTotals(rows: readonly ReconciledDay[]): ReconciledTotals["tokens"] {
  let bill = NO_TOKENS;
  let ledger = NO_TOKENS;
  let parts = NO_TOKEN_PARTS;
  let moved = 0n;
  let stated = false;
  for (const row of rows) {
    if (row.bill.tokens === null || row.tokens === null) continue;
    stated = true;
    bill = addTokens(bill, row.bill.tokens);
    ledger = addTokens(ledger, row.ledger.tokens);
    parts = {
      missingHere: addTokens(parts.missingHere, row.tokens.missingHere),
      missingThere: addTokens(parts.missingThere, row.tokens.missingThere),
      dayBoundary: addTokens(parts.dayBoundary, row.tokens.dayBoundary),
    };
    const { dayBoundary } = row.tokens;
    moved += sumTokens(byBucket((bucket) => (dayBoundary[bucket] > 0n ? dayBoundary[bucket] : 0n)));
  }
  if (!stated) return null;
  return { bill, ledger, parts, moved, off: sumTokens(parts.missingHere) - sumTokens(parts.missingThere) };
}

const OFF = ["missingHere", "missingThere", "price", "usageOrPrice"] as const;

function costTotals(rows: readonly ReconciledDay[]): ReconciledTotals["cost"] {
  let bill = 0n;
  let ledger = 0n;
  let off = 0n;
  let moved = 0n;
  let stated = false;
  const parts = { ...NO_COST_PARTS };
  for (const row of rows) {
    if (row.bill.cost === null || row.cost === null) continue;
    stated = true;
    bill += row.bill.cost;
    ledger += row.ledger.cost;
    for (const [cause, nanos] of Object.entries(row.cost)) parts[cause as keyof CostParts] += nanos;
    for (const cause of OFF) off += row.cost[cause] < 0n ? -row.cost[cause] : row.cost[cause];
    if (row.cost.dayBoundary > 0n) moved += row.cost.dayBoundary;
  }
  return stated ? { bill, ledger, parts, off, moved } : null;
}

function byDay<T extends { readonly day: number }>(all: readonly T[]): ReadonlyMap<number, readonly T[]> {
  const days = new Map<number, T[]>();
  for (const each of all) {
    const known = days.get(each.day);
    if (known === undefined) days.set(each.day, [each]);
    else known.push(each);
  }
  return days;
}

function addLineTokens(sum: TokenCounts, line: BillLine): TokenCounts {
  return addTokens(sum, line.tokens);
}

function sumOf<T>(all: readonly T[], of: (each: T) => bigint): bigint {
  return all.reduce((sum, each) => sum + of(each), 0n);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
