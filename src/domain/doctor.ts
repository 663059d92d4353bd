/** What can be looked at, in the order in which it is told. */
export const CHECKS = [
  "database",
  "schema",
  "writable",
  "access",
  "wal",
  "disk",
  "pages",
  "server",
  "zone",
  "clock",
  "reset",
  "stops",
  "budget",
  "guardrails",
  "settings",
  "estimates",
  "prices",
  "products",
  "holds",
  "imports",
  "sources",
  "totals",
  "backup",
] as const;
export type Check = (typeof CHECKS)[number];

/** `warning`: it works, and may not do what was meant. `problem`: it does not work, or its figures are wrong. */
export type FindingLevel = "ok" | "warning" | "problem" | "skipped";

/** What a check came to. A check that finds several things wrong has as many findings. */
export interface Finding {
  readonly check: Check;
  readonly level: FindingLevel;
  /** A sentence without a full stop. */
  readonly message: string;
  /** What to do, for a warning or a problem: a sentence without a full stop, or a command. */
  readonly remedy: string | null;
}

export function fine(check: Check, message: string): Finding {
  return { check, level: "ok", message, remedy: null };
}

export function skipped(check: Check, why: string): Finding {
  return { check, level: "skipped", message: why, remedy: null };
}

export function warning(check: Check, message: string, remedy: string): Finding {
  return { check, level: "warning", message, remedy };
}

export function problem(check: Check, message: string, remedy: string): Finding {
  return { check, level: "problem", message, remedy };
}

/** What was found wrong, or that nothing was. */
export function orFine(findings: readonly Finding[], check: Check, message: string): Finding[] {
  return findings.length > 0 ? [...findings] : [fine(check, message)];
}

/** In the order of the checks; of those that were not made, why. */
export function inOrder(findings: readonly Finding[], others: readonly Check[], why: string): Finding[] {
  const made = new Set(findings.map(({ check }) => check));
  const rest = others.filter((check) => !made.has(check)).map((check) => skipped(check, why));
  const place = ({ check }: Finding) => CHECKS.indexOf(check);
  return [...findings, ...rest].sort((a, b) => place(a) - place(b));
}

/** A count with its noun: `1 call`, `2 calls`. */
export function counted(n: number, one: string): string {
  return `${String(n).replace(/\B(?=(?:\d{3})+$)/g, ",")} ${one}${n === 1 ? "" : "s"}`;
}

/** How many of a kind are named one by one. */
const MOST_NAMED = 3;

/** The first few of them: `ada, bob, cleo and 4 more`. */
export function someOf(names: readonly string[]): string {
  const named = names.slice(0, MOST_NAMED).join(", ");
  return names.length <= MOST_NAMED ? named : `${named} and ${names.length - MOST_NAMED} more`;
}
