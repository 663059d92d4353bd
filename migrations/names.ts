/** Every migration in its order, by name: what a program knows without loading what they do. */
export const MIGRATION_NAMES = [
  "0001_initial",
  "0002_prices_and_corrections",
  "0003_guardrail_shards",
  "0004_operators_desk",
  "0005_late_settles",
] as const;
