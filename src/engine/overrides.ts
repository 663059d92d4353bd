import type { Override } from "../domain/entitlement.js";
import { type Meter, type Period, quotaName } from "../domain/meter.js";
import { ALL_FEATURES, allowsFeature, quotaFor, requireName, type Tier } from "../domain/tier.js";
import type { User } from "../domain/user.js";
import { formatInstant, type Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, requirePresentUser, requireTierKey, requireUser } from "./find.js";
import { momentOf } from "./moment.js";
import type { NewOverride } from "./ports/users.js";
import type { Reading } from "./ports.js";

export interface AddOverrides {
  readonly user: string;
  /** `limit: null`: unlimited. */
  readonly quotas?: readonly {
    readonly meter: Meter;
    readonly period: Period;
    readonly limit: number | null;
  }[];
  readonly grant?: readonly string[];
  readonly deny?: readonly string[];
  /** A day of the accounting zone or an instant, exclusive; without it they hold until revoked. */
  readonly until?: string;
  readonly reason: string;
}

/** What overrides do to a user. */
export interface Overridden {
  readonly user: User;
  readonly tier: Tier;
  readonly added: readonly Override[];
  /** What was live and is replaced. */
  readonly replaced: readonly Override[];
  /** Everything that is live now. */
  readonly live: readonly Override[];
  /** Features that no tier names and no call was ever made for: misspelt, perhaps. */
  readonly unseen: readonly string[];
  /** Features that are granted although the tier allows them anyway, or denied although it does not allow them. */
  readonly needless: readonly string[];
  readonly timeZone: string;
}

type Wanted =
  | { readonly kind: "quota"; readonly meter: Meter; readonly period: Period; readonly limit: number | null }
  | { readonly kind: "feature"; readonly feature: string; readonly granted: boolean };

/** What an override is about, unique among the live ones of a user: a quota's name or a feature. */
export function overrideSubject(override: Wanted): string {
  return override.kind === "quota" ? quotaName(override) : override.feature;
}

/** Lays quotas and features over a user's tier. One that is live for the same quota or feature is replaced. */
export async function addOverrides(
  engine: Engine,
  input: AddOverrides,
  options: ChangeOptions = {},
): Promise<Overridden> {
  const wanted = wantedOf(input);
  const reason = input.reason.trim();
  if (reason === "") {
    throw new AlphaError("usage", "an override needs a reason", {
      hint: "say why with --reason; it is told wherever the override is",
    });
  }
  return engine.store.write(async (tx) => {
    const user = await requirePresentUser(tx, input.user);
    const tier = await requireTierKey(tx, user.tier);
    const at = engine.now();
    const timeZone = (await tx.settings.current()).time_zone;
    const until = input.until === undefined ? null : endOf(input.until, timeZone, at);
    const before = await liveOverrides(tx, user.id, at);
    const replaced = before.filter((old) => wanted.some((each) => isAbout(each, old)));
    const news = wanted.map((each): NewOverride => ({ ...each, reason, until }));
    if (news.every((each) => replaced.some((old) => isSame(old, each)))) {
      throw new AlphaError("conflict", `${displayName(user)} has exactly that already`, {
        hint: `see what is laid over their tier with: alpha users override list ${displayName(user)}`,
      });
    }
    const added: Override[] = [];
    for (const each of news) added.push(await tx.users.addOverride(user.id, each, at));
    await audit(engine, tx, at, {
      action: "users.override",
      subject: `user:${user.key}`,
      before: { overrides: replaced.map(auditedOverride) },
      after: { overrides: added.map(auditedOverride) },
      reason,
    });
    return {
      user,
      tier,
      added,
      replaced,
      live: await liveOverrides(tx, user.id, at),
      unseen: await unseenFeatures(tx, wanted),
      needless: wanted.flatMap((each) =>
        each.kind === "feature" && each.granted === allowsFeature(tier.features, each.feature)
          ? [each.feature]
          : [],
      ),
      timeZone,
    };
  }, options);
}

