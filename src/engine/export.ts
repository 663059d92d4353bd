import { exportedUsage } from "../domain/exported-usage.js";
import { sealedUntil } from "../domain/sealing.js";
import type { UsageRecord } from "../domain/usage.js";
import { calendar } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import type { Engine } from "./engine.js";
import { requireUser } from "./find.js";
import { momentsOf } from "./moment.js";
import type { IdentityCursor } from "./ports/imports.js";
import type { IdentifiedEvent } from "./ports/ledger.js";
import type { Page, Progress } from "./ports.js";

export interface ExportWanted {
  /** Id, email or alias. */
  readonly user?: string;
  /** A day of the accounting zone or an instant; inclusive. By when the usage occurred. */
  readonly since?: string;
  /** The same; exclusive. */
  readonly until?: string;
  /** Stops after the page in hand. */
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface Exported {
  readonly events: number;
  /** Nanos, known; over the whole ledger a sum may leave the safe integers. */
  readonly cost: bigint;
  /** Nanos that unpriced usage is assumed to cost. */
  readonly assumed: bigint;
  /** The last of the months asked for whose events the ledger has let go of; `null`: it has all. */
  readonly sealedThrough: number | null;
}

/** Takes records, and says whether more are wanted. */
export type TakeRecords = (records: readonly UsageRecord[]) => Promise<boolean>;

const PAGE = 1_000;

/**
 * Hands out the events of the ledger as they stand, from one consistent snapshot and in constant memory, in the order of
 * source and id: two ledgers that hold the same are handed out alike.
 * @throws AlphaError `not-found` for an unknown user, `usage` for times that are none, `interrupted`
 */
export function exportUsage(engine: Engine, wanted: ExportWanted, take: TakeRecords): Promise<Exported> {
  const { user: name, signal, progress } = wanted;
  return engine.store.read(async (tx) => {
    const zone = (await tx.settings.current()).time_zone;
    const filter = name === undefined ? {} : { userId: (await requireUser(tx, name)).id };
    const { from, to } = momentsOf(wanted, zone);
    const sealed = await tx.sealing.lastMonth();
    const begin = sealedUntil(sealed, calendar(zone)) ?? Number.NEGATIVE_INFINITY;
    const isMissed = begin > from;
    // Of what is sealed some may be there still, and a part of a month says nothing.
    const first = Math.max(from, begin);
    let exported: Exported = { events: 0, cost: 0n, assumed: 0n, sealedThrough: isMissed ? sealed : null };
    let after: IdentityCursor | null = null;
    do {
      const { rows, next }: Page<IdentifiedEvent, IdentityCursor> = await tx.ledger.identified(filter, {
        after,
        limit: PAGE,
      });
      // A correction can have moved an event, so it is asked when it stands, and not when it was entered.
      const found = rows.filter(({ standing }) => standing.occurredAt >= first && standing.occurredAt < to);
      const goOn = await take(
        found.map(({ identity, user, standing }) => exportedUsage(identity, user, standing)),
      );
      exported = counted(exported, found);
      progress?.report({ done: exported.events, total: null, records: exported.events, rejected: 0 });
      if (signal?.aborted === true) throw new AlphaError("interrupted", "the export was interrupted");
      after = goOn ? next : null;
    } while (after !== null);
    return exported;
  });
}

function counted(before: Exported, found: readonly IdentifiedEvent[]): Exported {
  let { cost, assumed } = before;
  for (const { standing } of found) {
    cost += BigInt(standing.cost);
    assumed += BigInt(standing.assumed);
  }
  return { ...before, events: before.events + found.length, cost, assumed };
}
