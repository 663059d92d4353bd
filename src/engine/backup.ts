import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import type { CopyOptions, DatabaseCopies } from "./ports/database.js";
import { type Verification, verifyTotals } from "./verify.js";

export interface Backup {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
  /** Whether it took the place of an older file. */
  readonly replaced: boolean;
  /** What the copy came to when it was added up; `null`: it was only tried. */
  readonly verification: Verification | null;
}

export const BACKUP_ACTION = "db.backup";

/**
 * Copies the database into a file while others write, and proves the copy before it takes its name: its pages are sound,
 * and its totals are what its ledger adds up to.
 * @param path absolute
 * @throws AlphaError `database` where the copy is damaged, since then the database is; `interrupted`
 */
export async function backupDatabase(
  engine: Engine,
  copies: DatabaseCopies,
  path: string,
  { dryRun = false, ...options }: ChangeOptions & CopyOptions = {},
): Promise<Backup> {
  const replaced = (await copies.existing(path)) === "file";
  if (dryRun) return { path, bytes: await engine.store.size(), replaced, verification: null };
  const copy = await copies.backup(path, options);
  try {
    const damage = await copy.damage();
    if (damage.length > 0) {
      throw new AlphaError("database", `the database ${engine.store.location} is damaged: ${damage[0]}`, {
        hint: "no backup was made; restore an older one, and keep the damaged file for a look",
      });
    }
    const verification = await verifyTotals(copy, { signal: options.signal });
    const { bytes } = copy;
    await copy.keep();
    await engine.store.write((tx) =>
      audit(engine, tx, engine.now(), {
        action: BACKUP_ACTION,
        subject: "database:backup",
        after: { path, bytes, rows: verification.rows, differences: verification.differenceCount },
        decides: false,
      }),
    );
    return { path, bytes, replaced, verification };
  } finally {
    await copy.discard();
  }
}
