import { formatInstant, parseInstant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import type { Writing } from "./ports.js";

/** A job that must not run twice at once. */
export interface Job {
  readonly name: string;
  /** What is in the way of whoever comes second, such as `another reset`. */
  readonly called: string;
}

/** A lease of somebody who was killed is free again after so long. */
const LEASE_MS = 5 * 60_000;

/** Takes the lease again, so that it does not run out; to be called in every transaction that depends on it. */
export type KeepLease = (tx: Writing) => Promise<void>;

/**
 * Runs `work` while nobody else runs the same job.
 * @throws AlphaError `busy` while somebody does
 */
export async function underLease<T>(
  engine: Engine,
  job: Job,
  work: (keep: KeepLease) => Promise<T>,
): Promise<T> {
  // Says for whoever is refused since when it is held.
  const holder = `${formatInstant(engine.now())} ${engine.ids.event()}`;
  const keep = (tx: Writing) => takeLease(engine, tx, job, holder);
  await engine.store.write(keep);
  try {
    return await work(keep);
  } finally {
    // A lease that cannot be given back runs out; that must not hide why the work failed.
    await engine.store.write((tx) => tx.records.dropLease(job.name, holder)).catch(() => undefined);
  }
}

async function takeLease(engine: Engine, tx: Writing, job: Job, holder: string): Promise<void> {
  const now = engine.now();
  if (await tx.records.takeLease(job.name, holder, now, now + LEASE_MS)) return;
  const held = await tx.records.lease(job.name);
  const since = parseInstant(held?.holder.split(" ")[0] ?? "");
  throw new AlphaError(
    "busy",
    `${job.called} is running${since === null ? "" : ` (since ${formatInstant(since)})`}`,
    {
      hint:
        held === undefined
          ? "wait until it is done"
          : `wait until it is done; if it was killed, its lock runs out at ${formatInstant(held.expiresAt)}`,
    },
  );
}

/** SQLite's lock has no queue: between two slices others get their chance. In milliseconds. */
const GAP_MS = 5;

export function leaveGap(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, GAP_MS));
}
