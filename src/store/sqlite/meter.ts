import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Decision } from "../../domain/decide.js";
import type { ColumnsEntered, ImportColumns } from "../../domain/import-columns.js";
import { applyOperations, checkRequest, checkUser } from "../../domain/ledger.js";
import type { LedgerRequest, LedgerState, Operation, OperationOutcome } from "../../domain/ledger-model.js";
import { type PreviewMemory, previewOperations } from "../../domain/ledger-preview.js";
import type { Durability, Settings } from "../../domain/settings.js";
import type { Instant } from "../../domain/window.js";
import type { LastSeen, MeterStore } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import { LastSeenMemory } from "../last-seen.js";
import { BulkPace } from "./bulk-pace.js";
import { isBusy, isKeyTaken } from "./busy.js";
import { explainFault, MeterConnection, spoilsConnection } from "./meter-connection.js";
import type { Wanted } from "./meter-state.js";

/** How long a background writer pauses after a batch when somebody else wrote in between, in milliseconds. */
const GAP_MS = 2;

interface MeterOptions {
  readonly path: string;
  readonly waitMs: number;
  readonly durability: Durability;
}

/** The hot path on one SQLite connection of its own, which is opened anew after the file was gone, replaced or spoilt. */
export class SqliteMeter implements MeterStore {
  readonly #seen = new LastSeenMemory();
  readonly #pace = new BulkPace();
  #connection: MeterConnection | null;
  #isClosed = false;
  /** Reading anew what decides is the one thing that gives way while a transaction is open; all else waits for it. */
  #refreshing: Promise<void> | null = null;
  #seenVersion: number | undefined;

  /** @throws AlphaError `database` when it cannot be opened */
  constructor(private readonly options: MeterOptions) {
    try {
      this.#connection = new MeterConnection(options.path, options, this.#seen);
    } catch (error) {
      throw explainFault(error, options.path);
    }
  }

  async commit(
    operations: readonly Operation[],
    { background = false }: { readonly background?: boolean } = {},
  ): Promise<readonly OperationOutcome[]> {
    const { outcomes } = await this.#transaction(
      "beginImmediate",
      (on, trusting) => {
        const decided = applyOperations(load(on, operations, trusting), operations);
        on.saver.save(decided.changes);
        if (decided.guardrails.length > 0) on.saver.saveGuardrails(decided.guardrails, decided.changes);
        return decided;
      },
      ({ state }, decided) => state.keep(decided),
    );
    if (background) await this.#leaveGap();
    return outcomes;
  }

  async enterColumns(
    columns: ImportColumns,
    from: number,
    by: Parameters<MeterStore["enterColumns"]>[2],
  ): Promise<ColumnsEntered | null> {
    const pace = this.#pace;
    const since = performance.now();
    let lockedAt = since;
    await pace.gap();
    const entered = await this.#transaction("beginImmediate", (on) => {
      lockedAt = performance.now();
      const to = Math.min(columns.count, from + pace.rows(on.statements.dataVersion.get()));
      return on.bulk.enter(columns, { from, to }, by);
    });
    if (entered === null) return null;
    pace.entered(entered.to - from, lockedAt);
    if (pace.isContended) this.#connection?.checkpoint();
    await nextTurn();
    return { ...entered, waited: Math.floor(lockedAt - since) };
  }

  /** Another connection of this process has written: nobody whom an import would have to leave gaps for. */
  wroteBeside(): void {
    this.#pace.ownWrite();
  }

  preview(
    operations: readonly Operation[],
    memory: PreviewMemory | null = null,
  ): Promise<readonly OperationOutcome[]> {
    return this.#transaction("begin", (on) =>
      previewOperations(load(on, operations, false), operations, memory),
    );
  }

  check(user: string, request: LedgerRequest, at: Instant): Decision | Promise<Decision> {
    return (
      this.#checkRemembered(user, request, at) ??
      this.#transaction("begin", ({ state }) =>
        checkRequest(state.load([{ name: user, at }], false), user, request, at),
      )
    );
  }

  settings(): Promise<Settings> {
    return this.#transaction("begin", ({ state }) => state.config.settings);
  }

  lastSeen(user: string): LastSeen | null {
    return this.#seen.of(user);
  }

  close(): void {
    this.#isClosed = true;
    this.#disconnect();
  }

  /** The connection to the file that is in the database's place now. */
  #connected(): MeterConnection {
    if (this.#connection?.isInPlace()) return this.#connection;
    const { path } = this.options;
    if (this.#isClosed) throw new AlphaError("database", `the database ${path} was closed`);
    this.#disconnect();
    const connection = new MeterConnection(path, this.options, this.#seen);
    this.#connection = connection;
    connection.requireCurrent();
    return connection;
  }

  #disconnect(): void {
    this.#connection?.raw.close();
    this.#connection = null;
  }

  /** Decides from memory, without a transaction, when nobody else has committed since. */
  #checkRemembered(name: string, request: LedgerRequest, at: Instant): Decision | undefined {
    if (this.#refreshing !== null) return undefined;
    let state: MeterConnection["state"];
    try {
      state = this.#connected().state;
      if (!state.isUntouched()) return undefined;
    } catch {
      // The transaction that follows meets the same fault, and explains it or waits until it is over.
      return undefined;
    }
    const user = state.remembered(name, at);
    return user === undefined ? undefined : checkUser(user, state.config, request, at);
  }

  /**
   * Runs `work` in one transaction from a state that is current in it, waiting while somebody else writes.
   * @param work is run again, and told not to trust, when it wrote a key that was taken: at once, so that nothing that
   * was asked for later comes first
   * @param committed what to remember of the result
   */
  async #transaction<T>(
    begin: "begin" | "beginImmediate",
    work: (on: MeterConnection, trusting: boolean) => T,
    committed?: (on: MeterConnection, result: T) => void,
  ): Promise<T> {
    const { path, waitMs } = this.options;
    const since = performance.now();
    let trusting = true;
    for (;;) {
      try {
        if (this.#refreshing === null) {
          const on = this.#connected();
          const done = attempt(on, begin, work, trusting);
          if (done !== "refresh") {
            committed?.(on, done.result);
            return done.result;
          }
          this.#refreshing = refresh(on).finally(() => {
            this.#refreshing = null;
          });
        }
        await this.#refreshing;
      } catch (error) {
        if (trusting && isKeyTaken(error)) {
          trusting = false;
          continue;
        }
        if (spoilsConnection(error) && this.#refreshing === null) this.#disconnect();
        if (!isBusy(error) || performance.now() - since >= waitMs) throw explainFault(error, path);
        await delay(1);
      }
    }
  }

  /** SQLite's lock has no queue: whoever writes slice after slice must step aside when others want to write too. */
  async #leaveGap(): Promise<void> {
    const version = this.#connection?.statements.dataVersion.get();
    const contended = this.#seenVersion !== undefined && version !== this.#seenVersion;
    this.#seenVersion = version;
    await (contended ? delay(GAP_MS) : nextTurn());
  }
}

