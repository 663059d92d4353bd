import { stopOfTrip } from "../../domain/guardrail.js";
import { applyOperations } from "../../domain/ledger.js";
import type { LedgerResult, Operation, OperationOutcome } from "../../domain/ledger-model.js";
import { withCorrections } from "./meter-corrections.js";
import { anyShard, growsTotals, tripsGuardrails } from "./meter-guardrails.js";
import { type LoadedState, loading, wantedBy } from "./meter-load.js";
import type { MeterMemory } from "./meter-memory.js";
import { kindsIn, saves, sourcesIn } from "./meter-save.js";
import type { Ask, Decided, Locked, MeterTransactions } from "./meter-transactions.js";

/** Runs batches, each in one transaction. */
export class MeterBatches {
  readonly #shard = anyShard();

  constructor(
    private readonly transactions: MeterTransactions,
    private readonly memory: MeterMemory,
  ) {}

  /** @throws AlphaError `database` when the server could not be reached, or somebody held a lock, for too long */
  async run(operations: readonly Operation[]): Promise<readonly OperationOutcome[]> {
    const wanted = wantedBy(operations);
    const { outcomes, changes } = (await this.transactions.run({
      names: wanted.names,
      load: (config) => loading(wanted, config),
      decide: (locked, ask) => this.#decide(operations, locked, ask),
    })) as LedgerResult;
    // A trip has changed what decides.
    if (changes.trips.length > 0) this.memory.forget();
    for (const stop of changes.trips.map(stopOfTrip)) if (stop !== undefined) this.memory.sawStop(stop);
    return outcomes;
  }

  async #decide(
    operations: readonly Operation[],
    { loaded, config }: Locked<LoadedState>,
    ask: Ask,
  ): Promise<Decided<LedgerResult>> {
    const result = applyOperations(await withCorrections(loaded.state, operations, ask), operations);
    const { changes } = result;
    const names = this.transactions.names.of(sourcesIn(changes), kindsIn(changes));
    if (names.asked.length > 0) names.learn(await ask(names.asked));
    return {
      writes: [
        ...saves(changes, names),
        ...growsTotals(config.guardrails, changes.windows, this.#shard),
        ...tripsGuardrails(changes.trips),
      ],
      names,
      traces: changes,
      result: () => result,
    };
  }
}
