/**
 * The limits engine of `alpha` as a library: the same decisions as the command line, from the same code.
 * Start with {@link openLimits}; docs/library.md shows how it is used.
 * @module
 */
export type { Decision, DecisionCode, Outcome, QuotaState } from "./domain/decide.js";
export type { EffectiveQuota } from "./domain/entitlement.js";
export type { EntryStatus } from "./domain/ledger-model.js";
export type { Meter, Period, Quota } from "./domain/meter.js";
export type { Nanos } from "./domain/money.js";
export type { CallKind, TokenBuckets, Usage } from "./domain/usage.js";
export type { Instant } from "./domain/window.js";
export type { GuardContext, GuardOptions, GuardResult } from "./engine/guard.js";
export type {
  LimitsRequest,
  Recorded,
  Reservation,
  ReservationHandle,
  ReserveResult,
  UsageReport,
} from "./engine/limits.js";
export type { MessageContext, MessageTemplate } from "./engine/sentence.js";
export { UnsettledError } from "./engine/unsettled-error.js";
export { AlphaError, type ErrorCode } from "./errors.js";
export { type Limits, type OpenLimitsOptions, openLimits } from "./open-limits.js";
