import type { Override } from "../../domain/entitlement.js";
import { amountInWords } from "../../domain/message.js";
import type { Meter, Period } from "../../domain/meter.js";
import type { Tier } from "../../domain/tier.js";
import type { User } from "../../domain/user.js";
import { type Field, renderFields } from "../fields.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { renderTable } from "../table.js";
import { list, plural } from "../text.js";
import { amountJson, limitsSentence, type QuotaView, quotaStateJson, quotasTable } from "./quotas.js";
import { overrideJson, overrideText } from "./user.js";
import { userJson } from "./users.js";

interface Printing {
  readonly dryRun: boolean;
  readonly style: Style;
  readonly width: number | null;
}

function nameOf({ email, key }: User): string {
  return sanitize(email ?? key);
}

export interface ForgivenView {
  readonly user: User;
  readonly forgiven: readonly {
    readonly meter: Meter;
    readonly period: Period;
    readonly window: string;
    readonly amount: number;
  }[];
  readonly quotas: readonly QuotaView[];
  readonly timeZone: string;
}

export function forgivenJson({ user, forgiven, quotas }: ForgivenView) {
  return {
    user: userJson(user),
    forgiven: forgiven.map(({ meter, period, window, amount }) => ({
      meter,
      period,
      window,
      amount: amountJson(meter, amount),
    })),
    quotas: quotas.map(quotaStateJson),
  };
}

/** What `users reset` did. */
export function forgivenText(view: ForgivenView, { dryRun, style, width }: Printing): string {
  const { user, forgiven, quotas, timeZone } = view;
  const head = style.ok(dryRun ? "Would forgive" : "Forgave");
  const windows = [...new Set(forgiven.map((each) => each.window))].map((window) => {
    const of = forgiven.filter((each) => each.window === window);
    return `${list(of.map(({ meter, amount }) => amountInWords(meter, amount)))} of ${window}`;
  });
  return [
    `${head} ${style.emphasis(nameOf(user))} ${windows.join("; ")}.\n`,
    "Limits count it no more; the ledger, reports, guardrails and emergency limits still do.\n\n",
    renderTable(quotasTable(quotas, timeZone, width), { style, width }),
  ].join("");
}

export interface RenamedView {
  readonly user: User;
  readonly before: User;
}

/** The user as they are called now, and what is different. */
export function renamedJson({ user, before }: RenamedView) {
  return {
    ...userJson(user),
    before: { email: before.email, name: before.name, aliases: before.aliases },
  };
}

/** What `users rename` did. */
export function renamedText({ user, before }: RenamedView, { dryRun, style }: Printing): string {
  const lines = [
    `${style.ok(dryRun ? "Would rename" : "Renamed")} ${nameOf(before)}${before.email === user.email ? "" : ` to ${style.emphasis(nameOf(user))}`}.`,
  ];
  if (user.name !== before.name) {
    lines.push(user.name === null ? "They have no name any more." : `Their name is ${sanitize(user.name)}.`);
  }
  if (before.email !== null && before.email !== user.email) {
    lines.push(`${sanitize(before.email)} still finds them, as an alias.`);
  }
  return `${lines.join("\n")}\n`;
}

/** What `users alias` did. */
export function aliasesText({ user, before }: RenamedView, { dryRun, style }: Printing): string {
  const added = user.aliases.filter((each) => !before.aliases.includes(each));
  const removed = before.aliases.filter((each) => !user.aliases.includes(each));
  const said = (done: string, tried: string, names: readonly string[], after: string) =>
    names.length === 0 ? [] : [`${style.ok(dryRun ? tried : done)} ${sanitize(list(names))}: ${after}.`];
  const who = style.emphasis(nameOf(user));
  const one = removed.length === 1;
  return [
    ...said(
      "Added",
      "Would add",
      added,
      `${added.length === 1 ? "it finds" : "they find"} ${who} from now on`,
    ),
    ...said("Removed", "Would remove", removed, `${one ? "it finds" : "they find"} nobody any more`),
    user.aliases.length === 0
      ? `${nameOf(user)} has no aliases.`
      : `Aliases of ${nameOf(user)}: ${sanitize(user.aliases.join(", "))}.`,
    "",
  ].join("\n");
}

export interface RemovedView {
  readonly user: User;
  readonly inProgress: number;
}

export function removedJson({ user, inProgress }: RemovedView) {
  return { ...userJson(user), calls_in_progress: inProgress };
}

/** What `users remove` did. */
export function removedText({ user, inProgress }: RemovedView, { dryRun, style }: Printing): string {
  const who = nameOf(user);
  return [
    `${style.warn(dryRun ? "Would remove" : "Removed")} ${style.emphasis(who)}: every call is refused from the next decision on.`,
    ...(inProgress === 0 ? [] : [`${plural(inProgress, "call")} in progress may still settle.`]),
    "What they used stays in the ledger and in reports; their names stay reserved.",
    `Bring them back with: ${style.code(`alpha users add ${who} --restore`)}`,
    `Forget who they were with: ${style.code(`alpha users erase ${who}`)}\n`,
  ].join("\n");
}

export interface RestoredView {
  readonly user: User;
  readonly tier: Tier;
  readonly formerTier: string | null;
  readonly overrides: readonly Override[];
  readonly timeZone: string;
}

export function restoredJson({ user, formerTier, overrides }: RestoredView) {
  return { ...userJson(user), former_tier: formerTier, overrides: overrides.map(overrideJson) };
}

/** What `users add --restore` did. */
export function restoredText(view: RestoredView, { dryRun, style, width }: Printing): string {
  const { user, tier, formerTier, overrides, timeZone } = view;
  const done = style.ok(dryRun ? "Would bring back" : "Brought back");
  const lines = [
    `${done} ${style.emphasis(nameOf(user))} on ${tier.key} (${sanitize(tier.label)}), with everything they had used.`,
    `They may use: ${limitsSentence(tier.quotas)}.`,
  ];
  if (formerTier !== null) lines.push(`The tier ${formerTier}, where they were, is no more.`);
  const fields = overrides.map(
    (each, index): Field => [index === 0 ? "overrides" : "", overrideText(each, timeZone, width)],
  );
  return `${lines.join("\n")}\n${renderFields(fields, { style, width })}`;
}

export interface ErasedView {
  readonly user: User;
  readonly pseudonym: string;
  readonly names: number;
  readonly records: number;
}

/** Without anything that tells who it was. */
export function erasedJson({ pseudonym, names, records }: ErasedView) {
  return { id: pseudonym, names_forgotten: names, records_rewritten: records };
}

/** What `users erase` did. */
export function erasedText(view: ErasedView, { dryRun, style }: Printing): string {
  const { user, pseudonym, names, records } = view;
  return [
    `${style.warn(dryRun ? "Would erase" : "Erased")} ${style.emphasis(nameOf(user))}: what they used is ${pseudonym}'s from now on, and every total is as before.`,
    `Forgotten: ${plural(names, "name")}, and what named them in ${plural(records, "record")} of the audit and of imports.`,
    "Not forgotten, since alpha does not keep it: backups, logs that were imported, and what those files are called.\n",
  ].join("\n");
}
