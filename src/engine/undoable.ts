import type { Instant } from "../domain/window.js";
import type { AuditEntry, Reading, Writing } from "./ports.js";

/** One undoing: from how an entry left things to how they were before it. Either may be nothing. */
export interface Turn<State> {
  /** The change that it all began with. */
  readonly change: ChangeOf<State>;
  readonly from: State | null;
  readonly to: State | null;
  /** When the entry was made that is undone. */
  readonly madeAt: Instant;
  readonly at: Instant;
}

/** How the changes of some commands are undone. `State` is what their audit entries have as before and after. */
export interface Undoable<State> {
  /** What a change was about: changes that share one of these build upon each other. */
  things(change: ChangeOf<State>): readonly string[];
  /** How that stands now, as an audit entry says it; `null`: it is not there. */
  stands(tx: Reading, change: ChangeOf<State>, at: Instant): Promise<State | null>;
  /** Where it does not stand as the change left it: what is there instead, if that can be said, and how to see it. */
  instead?(
    tx: Reading,
    change: ChangeOf<State>,
    at: Instant,
  ): Promise<{ readonly message: string; readonly hint: string } | null>;
  /** Makes it stand as the turn's `to`. What contradicts anything else is refused, as the commands themselves do. */
  restore(tx: Writing, turn: Turn<State>): Promise<void>;
  /** What of a state has not ended by itself; all of it, unless given. */
  lasting?(state: State, at: Instant): State | null;
}

/** A change that can be undone. */
type ChangeOf<State> = Omit<AuditEntry, "before" | "after"> & {
  readonly before: State | null;
  readonly after: State | null;
};

/** The key of a subject: `ada` of `user:ada`. */
export function keyOf(subject: string): string {
  return subject.slice(subject.indexOf(":") + 1);
}
