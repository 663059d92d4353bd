import type { Override } from "../domain/entitlement.js";
import { PERIODS } from "../domain/meter.js";
import type { Tier } from "../domain/tier.js";
import type { User } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, nearest, requirePresentUser, requireTierKey } from "./find.js";
import { auditedOverride, liveOverrides, overrideSubject } from "./overrides.js";

export interface RevokeOverrides {
  readonly user: string;
  /** Names of quotas, such as `tokens/day`, and features; without any, the only one that is live. */
  readonly what?: readonly string[];
  readonly all?: boolean;
  readonly reason?: string;
}

/** What revoking leaves. */
export interface Revoked {
  readonly user: User;
  readonly tier: Tier;
  readonly revoked: readonly Override[];
  readonly live: readonly Override[];
  readonly timeZone: string;
}

/** Ends overrides before their time, so that the tier decides again. All that are named, or none. */
export async function revokeOverrides(
  engine: Engine,
  input: RevokeOverrides,
  options: ChangeOptions = {},
): Promise<Revoked> {
  const { what = [], all = false } = input;
  if (all && what.length > 0) {
    throw new AlphaError("usage", "both names and --all say which overrides are meant", { hint: "give one" });
  }
  return engine.store.write(async (tx) => {
    const user = await requirePresentUser(tx, input.user);
    const tier = await requireTierKey(tx, user.tier);
    const at = engine.now();
    const live = await liveOverrides(tx, user.id, at);
    const revoked = all ? live : named(what, live, user);
    if (revoked.length === 0) throw nothingToRevoke(user);
    await tx.users.endOverrides(
      revoked.map((each) => each.id),
      at,
    );
    await audit(engine, tx, at, {
      action: "users.override-revoke",
      subject: `user:${user.key}`,
      before: { overrides: revoked.map(auditedOverride) },
      after: { overrides: [] },
      reason: input.reason?.trim() || null,
    });
    return {
      user,
      tier,
      revoked,
      live: live.filter((each) => !revoked.includes(each)),
      timeZone: (await tx.settings.current()).time_zone,
    };
  }, options);
}

function named(what: readonly string[], live: readonly Override[], user: User): Override[] {
  const subjects = live.map(overrideSubject);
  if (what.length === 0) {
    if (live.length <= 1) return [...live];
    throw new AlphaError(
      "usage",
      `${displayName(user)} has ${live.length} overrides: ${subjects.join(", ")}`,
      {
        hint: "name those that are meant, or give --all",
      },
    );
  }
  return [...new Set(what.map(asSubject))].map((subject) => {
    const found = live.find((each) => overrideSubject(each) === subject);
    if (found !== undefined) return found;
    if (live.length === 0) throw nothingToRevoke(user);
    const suggestion = nearest(subject, subjects);
    throw new AlphaError(
      "not-found",
      `${displayName(user)} has no override of "${subject}"${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`,
      { hint: `there are: ${subjects.join(", ")}` },
    );
  });
}

/** Also as the option is called by which it was granted: `daily-tokens`. */
function asSubject(text: string): string {
  const name = text.trim().replace(/^--/, "");
  for (const period of PERIODS) {
    const adverb = period === "day" ? "daily-" : "monthly-";
    if (name.startsWith(adverb)) return `${name.slice(adverb.length)}/${period}`;
  }
  return name;
}

function nothingToRevoke(user: User): AlphaError {
  return new AlphaError("conflict", `nothing is laid over the tier of ${displayName(user)}`, {
    hint: "see every override with: alpha users override list",
  });
}
