import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import type { CopiedRows } from "./copy-in.js";
import {
  type Asked,
  ConnectionLost,
  MeterClient,
  numbers,
  type Rows,
  type Statement,
} from "./meter-client.js";
import { fateOf, type Traces } from "./meter-fate.js";
import { explainMeter, isOutdated, mayTryAgain, unknownOutcome } from "./meter-faults.js";
import { beginsTotals } from "./meter-guardrails.js";
import type { Loaded, Loading } from "./meter-load.js";
import type { Config, MeterMemory } from "./meter-memory.js";
import { type BatchNames, InternedNames } from "./meter-names.js";
import { Patience } from "./meter-patience.js";
import { BEGIN_WRITING, COMMIT, joinsWriters, limitsWithoutWork } from "./meter-transaction.js";
import { EXCLUDE_WRITERS } from "./write-lock.js";

export interface MeterOptions {
  /** Its connections pipeline, and read values as `TYPES` says. */
  readonly pool: Pool;
  /** What the database is called where people read it. */
  readonly location: string;
  /** How long to wait altogether: for a connection, for locks, for the server to come back; in milliseconds. */
  readonly waitMs: number;
}

/** What is done in one transaction, and again from the beginning where it has to be tried again. */
export interface MeterWork<L extends Loaded, T> {
  /** Everybody whom it concerns. */
  readonly names: readonly string[];
  /** What it is decided from; `null`: it is not to be done. */
  load(config: Config): Loading<L> | null;
  /** @returns `null` when it is not to be done after all: nothing may have been written */
  decide(locked: Locked<L>, ask: Ask): Promise<Decided<T> | null>;
}

/** Asks in one round trip. */
export type Ask = (asked: readonly Asked[]) => Promise<Rows[]>;

/** A transaction whose users are locked. */
export interface Locked<L> {
  readonly loaded: L;
  readonly config: Config;
  /** Its number, by which its fate can be asked for. */
  readonly transaction: string;
  /** How long it waited for its locks. */
  readonly waitedMs: number;
}

/** What is to be written, and what it comes to once it is. */
export interface Decided<T> {
  readonly writes: readonly (Asked | CopiedRows)[];
  readonly names: BatchNames;
  readonly traces: Traces;
  /** @param answers to the writes; empty when the connection was lost with them */
  result(answers: readonly Rows[]): T;
}

/** Between two tries, in milliseconds. */
const PAUSE_MS = 20;

/** Thrown when the connection was lost while a transaction was being committed. */
class InDoubt<T> extends Error {
  constructor(
    readonly transaction: string,
    readonly decided: Decided<T>,
    readonly lost: ConnectionLost,
  ) {
    super("the connection was lost", { cause: lost });
  }
}

/**
 * Runs the transactions of the hot path, each in two round trips: begin, lock the users and load what decides; then write
 * and commit. What is not remembered takes up to two more: who is meant by a name, and names that are new to the ledger.
 *
 * The users are locked in the order of their numbers, and whatever several transactions may write without such a lock is
 * written in an order too, so that they wait for one another and never in a circle. Each shares the lock that operators'
 * changes take alone: what decides does not change while it runs.
 */
export class MeterTransactions {
  readonly names = new InternedNames();

  constructor(
    private readonly options: MeterOptions,
    private readonly memory: MeterMemory,
  ) {}

