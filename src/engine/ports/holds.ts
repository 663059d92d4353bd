import type { Hold } from "../../domain/ledger-model.js";
import type { Instant } from "../../domain/window.js";

/** A hold as it is listed, with whose it is. */
export interface ListedHold extends Hold {
  readonly userId: number;
  /** The id that people see of its user. */
  readonly user: string;
  readonly email: string | null;
}

export interface HoldFilter {
  readonly userId?: number;
  /** Only those that had expired at this instant. */
  readonly expiredAt?: Instant;
}

export interface HoldsReading {
  /** What is neither settled nor released, oldest first; expired holds stay until the daily reset. */
  list(filter?: HoldFilter): Promise<ListedHold[]>;
  /** How many holds had expired at an instant with nobody having settled them, by user. */
  expiredCounts(at: Instant): Promise<ReadonlyMap<number, number>>;
}
export interface HoldsWriting extends HoldsReading {
  /** Ends one hold. An id is unique within its user. */
  remove(userId: number, id: string): Promise<void>;
}
