import { formatInstant, type Instant } from "../domain/window.js";
import { auditedStop, describeStops } from "./emergency.js";
import { requirePresentUser, requireTierKey, requireUser } from "./find.js";
import type { NewStop, Reading } from "./ports.js";
import type { Undoable } from "./undoable.js";

/** A stop as audit entries have it; what its scope leaves open is left out or null. */
type AuditedStop = Pick<NewStop, "action" | "actor"> & {
  readonly [Part in keyof ReturnType<typeof auditedStop>]?: ReturnType<typeof auditedStop>[Part] | undefined;
};

/**
 * `emergency-stop on` and `off`. A stop that is put back is a new one, so what tells it from others is what it stops,
 * of which only one is on at a time.
 */
export const STOP: Undoable<AuditedStop> = {
  things: ({ before, after }) => [`stop of ${JSON.stringify(scopeOf(after ?? before))}`],
  async stands(tx, { before, after }, at) {
    const found = await stopLike(tx, after ?? before, at);
    return found === undefined ? null : auditedStop(found);
  },
  async instead(tx, { before, after }, at) {
    const found = await stopLike(tx, after ?? before, at);
    if (found === undefined) return null;
    const { action, actor, since, reason } = found;
    const why = reason === null ? "" : ` (${reason})`;
    return {
      message: `a ${action} of the same scope is on since ${formatInstant(since)}, by ${actor}${why}`,
      hint: "see what is on with: alpha emergency-stop status",
    };
  },
  async restore(tx, { from, to, at }) {
    const present = await stopLike(tx, from, at);
    if (present !== undefined) await tx.emergency.lift(present.id, at);
    if (to === null) return;
    const { action, tier, provider, model, feature, reason, actor, until } = to;
    if (tier != null) await requireTierKey(tx, tier);
    const userId = to.user == null ? null : (await requirePresentUser(tx, to.user)).id;
    await tx.emergency.start(
      {
        action,
        userId,
        tier: tier ?? null,
        provider: provider ?? null,
        model: model ?? null,
        feature: feature ?? null,
        reason: reason ?? null,
        actor,
        until: until ?? null,
      },
      at,
    );
  },
  // What would have ended by itself cannot be turned on again for a time that is over.
  lasting: (stop, at) => (stop.until != null && stop.until <= at ? null : stop),
};

function scopeOf(stop: AuditedStop | null) {
  const { action, user, tier, provider, model, feature } = stop ?? {};
  return [action, user, tier, provider, model, feature].map((part) => part ?? null);
}

async function stopLike(tx: Reading, wanted: AuditedStop | null, at: Instant) {
  if (wanted === null) return undefined;
  const userId = wanted.user == null ? undefined : (await requireUser(tx, wanted.user)).id;
  const found = (await tx.emergency.active(at)).filter(
    ({ action, scope }) =>
      action === wanted.action &&
      scope.userId === userId &&
      scope.tier === (wanted.tier ?? undefined) &&
      scope.provider === (wanted.provider ?? undefined) &&
      scope.model === (wanted.model ?? undefined) &&
      scope.feature === (wanted.feature ?? undefined),
  );
  const [stop] = await describeStops(tx, found);
  // Whatever the user is called now, it is the one that the entry names.
  return stop === undefined ? undefined : { ...stop, user: wanted.user ?? null };
}
