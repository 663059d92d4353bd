import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type Sqlite from "better-sqlite3";
import type { Decision } from "../../domain/decide.js";
import { applyOperations, checkRequest } from "../../domain/ledger.js";
import type { Operation, OperationOutcome } from "../../domain/ledger-model.js";
import type { Durability, Settings } from "../../domain/settings.js";
import type { CheckRequest, MeterStore } from "../../engine/ports.js";
import { explainSqlite, whileBusy } from "./busy.js";
import { kyselyOver } from "./dialect.js";
import { MeterSaver } from "./meter-save.js";
import { MeterState, type Wanted } from "./meter-state.js";
import { type MeterStatements, meterStatements } from "./meter-statements.js";
import { connect } from "./open.js";

/** How long a background writer pauses after a batch when somebody else wrote in between, in milliseconds. */
const GAP_MS = 2;

/** The hot path on one SQLite connection of its own. */
export class SqliteMeter implements MeterStore {
  readonly #statements: MeterStatements;
  readonly #state: MeterState;
  readonly #saver: MeterSaver;
  /** Settled when the transaction that is open has ended: the connection has room for one. */
  #turn: Promise<unknown> = Promise.resolve();
  #seenVersion: number | undefined;

  static open(options: {
    readonly path: string;
    readonly waitMs: number;
    readonly durability: Durability;
  }): SqliteMeter {
    try {
      const raw = connect(options.path, { create: false, blockMs: 0 });
      if (options.durability === "full") raw.pragma("synchronous = full");
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
    const wanted: Wanted[] = [];
    const events: { source: string; id: string; providerId: string | null }[] = [];
    for (const operation of operations) {
      if (operation.op === "settle" || operation.op === "record") {
        wanted.push({ name: operation.entry.user, at: operation.at });
        events.push(operation.entry);
      } else {
        wanted.push({ name: operation.user, at: operation.at });
      }
    }
    const outcomes = await this.#transaction("beginImmediate", () => {
      const state = this.#state.load(wanted, events);
      const result = applyOperations(state, operations);
      this.#saver.save(result.changes);
      return result.outcomes;
    });
    if (background) await this.#leaveGap();
    return outcomes;
  }

  check(requests: readonly CheckRequest[]): Promise<readonly Decision[]> {
    const wanted = requests.map(({ user, at }) => ({ name: user, at }));
    return this.#transaction("begin", () => {
      const state = this.#state.load(wanted, []);
      return requests.map(({ user, request, at }) => checkRequest(state, user, request, at));
    });
  }

  settings(): Promise<Settings> {
    return this.#transaction("begin", () => this.#state.config.settings);
  }

  close(): void {
    this.raw.close();
  }

  /** Runs `work` in one transaction, alone on this connection, from a state that is current in it. */
  #transaction<T>(begin: "begin" | "beginImmediate", work: () => T): Promise<T> {
    const result = this.#turn.then(() => this.#run(begin, work));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #run<T>(begin: "begin" | "beginImmediate", work: () => T): Promise<T> {
    const statements = this.#statements;
    try {
      await whileBusy(this.waitMs, () => {
        statements[begin].run();
        try {
          // The first read takes the snapshot, and may find the file busy while another process recovers it.
          statements.generation.get();
        } catch (error) {
          this.#rollback();
          throw error;
        }
      });
      if (!this.#state.isCurrent()) await this.#state.refresh();
      const result = work();
      statements.commit.run();
      return result;
    } catch (error) {
      this.#rollback();
      throw explainSqlite(error, this.path);
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
