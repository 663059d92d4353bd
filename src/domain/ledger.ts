import { askOf } from "./ask.js";
import { type Decision, decide, refusal } from "./decide.js";
import { GuardrailWatch, stopOfTrip } from "./guardrail.js";
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
  return batch.result(operations.map((operation) => batch.apply(operation)));
}

/**
 * A decision without a reservation: the same rule, nothing written. A request that would trip a guardrail is answered as
 * its reservation would be.
 */
export function checkRequest(
  state: LedgerState,
  name: string,
  request: LedgerRequest,
  at: Instant,
): Decision {
  const { settings, stops } = state;
  const loaded = state.users.get(name);
  const zone = calendar(settings.time_zone);
  const user = loaded === undefined ? null : new WorkingUser(loaded).decided(at, zone);
  const by = { user, stops, settings, at };
  const ask = askOf(request, by);
  const decision = decide({ ...by, ask });
  if (decision.outcome === "block" || state.guardrails.length === 0) return decision;
  const day = zone.dayOf(at);
  const running = { day, month: zone.dayToMonth(day) };
  const trips = new GuardrailWatch(state.guardrails, state.systemHeld).beforeReserve(
    ask.amounts,
    running,
    at,
  );
  const turnedOn = trips.map(stopOfTrip).filter((stop) => stop !== undefined);
  if (turnedOn.length === 0) return decision;
  const stopped = { ...by, stops: [...stops, ...turnedOn] };
  return decide({ ...stopped, ask: askOf(request, stopped) });
}

/** The decision when the store cannot be reached; distinct from every limit. */
export function storeUnavailable(cause = "not known"): Decision {
  return { ...refusal("store-unavailable", []), cause };
}
