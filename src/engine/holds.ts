import type { User } from "../domain/user.js";
import { formatInstant, type Instant } from "../domain/window.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, nearest, requireUser } from "./find.js";
import type { ListedHold } from "./ports/holds.js";
import type { Reading } from "./ports.js";

export interface HoldsWanted {
  /** Only those of one user: id, email or alias. */
  readonly user?: string;
  /** Only those that expired with nobody having settled them. */
  readonly expired?: boolean;
}

export interface DescribedHold extends ListedHold {
  /** It takes no room any more. */
  readonly expired: boolean;
}

export interface HoldsFound {
  /** Oldest first. */
  readonly holds: readonly DescribedHold[];
  readonly now: Instant;
}

/** What is held, and by what was held and never settled. */
export function listHolds(engine: Engine, wanted: HoldsWanted = {}): Promise<HoldsFound> {
  return engine.store.read(async (tx) => {
    const now = engine.now();
    const user = wanted.user === undefined ? null : await requireUser(tx, wanted.user);
    return { holds: await holdsOf(tx, user, wanted.expired === true, now), now };
  });
}

async function holdsOf(
  tx: Reading,
  user: User | null,
  expiredOnly: boolean,
  now: Instant,
): Promise<DescribedHold[]> {
  const found = await tx.holds.list({
    ...(user === null ? {} : { userId: user.id }),
    ...(expiredOnly ? { expiredAt: now } : {}),
  });
  return found.map((hold) => ({ ...hold, expired: hold.expiresAt <= now }));
}

/** Which holds are meant: ids, a user, or all that expired; a user narrows the others down. */
export interface ReleaseHolds extends HoldsWanted {
  readonly ids?: readonly string[];
  readonly reason?: string;
}

/**
 * Ends holds, so that every process has their room back at its next decision. A call whose hold is gone may still settle.
 * All of the ids, or none when one is unknown.
 * @returns the holds as they were
 */
export async function releaseHolds(
  engine: Engine,
  input: ReleaseHolds,
  options: ChangeOptions = {},
): Promise<HoldsFound> {
  const { ids = [], user: name, expired = false } = input;
  if (ids.length > 0 && expired) {
    throw new AlphaError("usage", "both ids and --expired say which holds are meant", { hint: "give one" });
  }
  if (ids.length === 0 && name === undefined && !expired) {
    throw new AlphaError("usage", "nothing says which holds are meant", {
      hint: "give ids, --user or --expired; see what there is with: alpha holds list",
    });
  }
  return engine.store.write(async (tx) => {
    const now = engine.now();
    const user = name === undefined ? null : await requireUser(tx, name);
    const present = await holdsOf(tx, user, expired, now);
    const holds = ids.length === 0 ? present : named(ids, present, user);
    for (const { userId, id } of holds) await tx.holds.remove(userId, id);
    for (const [subject, of] of byUser(holds)) {
      await audit(engine, tx, now, {
        action: "holds.release",
        subject: `user:${subject}`,
        before: { holds: of.map(auditedHold) },
        after: { holds: [] },
        reason: input.reason?.trim() || null,
      });
    }
    return { holds, now };
  }, options);
}

function named(
  ids: readonly string[],
  present: readonly DescribedHold[],
  user: User | null,
): DescribedHold[] {
  return [...new Set(ids)].map((id) => {
    const [hold, other] = present.filter((each) => each.id === id);
    if (hold === undefined) throw unknownHold(id, present, user);
    if (other === undefined) return hold;
    throw new AlphaError("conflict", `${whose(hold)} and ${whose(other)} both have a hold "${id}"`, {
      hint: "say whose is meant with --user",
    });
  });
}

function unknownHold(id: string, present: readonly DescribedHold[], user: User | null): AlphaError {
  const suggestion = nearest(
    id,
    present.map((each) => each.id),
  );
  const of = user === null ? "" : ` of ${displayName(user)}`;
  return new AlphaError(
    "not-found",
    `no hold "${id}"${of}${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`,
    { hint: "it may be settled or released already; see what there is with: alpha holds list" },
  );
}

function whose({ email, user }: ListedHold): string {
  return email ?? user;
}

function byUser(holds: readonly DescribedHold[]): Map<string, DescribedHold[]> {
  const groups = new Map<string, DescribedHold[]>();
  for (const hold of holds) {
    const group = groups.get(hold.user);
    if (group === undefined) groups.set(hold.user, [hold]);
    else group.push(hold);
  }
  return groups;
}

function auditedHold({ id, kind, amounts, createdAt, expiresAt, expired }: DescribedHold) {
  return {
    id,
    ...kind,
    ...amounts,
    created_at: formatInstant(createdAt),
    expires_at: formatInstant(expiresAt),
    expired,
  };
}
