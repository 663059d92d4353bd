import { PERSONA_KEYS } from "../../../domain/persona.js";
import { DURABILITIES, SETTING_KEYS, SETTING_RULES, UNPRICED_RULES } from "../../../domain/settings.js";
import type { User } from "../../../domain/user.js";
import { AUDIT_ACTIONS, AUDIT_NOUNS } from "../../../engine/audit-actions.js";
import type { Reading, Store } from "../../../engine/ports.js";
import { openStore } from "../../../store/open-store.js";
import { loadConfig } from "../../config.js";
import type { Io } from "../../io.js";
import { LOCAL_SETTINGS } from "../settings/local.js";
import type { Begun, Candidate } from "./expected.js";
import { SHELLS } from "./scripts.js";

/** A key was pressed: nobody waits for another writer to be done. */
const WAIT_MS = 100;

/** What stands where help says `<user>` or `[ids...]`; the rest of the command line tells some of them more exactly. */
export function meantBy(value: string, { command, args, options }: Begun): string {
  if (command === "users add" && options.includes("--restore")) return value === "email" ? "removed" : value;
  if (command === "settings get" && value === "setting") return "known-setting";
  if (command === "settings set" && value === "value") return `value of ${args[0]?.replaceAll("-", "_")}`;
  return value.replace(/s$/, "");
}

/** What an operator can give where help says `<tier>`, and the like. */
export async function valuesFor(
  what: string,
  current: string,
  where: { readonly database?: string },
  io: Io,
): Promise<readonly Candidate[]> {
  const fixed = FIXED[what];
  if (fixed !== undefined) return fixed;
  const stored = STORED[what];
  if (stored === undefined) return [];
  const { address } = loadConfig(where, io.env);
  const store: Store = await openStore({ database: address, waitMs: WAIT_MS });
  try {
    return await store.read((tx) => stored(tx, current));
  } finally {
    await store.close();
  }
}

const plain = (words: Iterable<string>): Candidate[] => [...words].map((word) => ({ word, about: "" }));

const SETTINGS: readonly Candidate[] = SETTING_KEYS.map((word) => ({
  word,
  about: SETTING_RULES[word].describes,
}));

const FIXED: Readonly<Record<string, readonly Candidate[]>> = {
  action: plain([...AUDIT_NOUNS, ...AUDIT_ACTIONS]),
  persona: plain(PERSONA_KEYS),
  setting: SETTINGS,
  "known-setting": [...SETTINGS, ...Object.entries(LOCAL_SETTINGS).map(([word, about]) => ({ word, about }))],
  "value of unpriced": plain(UNPRICED_RULES),
  "value of durability": plain(DURABILITIES),
  shell: plain(SHELLS),
};

function usersOf(users: readonly User[], current: string): Candidate[] {
  return users.flatMap(({ key, email, aliases, tier, name }) => {
    const about = [tier, ...(name === null ? [] : [name])].join(", ");
    const shown = email ?? key;
    // Each once; by what else they are called only where that is what was begun.
    const others = current === "" ? [] : [key, ...aliases].filter((other) => other !== shown);
    return [shown, ...others].map((word) => ({ word, about }));
  });
}

async function tiers(tx: Reading): Promise<Candidate[]> {
  return (await tx.tiers.list()).map(({ key, label }) => ({ word: key, about: label }));
}

const STORED: Readonly<Record<string, (tx: Reading, current: string) => Promise<Candidate[]>>> = {
  async user(tx, current) {
    return usersOf(await tx.users.list(), current);
  },
  async removed(tx, current) {
    return usersOf(await tx.users.list({ status: "removed" }), current);
  },
  tier: tiers,
  "value of default_tier": tiers,
  async feature(tx) {
    return plain(new Set((await tx.tiers.list()).flatMap(({ features }) => features)));
  },
  async model(tx) {
    return plain(new Set((await tx.prices.models()).map(({ model }) => model)));
  },
  async provider(tx) {
    return plain(new Set((await tx.prices.models()).map(({ provider }) => provider)));
  },
};
