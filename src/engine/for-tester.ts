import type { Decision } from "../domain/decide.js";
import type { Override } from "../domain/entitlement.js";
import type { Tier } from "../domain/tier.js";
import type { User } from "../domain/user.js";
import type { Engine } from "./engine.js";
import { requirePresentUser, requireTierKey } from "./find.js";
import { stopsEveryCall } from "./nearness.js";
import { decisionUnder, featuresUnder, standingOf } from "./standing.js";

/** What a tester may be told of where they stand. */
export interface ToldTester {
  readonly user: User;
  readonly tier: Tier;
  /** About a call that asks for nothing yet. */
  readonly decision: Decision;
  /** The live ones. */
  readonly overrides: readonly Override[];
  readonly features: readonly string[];
  readonly deniedFeatures: readonly string[];
  readonly timeZone: string;
}

export function forTester(engine: Engine, name: string): Promise<ToldTester> {
  return engine.store.read(async (tx) => {
    const user = await requirePresentUser(tx, name);
    const tier = await requireTierKey(tx, user.tier);
    const found = await standingOf(tx, user, engine.now());
    const standing = { ...found, stops: found.stops.filter(stopsEveryCall) };
    const { overrides, settings } = standing;
    return {
      user,
      tier,
      decision: decisionUnder(standing, tier),
      overrides,
      ...featuresUnder(overrides, tier),
      timeZone: settings.time_zone,
    };
  });
}
