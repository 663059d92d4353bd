import { closest, distance } from "fastest-levenshtein";
import type { Tier } from "../domain/tier.js";
import type { User } from "../domain/user.js";
import { AlphaError } from "../errors.js";
import type { Reading } from "./ports.js";

/** The name nearest to a mistyped one, unless it is too far off to be meant. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  // Half an address, as people say it, is nearer than its letters tell.
  const begun = names.filter((each) => each.startsWith(`${name.toLowerCase()}@`));
  if (begun.length === 1) return begun[0];
  const candidate = closest(name.toLowerCase(), [...names]);
  const allowed = Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3));
  return distance(name.toLowerCase(), candidate.toLowerCase()) <= allowed ? candidate : undefined;
}

/** The user of a name, or a `not-found` error that suggests the nearest name there is. */
export async function requireUser(tx: Reading, name: string): Promise<User> {
  const user = await tx.users.find(name);
  if (user !== undefined) return user;
  const suggestion = nearest(name, await tx.users.names());
  throw new AlphaError(
    "not-found",
    `no user "${name}"${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`,
    { hint: "see who there is with: alpha users list" },
  );
}

/** The same, refusing a user who was removed. */
export async function requirePresentUser(tx: Reading, name: string): Promise<User> {
  const user = await requireUser(tx, name);
  if (user.status === "removed") {
    const who = displayName(user);
    throw new AlphaError("conflict", `${who} was removed`, {
      hint: `bring them back with: alpha users add ${who} --restore`,
    });
  }
  return user;
}

/** The tier of a key, or a `not-found` error that lists those there are. */
export async function requireTierKey(tx: Reading, key: string): Promise<Tier> {
  const tiers = await tx.tiers.list();
  const tier = tiers.find((each) => each.key === key);
  if (tier !== undefined) return tier;
  const keys = tiers.map((each) => each.key);
  const suggestion = nearest(key, keys);
  throw new AlphaError(
    "not-found",
    `no tier "${key}"${suggestion === undefined ? "" : `; did you mean ${suggestion}?`}`,
    { hint: keys.length === 0 ? "create the first with: alpha init" : `there are: ${keys.join(", ")}` },
  );
}

/** How a user is called in sentences: the email, else the id. */
export function displayName(user: Pick<User, "email" | "key">): string {
  return user.email ?? user.key;
}
