import { askOf } from "./ask.js";
import { type Decision, decide, refusal } from "./decide.js";
import { Batch } from "./ledger-batch.js";
import type { LedgerRequest, LedgerResult, LedgerState, Operation } from "./ledger-model.js";
import { calendar, type Instant } from "./window.js";
import { WorkingUser } from "./working-user.js";

/**
 * The functional core of everything that meters. A store opens one write transaction, loads the state of the users
 * involved, hands it to `applyOperations`, and writes back the changes it returns. The operations are decided in
 * order, each seeing the ones before it, so that a batch admits exactly what the same calls one by one would.
 * Pure: neither state nor operations are changed.
 */
export function applyOperations(state: LedgerState, operations: readonly Operation[]): LedgerResult {
  const batch = new Batch(state);
  const outcomes = operations.map((operation) => batch.apply(operation));
  return { outcomes, changes: batch.changes(), users: batch.users() };
}

/** A decision without a reservation: the same rule, nothing written. */
export function checkRequest(
  state: LedgerState,
  name: string,
  request: LedgerRequest,
  at: Instant,
): Decision {
  const { settings, stops } = state;
  const loaded = state.users.get(name);
  const user =
    loaded === undefined ? null : new WorkingUser(loaded).decided(at, calendar(settings.time_zone));
  return decide({ ask: askOf(request, settings), user, stops, settings, at });
}

/** The decision when the store cannot be reached; distinct from every limit. */
export function storeUnavailable(): Decision {
  return refusal("store-unavailable", []);
}
