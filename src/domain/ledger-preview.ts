import { applyOperations } from "./ledger.js";
import {
  type EventIdentity,
  eventKey,
  type LedgerState,
  type LedgerUser,
  type Operation,
  type OperationOutcome,
} from "./ledger-model.js";
import type { PreviewedCorrections } from "./previewed-corrections.js";

/** What earlier previews would have put into the ledger. */
export interface PreviewMemory {
  /** The content hash of an event, by `eventKey`. */
  hashOf(key: string): number | undefined;
  knowsProviderId(providerId: string): boolean;
  /** Who would have been onboarded under a name that is nobody's yet. */
  userOf(name: string): LedgerUser | undefined;
  remember(identity: EventIdentity): void;
  readonly corrected: PreviewedCorrections;
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
  if (memory !== null) {
    const { events, sameEvents, corrections } = changes;
    for (const identity of [...events, ...sameEvents, ...(corrections?.keysChanged ?? [])]) {
      memory.remember(identity);
    }
    memory.corrected.remember(changes, operations);
  }
  return outcomes;
}

function withMemory(
  state: LedgerState,
  operations: readonly Operation[],
  memory: PreviewMemory,
): LedgerState {
  const knownEvents = new Map(state.knownEvents);
  const knownProviderIds = new Set(state.knownProviderIds);
  const users = new Map(state.users);
  for (const operation of operations) {
    if (operation.op !== "record" && operation.op !== "settle") continue;
    const { source, id, providerId, user } = operation.entry;
    const newcomer = users.has(user) ? undefined : memory.userOf(user);
    if (newcomer !== undefined) users.set(user, newcomer);
    const key = eventKey(source, id);
    const hash = memory.hashOf(key);
    if (hash !== undefined) knownEvents.set(key, hash);
    if (providerId !== null && memory.knowsProviderId(providerId)) knownProviderIds.add(providerId);
  }
  const corrections = memory.corrected.over(state, operations);
  return {
    ...state,
    users,
    knownEvents,
    knownProviderIds,
    ...(corrections === undefined ? {} : { corrections }),
  };
}
