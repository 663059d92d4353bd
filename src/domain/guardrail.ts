import type { Period } from "./meter.js";

/** What a guardrail does when the whole system crosses it. */
export const GUARDRAIL_ACTIONS = ["alert", "throttle", "stop"] as const;
export type GuardrailAction = (typeof GUARDRAIL_ACTIONS)[number];

/** A limit on what all users together may use in one window. */
export interface Guardrail {
  readonly id: number;
  readonly meter: "cost" | "tokens";
  readonly period: Period;
  /** Nanos for cost. */
  readonly limit: number;
  readonly action: GuardrailAction;
}
