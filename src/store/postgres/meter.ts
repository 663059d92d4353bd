import { setImmediate as nextTurn } from "node:timers/promises";
import type { Decision } from "../../domain/decide.js";
import type { ColumnsEntered, ImportColumns } from "../../domain/import-columns.js";
import type { LedgerRequest, Operation, OperationOutcome } from "../../domain/ledger-model.js";
import { type PreviewMemory, previewOperations } from "../../domain/ledger-preview.js";
import type { Settings } from "../../domain/settings.js";
import type { Instant } from "../../domain/window.js";
import type { LastSeen, MeterStore } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import { SlicePace } from "../slice-pace.js";
import { BulkEntry } from "./bulk-entry.js";
import { MeterBatches } from "./meter-batch.js";
import { isUnreachable } from "./meter-faults.js";
import { wantedBy } from "./meter-load.js";
import { MeterMemory } from "./meter-memory.js";
import { BatchQueue } from "./meter-queue.js";
import { MeterReader } from "./meter-reader.js";
import { type MeterOptions, MeterTransactions } from "./meter-transactions.js";
import { MonthsOfImports, PostgresMonths } from "./months.js";

/**
 * How long a slice of an import may keep its users locked, in milliseconds. The totals of a slice cost about as much as
 * its records, so that long ones cost far less.
 */
const SLICES = { shortMs: 10, longMs: 300 };

/** The hot path on the connections of a pool, which it shares with others and does not end. */
export class PostgresMeter implements MeterStore {
  readonly #memory = new MeterMemory();
  readonly #queue: BatchQueue;
  readonly #reader: MeterReader;
  readonly #months: MonthsOfImports;
  readonly #bulk: BulkEntry;
  readonly #pace = new SlicePace(SLICES);
  #isClosed = false;

  constructor(private readonly options: MeterOptions) {
    const transactions = new MeterTransactions(options, this.#memory);
    const batches = new MeterBatches(transactions, this.#memory);
    this.#bulk = new BulkEntry(transactions, options.waitMs);
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
    if (background) await this.#months.prepareFor(operations.flatMap(occurredAt));
    const outcomes = await this.#queue.submit(operations, { background });
    // Locks have queues here, so that a gap is needed within this process only.
    if (background) await nextTurn();
    return outcomes;
  }

  async enterColumns(
    columns: ImportColumns,
    from: number,
    by: Parameters<MeterStore["enterColumns"]>[2],
  ): Promise<ColumnsEntered | null> {
    this.#requireOpen();
    const to = from + evenPart(columns.count - from, this.#pace.size());
    await this.#months.prepareFor(columns.occurredAt.subarray(from, to));
    const since = performance.now();
    const done = await this.#bulk.enter(columns, { from, to }, by);
    if (done === null) return null;
    const { entered, waitedMs, isContended } = done;
    if (isContended) this.#pace.contended();
    this.#pace.took(to - from, performance.now() - since - waitedMs);
    await nextTurn();
    return { ...entered, waited: waitedMs };
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

/** About as many of all records as are wanted at once, so that no few are left over at the end. */
function evenPart(all: number, wanted: number): number {
  return Math.ceil(all / Math.max(1, Math.round(all / wanted)));
}

function occurredAt(operation: Operation): Instant[] {
  return operation.op === "record" ? [operation.entry.occurredAt] : [];
}
