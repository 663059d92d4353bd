import type { QuotaState } from "../domain/decide.js";
import type { Override, UserStatus } from "../domain/entitlement.js";
import { type Promotion, promotionBetween } from "../domain/promotion.js";
import { neighbour, type Tier } from "../domain/tier.js";
import { requireEmail, requireUserName, type User } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, requirePresentUser, requireTierKey } from "./find.js";
import { requireFree } from "./names.js";
import { auditedOverride } from "./overrides.js";
import { requirePersona } from "./personas.js";
import type { NewUser, UserFilter, Writing } from "./ports.js";
import { quotasUnder, standingOf } from "./standing.js";

export interface AddUser {
  /** May be left out when an id is given. */
  readonly email?: string;
  readonly id?: string;
  readonly name?: string;
  /** The setting `default_tier` unless given. */
  readonly tier?: string;
  /** One of `PERSONA_KEYS`. */
  readonly persona?: string;
  readonly aliases?: readonly string[];
}

/** Onboards one tester. */
export async function addUser(engine: Engine, input: AddUser, options: ChangeOptions = {}): Promise<User> {
  const [user] = await addUsers(engine, [input], options);
  return user as User;
}

/** Onboards many testers: all of them, or none when one cannot be added. */
export function addUsers(
  engine: Engine,
  inputs: readonly AddUser[],
  options: ChangeOptions = {},
): Promise<User[]> {
  return engine.store.write(async (tx) => {
    const added: User[] = [];
    for (const input of inputs) added.push(await addOne(engine, tx, input));
    return added;
  }, options);
}

async function addOne(engine: Engine, tx: Writing, input: AddUser): Promise<User> {
  const { user, problems } = await prepareUser(engine, tx, input);
  if (problems[0] !== undefined) throw problems[0];
  return addPrepared(engine, tx, user);
}

/** Writes a user in whom `prepareUser` found no problem. */
export async function addPrepared(engine: Engine, tx: Writing, prepared: NewUser): Promise<User> {
  const at = engine.now();
  const user = await tx.users.add(prepared, at);
  await audit(engine, tx, at, { action: "users.add", subject: `user:${user.key}`, after: auditedUser(user) });
  return user;
}

/** A user as they would be added, and everything that is wrong with the input. */
export async function prepareUser(
  engine: Engine,
  tx: Writing,
  input: AddUser,
): Promise<{ readonly user: NewUser; readonly problems: readonly AlphaError[] }> {
  const problems: AlphaError[] = [];
  const attempt = async <T>(work: () => T | Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AlphaError) || !FAULTS_OF_INPUT.has(error.code)) throw error;
      problems.push(error);
      return null;
    }
  };
  const { email: givenEmail, id, persona: givenPersona } = input;
  if (givenEmail === undefined && id === undefined) {
    problems.push(
      new AlphaError("usage", "a new user needs an email address or an id", {
        hint: "for example: alpha users add ada@example.com",
      }),
    );
  }
  const email = givenEmail === undefined ? null : await attempt(() => requireEmail(givenEmail));
  const key = id === undefined ? engine.ids.user() : await attempt(() => requireUserName("id", id));
  const aliases: string[] = [];
  for (const alias of input.aliases ?? []) {
    const name = await attempt(() => requireUserName("alias", alias));
    if (name !== null) aliases.push(name);
  }
  const names = [email, key === email ? null : key, ...aliases].filter((name) => name !== null);
  const owners = new Set<number>();
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) === index) await attempt(() => requireFree(tx, name, owners));
    else problems.push(new AlphaError("usage", `"${name}" is given twice`));
  }
  const wanted = input.tier ?? (await tx.settings.current()).default_tier;
  const tier = await attempt(() => requireTierKey(tx, wanted));
  const persona = givenPersona === undefined ? null : await attempt(() => requirePersona(givenPersona));
  const user = {
    key: key ?? "",
    email,
    name: input.name?.trim() || null,
    aliases,
    persona,
    tier: tier?.key ?? wanted,
  };
  return { user, problems };
}

/** Errors that are about what was asked for, and not about the database. */
const FAULTS_OF_INPUT: ReadonlySet<AlphaError["code"]> = new Set(["usage", "conflict", "not-found"]);

function auditedUser({ key, email, name, aliases, persona, tier, status }: User) {
  return { key, email, name, aliases, persona, tier, status };
}

export function listUsers(engine: Engine, filter: UserFilter = {}): Promise<User[]> {
  return engine.store.read(async (tx) => {
    if (filter.tier !== undefined) await requireTierKey(tx, filter.tier);
    return tx.users.list(filter);
  });
}

