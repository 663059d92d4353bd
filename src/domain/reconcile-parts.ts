import { byBucket, NO_TOKENS, TOKEN_BUCKETS, type TokenCounts } from "./bill.js";

/** Why a bill and the ledger differ. */
export const CAUSES = [
  "missingHere",
  "missingThere",
  "dayBoundary",
  "price",
  "usageOrPrice",
  "rounding",
] as const;
export type Cause = (typeof CAUSES)[number];

/**
 * The difference of tokens, bill less ledger, by cause: their sum is the difference, bucket by bucket.
 * - `missingHere`: on the bill and not in the ledger; never below 0
 * - `missingThere`: in the ledger and not on the bill; never above 0
 * - `dayBoundary`: what one side dates a day later than the other; adds up to 0 over the days
 */
export type TokenParts = Readonly<Record<"missingHere" | "missingThere" | "dayBoundary", TokenCounts>>;

/**
 * The difference of cost in nanos, bill less ledger, by cause: their sum is the difference.
 * - `missingHere`, `missingThere`, `dayBoundary`: what those tokens cost on their side
 * - `price`: the same tokens at another cost
 * - `usageOrPrice`: the bill states no tokens, so that it cannot be told which of the two
 * - `rounding`: so little that rounding alone can explain it
 */
export type CostParts = Readonly<Record<Cause, bigint>>;

export interface Parts {
  /** `null`: the bill states no tokens for this day. */
  readonly tokens: TokenParts | null;
  /** `null`: the bill states no cost for this day. */
  readonly cost: CostParts | null;
}

/** Both sides of one model on one day. */
export interface Cell {
  readonly day: number;
  readonly bill: {
    /** `null`: not stated for this day. */
    readonly tokens: TokenCounts | null;
    readonly cost: bigint | null;
    readonly rounding: bigint;
    /** Whether the bill has a line for it. */
    readonly present: boolean;
  };
  readonly ledger: {
    readonly tokens: TokenCounts;
    readonly cost: bigint;
    readonly requests: bigint;
    readonly present: boolean;
  };
}

/** How dear the tokens of each bucket are beside those of the others, on a day. */
export type Weigh = (day: number) => TokenCounts;

export const NO_TOKEN_PARTS: TokenParts = {
  missingHere: NO_TOKENS,
  missingThere: NO_TOKENS,
  dayBoundary: NO_TOKENS,
};
export const NO_COST_PARTS: CostParts = {
  missingHere: 0n,
  missingThere: 0n,
  dayBoundary: 0n,
  price: 0n,
  usageOrPrice: 0n,
  rounding: 0n,
};

/** Tells the differences of one model apart. `cells` are its days in their order; the parts come in the same order. */
export function explain(cells: readonly Cell[], weigh: Weigh): Parts[] {
  const moves = tokenMoves(cells);
  const costs = costMoves(cells, moves, weigh);
  const allowed = (at: number) => {
    const own = allowance(cells[at]);
    const next = (costs[at] ?? 0n) === 0n ? 0n : allowance(cells[at + 1]);
    return own + next + ((costs[at - 1] ?? 0n) === 0n ? 0n : allowance(cells[at - 1]));
  };
  return cells.map((cell, at) => {
    const { cost } = cell.bill;
    const dayBoundary = (costs[at] ?? 0n) - (costs[at - 1] ?? 0n);
    if (cell.bill.tokens === null) {
      return { tokens: null, cost: cost === null ? null : untoldParts(cell, cost, dayBoundary) };
    }
    // Only what moves between two days with a cost is a day boundary in money, too.
    const movedIn = (pair: number) => (isPriced(cells, pair) ? (moves[pair] ?? NO_TOKENS) : NO_TOKENS);
    const left = leftOver(cell, movedIn(at), movedIn(at - 1));
    return {
      tokens: tokenParts(cell, moves[at] ?? NO_TOKENS, moves[at - 1] ?? NO_TOKENS),
      cost:
        cost === null
          ? null
          : pricedParts(cell, cost, left, { dayBoundary, allowed: allowed(at) }, weigh(cell.day)),
    };
  });
}

/** Bill less ledger; nothing where the bill states no tokens. */
function difference({ bill, ledger }: Cell): TokenCounts {
  const { tokens } = bill;
  return tokens === null ? NO_TOKENS : byBucket((bucket) => tokens[bucket] - ledger.tokens[bucket]);
}

function areAdjacent(cells: readonly Cell[], pair: number): boolean {
  const [a, b] = [cells[pair], cells[pair + 1]];
  return a !== undefined && b !== undefined && a.day + 1 === b.day;
}

function isPriced(cells: readonly Cell[], pair: number): boolean {
  return cells[pair]?.bill.cost != null && cells[pair + 1]?.bill.cost != null;
}

/**
 * What is dated to neighbouring days, for each pair of a day and the next: above 0 where the bill has it on the first
 * of them and the ledger on the second. From the first day to the last, differences of opposite sign cancel.
 */
function cancel(differences: readonly bigint[], mayCancel: (pair: number) => boolean): bigint[] {
  const left = [...differences];
  return left.slice(0, -1).map((_, pair) => {
    const [a, b] = [left[pair] ?? 0n, left[pair + 1] ?? 0n];
    if (!mayCancel(pair) || a === 0n || b === 0n || a > 0n === b > 0n) return 0n;
    const size = min(abs(a), abs(b));
    const moved = a > 0n ? size : -size;
    left[pair] = a - moved;
    left[pair + 1] = b + moved;
    return moved;
  });
}

