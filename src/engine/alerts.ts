import type { Settings } from "../domain/settings.js";
import type { ChangeOptions, Engine } from "./engine.js";
import { requireUser } from "./find.js";
import type { ListedAlert } from "./ports.js";

export interface AlertsWanted {
  /** Only those of one user: id, email or alias. */
  readonly user?: string;
  /** Only alerts numbered below this one: the next page. */
  readonly before?: number;
  /** At least 1. */
  readonly limit: number;
}

export interface AlertsFound {
  readonly alerts: readonly ListedAlert[];
  readonly settings: Settings;
}

/** One page of the alerts, newest first; `nextBefore`: the `before` of the next one, `null` on the last. */
export function listAlerts(
  engine: Engine,
  { user: name, before, limit }: AlertsWanted,
): Promise<AlertsFound & { readonly nextBefore: number | null }> {
  return engine.store.read(async (tx) => {
    const user = name === undefined ? null : await requireUser(tx, name);
    const found = await tx.alerts.list({
      ...(user === null ? {} : { userId: user.id }),
      ...(before === undefined ? {} : { before }),
      // One more than is shown tells whether there is a next page.
      limit: limit + 1,
    });
    const alerts = found.slice(0, limit);
    const nextBefore = found.length > limit ? (alerts.at(-1)?.number ?? null) : null;
    return { alerts, nextBefore, settings: await tx.settings.current() };
  });
}

/**
 * Every alert that nobody was told of yet, oldest first; from then on they have been told. No audit entry: nothing is
 * decided differently.
 */
export function takeNewAlerts(engine: Engine, options: ChangeOptions = {}): Promise<AlertsFound> {
  return engine.store.write(
    async (tx) => ({
      alerts: await tx.alerts.takeNew(engine.now()),
      settings: await tx.settings.current(),
    }),
    options,
  );
}
