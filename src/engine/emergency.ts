import type { Stop } from "../domain/emergency.js";
import { requireName } from "../domain/tier.js";
import { canonicalProvider } from "../domain/usage.js";
import type { Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, requirePresentUser, requireTierKey, requireUser } from "./find.js";
import { MOST_BACK } from "./looking-back.js";
import type { Reading } from "./ports.js";

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
  /** `extended`: the same was on and ended sooner. `already-on`: the same was on and ends no sooner. */
  readonly outcome: "on" | "extended" | "already-on";
  /** Testers to whom it applies now, by its user and tier. */
  readonly testers: number;
  /** How many products have opened this database; 0: the stop may stop nothing. */
  readonly products: number;
  /** When a call was last metered or reserved live; `null`: never, or long before what was imported since. */
  readonly lastLiveUse: Instant | null;
  /** Parts of the scope that no metered call has ever named: misspelt, perhaps. */
  readonly unseen: readonly ("provider" | "model" | "feature")[];
}

interface ResolvedScope {
  readonly userId: number | null;
  readonly tier: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly feature: string | null;
}

const TEN_YEARS = 3_653 * 24 * 60 * 60_000;

async function resolveScope(
  scope: EmergencyScope,
  find: {
    readonly user: (name: string) => Promise<number>;
    readonly tier: (key: string) => Promise<string>;
  },
): Promise<ResolvedScope> {
  const text = (what: keyof EmergencyScope) => {
    const value = scope[what]?.trim();
    if (value === "") throw new AlphaError("usage", `--${what} is empty`);
    return value ?? null;
  };
  const [user, tier, provider, feature] = [text("user"), text("tier"), text("provider"), text("feature")];
  return {
    userId: user === null ? null : await find.user(user),
    tier: tier === null ? null : await find.tier(tier),
    provider: provider === null ? null : canonicalProvider(provider),
    model: text("model"),
    feature: feature === null ? null : requireName("feature", feature),
  };
}

/** Stops every call that the scope covers from the next decision on, in every process. */
export function emergencyOn(
  engine: Engine,
  input: EmergencyOn,
  options: ChangeOptions = {},
): Promise<EmergencyStarted> {
  if (input.forMs !== undefined && input.forMs > TEN_YEARS) {
    throw new AlphaError("usage", "a time box can be ten years long at most", {
      hint: "leave it out to stop until the stop is lifted",
    });
  }
  return engine.store.write(async (tx) => {
    const scope = await resolveScope(input, {
      user: async (name) => (await requirePresentUser(tx, name)).id,
      tier: async (key) => (await requireTierKey(tx, key)).key,
    });
    const at = engine.now();
    const action = input.throttle === true ? "throttle" : "stop";
    const until = input.forMs === undefined ? null : at + input.forMs;
    const facts = {
      testers: await testersIn(tx, scope),
      products: (await tx.records.clients()).length,
      lastLiveUse: await tx.status.lastLiveUse(MOST_BACK),
      unseen: await unseenParts(tx, scope),
    };

    // Whoever asks twice wants it stopped: the same again is no error, and never makes it end sooner.
    const same = (await tx.emergency.active(at)).find(
      (stop) => stop.action === action && hasScope(stop, scope),
    );
    if (same !== undefined && endsNoSooner(same, until)) {
      const [stop] = await describeStops(tx, [same]);
      return { stop: stop as DescribedStop, outcome: "already-on", ...facts };
    }
    if (same !== undefined) await tx.emergency.lift(same.id, at);
    const reason = input.reason?.trim() || (same?.reason ?? null);
    const started = await tx.emergency.start({ action, ...scope, reason, actor: engine.actor, until }, at);
    const [stop, before] = await describeStops(tx, same === undefined ? [started] : [started, same]);
    await audit(engine, tx, at, {
      action: "emergency-stop.on",
      subject: `stop:${started.id}`,
      before: before === undefined ? null : auditedStop(before),
      after: auditedStop(stop as DescribedStop),
      reason,
    });
    return { stop: stop as DescribedStop, outcome: same === undefined ? "on" : "extended", ...facts };
  }, options);
}

function endsNoSooner(stop: Stop, until: Instant | null): boolean {
  return stop.until === null || (until !== null && until <= stop.until);
}

async function testersIn(tx: Reading, { userId, tier }: ResolvedScope): Promise<number> {
  if (userId !== null) {
    const users = await tx.users.list(tier === null ? {} : { tier });
    return users.some((user) => user.id === userId) ? 1 : 0;
  }
  const counts = await tx.tiers.userCounts();
  if (tier !== null) return counts.get(tier) ?? 0;
  return [...counts.values()].reduce((sum, users) => sum + users, 0);
}

async function unseenParts(
  tx: Reading,
  { provider, model, feature }: ResolvedScope,
): Promise<("provider" | "model" | "feature")[]> {
  const unseen: ("provider" | "model" | "feature")[] = [];
  if (provider !== null && !(await tx.emergency.wasMetered({ provider }))) unseen.push("provider");
  if (model !== null && !(await tx.emergency.wasMetered({ model }))) unseen.push("model");
  if (feature !== null && !(await tx.emergency.wasMetered({ feature }))) {
    const known = (await tx.tiers.list()).some((tier) => tier.features.includes(feature));
    if (!known) unseen.push("feature");
  }
  return unseen;
}

/**
 * Lifts what is on: everything, or only what has exactly the given scope. Nothing being on is no error; something
 * else being on is, since what was to be lifted may still be.
 * @returns what was lifted, and what is still on
 */
export function emergencyOff(
  engine: Engine,
  input: EmergencyScope & { readonly reason?: string },
  options: ChangeOptions = {},
): Promise<{ readonly lifted: readonly DescribedStop[]; readonly still: readonly DescribedStop[] }> {
  return engine.store.write(async (tx) => {
    const at = engine.now();
    const active = await describeStops(tx, await tx.emergency.active(at));
    const scope = await resolveScope(input, {
      // Users and tiers that are gone since can still be in a scope, and what is on must always come off.
      user: async (name) => (await requireUser(tx, name)).id,
      tier: async (key) =>
        active.some((stop) => stop.scope.tier === key) ? key : (await requireTierKey(tx, key)).key,
    });
    const everything = Object.values(scope).every((value) => value === null);
    const lifted = everything ? active : active.filter((stop) => hasScope(stop, scope));
    if (lifted.length === 0 && active.length > 0) {
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

/** What is on, oldest first. */
export function emergencyStatus(engine: Engine): Promise<DescribedStop[]> {
  return engine.store.read(async (tx) => describeStops(tx, await tx.emergency.active(engine.now())));
}

/** Stops with the names of the users in their scopes. */
export async function describeStops(tx: Reading, stops: readonly Stop[]): Promise<DescribedStop[]> {
  const scoped = stops.some((stop) => stop.scope.userId !== undefined);
  const users = scoped ? await tx.users.list({ removed: true }) : [];
  return stops.map((stop) => {
    const user = users.find((each) => each.id === stop.scope.userId);
    return { ...stop, user: user === undefined ? null : displayName(user) };
  });
}

/** A stop as audit entries have it. */
export function auditedStop({ action, scope, user, until, reason, actor }: DescribedStop) {
  const { tier, provider, model, feature } = scope;
  return { action, user, tier, provider, model, feature, until, reason, actor };
}