function tokenMoves(cells: readonly Cell[]): TokenCounts[] {
  const differences = cells.map(difference);
  const moves = byBucket((bucket) =>
    cancel(
      differences.map((counts) => counts[bucket]),
      (pair) => areAdjacent(cells, pair),
    ),
  );
  return differences.slice(0, -1).map((_, pair) => byBucket((bucket) => moves[bucket][pair] ?? 0n));
}

/** What the moved tokens cost on both sides alike, for each pair: where the prices differ, the lower of them. */
function costMoves(cells: readonly Cell[], moves: readonly TokenCounts[], weigh: Weigh): bigint[] {
  const untold = cancel(cells.map(untoldDifference), (pair) => areAdjacent(cells, pair));
  return moves.map((moved, pair) => {
    const [a, b] = [cells[pair], cells[pair + 1]];
    if (a === undefined || b === undefined || !isPriced(cells, pair)) return 0n;
    if (a.bill.tokens === null || b.bill.tokens === null) return untold[pair] ?? 0n;
    if (TOKEN_BUCKETS.every((bucket) => moved[bucket] === 0n)) return 0n;
    const ahead = byBucket((bucket) => max(moved[bucket], 0n));
    const back = byBucket((bucket) => max(-moved[bucket], 0n));
    const [weighA, weighB] = [weigh(a.day), weigh(b.day)];
    return (
      max(0n, min(billShare(a, ahead, weighA), ledgerShare(b, ahead, weighB))) -
      max(0n, min(ledgerShare(a, back, weighA), billShare(b, back, weighB)))
    );
  });
}

function tokenParts(cell: Cell, moved: TokenCounts, before: TokenCounts): TokenParts {
  const left = leftOver(cell, moved, before);
  return {
    missingHere: byBucket((bucket) => max(left[bucket], 0n)),
    missingThere: byBucket((bucket) => min(left[bucket], 0n)),
    dayBoundary: byBucket((bucket) => moved[bucket] - before[bucket]),
  };
}

/** The difference without what moved to the next day and came from the day before. */
function leftOver(cell: Cell, moved: TokenCounts, before: TokenCounts): TokenCounts {
  const counts = difference(cell);
  return byBucket((bucket) => counts[bucket] - moved[bucket] + before[bucket]);
}

/** Where tokens are stated, each side's cost is divided by tokens; what then is left is the price. */
function pricedParts(
  cell: Cell,
  cost: bigint,
  left: TokenCounts,
  { dayBoundary, allowed }: { readonly dayBoundary: bigint; readonly allowed: bigint },
  weights: TokenCounts,
): CostParts {
  const missingHere = billShare(
    cell,
    byBucket((bucket) => max(left[bucket], 0n)),
    weights,
  );
  const missingThere = -ledgerShare(
    cell,
    byBucket((bucket) => max(-left[bucket], 0n)),
    weights,
  );
  const rest = cost - cell.ledger.cost - missingHere - missingThere - dayBoundary;
  const rounding = abs(rest) <= allowed ? rest : 0n;
  return { missingHere, missingThere, dayBoundary, price: rest - rounding, usageOrPrice: 0n, rounding };
}

/** Where the bill states a cost and no tokens, only a side that has nothing at all tells that usage is missing. */
function untoldParts(cell: Cell, cost: bigint, dayBoundary: bigint): CostParts {
  const left = untoldDifference(cell) - dayBoundary;
  const parts = { ...NO_COST_PARTS, dayBoundary, rounding: cost - cell.ledger.cost - untoldDifference(cell) };
  if (!cell.ledger.present) return { ...parts, missingHere: left };
  if (!cell.bill.present) return { ...parts, missingThere: left };
  return { ...parts, usageOrPrice: left };
}

/** Of a day whose tokens the bill does not state: bill less ledger, without what rounding alone explains. */
function untoldDifference(cell: Cell): bigint {
  const { cost, tokens } = cell.bill;
  if (cost === null || tokens !== null) return 0n;
  const rest = cost - cell.ledger.cost;
  return cell.bill.present && cell.ledger.present && abs(rest) <= allowance(cell) ? 0n : rest;
}

/** How much rounding can change: on the bill as much as it says, in the ledger each call by half a nano at its price. */
function allowance(cell: Cell | undefined): bigint {
  return cell === undefined ? 0n : cell.bill.rounding + cell.ledger.requests;
}

/** What a part of the bill's tokens costs there; all of a cost without tokens is missing where nothing stands against it. */
function billShare({ bill, ledger }: Cell, part: TokenCounts, weights: TokenCounts): bigint {
  return share(bill.cost ?? 0n, part, bill.tokens ?? NO_TOKENS, weights, ledger.present);
}

function ledgerShare({ bill, ledger }: Cell, part: TokenCounts, weights: TokenCounts): bigint {
  return share(ledger.cost, part, ledger.tokens, weights, bill.present);
}

function share(
  cost: bigint,
  part: TokenCounts,
  whole: TokenCounts,
  weights: TokenCounts,
  isMet: boolean,
): bigint {
  const all = weight(whole, weights);
  if (all === 0n) return isMet ? 0n : cost;
  return (cost * weight(part, weights)) / all;
}

function weight(counts: TokenCounts, weights: TokenCounts): bigint {
  return (
    counts.input * weights.input +
    counts.cacheRead * weights.cacheRead +
    counts.cacheWrite * weights.cacheWrite +
    counts.output * weights.output
  );
}

function abs(n: bigint): bigint {
  return n < 0n ? -n : n;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
