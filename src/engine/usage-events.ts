import { canonicalProvider } from "../domain/usage.js";
import type { Engine } from "./engine.js";
import { requireUser } from "./find.js";
import { boundsOf, momentsOf } from "./moment.js";
import type { ListedEvent } from "./ports.js";
import { sealOf } from "./sealing.js";

export interface EventsWanted {
  readonly user?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly feature?: string;
  /** A day of the accounting zone or an instant; inclusive. */
  readonly since?: string;
  /** The same; exclusive. */
  readonly until?: string;
  readonly unpriced?: boolean;
  /** Only events numbered below this one: the next page. */
  readonly before?: number;
  /** At least 1. */
  readonly limit: number;
}

export interface EventsPage {
  /** Newest entries of the ledger first. */
  readonly events: readonly ListedEvent[];
  /** The `before` of the next page; `null`: this is the last. */
  readonly nextBefore: number | null;
  readonly timeZone: string;
}

/** One page of the ledger, of the months that are open. */
export function listEvents(engine: Engine, wanted: EventsWanted): Promise<EventsPage> {
  const { user: name, provider, since, until, limit, ...rest } = wanted;
  return engine.store.read(async (tx) => {
    const timeZone = (await tx.settings.current()).time_zone;
    const user = name === undefined ? null : await requireUser(tx, name);
    // Of what is sealed some may be there still, and a part of a month says nothing.
    const open = (await sealOf(tx))?.until;
    const stated = momentsOf({ since, until }, timeZone);
    const from = Math.max(stated.from, open ?? Number.NEGATIVE_INFINITY);
    const found = await tx.usage.events({
      ...rest,
      ...(user === null ? {} : { userId: user.id }),
      ...(provider === undefined ? {} : { provider: canonicalProvider(provider) }),
      ...boundsOf({ from, to: stated.to }),
      // One more than is shown tells whether there is a next page.
      limit: limit + 1,
    });
    const events = found.slice(0, limit);
    return { events, nextBefore: found.length > limit ? (events.at(-1)?.number ?? null) : null, timeZone };
  });
}
