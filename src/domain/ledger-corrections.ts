import type { LedgerRow } from "./ledger-model.js";
import { unpricedOf } from "./total-deltas.js";
import { totalTokens } from "./usage.js";
import type { Calendar } from "./window.js";

/** How an event stands: what it and its corrections come to together. */
export interface Standing extends LedgerRow {
  /** 1 when no price covers it, else 0. */
  readonly unpriced: number;
}

/** The status of what was taken back. */
export const UNDONE = "undone";

const AMOUNTS = [
  "input",
  "cacheRead",
  "cacheWrite",
  "output",
  "reasoning",
  "images",
  "requests",
  "cost",
  "assumed",
  "unpriced",
] as const;
type Amount = (typeof AMOUNTS)[number];

/**
 * How an event stands: the amounts are sums; what was called when, its price and its status are as the latest row says;
 * who brought it and when it was recorded, as the first. `null` when the ledger has no row of it.
 * @param rows the event and its corrections, in the order of the ledger
 */
export function standingOf(rows: readonly LedgerRow[]): Standing | null {
  const [first] = rows;
  if (first === undefined) return null;
  const { recordedAt, importId } = first;
  let standing: Standing = { ...first, unpriced: unpricedOf(first) };
  for (const row of rows.slice(1)) {
    const before = standing;
    const more: Standing = { ...row, unpriced: unpricedOf(row) };
    standing = { ...withAmounts(row, (name) => before[name] + more[name]), recordedAt, importId };
  }
  return standing;
}

/** Whether nothing of the event counts any more. */
export function isNothing(standing: Standing): boolean {
  return AMOUNTS.every((name) => standing[name] === 0);
}

/** The event as it stands when all of it is taken back. */
export function nothingOf(standing: Standing): Standing {
  return { ...withAmounts(standing, () => 0), status: UNDONE };
}

/** What `to` counts more than `from`; less where negative. All else is as `to` says it. */
export function difference(from: Standing, to: Standing): Standing {
  return withAmounts(to, (name) => to[name] - from[name]);
}

/** Whether the two say the same of what was called and used, whatever it cost. */
export function isSameUsage(a: Standing, b: Standing): boolean {
  const used = { ...difference(a, b), cost: 0, assumed: 0, unpriced: 0 };
  return isNothing(used) && a.occurredAt === b.occurredAt && sameKind(a, b);
}

/** Whether the two say the same, apart from where they come from. */
export function standsAlike(a: Standing, b: Standing): boolean {
  return (
    isNothing(difference(a, b)) &&
    a.occurredAt === b.occurredAt &&
    a.pricedBy === b.pricedBy &&
    a.status === b.status &&
    a.estimated === b.estimated &&
    sameKind(a, b)
  );
}

/**
 * The rows that take an event from one standing to another: one where both count in the same totals, else one that takes
 * back and one that adds.
 */
export function correctionsBetween(from: Standing, to: Standing, zone: Calendar): Standing[] {
  if (sameKind(from, to) && zone.dayOf(from.occurredAt) === zone.dayOf(to.occurredAt)) {
    return [difference(from, to)];
  }
  return [withAmounts(from, (name) => 0 - from[name]), to];
}

/**
 * Of two records of one call, whether the first is the later. A total order, so that it does not matter in which order
 * the records are met.
 */
export function isLater(
  record: { readonly occurredAt: number; readonly hash: number; readonly tokens: number },
  than: { readonly occurredAt: number; readonly hash: number; readonly tokens: number },
): boolean {
  if (record.occurredAt !== than.occurredAt) return record.occurredAt > than.occurredAt;
  if (record.tokens !== than.tokens) return record.tokens > than.tokens;
  return record.hash > than.hash;
}

/** What makes a standing earlier or later than a record of the same call. */
export function orderOf(
  row: LedgerRow,
  hash: number,
): { readonly occurredAt: number; readonly hash: number; readonly tokens: number } {
  return { occurredAt: row.occurredAt, hash, tokens: totalTokens(row) };
}

function withAmounts(row: LedgerRow, of: (name: Amount) => number): Standing {
  return {
    ...row,
    input: of("input"),
    cacheRead: of("cacheRead"),
    cacheWrite: of("cacheWrite"),
    output: of("output"),
    reasoning: of("reasoning"),
    images: of("images"),
    requests: of("requests"),
    cost: of("cost"),
    assumed: of("assumed"),
    unpriced: of("unpriced"),
  };
}

function sameKind(a: LedgerRow, b: LedgerRow): boolean {
  return a.provider === b.provider && a.model === b.model && a.feature === b.feature;
}
