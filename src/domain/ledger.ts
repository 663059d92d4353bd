import { askOf } from "./ask.js";
import { type Ask, type Decision, decide, refusal } from "./decide.js";
import type { Stop } from "./emergency.js";
import { GuardrailWatch, stopOfTrip, type Trip } from "./guardrail.js";
import { Batch } from "./ledger-batch.js";
import type { LedgerRequest, LedgerResult, LedgerState, LedgerUser, Operation } from "./ledger-model.js";
import { calendar, type Instant } from "./window.js";
import { decidedUser } from "./working-user.js";

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
  return judgeRequest(state, name, request, at).decision;
}

/** A decision without a reservation, and what it was about. */
export interface JudgedRequest {
  readonly ask: Ask;
  readonly decision: Decision;
  /** Guardrails that the reservation would trip. */
  readonly trips: readonly Trip[];
}

/** The same, with what the request came to. */
export function judgeRequest(
  state: LedgerState,
  name: string,
  request: LedgerRequest,
  at: Instant,
): JudgedRequest {
  const user = state.users.get(name) ?? null;
  const judged = judge(user, state, state.stops, request, at);
  const { ask, decision } = judged;
  if (state.guardrails.length === 0 || decision.outcome === "block") return { ...judged, trips: [] };
  const zone = calendar(state.settings.time_zone);
  const day = zone.dayOf(at);
  const running = { day, month: zone.dayToMonth(day) };
  const trips = new GuardrailWatch(state.guardrails, state.systemHeld).beforeReserve(
    ask.amounts,
    running,
    at,
  );
  const turnedOn = trips.map(stopOfTrip).filter((stop) => stop !== undefined);
  if (turnedOn.length === 0) return { ...judged, trips };
  return { ...judge(user, state, [...state.stops, ...turnedOn], request, at), trips };
}

/**
 * The same for one user where no guardrail is set.
 * @param user `null`: nobody of that name
 */
export function checkUser(
  user: LedgerUser | null,
  rules: Rules,
  request: LedgerRequest,
  at: Instant,
): Decision {
  return judge(user, rules, rules.stops, request, at).decision;
}

/** What holds for all users. */
type Rules = Pick<LedgerState, "settings" | "stops" | "ownPrices">;

function judge(
  loaded: LedgerUser | null,
  { settings, ownPrices }: Rules,
  stops: readonly Stop[],
  request: LedgerRequest,
  at: Instant,
): { readonly ask: Ask; readonly decision: Decision } {
  const user = loaded === null ? null : decidedUser(loaded, at, calendar(settings.time_zone));
  const ask = askOf(request, { user, stops, settings, ownPrices, at });
  return { ask, decision: decide({ ask, user, stops, settings, at }) };
}

/** The decision when the store cannot be reached; distinct from every limit. */
export function storeUnavailable(cause = "not known"): Decision {
  return { ...refusal("store-unavailable", []), cause };
}
