import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import { stopOfTrip } from "../../domain/guardrail.js";
import { applyOperations } from "../../domain/ledger.js";
import type { LedgerResult, Operation, OperationOutcome } from "../../domain/ledger-model.js";
import { type Asked, ConnectionLost, MeterClient, numbers, type Statement } from "./meter-client.js";
import { withCorrections } from "./meter-corrections.js";
import { fateOf } from "./meter-fate.js";
import { explainMeter, isOutdated, mayTryAgain, unknownOutcome } from "./meter-faults.js";
import { anyShard, beginsTotals, growsTotals, tripsGuardrails } from "./meter-guardrails.js";
import { type Loaded, loading, type Wanted, wantedBy } from "./meter-load.js";
import type { Config, MeterMemory } from "./meter-memory.js";
import { type BatchNames, InternedNames } from "./meter-names.js";
import { kindsIn, saves, sourcesIn } from "./meter-save.js";
import { BEGIN_WRITING, COMMIT, joinsWriters, limitsOf } from "./meter-transaction.js";
import { EXCLUDE_WRITERS } from "./write-lock.js";

export interface MeterOptions {
  /** Its connections pipeline, and read values as `TYPES` says. */
  readonly pool: Pool;
  /** What the database is called where people read it. */
  readonly location: string;
  /** How long to wait: for a connection, for a lock, for the server to come back; in milliseconds. */
  readonly waitMs: number;
}

/** Between two tries, in milliseconds. */
const PAUSE_MS = 20;

/** Thrown when the connection was lost while a batch was being committed. */
class InDoubt extends Error {
  constructor(
    readonly transaction: string,
    readonly decided: Decided,
    readonly lost: ConnectionLost,
  ) {
    super("the connection was lost", { cause: lost });
  }
}

interface Locked extends Loaded {
  readonly config: Config;
  /** The transaction's number, by which its fate can be asked for. */
  readonly transaction: string;
}

/** A batch that is decided and written, or about to be. */
interface Decided {
  readonly result: LedgerResult;
  readonly names: BatchNames;
}

/**
 * Runs batches, each in one transaction of two round trips: begin, lock the users and load what decides; then write and
 * commit. What is not remembered takes up to two more: who is meant by a name, and names that are new to the ledger.
 *
 * The users are locked in the order of their numbers, and whatever several batches may write without such a lock is
 * written in an order too, so that they wait for one another and never in a circle. Each batch shares the lock that
 * operators' changes take alone: what decides does not change while it runs.
 */
export class MeterBatches {
  readonly #names = new InternedNames();
  readonly #shard = anyShard();

  constructor(
    private readonly options: MeterOptions,
    private readonly memory: MeterMemory,
  ) {}

  /** @throws AlphaError `database` when the server could not be reached, or somebody held a lock, for too long */
  async run(operations: readonly Operation[]): Promise<readonly OperationOutcome[]> {
    const { location, waitMs } = this.options;
    const deadline = performance.now() + waitMs;
    for (let tries = 1; ; tries++) {
      try {
        return this.#committed(await this.#attempt(operations));
      } catch (error) {
        let reason = error;
        if (error instanceof InDoubt) {
          const { transaction, decided } = error;
          const { result, names } = decided;
          const fate = await fateOf({ transaction, changes: result.changes, names }, this.options);
          if (fate === "committed") return this.#committed(decided);
          reason = error.lost;
          if (fate !== "aborted") throw unknownOutcome(reason, location);
        }
        // Another server may answer next, whose numbers are others.
        if (reason instanceof ConnectionLost) this.#forget();
        if (!mayTryAgain(reason, tries) || performance.now() >= deadline) {
          throw explainMeter(reason, location);
        }
        await delay(PAUSE_MS);
      }
    }
  }

