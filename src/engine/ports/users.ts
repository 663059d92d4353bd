import type { Override, UserStatus } from "../../domain/entitlement.js";
import type { Amounts, Meter, Period } from "../../domain/meter.js";
import type { PersonaKey } from "../../domain/persona.js";
import type { Rewrite } from "../../domain/pseudonym.js";
import type { User } from "../../domain/user.js";
import type { Instant } from "../../domain/window.js";

export interface UserFilter {
  readonly tier?: string;
  readonly status?: UserStatus;
  /** Part of the id, email, name or an alias. */
  readonly search?: string;
  /** Whether removed users are listed too. */
  readonly removed?: boolean;
}

export interface NewUser {
  readonly key: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly aliases: readonly string[];
  readonly persona: PersonaKey | null;
  readonly tier: string;
}

/** What of one window, by user number; users without any are left out. */
export type AmountsByUser = ReadonlyMap<number, Readonly<Amounts>>;

export interface UsersReading {
  /** By id, email or alias; also users who were removed. */
  find(name: string): Promise<User | undefined>;
  /** In the order in which they were added. */
  list(filter?: UserFilter): Promise<User[]>;
  /** Every name that is taken, for suggestions. */
  names(): Promise<string[]>;
  overrides(userId: number): Promise<Override[]>;
  /** Settled usage of one window, as limits count it, less nothing. */
  windowUsage(userId: number, period: Period, index: number): Promise<Readonly<Record<Meter, number>>>;
  /** The same of everybody on a tier who used anything in that window, by user number. */
  windowUsages(tier: string, period: Period, index: number): Promise<AmountsByUser>;
  /** What was forgiven of one window. */
  forgiven(userId: number, period: Period, index: number): Promise<Readonly<Record<Meter, number>>>;
  /** What the reservations hold that are live at an instant. */
  held(userId: number, at: Instant): Promise<Readonly<Record<Meter, number>>>;
  /** `windowUsage` of everybody at once. */
  everyWindowUsage(period: Period, index: number): Promise<AmountsByUser>;
  /** `forgiven` of everybody at once. */
  everyForgiven(period: Period, index: number): Promise<AmountsByUser>;
  /** `held` of everybody at once. */
  everyHeld(at: Instant): Promise<AmountsByUser>;
  /** Since when the user is on the tier, and in the status, that they have now. */
  since(userId: number): Promise<{ readonly tier: Instant; readonly status: Instant }>;
}

/** An override as it is granted. */
export type NewOverride = { readonly reason: string | null; readonly until: Instant | null } & (
  | { readonly kind: "quota"; readonly meter: Meter; readonly period: Period; readonly limit: number | null }
  | { readonly kind: "feature"; readonly feature: string; readonly granted: boolean }
);

export interface UsersWriting extends UsersReading {
  add(user: NewUser, at: Instant): Promise<User>;
  /** Changes tier or status from `at` on. */
  setMembership(
    userId: number,
    change: { readonly tier: string; readonly status: UserStatus },
    at: Instant,
  ): Promise<void>;
  /** Ends every live override of the user; returns those that were live. */
  clearOverrides(userId: number, at: Instant): Promise<Override[]>;
  /** Grants an override. What it replaces, the one of the same quota or feature, is ended, expired or not. */
  addOverride(userId: number, override: NewOverride, at: Instant): Promise<Override>;
  /** Ends overrides by their numbers. */
  endOverrides(ids: readonly number[], at: Instant): Promise<void>;
  /** Takes an amount of one window's usage out of what limits count, on top of what was forgiven before. */
  forgive(
    userId: number,
    window: { readonly period: Period; readonly index: number },
    forgiven: { readonly meter: Meter; readonly amount: number },
    at: Instant,
  ): Promise<void>;
  /** Changes how a user is called; what is left out stays. A new email must be nobody's name but the user's own. */
  rename(userId: number, change: { readonly email?: string; readonly name?: string | null }): Promise<void>;
  addAlias(userId: number, alias: string): Promise<void>;
  removeAlias(userId: number, alias: string): Promise<void>;
  /** How the user is expected to use the product; `null`: nothing is said of it. */
  setPersona(userId: number, persona: PersonaKey | null): Promise<void>;
  /** Forgets every name of a user; `key` is the only one they have from now on. */
  erase(userId: number, key: string): Promise<void>;
  /**
   * Rewrites what operators wrote into the records: audit entries, reasons, and the options of imports.
   * @returns how many records are different now
   */
  rewriteRecords(rewrite: Rewrite): Promise<number>;
}