function load(
  { state, corrections }: MeterConnection,
  operations: readonly Operation[],
  trusting: boolean,
): LedgerState {
  return corrections.load(state.load(operations.map(wantedBy), trusting), operations, state);
}

/** Whom an operation concerns, and the event that it brings, or that it must not find. */
function wantedBy(operation: Operation): Wanted {
  const { op, at } = operation;
  if (op === "reserve" && operation.source !== undefined) {
    const { user, source, id } = operation;
    const call = { source, id, brings: "nothing" as const };
    return { name: user, at, event: { source, id, providerId: null }, call };
  }
  if (op !== "settle" && op !== "record") return { name: operation.user, at };
  const { entry } = operation;
  const wanted =
    op === "settle"
      ? { name: entry.user, at, event: entry, call: callOf(operation) }
      : { name: entry.user, at, event: entry };
  return entry.occurredAt > at ? { ...wanted, ahead: entry.occurredAt } : wanted;
}

function callOf({ entry, part }: Extract<Operation, { op: "settle" }>): NonNullable<Wanted["call"]> {
  if (part === undefined) return { source: entry.source, id: entry.id, brings: "end" };
  const { source, hold: id, number } = part;
  return { source, id, brings: number === 1 ? "first part" : "later part" };
}

/** One try, from beginning to commit without giving way. `refresh`: what decides has to be read again first. */
function attempt<T>(
  on: MeterConnection,
  begin: "begin" | "beginImmediate",
  work: (on: MeterConnection, trusting: boolean) => T,
  trusting: boolean,
): { readonly result: T } | "refresh" {
  const { statements, state } = on;
  statements[begin].run();
  try {
    const current = state.bringUpToDate();
    const done = current === "current" ? { result: work(on, trusting) } : current;
    statements.commit.run();
    return done;
  } catch (error) {
    rollBack(on);
    throw error;
  }
}

async function refresh(on: MeterConnection): Promise<void> {
  try {
    on.statements.begin.run();
    await on.state.refresh();
    on.statements.commit.run();
  } catch (error) {
    rollBack(on);
    throw error;
  }
}

function rollBack({ raw, state, saver, statements }: MeterConnection): void {
  state.forget();
  saver.forget();
  if (raw.inTransaction) statements.rollback.run();
}
