import type { Instant } from "../../domain/window.js";

/** What an operator did, as it is written down. */
export interface AuditEntry {
  readonly at: Instant;
  readonly actor: string;
  /** `noun.verb`, as the command. */
  readonly action: string;
  /** `noun:key`. */
  readonly subject: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly reason: string | null;
}

/** The same, read back. */
export interface RecordedEntry extends AuditEntry {
  /** Its number; a later entry has a higher one. */
  readonly id: number;
}

/** All conditions must hold; the noun of a subject alone, and of an action, stands for all of it. */
export interface AuditFilter {
  readonly id?: number;
  readonly actor?: string;
  /** `tier:free`, or `tier` for every tier. */
  readonly subject?: string;
  /** `users.promote`, or `users` for all that was done to users. */
  readonly action?: string;
  /** Only these, each named in full. */
  readonly actions?: readonly string[];
  /** Inclusive. */
  readonly since?: Instant;
  /** Exclusive. */
  readonly until?: Instant;
  /** Only entries numbered below this one: the next page. */
  readonly before?: number;
  /** All, unless given. */
  readonly limit?: number;
}

export interface AuditReading {
  /** Newest first. */
  audit(filter: AuditFilter): Promise<RecordedEntry[]>;
}
export interface AuditWriting extends AuditReading {
  /**
   * Records what an operator did. Also tells every process that what decides may have changed, unless it has not.
   * @returns the number of the entry
   */
  audited(entry: AuditEntry, options?: { readonly decides: boolean }): Promise<number>;
}
