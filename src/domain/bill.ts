import type { DayRange } from "./day-range.js";

/** The disjoint parts of a call's tokens that a bill and the ledger both tell apart. */
export const TOKEN_BUCKETS = ["input", "cacheRead", "cacheWrite", "output"] as const;
export type TokenBucket = (typeof TOKEN_BUCKETS)[number];

/** Tokens of many calls by bucket. System-wide, hence bigint. */
export type TokenCounts = Readonly<Record<TokenBucket, bigint>>;

export const NO_TOKENS: TokenCounts = { input: 0n, cacheRead: 0n, cacheWrite: 0n, output: 0n };

/** Something for each bucket, made one by one. */
export function byBucket<T>(of: (bucket: TokenBucket) => T): Record<TokenBucket, T> {
  return {
    input: of("input"),
    cacheRead: of("cacheRead"),
    cacheWrite: of("cacheWrite"),
    output: of("output"),
  };
}

export function addTokens(a: TokenCounts, b: TokenCounts): TokenCounts {
  return byBucket((bucket) => a[bucket] + b[bucket]);
}

export function sumTokens(counts: TokenCounts): bigint {
  return counts.input + counts.cacheRead + counts.cacheWrite + counts.output;
}

/** What a bill states: an export of usage has tokens and no cost, one of costs the other way round. */
export type BillMeasure = "tokens" | "cost";

/** What a provider bills for one model on one day of UTC. */
export interface BillLine {
  readonly day: number;
  /** As the bill names it; `null`: the bill does not split this by model. */
  readonly model: string | null;
  /** All 0 in an export of costs. */
  readonly tokens: TokenCounts;
  /** Nanos, below 0 for a credit; 0 in an export of usage. */
  readonly cost: bigint;
  /** By how many nanos the provider's rounding may have changed `cost`. */
  readonly rounding: bigint;
}

/** What one export of a provider says. */
export interface Bill {
  /** Canonical provider name. */
  readonly provider: string;
  readonly measure: BillMeasure;
  /** The days of UTC that it speaks of, also those on which it bills nothing; `null`: none. */
  readonly days: DayRange | null;
  /** At most one for each day and model. */
  readonly lines: readonly BillLine[];
}

/** Sums the rows of one export as they are read, so that its length does not matter. */
export class BillSums {
  readonly #lines = new Map<string, BillLine>();
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;

  /** The export speaks of this day, whether it bills anything on it or not. */
  cover(day: number): void {
    this.#from = Math.min(this.#from, day);
    this.#to = Math.max(this.#to, day + 1);
  }

  add(line: BillLine): void {
    this.cover(line.day);
    // No name has a line break in it; without a name there is none, and an empty name is another thing.
    const key = line.model === null ? `${line.day}` : `${line.day}\n${line.model}`;
    const known = this.#lines.get(key);
    if (known === undefined) {
      this.#lines.set(key, line);
      return;
    }
    this.#lines.set(key, {
      ...known,
      tokens: addTokens(known.tokens, line.tokens),
      cost: known.cost + line.cost,
      rounding: known.rounding + line.rounding,
    });
  }

  bill(provider: string, measure: BillMeasure): Bill {
    const days = this.#from < this.#to ? { from: this.#from, to: this.#to } : null;
    return { provider, measure, days, lines: [...this.#lines.values()] };
  }
}

/** What the ledger has for one model on one day of UTC, over all testers and features. */
export interface LedgerDay {
  readonly day: number;
  /** Canonical provider name; empty: not stated. */
  readonly provider: string;
  readonly model: string;
  readonly tokens: TokenCounts;
  readonly requests: bigint;
  /** Known cost in nanos. */
  readonly cost: bigint;
  /** What unpriced usage is assumed to cost, in nanos; no part of `cost`. */
  readonly assumed: bigint;
  /** Events that no price covers. */
  readonly unpriced: bigint;
}

/** Bounds that the operator set, as days of UTC: the first, and the one after the last. */
export interface DayBounds {
  readonly since: number | null;
  readonly until: number | null;
}

/**
 * The days on which the bills of a provider speak of a measure: from the first to the last day of each export. Bounds
 * cut off what lies beyond them, and reach out: an export that is said to begin earlier bills nothing until its first row.
 */
export function coveredDays(
  bills: readonly Bill[],
  measure: BillMeasure,
  { since, until }: DayBounds,
): ReadonlySet<number> {
  const days = new Set<number>();
  const ranges = bills.flatMap((bill) => (bill.measure === measure && bill.days !== null ? [bill.days] : []));
  if (ranges.length === 0) return days;
  const first = Math.min(...ranges.map(({ from }) => from));
  const last = Math.max(...ranges.map(({ to }) => to));
  const add = (from: number, to: number) => {
    for (let day = Math.max(from, since ?? from); day < Math.min(to, until ?? to); day += 1) days.add(day);
  };
  for (const { from, to } of ranges) add(from, to);
  if (since !== null) add(since, first);
  if (until !== null) add(last, until);
  return days;
}

/** Days as ranges, each as long as there is no gap. */
export function rangesOf(days: ReadonlySet<number>): DayRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const day of [...days].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last?.to === day) last.to += 1;
    else ranges.push({ from: day, to: day + 1 });
  }
  return ranges;
}
