import type { UserStatus } from "../domain/entitlement.js";
import type { Meter, Period } from "../domain/meter.js";
import type { PersonaKey } from "../domain/persona.js";
import type { User } from "../domain/user.js";
import { type Instant, parseInstant } from "../domain/window.js";
import { requirePresentUser, requireTierKey } from "./find.js";
import { auditedOverride, liveOverrides, overrideSubject } from "./overrides.js";
import type { NewOverride } from "./ports/users.js";
import type { AuditEntry, Reading, Writing } from "./ports.js";
import { keyOf, type Undoable } from "./undoable.js";

/** `users suspend` and `resume`. */
export const STATUS: Undoable<{ readonly status: UserStatus }> = {
  things: ({ subject }) => [`status of ${subject}`],
  stands: async (tx, { subject }) => ({ status: (await userOf(tx, subject)).status }),
  async restore(tx, { change, to, at }) {
    const { id, tier } = await userOf(tx, change.subject);
    await tx.users.setMembership(id, { tier, status: to?.status ?? "active" }, at);
  },
};

type AuditedOverride = ReturnType<typeof auditedOverride>;
interface Overridden {
  readonly overrides: readonly AuditedOverride[];
}

/** `users persona`. */
export const PERSONA: Undoable<{ readonly persona: PersonaKey | null }> = {
  things: ({ subject }) => [`persona of ${subject}`],
  stands: async (tx, { subject }) => ({ persona: (await userOf(tx, subject)).persona }),
  async restore(tx, { change, to }) {
    const { id } = await userOf(tx, change.subject);
    await tx.users.setPersona(id, to?.persona ?? null);
  },
};

/** `users override` and its `revoke`: what was granted and what it replaced, by what each is about. */
export const OVERRIDES: Undoable<Overridden> = {
  things: overrideThings,
  async stands(tx, change, at) {
    const { id } = await userOf(tx, change.subject);
    return { overrides: await overridesAbout(tx, id, change, at) };
  },
  async restore(tx, { change, to, at }) {
    const { id } = await userOf(tx, change.subject);
    await restoreOverrides(tx, id, change, to?.overrides ?? [], at);
  },
  lasting: ({ overrides }, at) => ({ overrides: overrides.filter((each) => lasts(each, at)) }),
};

/** `users promote` and `demote`, with the overrides that they ended if they were to. */
export const TIER_OF_USER: Undoable<{ readonly tier: string } & Partial<Overridden>> = {
  things: (change) => [`tier of ${change.subject}`, ...overrideThings(change)],
  async stands(tx, change, at) {
    const { id, tier } = await userOf(tx, change.subject);
    return { tier, overrides: await overridesAbout(tx, id, change, at) };
  },
  async restore(tx, { change, to, at }) {
    const { id, tier, status } = await userOf(tx, change.subject);
    const wanted = await requireTierKey(tx, to?.tier ?? tier);
    await tx.users.setMembership(id, { tier: wanted.key, status }, at);
    await restoreOverrides(tx, id, change, to?.overrides ?? [], at);
  },
  lasting: ({ tier, overrides = [] }, at) => ({
    tier,
    overrides: overrides.filter((each) => lasts(each, at)),
  }),
};

type OverrideChange = Pick<AuditEntry, "subject"> & {
  readonly before: Partial<Overridden> | null;
  readonly after: Partial<Overridden> | null;
};

function userOf(tx: Reading, subject: string): Promise<User> {
  return requirePresentUser(tx, keyOf(subject));
}

function lasts({ until }: AuditedOverride, at: Instant): boolean {
  return until === null || (parseInstant(until) ?? at) > at;
}

function overrideThings(change: OverrideChange): string[] {
  return [...subjectsOf(change)].map((about) => `override of ${change.subject}: ${about}`);
}

function subjectsOf({ before, after }: OverrideChange): Set<string> {
  const touched = [...(before?.overrides ?? []), ...(after?.overrides ?? [])];
  return new Set(touched.map((each) => overrideSubject(asGranted(each))));
}

async function overridesAbout(
  tx: Reading,
  userId: number,
  change: OverrideChange,
  at: Instant,
): Promise<AuditedOverride[]> {
  const subjects = subjectsOf(change);
  const live = await liveOverrides(tx, userId, at);
  return live.filter((each) => subjects.has(overrideSubject(each))).map(auditedOverride);
}

/** Replaces everything that is laid over the tier of what a change was about. */
async function restoreOverrides(
  tx: Writing,
  userId: number,
  change: OverrideChange,
  wanted: readonly AuditedOverride[],
  at: Instant,
): Promise<void> {
  const present = await overridesAbout(tx, userId, change, at);
  await tx.users.endOverrides(
    present.map(({ id }) => id),
    at,
  );
  for (const override of wanted) await tx.users.addOverride(userId, asGranted(override), at);
}

function asGranted(override: AuditedOverride): NewOverride {
  const { reason } = override;
  const until = override.until === null ? null : parseInstant(override.until);
  return "feature" in override
    ? { kind: "feature", feature: override.feature, granted: override.granted === true, reason, until }
    : {
        kind: "quota",
        meter: override.meter as Meter,
        period: override.period as Period,
        limit: override.limit,
        reason,
        until,
      };
}
