import type { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import { committing, probing, trying } from "./entering.js";
import { requireUser } from "./find.js";
import { type ImportCounts, sumOf } from "./import-counts.js";
import { LogImporter } from "./log-importer.js";
import { type AddedUser, Newcomers } from "./newcomers.js";
import { BroughtCalls, type Overlap } from "./overlaps.js";
import type { Progress } from "./ports.js";
import { Rating } from "./rating.js";
import type { RejectedUsage, UsageLog } from "./usage-log.js";

export interface ImportOptions {
  /** Whose all of it is, whatever the records say: an id, email or alias. */
  readonly user?: string;
  /** Onboard testers whom the logs name and nobody knows, instead of rejecting their records. */
  readonly addUsers?: boolean;
  /** Say what would be, and write nothing. Takes up to 90 bytes of memory for each new record. */
  readonly dryRun?: boolean;
  /** Stops after the slice in hand; what was committed stays. */
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** Told of every record that is not counted. */
  readonly onReject?: (reject: RejectedUsage) => void;
  /** How the logs are read, to be kept with the import. */
  readonly readAs?: Readonly<Record<string, unknown>>;
}

/** What became of one log. */
export interface LogImport {
  readonly file: string;
  /** The import's number; `null` when nothing of it was written. */
  readonly number: number | null;
  readonly counts: ImportCounts;
  /** Names that are nobody's, and in how many records each stands; the first thousand of them. */
  readonly unknownUsers: ReadonlyMap<string, number>;
  /** The first five. */
  readonly rejects: readonly RejectedUsage[];
  /** How long it gave way to other writers, in milliseconds. */
  readonly waited: number;
  /** Why the log as a whole failed or could not be read to its end; what `counts` says was imported stays. */
  readonly error: AlphaError | null;
}

export interface UsageImport {
  readonly logs: readonly LogImport[];
  readonly total: ImportCounts;
  /** Whom `addUsers` onboarded. */
  readonly addedUsers: readonly AddedUser[];
  /** Testers whose calls another source covers in the same hours; not looked for in a dry run. */
  readonly overlaps: readonly Overlap[];
  /** Whether the operator stopped it. */
  readonly interrupted: boolean;
}

/**
 * Imports logs, one after the other, in short transactions: what was committed stays whatever comes after, and the
 * same log imported again finds it as duplicates. A log that fails does not keep those after it from being imported,
 * unless it is the database that fails. Each log that is imported has a row of its own and one audit entry.
 * @throws AlphaError `not-found` when `options.user` is nobody and is not to be added
 */
export async function importUsage(
  engine: Engine,
  logs: readonly UsageLog[],
  options: ImportOptions = {},
): Promise<UsageImport> {
  const { user, signal } = options;
  const { meter } = engine.store;
  const newcomers = options.addUsers === true ? new Newcomers(engine) : null;
  const settings = await engine.store.read(async (tx) => {
    if (user !== undefined && newcomers === null) await requireUser(tx, user);
    return tx.settings.current();
  });
  const brought = new BroughtCalls(settings.time_zone);
  const parts = {
    engine,
    options,
    rating: new Rating(engine.prices),
    enter: options.dryRun === true ? trying(meter, newcomers) : committing(meter),
    probe: probing(meter, newcomers),
    newcomers,
    brought,
  };
  const done: LogImport[] = [];
  const sizes = logs.map((log) => log.bytes);
  const bytes = sizes.reduce<number | null>(
    (sum, size) => (sum === null || size === null ? null : sum + size),
    0,
  );
  let bytesBefore = 0;
  for (const log of logs) {
    const before = sumOf(done.map(({ counts }) => counts));
    const importer = new LogImporter(parts, log, (counts, bytesRead) =>
      options.progress?.report({
        done: bytesBefore + bytesRead,
        total: bytes,
        records: before.records + counts.records,
        rejected: before.bad + counts.bad,
      }),
    );
    const result = await importer.run();
    done.push(result);
    bytesBefore += log.bytes ?? 0;
    if (signal?.aborted === true || isDatabase(result.error)) break;
  }
  const databaseFailed = done.some(({ error }) => isDatabase(error));
  return {
    logs: done,
    total: sumOf(done.map(({ counts }) => counts)),
    addedUsers: newcomers?.added ?? [],
    overlaps: options.dryRun === true || databaseFailed ? [] : await brought.overlaps(engine),
    interrupted: done.some(({ error }) => error?.code === "interrupted"),
  };
}

function isDatabase(error: AlphaError | null): boolean {
  return error?.code === "database" || error?.code === "busy";
}
