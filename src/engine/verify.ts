import type { Guardrail } from "../domain/guardrail.js";
import { SEALED_FIELDS, type SealedMonth, type SealedSums } from "../domain/sealing.js";
import { calendar, monthLabel, windowLabel } from "../domain/window.js";
import type { Engine } from "./engine.js";
import type { GuardrailTotal, LedgerField } from "./ports/ledger.js";
import type { Progress, Reading } from "./ports.js";
import { type DifferingTotal, MOST_SUMS, sharesOf, TotalComparison } from "./total-comparison.js";

/** A total that is not what the rows of the ledger add up to. */
export interface TotalDifference {
  /** `sealed`: what a month came to when it was sealed, compared with its daily totals. */
  readonly total: "window" | "day" | "guardrail" | "sealed";
  /** Whose total it is; `null`: everybody's. */
  readonly user: string | null;
  /** The day or month, such as `2026-11-22`. */
  readonly window: string;
  /** The call kind of a daily total, the name of a guardrail; `null` for a window's total. */
  readonly of: string | null;
  readonly field: string;
  /** Nanos for cost. */
  readonly stored: bigint;
  readonly computed: bigint;
}

export interface Verification {
  /** Rows of the ledger: events and corrections. */
  readonly rows: number;
  /** How many totals of each sort were compared. */
  readonly windows: number;
  readonly days: number;
  readonly guardrails: number;
  /** Months whose rows are gone, so that their totals are proven by what they came to then. */
  readonly sealedMonths: number;
  readonly differenceCount: number;
  /** The first thousand. */
  readonly differences: readonly TotalDifference[];
}

export interface VerifyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
  /** Sums held in memory at a time. */
  readonly sumsAtOnce?: number;
}

const MOST_NAMED = 1_000;

/**
 * Adds up the whole ledger, and compares every total with what it comes to. Reads one snapshot; others may write
 * meanwhile. Takes the same memory however long the ledger is.
 * @throws AlphaError `interrupted`
 */
export function verifyTotals(
  engine: Pick<Engine, "store">,
  { signal, progress, sumsAtOnce = MOST_SUMS }: VerifyOptions = {},
): Promise<Verification> {
  return engine.store.read(async (tx) => {
    const zone = calendar((await tx.settings.current()).time_zone);
    const found = new Differences();
    const differs = (total: DifferingTotal) => found.add(tx, total);
    const comparison = await TotalComparison.on(tx, zone, { signal, progress, differs });
    for (const share of await sharesOf(tx, sumsAtOnce)) await comparison.compare(share);
    const { system, sealed, counts } = comparison;
    const computed = ({ meter, period }: Guardrail, index: number) => system.of(null, period, index)[meter];
    const guardrails = await compareGuardrails(tx, computed, found);
    const months = await tx.sealing.months();
    for (const month of months) compareSealed(month, sealed.get(month.month), found);
    return {
      ...counts,
      guardrails: guardrails.count,
      sealedMonths: months.length,
      differenceCount: found.count,
      differences: found.named,
    };
  });
}

/** @param computedOf what all users together have used of a guardrail's meter in a window */
export async function compareGuardrails(
  tx: Reading,
  computedOf: (guardrail: Guardrail, index: number) => bigint,
  found: Differences,
): Promise<{ readonly count: number; readonly differing: (GuardrailTotal & { computed: bigint })[] }> {
  const totals = await tx.ledger.guardrailTotals();
  const differing = totals
    .map((total) => ({ ...total, computed: computedOf(total.guardrail, total.index) }))
    .filter(({ used, computed }) => used !== computed);
  for (const { guardrail, index, used: stored, computed } of differing) {
    const { meter, period } = guardrail;
    const window = windowLabel({ period, index });
    const of = `${meter}/${period}`;
    found.name({ total: "guardrail", user: null, window, of, field: meter, stored, computed });
  }
  return { count: totals.length, differing };
}

/** @param sums what the month's daily totals come to; `undefined`: there are none */
export function compareSealed(month: SealedMonth, sums: SealedSums | undefined, found: Differences): void {
  const window = monthLabel(month.month);
  for (const field of SEALED_FIELDS) {
    const [stored, computed] = [month[field], sums?.[field] ?? 0n];
    if (stored === computed) continue;
    const name = field === "assumed" ? "assumed_cost" : field;
    found.name({ total: "sealed", user: null, window, of: null, field: name, stored, computed });
  }
}

/** Counts differences, and puts the first of them into words. */
export class Differences {
  readonly named: TotalDifference[] = [];
  count = 0;
  #users: ReadonlyMap<number, string> | null = null;

  async add(tx: Reading, total: DifferingTotal): Promise<void> {
    if (this.named.length >= MOST_NAMED) {
      this.count += 1;
      return;
    }
    const { stored, computed } = total;
    const user = await this.#userName(tx, total.userId);
    if (total.total === "window") {
      const window = windowLabel(total);
      this.name({ total: "window", user, window, of: null, field: total.field, stored, computed });
    } else {
      const window = windowLabel({ period: "day", index: total.day });
      const of = await tx.ledger.kindName(total.kindId);
      this.name({ total: "day", user, window, of, field: FIELD_NAMES[total.field], stored, computed });
    }
  }

  name(difference: TotalDifference): void {
    this.count += 1;
    if (this.named.length < MOST_NAMED) this.named.push(difference);
  }

  async #userName(tx: Reading, userId: number): Promise<string> {
    this.#users ??= new Map((await tx.users.list({ removed: true })).map(({ id, key }) => [id, key]));
    return this.#users.get(userId) ?? `number ${userId}, who is nobody`;
  }
}

/** As reports and JSON call them. */
const FIELD_NAMES: Readonly<Record<LedgerField, string>> = {
  input: "input_tokens",
  cacheRead: "cached_input_tokens",
  cacheWrite: "cache_write_tokens",
  output: "output_tokens",
  reasoning: "reasoning_tokens",
  images: "images",
  requests: "requests",
  cost: "cost",
  assumed: "assumed_cost",
  unpriced: "unpriced",
};
