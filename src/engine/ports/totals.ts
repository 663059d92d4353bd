import type { Period } from "../../domain/meter.js";
import type { DayTotal, WindowTotal } from "./ledger.js";

/** What all users together have used in one window, by the totals of each. */
export interface SystemWindow {
  readonly period: Period;
  readonly index: number;
  readonly tokens: bigint;
  /** Nanos. */
  readonly cost: bigint;
}

/** Mends totals. Whoever meters moves them too, so that they are changed by differences and never set. */
export interface TotalsWriting {
  /** Adds signed amounts to daily totals; begins those that are missing. */
  addToDays(amounts: readonly DayTotal[]): Promise<void>;
  /** The same for the windows of users. */
  addToWindows(amounts: readonly WindowTotal[]): Promise<void>;
  systemWindows(): Promise<SystemWindow[]>;
  addToGuardrail(guardrailId: number, index: number, amount: bigint): Promise<void>;
  /** Forgets every total; those of guardrails are begun again when they are needed. */
  clear(): Promise<void>;
}
