import type { Decision } from "../domain/decide.js";
import type { Stop } from "../domain/emergency.js";
import type { ColumnsEntered, ImportColumns } from "../domain/import-columns.js";
import type { LedgerRequest, Operation, OperationOutcome } from "../domain/ledger-model.js";
import type { PreviewMemory } from "../domain/ledger-preview.js";
import type { OwnPrices } from "../domain/own-prices.js";
import type { PriceSource } from "../domain/price.js";
import type { Settings } from "../domain/settings.js";
import type { User } from "../domain/user.js";
import type { Instant } from "../domain/window.js";

/** The hot path: everything that meters or decides. */
export interface MeterStore {
  /**
   * Decides a batch in one write transaction and returns when it is committed.
   * @param options.background leaves gaps for other writers, at the cost of time
   */
  commit(
    operations: readonly Operation[],
    options?: { readonly background?: boolean },
  ): Promise<readonly OperationOutcome[]>;
  /**
   * Enters plain records of a log as `commit` would enter them one by one, in one transaction whose length is the store's
   * choice: at most a few milliseconds while others write.
   * @param from the first record to be entered; those before it were
   * @returns `null` when they have to go one by one, such as under a guardrail: nothing was written
   */
  enterColumns(
    columns: ImportColumns,
    from: number,
    by: { readonly at: Instant; readonly importId: number; readonly book: PriceSource | null },
  ): Promise<ColumnsEntered | null>;
  /**
   * What `commit` would answer, with nothing written.
   * @param memory lets several previews see which events those before them would have entered
   */
  preview(operations: readonly Operation[], memory?: PreviewMemory): Promise<readonly OperationOutcome[]>;
  /**
   * What was true of stops and of a user when the database was last read; `null`: it never was. Reads nothing.
   * @param user a name of theirs that was asked about, or their id
   */
  lastSeen(user: string): LastSeen | null;
  /** Decides without writing, from the newest committed state; at once, where nothing has to be read for it. */
  check(user: string, request: LedgerRequest, at: Instant): Decision | Promise<Decision>;
  /** The settings in force. */
  settings(): Promise<Settings>;
  close(): void;
}

export interface LastSeen {
  readonly settings: Settings;
  readonly stops: readonly Stop[];
  readonly ownPrices: OwnPrices | null;
  /** `null`: not seen. */
  readonly user: SeenUser | null;
}

export interface SeenUser extends Pick<User, "id" | "key" | "tier" | "status"> {
  /** The tier's own ceiling for one call; see `Tier`. */
  readonly callTokens: number | null | undefined;
}
