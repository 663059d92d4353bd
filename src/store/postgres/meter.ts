import { setImmediate as nextTurn } from "node:timers/promises";
import type { Decision } from "../../domain/decide.js";
import type { ColumnsEntered } from "../../domain/import-columns.js";
import type { LedgerRequest, Operation, OperationOutcome } from "../../domain/ledger-model.js";
import { type PreviewMemory, previewOperations } from "../../domain/ledger-preview.js";
import type { Settings } from "../../domain/settings.js";
import type { Instant } from "../../domain/window.js";
import type { LastSeen, MeterStore } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import { MeterBatches, type MeterOptions } from "./meter-batch.js";
import { isUnreachable } from "./meter-faults.js";
import { wantedBy } from "./meter-load.js";
import { MeterMemory } from "./meter-memory.js";
import { BatchQueue } from "./meter-queue.js";
import { MeterReader } from "./meter-reader.js";
import { MonthsOfImports, PostgresMonths } from "./months.js";

/** The hot path on the connections of a pool, which it shares with others and does not end. */
export class PostgresMeter implements MeterStore {
  readonly #memory = new MeterMemory();
  readonly #queue: BatchQueue;
  readonly #reader: MeterReader;
  readonly #months: MonthsOfImports;
  #isClosed = false;

  constructor(private readonly options: MeterOptions) {
    const batches = new MeterBatches(options, this.#memory);
    this.#queue = new BatchQueue((operations) => batches.run(operations), isUnreachable);
    this.#reader = new MeterReader(options, this.#memory);
    const months = new PostgresMonths(options.pool, options.location);
    this.#months = new MonthsOfImports(months, () => this.#reader.settings());
  }

  async commit(
    operations: readonly Operation[],
    { background = false }: { readonly background?: boolean } = {},
  ): Promise<readonly OperationOutcome[]> {
    this.#requireOpen();
    if (operations.length === 0) return [];
    if (background) await this.#months.prepareFor(operations);
    const outcomes = await this.#queue.submit(operations, { background });
    // Locks have queues here, so that a gap is needed within this process only.
    if (background) await nextTurn();
    return outcomes;
  }

  async enterColumns(): Promise<ColumnsEntered | null> {
    return null;
  }

  async preview(
    operations: readonly Operation[],
    memory: PreviewMemory | null = null,
  ): Promise<readonly OperationOutcome[]> {
    this.#requireOpen();
    const state = await this.#reader.state(wantedBy(operations), operations);
    return previewOperations(state, operations, memory);
  }

  async check(user: string, request: LedgerRequest, at: Instant): Promise<Decision> {
    this.#requireOpen();
    return this.#reader.check(user, request, at);
  }

  async settings(): Promise<Settings> {
    this.#requireOpen();
    return this.#reader.settings();
  }

  lastSeen(user: string): LastSeen | null {
    return this.#memory.lastSeen(user);
  }

  close(): void {
    this.#isClosed = true;
    this.#reader.close();
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new AlphaError("database", `the database ${this.options.location} was closed`);
  }
}
