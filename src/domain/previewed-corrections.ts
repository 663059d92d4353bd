import { rowOf } from "./ledger-event.js";
import {
  type Changes,
  type CorrectionState,
  eventKey,
  type LedgerKey,
  type LedgerRow,
  type LedgerState,
  type Operation,
} from "./ledger-model.js";

/** What earlier previews would have entered that later records may supersede, and what those would have corrected. */
export class PreviewedCorrections {
  readonly #keys = new Map<string, LedgerKey>();
  /** By event; those that are not in the ledger have numbers below 0. */
  readonly #rows = new Map<number, readonly LedgerRow[]>();

  /** The state of the ledger and, laid over it, what is remembered here of a batch's identities. */
  over(state: LedgerState, operations: readonly Operation[]): CorrectionState | undefined {
    const names = [...supersedingNames(operations)].filter((name) => this.#keys.has(name));
    if (names.length === 0) return state.corrections;
    const keys = new Map(state.corrections?.keys);
    const rows = new Map(state.corrections?.rows);
    for (const name of names) {
      const key = this.#keys.get(name) as LedgerKey;
      keys.set(name, key);
      rows.set(key.event, [...(rows.get(key.event) ?? []), ...(this.#rows.get(key.event) ?? [])]);
    }
    return { keys, rows };
  }

  /** What a preview of these operations would have changed. */
  remember({ events, corrections }: Changes, operations: readonly Operation[]): void {
    const names = supersedingNames(operations);
    for (const entered of events) {
      const { source, id, hash, providerId } = entered;
      const name = eventKey(source, id);
      if (!names.has(name)) continue;
      const event = -1 - this.#rows.size;
      this.#keys.set(name, { source, id, hash, providerId, event, metAgainBy: null });
      this.#rows.set(event, [rowOf(entered)]);
    }
    for (const key of corrections?.keysChanged ?? []) this.#keys.set(eventKey(key.source, key.id), key);
    for (const { corrects, ...row } of corrections?.rows ?? []) {
      this.#rows.set(corrects, [...(this.#rows.get(corrects) ?? []), row]);
    }
  }
}

function supersedingNames(operations: readonly Operation[]): Set<string> {
  const names = new Set<string>();
  for (const operation of operations) {
    if (operation.op !== "record" || operation.entry.supersedes !== true) continue;
    names.add(eventKey(operation.entry.source, operation.entry.id));
  }
  return names;
}
