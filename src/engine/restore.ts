import type { Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { MOST_BACK } from "./looking-back.js";
import type { CopyOptions, DatabaseCopies, KeptCopy } from "./ports/database.js";
import type { Writing } from "./ports.js";
import { type Verification, verifyTotals } from "./verify.js";

/** Who turns on the stop under which a restored database starts. */
export const RESTORE_ACTOR = "restore";

/** A backup that was looked at and prepared. */
export interface Restorable {
  /** The backup's file, absolute. */
  readonly backup: string;
  readonly bytes: number;
  /** What the backup came to when it was added up. */
  readonly verification: Verification;
  /** When anything was last done or recorded in it; `null`: never. */
  readonly asOf: Instant | null;
  /** Reservations that it held and that were dropped. */
  readonly holdsDropped: number;
}

export interface Restored extends Restorable {
  /** Where the database that was there is now; `null`: it was only tried. */
  readonly aside: string | null;
}

export interface RestoreOptions extends ChangeOptions, CopyOptions {
  readonly reason?: string | undefined;
  /** Asked when all is ready and nothing was changed yet; throws to leave it so. */
  readonly approve?: (restorable: Restorable) => Promise<void>;
}

/**
 * Puts a backup in the place of the database, whose file is kept under another name. What was admitted when the backup was
 * made is over, so its holds are dropped; and since an old backup knows nothing of what was used since, it starts stopped.
 * @param by who acts, on no database yet: the one there is may be damaged, or gone
 * @param backup absolute path
 * @throws AlphaError `database` where the backup is damaged or no alpha database, or the database is being written to for
 * too long; `interrupted`
 */
export async function restoreDatabase(
  by: Omit<Engine, "store">,
  copies: DatabaseCopies,
  backup: string,
  { dryRun = false, reason, approve, ...options }: RestoreOptions = {},
): Promise<Restored> {
  const copy = await copies.restorable(backup, options);
  try {
    const damage = await copy.damage();
    if (damage.length > 0) {
      throw new AlphaError("database", `the backup ${backup} is damaged: ${damage[0]}`, {
        hint: "nothing was restored; try an older backup",
      });
    }
    const verification = await verifyTotals(copy, { signal: options.signal });
    const engine = { ...by, store: copy.store };
    const prepared = await copy.store.write((tx) => prepare(engine, tx, backup, reason));
    const restorable = { backup, bytes: copy.bytes, verification, ...prepared };
    if (!dryRun) await approve?.(restorable);
    const { aside }: Pick<KeptCopy, "aside"> = dryRun ? { aside: null } : await copy.keep();
    return { ...restorable, aside };
  } finally {
    await copy.discard();
  }
}

async function prepare(
  engine: Engine,
  tx: Writing,
  backup: string,
  reason: string | undefined,
): Promise<Pick<Restorable, "asOf" | "holdsDropped">> {
  const at = engine.now();
  const asOf = await lastTouched(tx);
  const holds = await tx.holds.list();
  for (const { userId, id } of holds) await tx.holds.remove(userId, id);
  const why = reason?.trim() || "restored from a backup";
  const nobody = { userId: null, tier: null, provider: null, model: null, feature: null };
  const stop = await tx.emergency.start(
    { action: "stop", ...nobody, reason: why, actor: RESTORE_ACTOR, until: null },
    at,
  );
  await audit(engine, tx, at, {
    action: "db.restore",
    subject: "database:backup",
    after: { path: backup, holds_dropped: holds.length },
    reason: reason?.trim() || null,
  });
  await audit({ ...engine, actor: RESTORE_ACTOR }, tx, at, {
    action: "emergency-stop.on",
    subject: `stop:${stop.id}`,
    after: { action: "stop", reason: why, actor: RESTORE_ACTOR },
    reason: why,
  });
  return { asOf, holdsDropped: holds.length };
}

async function lastTouched(tx: Writing): Promise<Instant | null> {
  const [entry] = await tx.records.audit({ limit: 1 });
  const event = await tx.status.lastEvent(MOST_BACK);
  const instants = [entry?.at, event?.recordedAt].filter((at) => at !== undefined);
  return instants.length === 0 ? null : Math.max(...instants);
}
