import type { Stop } from "../domain/emergency.js";
import { requireName } from "../domain/tier.js";
import { canonicalProvider } from "../domain/usage.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, requirePresentUser, requireTierKey } from "./find.js";
import type { Reading, Writing } from "./ports.js";

/** What a stop is limited to, as an operator says it. */
export interface EmergencyScope {
  readonly user?: string;
  readonly tier?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly feature?: string;
}

export interface EmergencyOn extends EmergencyScope {
  readonly throttle?: boolean;
  /** Length of the time box, in milliseconds. */
  readonly forMs?: number;
  readonly reason?: string;
}

/** A stop with its scope in words that people know. */
export interface DescribedStop extends Stop {
  readonly user: string | null;
}

export interface EmergencyStarted {
  readonly stop: DescribedStop;
  /** When a product last metered a call on this database; `null`: never, so that the stop may stop nothing. */
  readonly lastLiveUse: number | null;
}

interface ResolvedScope {
  readonly userId: number | null;
  readonly tier: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly feature: string | null;
}

async function resolveScope(tx: Reading, scope: EmergencyScope): Promise<ResolvedScope> {
  const text = (what: string, value: string | undefined) => {
    if (value !== undefined && value.trim() === "") throw new AlphaError("usage", `--${what} is empty`);
    return value?.trim() ?? null;
  };
  const provider = text("provider", scope.provider);
  return {
    userId: scope.user === undefined ? null : (await requirePresentUser(tx, scope.user)).id,
    tier: scope.tier === undefined ? null : (await requireTierKey(tx, scope.tier)).key,
    provider: provider === null ? null : canonicalProvider(provider),
    model: text("model", scope.model),
    feature: scope.feature === undefined ? null : requireName("feature", scope.feature.trim()),
  };
}

/** Stops every call that the scope covers from the next decision on, in every process. */
export function emergencyOn(
  engine: Engine,
  input: EmergencyOn,
  options: ChangeOptions = {},
): Promise<EmergencyStarted> {
  return engine.store.write(async (tx) => {
    const scope = await resolveScope(tx, input);
    const at = engine.now();
    const reason = input.reason?.trim() || null;
    const stop = await tx.emergency.start(
      {
        action: input.throttle === true ? "throttle" : "stop",
        ...scope,
        reason,
        actor: engine.actor,
        until: input.forMs === undefined ? null : at + input.forMs,
      },
      at,
    );
    const [described] = await describe(tx, [stop]);
    await audit(engine, tx, at, {
      action: "emergency-stop.on",
      subject: `stop:${stop.id}`,
      after: auditedStop(described as DescribedStop),
      reason,
    });
    return { stop: described as DescribedStop, lastLiveUse: await tx.emergency.lastLiveUse() };
  }, options);
}

/**
 * Lifts what is on: everything, or only what has exactly the given scope.
 * @returns what was lifted, and what is still on
 */
export function emergencyOff(
  engine: Engine,
  input: EmergencyScope & { readonly reason?: string },
  options: ChangeOptions = {},
): Promise<{ readonly lifted: readonly DescribedStop[]; readonly still: readonly DescribedStop[] }> {
  return engine.store.write(async (tx) => {
    const at = engine.now();
    const active = await describe(tx, await tx.emergency.active(at));
    const scope = await resolveScope(tx, input);
    const everything = Object.values(scope).every((value) => value === null);
    const lifted = everything ? active : active.filter((stop) => hasScope(stop, scope));
    if (lifted.length === 0 && !everything) {
      throw new AlphaError("not-found", "nothing is on with exactly that scope", {
        hint: "see what is on with: alpha emergency-stop status",
      });
    }
    for (const stop of lifted) {
      await tx.emergency.lift(stop.id, at);
      await audit(engine, tx, at, {
        action: "emergency-stop.off",
        subject: `stop:${stop.id}`,
        before: auditedStop(stop),
        reason: input.reason?.trim() || null,
      });
    }
    return { lifted, still: active.filter((stop) => !lifted.includes(stop)) };
  }, options);
}

function hasScope({ scope }: Stop, wanted: ResolvedScope): boolean {
  return (
    (scope.userId ?? null) === wanted.userId &&
    (scope.tier ?? null) === wanted.tier &&
    (scope.provider ?? null) === wanted.provider &&
    (scope.model ?? null) === wanted.model &&
    (scope.feature ?? null) === wanted.feature
  );
}

export function emergencyStatus(engine: Engine): Promise<DescribedStop[]> {
  return engine.store.read(async (tx) => describe(tx, await tx.emergency.active(engine.now())));
}

async function describe(tx: Reading | Writing, stops: readonly Stop[]): Promise<DescribedStop[]> {
  const scoped = stops.some((stop) => stop.scope.userId !== undefined);
  const users = scoped ? await tx.users.list({ removed: true }) : [];
  return stops.map((stop) => {
    const user = users.find((each) => each.id === stop.scope.userId);
    return { ...stop, user: user === undefined ? null : displayName(user) };
  });
}

function auditedStop({ action, scope, user, until, reason, actor }: DescribedStop) {
  const { tier, provider, model, feature } = scope;
  return { action, user, tier, provider, model, feature, until, reason, actor };
}
