import type { AuditEntry } from "./ports.js";

/** The action of an undoing, whose subject is the entry that it undid: `audit:12`. */
export const UNDO = "undo";

/** The number of the entry that an undoing undid; `null`: the entry is no undoing. */
export function undoneEntry({ action, subject }: Pick<AuditEntry, "action" | "subject">): number | null {
  if (action !== UNDO) return null;
  const number = Number(/^audit:(\d+)$/.exec(subject)?.[1]);
  return Number.isSafeInteger(number) ? number : null;
}