  #forget(): void {
    this.memory.forget();
    this.#names.forget();
  }

  #committed({ result: { outcomes, changes }, names }: Decided): readonly OperationOutcome[] {
    names.remember();
    // A trip has changed what decides.
    if (changes.trips.length > 0) this.memory.forget();
    for (const stop of changes.trips.map(stopOfTrip)) if (stop !== undefined) this.memory.sawStop(stop);
    return outcomes;
  }

  async #attempt(operations: readonly Operation[]): Promise<Decided> {
    const client = await MeterClient.borrow(this.options.pool, this.options.waitMs);
    let isFit = false;
    try {
      const decided = await this.#transact(client, operations);
      isFit = true;
      return decided;
    } catch (error) {
      isFit = !isOutdated(error) && (await client.rollBack(this.options.waitMs));
      throw error;
    } finally {
      client.giveBack(isFit);
    }
  }

  async #transact(client: MeterClient, operations: readonly Operation[]): Promise<Decided> {
    const { waitMs } = this.options;
    const { config, transaction, state } = await this.#load(client, wantedBy(operations));
    const ask = (asked: readonly Asked[]) => client.ask(asked, waitMs);
    const result = applyOperations(await withCorrections(state, operations, ask), operations);
    const { changes } = result;
    const names = this.#names.of(sourcesIn(changes), kindsIn(changes));
    if (names.asked.length > 0) names.learn(await ask(names.asked));
    const decided = { result, names };
    const answers = await client.settle(
      [
        ...saves(changes, names),
        ...growsTotals(config.guardrails, changes.windows, this.#shard),
        ...tripsGuardrails(changes.trips),
        COMMIT,
      ],
      waitMs,
    );
    const commit = answers.at(-1) as (typeof answers)[number];
    // After a failed statement COMMIT rolls back, which is no error.
    if (commit.status === "fulfilled" && commit.value.command === "COMMIT") return decided;
    const failed = answers.find((answer) => answer.status === "rejected");
    const reason: unknown = failed?.reason ?? new Error("the server rolled the transaction back");
    if (reason instanceof ConnectionLost) throw new InDoubt(transaction, decided, reason);
    throw reason;
  }

  /** Begins the transaction, locks the users and loads what the batch is decided from. */
  async #load(client: MeterClient, wanted: Wanted): Promise<Locked> {
    const { waitMs } = this.options;
    const start = [BEGIN_WRITING, joinsWriters(waitMs)];
    for (;;) {
      const known = this.memory.knows(wanted.names) ? this.memory.config : null;
      const config = known ?? (await this.memory.read(client, start, wanted.names, waitMs));
      const locked = await this.#lock(client, known === null ? [] : start, wanted, config);
      if (locked !== null && locked.unbegun.length === 0) return locked;
      await client.rollBack(waitMs);
      if (locked === null) this.memory.forget();
      else await this.#beginTotals(client, locked);
    }
  }

  /** `null`: what is remembered is out of date. */
  async #lock(
    client: MeterClient,
    start: readonly Asked[],
    wanted: Wanted,
    config: Config,
  ): Promise<Locked | null> {
    const { userIds, asked, read } = loading(wanted, config);
    // A statement's snapshot is older than what it waits for, so that whatever is to be read after the lock is asked
    // for after it.
    const lock = { statement: LOCK, values: [numbers(userIds)] };
    const answers = await client.ask([...start, lock, ...asked], this.options.waitMs);
    const [row] = answers[start.length] ?? [];
    if (row.generation !== config.generation) return null;
    const loaded = read(answers.slice(start.length + 1));
    return loaded.isCurrent ? { config, transaction: row.transaction, ...loaded } : null;
  }

  /** Once a window: adds up what all users have used in it, while nobody writes. */
  async #beginTotals(client: MeterClient, { unbegun }: Locked): Promise<void> {
    const { waitMs } = this.options;
    const alone = { statement: EXCLUDE };
    // The server may take longer over it than over a batch: given up, it would have to be done all the same.
    await client.ask([BEGIN_WRITING, limitsOf(waitMs, 0), alone], waitMs);
    await client.ask([beginsTotals(unbegun), COMMIT], LONGEST_SUM_MS);
  }
}

/** How long adding up what all users have used may take, in milliseconds. */
const LONGEST_SUM_MS = 5 * 60_000;

const EXCLUDE: Statement = { name: "alpha_exclude", text: EXCLUDE_WRITERS };

const LOCK: Statement = {
  name: "alpha_lock",
  text: `with locked as (
      select id from users where id = any($1::bigint[]) order by id for no key update
    )
    select (select config from generation) as generation, pg_current_xact_id()::text as transaction,
      (select count(*) from locked) as locked`,
};
