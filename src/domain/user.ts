import { AlphaError } from "../errors.js";
import type { UserStatus } from "./entitlement.js";
import type { PersonaKey } from "./persona.js";
import type { Instant } from "./window.js";

/** A tester, as operators see them. */
export interface User {
  /** Internal number; never printed. */
  readonly id: number;
  /** The id that people see and logs may name. */
  readonly key: string;
  /** Lower case. */
  readonly email: string | null;
  readonly name: string | null;
  /** Every other name that finds this user. */
  readonly aliases: readonly string[];
  readonly persona: PersonaKey | null;
  /** Key of the tier. */
  readonly tier: string;
  readonly status: UserStatus;
  readonly createdAt: Instant;
}

// Deliberately loose: whether an address works, only its mailbox can tell.
const EMAIL = /^[^\s@<>"(),;:\\]+@[^\s@<>"(),;:\\]+\.[^\s@<>"(),;:\\]+$/;

export function isEmail(text: string): boolean {
  return text.length <= 254 && EMAIL.test(text);
}

/** An email in the form in which it is stored and matched: trimmed and lower case. */
export function requireEmail(text: string): string {
  const email = text.trim().toLowerCase();
  if (!isEmail(email)) {
    throw new AlphaError("usage", `"${text}" is not an email address`, {
      hint: "for example ada@example.com",
    });
  }
  return email;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const UNUSABLE = /[\s\u0000-\u001f\u007f-\u009f]/;

/** An id or alias as it is stored: kept as given, since key hashes are case-sensitive. */
export function requireUserName(what: "id" | "alias", text: string): string {
  const name = text.trim();
  if (name === "" || name.length > 200 || UNUSABLE.test(name) || name.startsWith("-")) {
    throw new AlphaError("usage", `"${text}" cannot be ${what === "id" ? "an id" : "an alias"}`, {
      hint: "use 1 to 200 characters without spaces, not starting with a dash",
    });
  }
  return isEmail(name) ? name.toLowerCase() : name;
}

/** The spellings under which a name is looked up: as typed, then as an email would be stored. */
export function lookupNames(name: string): string[] {
  const typed = name.trim();
  const lower = typed.toLowerCase();
  return typed === lower ? [typed] : [typed, lower];
}