  /**
   * @param patience how long it may take
   * @returns `null` where the work is not to be done
   * @throws AlphaError `database` when the server could not be reached, or somebody held a lock, for too long
   */
  async run<L extends Loaded, T>(
    work: MeterWork<L, T>,
    patience = new Patience(this.options.waitMs),
  ): Promise<T | null> {
    const { location, pool } = this.options;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#attempt(work, patience);
      } catch (error) {
        let reason = error;
        if (error instanceof InDoubt) {
          const { transaction, decided }: InDoubt<T> = error;
          const fate = await fateOf({ transaction, ...decided }, pool, patience);
          if (fate === "committed") return committed(decided, []);
          reason = error.lost;
          if (fate !== "aborted") throw unknownOutcome(reason, location);
        }
        // Another server may answer next, whose numbers are others.
        if (reason instanceof ConnectionLost) this.#forget();
        if (!mayTryAgain(reason, tries) || patience.isOver) {
          throw explainMeter(reason, location);
        }
        await delay(PAUSE_MS);
      }
    }
  }

  #forget(): void {
    this.memory.forget();
    this.names.forget();
  }

  async #attempt<L extends Loaded, T>(work: MeterWork<L, T>, patience: Patience): Promise<T | null> {
    const client = await MeterClient.borrow(this.options.pool, patience.waitMs);
    let isFit = false;
    try {
      const done = await this.#transact(client, work, patience);
      isFit = done !== null || (await client.rollBack(patience.silenceMs));
      return done;
    } catch (error) {
      isFit = !isOutdated(error) && (await client.rollBack(patience.silenceMs));
      throw error;
    } finally {
      client.giveBack(isFit);
    }
  }

  async #transact<L extends Loaded, T>(
    client: MeterClient,
    work: MeterWork<L, T>,
    patience: Patience,
  ): Promise<T | null> {
    const locked = await this.#load(client, work, patience);
    if (locked === null) return null;
    const decided = await work.decide(locked, (asked) => client.ask(asked, patience.silenceMs));
    if (decided === null) return null;
    const answers = await client.settle([...decided.writes, COMMIT], patience.firstSilenceMs);
    const commit = answers.at(-1) as (typeof answers)[number];
    // After a failed statement COMMIT rolls back, which is no error.
    if (commit.status === "fulfilled" && commit.value.command === "COMMIT") {
      return committed(
        decided,
        answers.slice(0, -1).map((answer) => (answer.status === "fulfilled" ? answer.value.rows : [])),
      );
    }
    const failed = answers.find((answer) => answer.status === "rejected");
    const reason: unknown = failed?.reason ?? new Error("the server rolled the transaction back");
    if (reason instanceof ConnectionLost) throw new InDoubt(locked.transaction, decided, reason);
    throw reason;
  }

  /** Begins the transaction, locks the users and loads what the work is decided from. */
  async #load<L extends Loaded, T>(
    client: MeterClient,
    work: MeterWork<L, T>,
    patience: Patience,
  ): Promise<Locked<L> | null> {
    for (;;) {
      const start = [BEGIN_WRITING, joinsWriters(this.options.pool, patience)];
      const known = this.memory.knows(work.names) ? this.memory.config : null;
      const config = known ?? (await this.memory.read(client, start, work.names, patience));
      const loading = work.load(config);
      if (loading === null) return null;
      const locked = await this.#lock(client, known === null ? [] : start, loading, config, patience);
      if (locked !== null && locked.loaded.unbegun.length === 0) return locked;
      await client.rollBack(patience.silenceMs);
      if (locked === null) this.memory.forget();
      else await this.#beginTotals(client, locked.loaded, patience);
    }
  }

  /** `null`: what is remembered is out of date. */
  async #lock<L extends Loaded>(
    client: MeterClient,
    start: readonly Asked[],
    { userIds, asked, read }: Loading<L>,
    config: Config,
    patience: Patience,
  ): Promise<Locked<L> | null> {
    // A statement's snapshot is older than what it waits for, so that whatever is to be read after the lock is asked
    // for after it.
    const lock = { statement: LOCK, values: [numbers(userIds)] };
    const answers = await client.ask([...start, lock, ...asked], patience.silenceMs);
    const [row] = answers[start.length] ?? [];
    if (row.generation !== config.generation) return null;
    const loaded = read(answers.slice(start.length + 1));
    if (!loaded.isCurrent) return null;
    return { loaded, config, transaction: row.transaction, waitedMs: row.waited };
  }

  /** Once a window: adds up what all users have used in it, while nobody writes. */
  async #beginTotals(client: MeterClient, { unbegun }: Loaded, patience: Patience): Promise<void> {
    const start = [BEGIN_WRITING, limitsWithoutWork(this.options.pool, patience), { statement: EXCLUDE }];
    await client.ask(start, patience.silenceMs);
    // The server may take longer over it than over a batch: given up, it would have to be done all the same.
    await patience.without(() => client.ask([beginsTotals(unbegun), COMMIT], LONGEST_SUM_MS));
  }
}

function committed<T>({ names, result }: Decided<T>, answers: readonly Rows[]): T {
  names.remember();
  return result(answers);
}

/** How long adding up what all users have used may take, in milliseconds. */
const LONGEST_SUM_MS = 10 * 60_000;

const EXCLUDE: Statement = { name: "alpha_exclude", text: EXCLUDE_WRITERS };

// What is selected is worked out in its order: the last once the users are locked.
const LOCK: Statement = {
  name: "alpha_lock",
  text: `with locked as (
      select id from users where id = any($1::bigint[]) order by id for no key update
    )
    select (select config from generation) as generation, pg_current_xact_id()::text as transaction,
      (select count(*) from locked) as locked,
      (1000 * extract(epoch from clock_timestamp() - transaction_timestamp()))::bigint as waited`,
};
