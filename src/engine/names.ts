import { requireEmail, requireUserName, type User } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import type { AuditAction } from "./audit-actions.js";
import { audit, type ChangeOptions, type Engine } from "./engine.js";
import { displayName, nearest, requirePresentUser } from "./find.js";
import type { Reading, Writing } from "./ports.js";

/** Refuses a name that somebody has, once for each who has one: `owners` are those who were told already. */
export async function requireFree(tx: Reading, name: string, owners: Set<number>): Promise<void> {
  const owner = await tx.users.find(name);
  if (owner === undefined || owners.has(owner.id)) return;
  owners.add(owner.id);
  if (owner.status === "removed") {
    throw new AlphaError("conflict", `"${name}" is reserved: it belonged to a user who was removed`, {
      hint: `bring them back with: alpha users add ${name} --restore`,
    });
  }
  const who = displayName(owner);
  throw new AlphaError(
    "conflict",
    name === who ? `there is already a user ${who}` : `"${name}" is already a name of ${who}`,
    { hint: `see them with: alpha users show ${owner.key}` },
  );
}

export interface RenameUser {
  readonly user: string;
  readonly email?: string;
  /** Empty: they have none any more. */
  readonly name?: string;
  readonly reason?: string;
}

/** A user under their new names, and under the former ones. */
export interface Renamed {
  readonly user: User;
  readonly before: User;
}

/** Changes a tester's email, their name, or both. The old email still finds them, as an alias; the id stays. */
export async function renameUser(
  engine: Engine,
  input: RenameUser,
  options: ChangeOptions = {},
): Promise<Renamed> {
  const { email: givenEmail, name: givenName } = input;
  if (givenEmail === undefined && givenName === undefined) {
    throw new AlphaError("usage", "say what they are called from now on", {
      hint: "for example: alpha users rename ada@example.com ada@new.example.com, or --name 'Ada Lovelace'",
    });
  }
  return engine.store.write(async (tx) => {
    const before = await requirePresentUser(tx, input.user);
    const email = givenEmail === undefined ? before.email : requireEmail(givenEmail);
    const name = givenName === undefined ? before.name : givenName.trim() || null;
    if (email === before.email && name === before.name) {
      throw new AlphaError("conflict", `${displayName(before)} is called that already`);
    }
    // A name of their own can become the email; anybody else's cannot.
    if (email !== null && email !== before.email) await requireFree(tx, email, new Set([before.id]));
    await tx.users.rename(before.id, {
      ...(email === null || email === before.email ? {} : { email }),
      name,
    });
    const user = (await tx.users.find(before.key)) as User;
    await audit(engine, tx, engine.now(), {
      action: "users.rename",
      subject: `user:${user.key}`,
      before: calledOf(before),
      after: calledOf(user),
      reason: input.reason?.trim() || null,
    });
    return { user, before };
  }, options);
}

function calledOf({ email, name, aliases }: User) {
  return { email, name, aliases };
}

export interface ChangeAliases {
  readonly user: string;
  readonly aliases: readonly string[];
  readonly reason?: string;
}

/** Gives a tester more names, under which logs and the product find them. All of them, or none. */
export async function addAliases(
  engine: Engine,
  input: ChangeAliases,
  options: ChangeOptions = {},
): Promise<Renamed> {
  const aliases = [...new Set(input.aliases.map((alias) => requireUserName("alias", alias)))];
  return changeAliases(engine, "users.alias-add", input, options, async (tx, user) => {
    for (const alias of aliases) {
      const names = namesOf(user);
      if (names.includes(alias)) {
        throw new AlphaError("conflict", `"${alias}" is already a name of ${displayName(user)}`);
      }
      // Another spelling of a name of theirs may be added: keys differ by case.
      await requireFree(tx, alias, new Set([user.id]));
      await tx.users.addAlias(user.id, alias);
    }
  });
}

/** Takes aliases from a tester; from then on they find nobody. All of them, or none. */
export function removeAliases(
  engine: Engine,
  input: ChangeAliases,
  options: ChangeOptions = {},
): Promise<Renamed> {
  return changeAliases(engine, "users.alias-remove", input, options, async (tx, user) => {
    for (const given of new Set(input.aliases.map((alias) => alias.trim()))) {
      const alias = user.aliases.find((each) => each === given || each === given.toLowerCase());
      if (alias === undefined) throw notAnAlias(given, user);
      await tx.users.removeAlias(user.id, alias);
    }
  });
}

function changeAliases(
  engine: Engine,
  action: AuditAction,
  input: ChangeAliases,
  options: ChangeOptions,
  change: (tx: Writing, user: User) => Promise<void>,
): Promise<Renamed> {
  return engine.store.write(async (tx) => {
    const before = await requirePresentUser(tx, input.user);
    await change(tx, before);
    const user = (await tx.users.find(before.key)) as User;
    await audit(engine, tx, engine.now(), {
      action,
      subject: `user:${user.key}`,
      before: { aliases: before.aliases },
      after: { aliases: user.aliases },
      reason: input.reason?.trim() || null,
    });
    return { user, before };
  }, options);
}

function namesOf({ key, email, aliases }: User): string[] {
  return [key, ...(email === null ? [] : [email]), ...aliases];
}

function notAnAlias(name: string, user: User): AlphaError {
  const who = displayName(user);
  if (name.toLowerCase() === user.email) {
    return new AlphaError("conflict", `"${name}" is the email of ${who}, and no alias`, {
      hint: `give them another one with: alpha users rename ${who} <email>`,
    });
  }
  if (name === user.key) {
    return new AlphaError("conflict", `"${name}" is the id of ${who}, and no alias; an id stays`);
  }
  const suggestion = nearest(name, user.aliases);
  return new AlphaError(
    "not-found",
    `${who} has no alias "${name}"${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`,
    { hint: user.aliases.length === 0 ? undefined : `there are: ${user.aliases.join(", ")}` },
  );
}
