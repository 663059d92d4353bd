import type { Stop } from "../domain/emergency.js";
import type { Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { auditedStop, describeStops } from "./emergency.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { type KeepLease, underLease } from "./lease.js";
import { prepareMonths } from "./ledger-months.js";
import type { DatabaseMove, MoveTarget, Progress, Reading, TableRows, Writing } from "./ports.js";
import { LEDGER_JOB } from "./rebuild.js";
import { type Verification, verifyTotals } from "./verify.js";

/** Who turns on the stop under which a database is left behind. */
const MOVE_ACTOR = "move";
const MOVE_ACTION = "db.move";
const SUBJECT = "database:move";

export interface Moved {
  readonly from: string;
  readonly to: string;
  /** Whether it went on with what an earlier run had left. */
  readonly resumed: boolean;
  readonly tables: readonly TableRows[];
  /** Calls in progress, whose reservations were carried too. */
  readonly holds: number;
  /** What the target came to when it was added up; `null`: it was only tried. */
  readonly verification: Verification | null;
}

export interface MoveOptions extends ChangeOptions {
  /** Stops after the rows in hand; the next run goes on from there. */
  readonly signal?: AbortSignal | undefined;
  /** Told in rows. */
  readonly progress?: Progress | undefined;
  readonly rowsAtOnce?: number;
  /** Asked before anything is changed; throws to leave it so. */
  readonly approve?: () => Promise<void>;
}

/** A lease is taken again so often, in milliseconds. */
const KEEP_EVERY = 60_000;

/**
 * Carries the whole database to another place, and proves that all of it is there. The one that is left behind is stopped
 * first, and stays so: nobody should go on metering where nobody looks any more. Until all is proven the new one can be used
 * by nobody. Run again, it goes on where an earlier run was interrupted.
 * @throws AlphaError `conflict` where the target holds anything else, or the database was left already; `failed` where the source was written to meanwhile;
 * `busy` while another move, rebuild or prune runs; `interrupted`
 */
export async function moveDatabase(
  engine: Engine,
  move: DatabaseMove,
  options: MoveOptions = {},
): Promise<Moved> {
  const { to } = move;
  const found = await move.target();
  const resumes = await engine.store.read(async (tx) => {
    await requireNotLeft(engine, tx);
    return moveToResume(tx, found, to);
  });
  const about = { from: engine.store.location, to, resumed: resumes !== null };
  if (options.dryRun === true) {
    const holds = await engine.store.read((tx) => tx.holds.list());
    return { ...about, tables: await move.rows(), holds: holds.length, verification: null };
  }
  await options.approve?.();
  return underLease(engine, LEDGER_JOB, async (keep) => {
    const begun = { engine, move, keep, id: resumes ?? engine.ids.event() };
    // Another move may have come to its end while somebody was asked.
    await engine.store.read((tx) => requireNotLeft(engine, tx));
    await move.prepare();
    await engine.store.write((tx) => leave(begun, tx, resumes === null));
    if (resumes === null) await move.mark(begun.id);
    await move.carry({ ...options, between: keeping(engine, keep) });
    const { signal } = options;
    const verification = await verifyTotals(move, signal === undefined ? {} : { signal });
    const done = await engine.store.write((tx) => arrive(begun, tx));
    await prepareMonths({ ...engine, store: move.store });
    return { ...about, ...done, verification };
  });
}

interface Begun {
  readonly engine: Engine;
  readonly move: DatabaseMove;
  readonly keep: KeepLease;
  readonly id: string;
}

/**
 * Refuses a database that was moved away: of two copies each would admit what the limits allow once. Whoever has lifted the
 * stop of that move uses this one again, and may move it.
 */
async function requireNotLeft(engine: Engine, tx: Reading): Promise<void> {
  // The newest: whoever went back to it may have begun another move since.
  const [entry] = await tx.records.audit({ actions: [MOVE_ACTION], limit: 1 });
  const last = entry?.after as MoveNote | undefined;
  if (last?.state !== "left" || (await stopsOfMoves(tx, engine.now())).length === 0) return;
  throw new AlphaError("conflict", `${engine.store.location} was already moved to ${last.to}`, {
    hint: "move that one; only to go back to this one for good, lift its stop first: alpha emergency-stop off",
  });
}

/** What the audit of a database that is moved away says. */
interface MoveNote {
  readonly move: string;
  readonly to: string;
  readonly state: string;
}

/** The move that the target is the beginning of; `null`: nothing is there. */
async function moveToResume(tx: Reading, found: MoveTarget, to: string): Promise<string | null> {
  if (found.is === "empty") return null;
  if (found.is === "taken") {
    throw new AlphaError("conflict", `${to} is not empty, and a move overwrites nothing`, {
      hint: "name a file that is not there yet, or an empty database",
    });
  }
  const entries = await tx.records.audit({ actions: [MOVE_ACTION] });
  if (entries.some(({ after }) => (after as MoveNote | null)?.move === found.move)) return found.move;
  throw new AlphaError("conflict", `${to} holds the beginning of another database's move`, {
    hint: "finish that one, or remove what is there, or name another place",
  });
}

/** Stops the source, and remembers there what was begun. */
async function leave({ engine, move, keep, id }: Begun, tx: Writing, isNew: boolean): Promise<void> {
  await keep(tx);
  const at = engine.now();
  if ((await stopsOfMoves(tx, at)).length === 0) {
    const reason = `moved to ${move.to}`;
    const nobody = { userId: null, tier: null, provider: null, model: null, feature: null };
    const stop = { action: "stop", ...nobody, reason, actor: MOVE_ACTOR, until: null } as const;
    const { id: number } = await tx.emergency.start(stop, at);
    await audit({ ...engine, actor: MOVE_ACTOR }, tx, at, {
      action: "emergency-stop.on",
      subject: `stop:${number}`,
      after: { action: "stop", reason, actor: MOVE_ACTOR },
      reason,
    });
  }
  if (isNew) {
    const after = { move: id, to: move.to, state: "begun" };
    await audit(engine, tx, at, { action: MOVE_ACTION, subject: SUBJECT, after });
  }
}

async function stopsOfMoves(tx: Reading, at: Instant): Promise<Stop[]> {
  return (await tx.emergency.active(at)).filter(({ actor }) => actor === MOVE_ACTOR);
}

/** Proves that all is there while nobody can write into the source, and opens the target. */
async function arrive(
  { engine, move, keep, id }: Begun,
  tx: Writing,
): Promise<Pick<Moved, "tables" | "holds">> {
  await keep(tx);
  const differing = await move.differing();
  if (differing.length > 0) {
    throw new AlphaError(
      "failed",
      `${engine.store.location} was written to while it was carried over (${differing.join(", ")})`,
      { hint: "run the same command again: it carries over what has changed" },
    );
  }
  const tables = await move.rows();
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  await move.ready();
  const holds = await move.store.write(async (there) => {
    const at = engine.now();
    for (const stop of await describeStops(there, await stopsOfMoves(there, at))) {
      await there.emergency.lift(stop.id, at);
      await audit({ ...engine, actor: MOVE_ACTOR }, there, at, {
        action: "emergency-stop.off",
        subject: `stop:${stop.id}`,
        before: auditedStop(stop),
      });
    }
    const after = { move: id, from: engine.store.location, state: "arrived", rows };
    await audit(engine, there, at, { action: MOVE_ACTION, subject: SUBJECT, after });
    return (await there.holds.list()).length;
  });
  await move.finish();
  const after = { move: id, to: move.to, state: "left", rows };
  await audit(engine, tx, engine.now(), { action: MOVE_ACTION, subject: SUBJECT, after, decides: false });
  return { tables, holds };
}

function keeping(engine: Engine, keep: KeepLease): () => Promise<void> {
  let last = engine.now();
  return async () => {
    if (engine.now() - last < KEEP_EVERY) return;
    last = engine.now();
    await engine.store.write(keep);
  };
}
