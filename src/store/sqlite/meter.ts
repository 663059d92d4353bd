import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type Sqlite from "better-sqlite3";
import type { Decision } from "../../domain/decide.js";
import { applyOperations, checkRequest } from "../../domain/ledger.js";
import type { Entry, LedgerState, Operation, OperationOutcome } from "../../domain/ledger-model.js";
import { type PreviewMemory, previewOperations } from "../../domain/ledger-preview.js";
import type { Durability, Settings } from "../../domain/settings.js";
import type { CheckRequest, MeterStore } from "../../engine/ports.js";
import { explainSqlite, isBusy } from "./busy.js";
import { kyselyOver } from "./dialect.js";
import { MeterSaver } from "./meter-save.js";
import { MeterState, type Wanted } from "./meter-state.js";
import { type MeterStatements, meterStatements } from "./meter-statements.js";
import { connect } from "./open.js";

/** How long a background writer pauses after a batch when somebody else wrote in between, in milliseconds. */
const GAP_MS = 2;

/** A checkpoint happens inside somebody's commit, which waits for it: seldom, and then for more at once. */
const CHECKPOINT_PAGES = 8_000;

/** The hot path on one SQLite connection of its own. */
export class SqliteMeter implements MeterStore {
  readonly #statements: MeterStatements;
  readonly #state: MeterState;
  readonly #saver: MeterSaver;
  /** Reading anew what decides is the one thing that gives way while a transaction is open; all else waits for it. */
  #refreshing: Promise<void> | null = null;
  #seenVersion: number | undefined;

  static open(options: {
    readonly path: string;
    readonly waitMs: number;
    readonly durability: Durability;
  }): SqliteMeter {
    try {
      const raw = connect(options.path, { create: false, blockMs: 0 });
      if (options.durability === "full") raw.pragma("synchronous = full");
      raw.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      return new SqliteMeter(raw, options.path, options.waitMs);
    } catch (error) {
      throw explainSqlite(error, options.path);
    }
  }

  private constructor(
    private readonly raw: Sqlite.Database,
    private readonly path: string,
    private readonly waitMs: number,
  ) {
    const db = kyselyOver(raw, waitMs);
    this.#statements = meterStatements(raw, db);
    this.#state = new MeterState(db, this.#statements);
    this.#saver = new MeterSaver(this.#statements, this.#state);
  }

  async commit(
    operations: readonly Operation[],
    { background = false }: { readonly background?: boolean } = {},
  ): Promise<readonly OperationOutcome[]> {
    const result = await this.#transaction("beginImmediate", () => {
      const decided = applyOperations(this.#stateFor(operations), operations);
      this.#saver.save(decided.changes);
      if (decided.guardrails.length > 0) this.#saver.saveGuardrails(decided.guardrails, decided.changes);
      return decided;
    });
    this.#state.keep(result);
    if (background) await this.#leaveGap();
    return result.outcomes;
  }

  preview(
    operations: readonly Operation[],
    memory: PreviewMemory | null = null,
  ): Promise<readonly OperationOutcome[]> {
    return this.#transaction("begin", () =>
      previewOperations(this.#stateFor(operations), operations, memory),
    );
  }

  async check(requests: readonly CheckRequest[]): Promise<readonly Decision[]> {
    return (
      this.#checkRemembered(requests) ??
      (await this.#transaction("begin", () => {
        const state = this.#state.load(
          requests.map(({ user, at }) => ({ name: user, at })),
          [],
        );
        return requests.map(({ user, request, at }) => checkRequest(state, user, request, at));
      }))
    );
  }

  settings(): Promise<Settings> {
    return this.#transaction("begin", () => this.#state.config.settings);
  }

  close(): void {
    this.raw.close();
  }

  #stateFor(operations: readonly Operation[]): LedgerState {
    const wanted: Wanted[] = [];
    const events: Entry[] = [];
    for (const operation of operations) {
      if (operation.op === "settle" || operation.op === "record") {
        wanted.push({ name: operation.entry.user, at: operation.at });
        events.push(operation.entry);
      } else {
        wanted.push({ name: operation.user, at: operation.at });
      }
    }
    return this.#state.load(wanted, events);
  }

  /** Decides from memory, without a transaction, when nobody else has committed since. */
  #checkRemembered(requests: readonly CheckRequest[]): Decision[] | undefined {
    try {
      if (this.#refreshing !== null || !this.#state.isUntouched()) return undefined;
    } catch {
      // The transaction that follows meets the same fault, and explains it or waits until it is over.
      return undefined;
    }
    const decisions: Decision[] = [];
    for (const { user, request, at } of requests) {
      const state = this.#state.remembered(user, at);
      if (state === undefined) return undefined;
      decisions.push(checkRequest(state, user, request, at));
    }
    return decisions;
  }

  /** Runs `work` in one transaction from a state that is current in it, waiting while somebody else writes. */
  async #transaction<T>(begin: "begin" | "beginImmediate", work: () => T): Promise<T> {
    const since = performance.now();
    for (;;) {
      try {
        const done = this.#refreshing === null ? this.#attempt(begin, work) : "refreshing";
        if (typeof done === "object") return done.result;
        if (done === "refresh") this.#refreshing = this.#refresh();
        await this.#refreshing;
      } catch (error) {
        if (!isBusy(error) || performance.now() - since >= this.waitMs) throw explainSqlite(error, this.path);
        await delay(1);
      }
    }
  }

  /** One try, from beginning to commit without giving way. `refresh`: what decides has to be read again first. */
  #attempt<T>(begin: "begin" | "beginImmediate", work: () => T): { readonly result: T } | "refresh" {
    const statements = this.#statements;
    statements[begin].run();
    try {
      const state = this.#state.bringUpToDate();
      const done = state === "current" ? { result: work() } : state;
      statements.commit.run();
      return done;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  async #refresh(): Promise<void> {
    try {
      this.#statements.begin.run();
      await this.#state.refresh();
      this.#statements.commit.run();
    } catch (error) {
      this.#rollback();
      throw error;
    } finally {
      this.#refreshing = null;
    }
  }

  #rollback(): void {
    this.#state.forget();
    this.#saver.forget();
    if (this.raw.inTransaction) this.#statements.rollback.run();
  }

  /** SQLite's lock has no queue: whoever writes slice after slice must step aside when others want to write too. */
  async #leaveGap(): Promise<void> {
    const version = this.#statements.dataVersion.get();
    const contended = this.#seenVersion !== undefined && version !== this.#seenVersion;
    this.#seenVersion = version;
    await (contended ? delay(GAP_MS) : nextTurn());
  }
}
