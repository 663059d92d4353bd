import type { AuditAction } from "./audit-actions.js";
import type { Clock, Ids, LoadPrices, Store, Writing } from "./ports.js";

/** What every use case works with. */
export interface Engine {
  readonly store: Store;
  readonly now: Clock;
  readonly ids: Ids;
  readonly prices: LoadPrices;
  /** Who acts, for the audit. */
  readonly actor: string;
}

export interface ChangeOptions {
  /** Try the change and undo it: the answer says what would have been. */
  readonly dryRun?: boolean;
}

/** What an operator's change did, for the audit. */
export interface Deed {
  readonly action: AuditAction;
  /** `noun:key`. */
  readonly subject: string;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly reason?: string | null;
  /** Whether decisions may differ from now on, so that every process has to look; they do, unless said otherwise. */
  readonly decides?: boolean;
}

/**
 * Writes the audit entry of a change, in the transaction of the change.
 * @returns the number of the entry
 */
export function audit(engine: Engine, tx: Writing, at: number, deed: Deed): Promise<number> {
  const { decides = true } = deed;
  const entry = {
    at,
    actor: engine.actor,
    action: deed.action,
    subject: deed.subject,
    before: deed.before ?? null,
    after: deed.after ?? null,
    reason: deed.reason ?? null,
  };
  return tx.records.audited(entry, { decides });
}
