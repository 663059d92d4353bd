import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Decision } from "../../domain/decide.js";
import { applyOperations, checkRequest } from "../../domain/ledger.js";
import type { Entry, Operation, OperationOutcome } from "../../domain/ledger-model.js";
import { type PreviewMemory, previewOperations } from "../../domain/ledger-preview.js";
import type { Durability, Settings } from "../../domain/settings.js";
import type { CheckRequest, LastSeen, MeterStore } from "../../engine/ports.js";
import { AlphaError } from "../../errors.js";
import { isBusy } from "./busy.js";
import { LastSeenMemory } from "./last-seen.js";
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
    const result = await this.#transaction(
      "beginImmediate",
      ({ state, saver }) => {
        const decided = applyOperations(state.load(...wantedBy(operations)), operations);
        saver.save(decided.changes);
        if (decided.guardrails.length > 0) saver.saveGuardrails(decided.guardrails, decided.changes);
        return decided;
      },
      ({ state }, decided) => state.keep(decided),
    );
    if (background) await this.#leaveGap();
    return result.outcomes;
  }

  preview(
    operations: readonly Operation[],
    memory: PreviewMemory | null = null,
  ): Promise<readonly OperationOutcome[]> {
    return this.#transaction("begin", ({ state }) =>
      previewOperations(state.load(...wantedBy(operations)), operations, memory),
    );
  }

  async check(requests: readonly CheckRequest[]): Promise<readonly Decision[]> {
    return (
      this.#checkRemembered(requests) ??
      (await this.#transaction("begin", (on) => {
        const state = on.state.load(
          requests.map(({ user, at }) => ({ name: user, at })),
          [],
        );
        return requests.map(({ user, request, at }) => checkRequest(state, user, request, at));
      }))
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
  #checkRemembered(requests: readonly CheckRequest[]): Decision[] | undefined {
    let state: MeterConnection["state"];
    try {
      if (this.#refreshing !== null) return undefined;
      state = this.#connected().state;
      if (!state.isUntouched()) return undefined;
    } catch {
      // The transaction that follows meets the same fault, and explains it or waits until it is over.
      return undefined;
    }
    const decisions: Decision[] = [];
    for (const { user, request, at } of requests) {
      const remembered = state.remembered(user, at);
      if (remembered === undefined) return undefined;
      decisions.push(checkRequest(remembered, user, request, at));
    }
    return decisions;
  }

  /**
   * Runs `work` in one transaction from a state that is current in it, waiting while somebody else writes.
   * @param committed what to remember of the result
   */
  async #transaction<T>(
    begin: "begin" | "beginImmediate",
    work: (on: MeterConnection) => T,
    committed?: (on: MeterConnection, result: T) => void,
  ): Promise<T> {
    const { path, waitMs } = this.options;
    const since = performance.now();
    for (;;) {
      try {
        if (this.#refreshing === null) {
          const on = this.#connected();
          const done = attempt(on, begin, work);
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

/** Whom a batch concerns, and the events that it brings. */
function wantedBy(operations: readonly Operation[]): [Wanted[], Entry[]] {
  const wanted: Wanted[] = [];
  const events: Entry[] = [];
  for (const operation of operations) {
    const { at } = operation;
    if (operation.op === "settle" || operation.op === "record") {
      const { entry } = operation;
      const ends = operation.op === "settle" && operation.part === undefined;
      wanted.push(ends ? { name: entry.user, at, settles: entry } : { name: entry.user, at });
      events.push(entry);
    } else {
      wanted.push({ name: operation.user, at });
    }
  }
  return [wanted, events];
}

/** One try, from beginning to commit without giving way. `refresh`: what decides has to be read again first. */
function attempt<T>(
  on: MeterConnection,
  begin: "begin" | "beginImmediate",
  work: (on: MeterConnection) => T,
): { readonly result: T } | "refresh" {
  const { statements, state } = on;
  statements[begin].run();
  try {
    const current = state.bringUpToDate();
    const done = current === "current" ? { result: work(on) } : current;
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