function wantedOf({ quotas = [], grant = [], deny = [] }: AddOverrides): Wanted[] {
  const wanted: Wanted[] = quotas.map((quota) => ({ kind: "quota", ...quota }));
  for (const [features, granted] of [[grant, true] as const, [deny, false] as const]) {
    for (const feature of new Set(features)) {
      wanted.push({ kind: "feature", feature: requireName("feature", feature), granted });
    }
  }
  const both = grant.find((feature) => deny.includes(feature));
  if (both !== undefined) throw new AlphaError("usage", `${both} cannot be granted and denied at once`);
  if (wanted.length > 0) return wanted;
  throw new AlphaError("usage", "say what is to be different for them", {
    hint: "for example: --daily-tokens 5000, --daily-images unlimited, --grant labs or --deny labs",
  });
}

function endOf(text: string, timeZone: string, at: Instant): Instant {
  const until = momentOf("--until", text, timeZone);
  if (until > at) return until;
  throw new AlphaError("usage", `--until "${text}" is over already`, {
    hint: "it is exclusive: the override holds up to that instant and not in it",
  });
}

export async function liveOverrides(tx: Reading, userId: number, at: Instant): Promise<Override[]> {
  return (await tx.users.overrides(userId)).filter((each) => isLive(each, at));
}

// When it began plays no part: the clock of who asks may be behind the clock of who granted it.
function isLive({ until }: Override, at: Instant): boolean {
  return until === null || at < until;
}

function isAbout(wanted: Wanted, override: Override): boolean {
  return wanted.kind === override.kind && overrideSubject(wanted) === overrideSubject(override);
}

function isSame(old: Override, wanted: NewOverride): boolean {
  return isAbout(wanted, old) && JSON.stringify(detailsOf(old)) === JSON.stringify(detailsOf(wanted));
}

function detailsOf(override: NewOverride) {
  const { reason, until } = override;
  return { reason, until, says: override.kind === "quota" ? override.limit : override.granted };
}

/** A feature that nobody knows is usually a slip of the pen, which a denial would not survive. */
async function unseenFeatures(tx: Reading, wanted: readonly Wanted[]): Promise<string[]> {
  const known = new Set((await tx.tiers.list()).flatMap((tier) => tier.features).concat(ALL_FEATURES));
  const unseen: string[] = [];
  for (const each of wanted) {
    if (each.kind !== "feature" || known.has(each.feature)) continue;
    if (!(await tx.emergency.wasMetered({ feature: each.feature }))) unseen.push(each.feature);
  }
  return unseen;
}

/** An override as the audit keeps it; `id` is its row, which a later entry may refer to. */
export function auditedOverride(override: Override) {
  const { id, kind, reason, since, until } = override;
  const what =
    override.kind === "quota"
      ? { meter: override.meter, period: override.period, limit: override.limit }
      : { feature: override.feature, granted: override.granted };
  return {
    id,
    kind,
    ...what,
    reason,
    since: formatInstant(since),
    until: until === null ? null : formatInstant(until),
  };
}

/** A live override, with whose it is and what the tier says instead. */
export interface ListedOverride {
  readonly user: User;
  readonly override: Override;
  /** Of a quota, the tier's limit (`null`: unlimited); of a feature, whether the tier allows it. */
  readonly otherwise: number | null | boolean;
}

/** Every live override, by user in the order of adding. */
export function listOverrides(
  engine: Engine,
  name?: string,
): Promise<{
  readonly overrides: readonly ListedOverride[];
  readonly timeZone: string;
  readonly now: Instant;
}> {
  return engine.store.read(async (tx) => {
    const now = engine.now();
    const users = name === undefined ? await tx.users.list() : [await requireUser(tx, name)];
    const tiers = new Map((await tx.tiers.list()).map((tier) => [tier.key, tier]));
    const byUser = await tx.usage.report.overrides();
    const overrides = users.flatMap((user) =>
      (byUser.get(user.id) ?? [])
        .filter((each) => isLive(each, now))
        .map((override) => ({ user, override, otherwise: tierSays(tiers.get(user.tier), override) })),
    );
    return { overrides, timeZone: (await tx.settings.current()).time_zone, now };
  });
}

function tierSays(tier: Tier | undefined, override: Override): number | null | boolean {
  if (override.kind === "feature") return allowsFeature(tier?.features ?? [], override.feature);
  return quotaFor(tier?.quotas ?? [], override.meter, override.period)?.limit ?? null;
}
