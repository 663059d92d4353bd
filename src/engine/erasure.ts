import { namesIn, pseudonymising } from "../domain/pseudonym.js";
import type { User } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, requireUser } from "./find.js";
import type { Reading } from "./ports.js";

const ACTION = "users.erase";

/** What an erasure did. */
export interface Erased {
  /** As they were. */
  readonly user: User;
  /** What stands for them from now on. */
  readonly pseudonym: string;
  /** Names that were forgotten: id, email, name, aliases. */
  readonly names: number;
  /** Audit entries, reasons and imports that named them. */
  readonly records: number;
}

/**
 * Forgets who somebody was, for good: every name is replaced by a pseudonym, in the records of what operators did too.
 * What was used, what it cost and when stays, so that every total does. Their names are free for others afterwards.
 * @throws AlphaError `conflict` while calls are in progress: their usage would find nobody to be counted for
 */
export function eraseUser(
  engine: Engine,
  input: { readonly user: string; readonly reason?: string },
  options: ChangeOptions = {},
): Promise<Erased> {
  return engine.store.write(async (tx) => {
    const user = await requireUser(tx, input.user);
    const at = engine.now();
    const who = displayName(user);
    if (await wasErased(tx, user)) throw new AlphaError("conflict", `${who} was erased already`);
    const live = (await tx.holds.list({ userId: user.id })).filter((hold) => hold.expiresAt > at).length;
    if (live > 0) {
      const calls = live === 1 ? "a call" : `${live} calls`;
      throw new AlphaError("conflict", `${who} has ${calls} in progress, whose usage would not be counted`, {
        hint: `remove them first and wait until it has settled, or let go of it with: alpha holds release --user ${who}`,
      });
    }
    const pseudonym = `erased-${engine.ids.user()}`;
    const present = [user.key, user.email, user.name, ...user.aliases].filter((name) => name !== null);
    const former = (await tx.records.audit({ subject: subjectOf(user) })).flatMap(namesIn);
    const rewrite = pseudonymising(user.key, [...present, ...former], pseudonym);
    const records = await tx.users.rewriteRecords(rewrite);
    await tx.users.clearOverrides(user.id, at);
    if (user.status !== "removed") {
      await tx.users.setMembership(user.id, { tier: user.tier, status: "removed" }, at);
    }
    await tx.users.erase(user.id, pseudonym);
    const names = new Set(present).size;
    const reason = input.reason?.trim() || null;
    await audit(engine, tx, at, {
      action: ACTION,
      subject: `user:${pseudonym}`,
      before: { status: user.status, names },
      after: { status: "removed" },
      // Whoever says why may well say who.
      reason: rewrite({ subject: subjectOf(user), before: null, after: null, reason }).reason,
    });
    return { user, pseudonym, names, records };
  }, options);
}

function subjectOf({ key }: User): string {
  return `user:${key}`;
}

/** Whether a user is what an erasure has left of somebody. */
export async function wasErased(tx: Reading, user: User): Promise<boolean> {
  if (user.status !== "removed" || user.email !== null) return false;
  const entries = await tx.records.audit({ subject: subjectOf(user), actions: [ACTION], limit: 1 });
  return entries.length > 0;
}
