import type { Override, UserStatus } from "../domain/entitlement.js";
import type { PersonaKey } from "../domain/persona.js";
import { type Promotion, promotionBetween } from "../domain/promotion.js";
import { neighbour, type Tier } from "../domain/tier.js";
import { requireEmail, requireUserName, type User } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, requirePresentUser, requireTierKey } from "./find.js";
import type { UserFilter, Writing } from "./ports.js";

export interface AddUser {
  /** May be left out when an id is given. */
  readonly email?: string;
  readonly id?: string;
  readonly name?: string;
  /** The setting `default_tier` unless given. */
  readonly tier?: string;
  readonly persona?: PersonaKey;
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
  const email = input.email === undefined ? null : requireEmail(input.email);
  if (email === null && input.id === undefined) {
    throw new AlphaError("usage", "a new user needs an email address or an id", {
      hint: "for example: alpha users add ada@example.com",
    });
  }
  const key = input.id === undefined ? engine.ids.user() : requireUserName("id", input.id);
  const aliases = (input.aliases ?? []).map((alias) => requireUserName("alias", alias));
  const names = [key, ...(email === null || email === key ? [] : [email]), ...aliases];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new AlphaError("usage", `"${twice}" is given twice`);
  for (const name of names) await requireFree(tx, name);
  const tier = await requireTierKey(tx, input.tier ?? (await tx.settings.current()).default_tier);
  const at = engine.now();
  const user = await tx.users.add(
    { key, email, name: input.name?.trim() || null, aliases, persona: input.persona ?? null, tier: tier.key },
    at,
  );
  await audit(engine, tx, at, { action: "users.add", subject: `user:${key}`, after: auditedUser(user) });
  return user;
}

async function requireFree(tx: Writing, name: string): Promise<void> {
  const owner = await tx.users.find(name);
  if (owner === undefined) return;
  if (owner.status === "removed") {
    throw new AlphaError("conflict", `"${name}" is reserved: it belonged to a user who was removed`);
  }
  throw new AlphaError("conflict", `"${name}" is already a name of ${displayName(owner)}`, {
    hint: `see them with: alpha users show ${owner.key}`,
  });
}

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
    const live = (await tx.users.overrides(user.id)).filter((each) => each.until === null || at < each.until);
    const clearedOverrides = input.clearOverrides === true ? await tx.users.clearOverrides(user.id, at) : [];
    await tx.users.setMembership(user.id, { tier: to.key, status: user.status }, at);
    await audit(engine, tx, at, {
      action: `users.${direction}`,
      subject: `user:${user.key}`,
      before: { tier: from.key },
      after: { tier: to.key, cleared_overrides: clearedOverrides.map((each) => each.id) },
      reason: input.reason ?? null,
    });
    return {
      user: { ...user, tier: to.key },
      from,
      to,
      change: promotionBetween(from, to),
      keptOverrides: input.clearOverrides === true ? [] : live,
      clearedOverrides,
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
      throw new AlphaError("conflict", `${displayName(user)} is already ${status}`);
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
