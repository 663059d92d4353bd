import { TOKEN_BUCKETS, type TokenCounts } from "../../domain/bill.js";
import type { ReconciledDay, Reconciliation } from "../../domain/reconcile.js";
import { CAUSES, type Cause } from "../../domain/reconcile-parts.js";
import type { Tolerance } from "../../domain/tolerance.js";

/** A bill held against the ledger, as it is shown. */
export interface ReconcileView extends Reconciliation {
  readonly tolerance: Tolerance;
  readonly isReconciled: boolean;
  readonly zone: string;
  readonly servedBy: string | null;
  readonly ledgerProviders: readonly string[];
}

/** A file of a bill, and what of it was not taken. */
export interface BillFileView {
  readonly file: string;
  readonly format: string;
  readonly rows: number;
  readonly rejected: number;
  readonly rejects: readonly {
    readonly line: number;
    readonly field: string | null;
    readonly reason: string;
  }[];
  readonly skipped: number;
  readonly repeated: number;
}

/** One cause of a difference on one day for one model: bill less ledger. */
export interface DifferenceRow {
  readonly day: number;
  readonly provider: string;
  readonly model: string;
  readonly cause: Cause;
  /** `null`: not stated, or not a matter of tokens. */
  readonly tokens: TokenCounts | null;
  readonly cost: bigint | null;
}

/** What a cause has to do with tokens; nothing where it is one of money alone. */
export function tokenPart(parts: ReconciledDay["tokens"], cause: Cause): TokenCounts | null {
  if (parts === null) return null;
  return cause === "missingHere" || cause === "missingThere" || cause === "dayBoundary" ? parts[cause] : null;
}

/** Everything that differs, a row for each day, model and cause. Added up they are the difference of the totals. */
export function differenceRows({ rows }: Pick<Reconciliation, "rows">): DifferenceRow[] {
  return rows.flatMap((row) =>
    CAUSES.flatMap((cause): DifferenceRow[] => {
      const tokens = tokenPart(row.tokens, cause);
      const cost = row.cost === null ? null : row.cost[cause];
      const differs =
        (tokens !== null && TOKEN_BUCKETS.some((bucket) => tokens[bucket] !== 0n)) ||
        (cost !== null && cost !== 0n);
      const { day, provider, model } = row;
      return differs ? [{ day, provider, model: model.label, cause, tokens, cost }] : [];
    }),
  );
}