export interface MoveUser {
  readonly user: string;
  /** The tier to move to; without it the neighbour in the direction of the move. */
  readonly to?: string;
  readonly clearOverrides?: boolean;
  readonly reason?: string;
}

/** What a promotion or demotion did. */
export interface Moved {
  readonly user: User;
  readonly from: Tier;
  readonly to: Tier;
  readonly change: Promotion;
  /** Overrides that still apply, and those that were ended. */
  readonly keptOverrides: readonly Override[];
  readonly clearedOverrides: readonly Override[];
  /** How full every quota was under the old limits, and is under the new ones. */
  readonly before: readonly QuotaState[];
  readonly after: readonly QuotaState[];
  /** The accounting zone, in which the windows begin anew. */
  readonly timeZone: string;
}

/** Moves a tester up or down the rank. The usage of the running windows is kept; the new limits apply at once. */
export function moveUser(
  engine: Engine,
  direction: "promote" | "demote",
  input: MoveUser,
  options: ChangeOptions = {},
): Promise<Moved> {
  return engine.store.write(async (tx) => {
    const user = await requirePresentUser(tx, input.user);
    const tiers = await tx.tiers.list();
    const from = await requireTierKey(tx, user.tier);
    const to = await targetTier(tx, tiers, from, direction, input.to, displayName(user));
    const at = engine.now();
    const standing = await standingOf(tx, user, at);
    const live = standing.overrides;
    const clearedOverrides = input.clearOverrides === true ? await tx.users.clearOverrides(user.id, at) : [];
    await tx.users.setMembership(user.id, { tier: to.key, status: user.status }, at);
    const clears = clearedOverrides.length > 0;
    await audit(engine, tx, at, {
      action: `users.${direction}`,
      subject: `user:${user.key}`,
      before: { tier: from.key, ...(clears ? { overrides: clearedOverrides.map(auditedOverride) } : {}) },
      after: { tier: to.key, ...(clears ? { overrides: [] } : {}) },
      reason: input.reason ?? null,
    });
    const keptOverrides = input.clearOverrides === true ? [] : live;
    return {
      user: { ...user, tier: to.key },
      from,
      to,
      change: promotionBetween(from, to),
      keptOverrides,
      clearedOverrides,
      before: quotasUnder(standing, from),
      after: quotasUnder({ ...standing, overrides: keptOverrides }, to),
      timeZone: standing.settings.time_zone,
    };
  }, options);
}

async function targetTier(
  tx: Writing,
  tiers: readonly Tier[],
  from: Tier,
  direction: "promote" | "demote",
  to: string | undefined,
  who: string,
): Promise<Tier> {
  const up = direction === "promote";
  if (to === undefined) {
    const next = neighbour(tiers, from.key, up ? "up" : "down");
    if (next !== undefined) return next;
    throw new AlphaError(
      "conflict",
      `${who} is already on ${from.key}, the ${up ? "highest" : "lowest"} tier`,
      {
        hint: "see the ladder with: alpha tiers list",
      },
    );
  }
  const target = await requireTierKey(tx, to);
  if (target.key === from.key) throw new AlphaError("conflict", `${who} is already on ${from.key}`);
  if (up !== target.rank > from.rank) {
    const other = up ? "demote" : "promote";
    throw new AlphaError(
      "conflict",
      `${target.key} is ${up ? "below" : "above"} ${from.key}, where ${who} is`,
      {
        hint: `use: alpha users ${other} ${who} --to ${target.key}`,
      },
    );
  }
  return target;
}

/** Suspends a tester, or lets them back in: effective with the next decision, in every process. */
export function setSuspended(
  engine: Engine,
  suspended: boolean,
  input: { readonly user: string; readonly reason?: string },
  options: ChangeOptions = {},
): Promise<User> {
  const status: UserStatus = suspended ? "suspended" : "active";
  return engine.store.write(async (tx) => {
    const user = await requirePresentUser(tx, input.user);
    if (user.status === status) {
      const who = displayName(user);
      throw new AlphaError("conflict", `${who} is already ${status}`, {
        hint: suspended ? `let them back in with: alpha users resume ${who}` : undefined,
      });
    }
    const at = engine.now();
    await tx.users.setMembership(user.id, { tier: user.tier, status }, at);
    await audit(engine, tx, at, {
      action: suspended ? "users.suspend" : "users.resume",
      subject: `user:${user.key}`,
      before: { status: user.status },
      after: { status },
      reason: input.reason ?? null,
    });
    return { ...user, status };
  }, options);
}
