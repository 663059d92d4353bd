import { applyOperations } from "./ledger.js";
import {
  type EventIdentity,
  eventKey,
  type LedgerState,
  type Operation,
  type OperationOutcome,
} from "./ledger-model.js";

/** What earlier previews would have put into the ledger. */
export interface PreviewMemory {
  /** The content hash of an event, by `eventKey`. */
  hashOf(key: string): number | undefined;
  knowsProviderId(providerId: string): boolean;
  remember(identity: EventIdentity): void;
}

/** What `applyOperations` would answer after all that the memory holds, which then holds these operations too. */
export function previewOperations(
  state: LedgerState,
  operations: readonly Operation[],
  memory: PreviewMemory | null,
): readonly OperationOutcome[] {
  const { outcomes, changes } = applyOperations(
    memory === null ? state : withMemory(state, operations, memory),
    operations,
  );
  for (const identity of [...changes.events, ...changes.sameEvents]) memory?.remember(identity);
  return outcomes;
}

function withMemory(
  state: LedgerState,
  operations: readonly Operation[],
  memory: PreviewMemory,
): LedgerState {
  const knownEvents = new Map(state.knownEvents);
  const knownProviderIds = new Set(state.knownProviderIds);
  for (const operation of operations) {
    if (operation.op !== "record" && operation.op !== "settle") continue;
    const { source, id, providerId } = operation.entry;
    const key = eventKey(source, id);
    const hash = memory.hashOf(key);
    if (hash !== undefined) knownEvents.set(key, hash);
    if (providerId !== null && memory.knowsProviderId(providerId)) knownProviderIds.add(providerId);
  }
  return { ...state, knownEvents, knownProviderIds };
}
