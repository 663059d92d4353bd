import type { Override } from "../domain/entitlement.js";
import type { Tier } from "../domain/tier.js";
import type { User } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { wasErased } from "./erasure.js";
import { displayName, requirePresentUser, requireTierKey, requireUser } from "./find.js";
import { liveOverrides } from "./overrides.js";
import type { Reading } from "./ports.js";

/** A tester who was removed. */
export interface Removed {
  readonly user: User;
  /** Calls in progress, which may still settle. */
  readonly inProgress: number;
}

/**
 * Takes a tester out of the alpha: every call is refused from the next decision on. What they used stays in the ledger
 * and in reports, and their names stay theirs.
 */
export function removeUser(
  engine: Engine,
  input: { readonly user: string; readonly reason?: string },
  options: ChangeOptions = {},
): Promise<Removed> {
  return engine.store.write(async (tx) => {
    const user = await requirePresentUser(tx, input.user);
    const at = engine.now();
    await tx.users.setMembership(user.id, { tier: user.tier, status: "removed" }, at);
    await audit(engine, tx, at, {
      action: "users.remove",
      subject: `user:${user.key}`,
      before: { status: user.status, tier: user.tier },
      after: { status: "removed", tier: user.tier },
      reason: input.reason?.trim() || null,
    });
    const holds = await tx.holds.list({ userId: user.id });
    const inProgress = holds.filter((hold) => hold.expiresAt > at).length;
    return { user: { ...user, status: "removed" }, inProgress };
  }, options);
}

/** A tester who is back. */
export interface Restored {
  readonly user: User;
  readonly tier: Tier;
  /** The tier they were on, where there is none of that key any more. */
  readonly formerTier: string | null;
  /** Overrides that were live when they were removed, and still are. */
  readonly overrides: readonly Override[];
  readonly timeZone: string;
}

/** Brings a removed tester back under all their names, with what they have used. */
export function restoreUser(
  engine: Engine,
  input: { readonly user: string; readonly tier?: string; readonly reason?: string },
  options: ChangeOptions = {},
): Promise<Restored> {
  return engine.store.write(async (tx) => {
    const removed = await requireUser(tx, input.user);
    const who = displayName(removed);
    if (removed.status !== "removed") {
      throw new AlphaError("conflict", `${who} was not removed`, {
        hint: `see them with: alpha users show ${who}`,
      });
    }
    if (await wasErased(tx, removed)) {
      throw new AlphaError("conflict", `${who} was erased: nothing is known of who that was`, {
        hint: "whoever comes back is added as somebody new",
      });
    }
    const at = engine.now();
    const { time_zone: timeZone } = await tx.settings.current();
    const { tier, formerTier } = await tierFor(tx, removed, input.tier);
    await tx.users.setMembership(removed.id, { tier: tier.key, status: "active" }, at);
    await audit(engine, tx, at, {
      action: "users.restore",
      subject: `user:${removed.key}`,
      before: { status: "removed", tier: removed.tier },
      after: { status: "active", tier: tier.key },
      reason: input.reason?.trim() || null,
    });
    const overrides = await liveOverrides(tx, removed.id, at);
    return {
      user: { ...removed, status: "active", tier: tier.key },
      tier,
      formerTier,
      overrides,
      timeZone,
    };
  }, options);
}

async function tierFor(
  tx: Reading,
  removed: User,
  wanted: string | undefined,
): Promise<Pick<Restored, "tier" | "formerTier">> {
  if (wanted !== undefined) return { tier: await requireTierKey(tx, wanted), formerTier: null };
  // Nothing keeps a tier from being removed that only removed users are on.
  const former = await tx.tiers.find(removed.tier);
  if (former !== undefined) return { tier: former, formerTier: null };
  const { default_tier } = await tx.settings.current();
  return { tier: await requireTierKey(tx, default_tier), formerTier: removed.tier };
}
