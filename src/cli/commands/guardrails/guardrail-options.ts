import type { GuardrailName } from "../../../engine/guardrails.js";

/** The options that name a guardrail, and the keys under which commander hands them over. */
export const GUARDRAIL_OPTIONS: readonly (GuardrailName & {
  readonly flag: string;
  readonly key: "dailyCost" | "monthlyCost" | "dailyTokens" | "monthlyTokens";
})[] = [
  { flag: "--daily-cost", key: "dailyCost", meter: "cost", period: "day" },
  { flag: "--monthly-cost", key: "monthlyCost", meter: "cost", period: "month" },
  { flag: "--daily-tokens", key: "dailyTokens", meter: "tokens", period: "day" },
  { flag: "--monthly-tokens", key: "monthlyTokens", meter: "tokens", period: "month" },
];

/** What commander hands over for them. */
export type GuardrailOptions<Value> = {
  readonly [K in (typeof GUARDRAIL_OPTIONS)[number]["key"]]?: Value;
};
