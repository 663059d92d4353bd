import type { Override } from "../../domain/entitlement.js";
import { amountInWords } from "../../domain/message.js";
import type { Meter, Period } from "../../domain/meter.js";
import type { Tier } from "../../domain/tier.js";
import type { User } from "../../domain/user.js";
import { type Field, renderFields } from "../fields.js";
import { sanitize } from "../sanitize.js";
import { renderTable } from "../table.js";
import { list, plural } from "../text.js";
import { amountJson, limitsSentence, type QuotaView, quotaStateJson, quotasTable } from "./quotas.js";
import { type Printing, sentences } from "./sentences.js";
import { overrideJson, overrideText, personaText } from "./user.js";
import { userJson } from "./users.js";

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
  const head = dryRun ? "Would forgive" : "Forgave";
  const who = nameOf(user);
  const windows = [...new Set(forgiven.map((each) => each.window))].map((window) => {
    const of = forgiven.filter((each) => each.window === window);
    return `${list(of.map(({ meter, amount }) => amountInWords(meter, amount)))} of ${window}`;
  });
  const said = sentences(
    [
      `${head} ${who} ${windows.join("; ")}.`,
      "Limits count it no more; the ledger, reports, guardrails and emergency limits still do.",
    ],
    width,
    [head, style.ok],
    [who, style.emphasis],
  );
  return `${said}\n${renderTable(quotasTable(quotas, timeZone, width), { style, width })}`;
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
export function renamedText({ user, before }: RenamedView, { dryRun, style, width }: Printing): string {
  const head = dryRun ? "Would rename" : "Renamed";
  const to = before.email === user.email ? "" : ` to ${nameOf(user)}`;
  const said = [`${head} ${nameOf(before)}${to}.`];
  if (user.name !== before.name) {
    said.push(user.name === null ? "They have no name any more." : `Their name is ${sanitize(user.name)}.`);
  }
  if (before.email !== null && to !== "") {
    said.push(`${sanitize(before.email)} still finds them, as an alias.`);
  }
  return sentences(said, width, [head, style.ok], [nameOf(user), style.emphasis]);
}

export interface PersonaChangedView {
  readonly user: User;
  readonly before: User;
}

/** The user as they are now, and the persona that they had. */
export function personaChangedJson({ user, before }: PersonaChangedView) {
  return { ...userJson(user), before: { persona: before.persona } };
}

/** What `users persona` did. */
export function personaChangedText(
  { user, before }: PersonaChangedView,
  { dryRun, style, width }: Printing,
): string {
  const who = nameOf(user);
  const [head, rest] =
    user.persona === null
      ? [dryRun ? "Would take" : "Took", `the persona ${before.persona} from ${who}.`]
      : [dryRun ? "Would give" : "Gave", `${who} the persona ${personaText(user)}.`];
  const said = [
    `${head} ${rest}`,
    user.persona === null
      ? "From the third active day on it is inferred from what they use."
      : before.persona === null
        ? "They had none before."
        : `Before, it was ${personaText(before)}.`,
  ];
  return sentences(said, width, [head, style.ok], [who, style.emphasis]);
}

/** What `users alias` did. */
export function aliasesText({ user, before }: RenamedView, { dryRun, style, width }: Printing): string {
  const added = user.aliases.filter((each) => !before.aliases.includes(each));
  const removed = before.aliases.filter((each) => !user.aliases.includes(each));
  const who = nameOf(user);
  const verb = added.length > 0 ? (dryRun ? "Would add" : "Added") : dryRun ? "Would remove" : "Removed";
  const names = added.length > 0 ? added : removed;
  const finds = `${names.length === 1 ? "it finds" : "they find"} ${added.length > 0 ? `${who} from now on` : "nobody any more"}`;
  const left = user.aliases.length === 0 ? "none" : sanitize(user.aliases.join(", "));
  return sentences(
    [`${verb} ${sanitize(list(names))}: ${finds}.`, `Aliases of ${who}: ${left}.`],
    width,
    [verb, style.ok],
    [who, style.emphasis],
  );
}

export interface RemovedView {
  readonly user: User;
  readonly inProgress: number;
}

export function removedJson({ user, inProgress }: RemovedView) {
  return { ...userJson(user), calls_in_progress: inProgress };
}

/** What `users remove` did. */
export function removedText({ user, inProgress }: RemovedView, { dryRun, style, width }: Printing): string {
  const who = nameOf(user);
  const head = dryRun ? "Would remove" : "Removed";
  const restore = `alpha users add ${who} --restore`;
  const erase = `alpha users erase ${who}`;
  return sentences(
    [
      `${head} ${who}: every call is refused from the next decision on.`,
      ...(inProgress === 0 ? [] : [`${plural(inProgress, "call")} in progress may still settle.`]),
      "What they used stays in the ledger and in reports; their names stay reserved.",
      `Bring them back with: ${restore}`,
      `Forget who they were with: ${erase}`,
    ],
    width,
    [head, style.warn],
    [restore, style.code],
    [erase, style.code],
  );
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
  const head = dryRun ? "Would bring back" : "Brought back";
  const who = nameOf(user);
  const said = [
    `${head} ${who} on ${tier.key} (${sanitize(tier.label)}), with everything they had used.`,
    ...(formerTier === null ? [] : [`The tier ${formerTier}, where they were, is no more.`]),
    `They may use: ${limitsSentence(tier.quotas)}.`,
  ];
  const fields = overrides.map(
    (each, index): Field => [index === 0 ? "overrides" : "", overrideText(each, timeZone, width)],
  );
  const text = sentences(said, width, [head, style.ok], [who, style.emphasis]);
  return text + renderFields(fields, { style, width });
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
export function erasedText(view: ErasedView, { dryRun, style, width }: Printing): string {
  const { user, pseudonym, names, records } = view;
  const head = dryRun ? "Would erase" : "Erased";
  const who = nameOf(user);
  return sentences(
    [
      `${head} ${who}: what they used is ${pseudonym}'s from now on, and every total is as before.`,
      `Forgotten: ${plural(names, "name")}, and what named them in ${plural(records, "record")} of what operators did.`,
      "Not forgotten: your backups, logs that were imported, and the names of those files.",
    ],
    width,
    [head, style.warn],
    [who, style.emphasis],
  );
}
