import type { Tier } from "../../domain/tier.js";
import type { User } from "../../domain/user.js";
import { formatInstant } from "../../domain/window.js";
import { sanitize } from "../sanitize.js";
import type { Style } from "../style.js";
import { renderTable, type Table } from "../table.js";
import { plural } from "../text.js";
import { limitsSentence, quotaJson } from "./quotas.js";

export const STATUS_PAINT = { active: "ok", suspended: "warn", removed: "muted" } as const;

/** A user as JSON shows them. */
export function userJson(user: User) {
  return {
    id: user.key,
    email: user.email,
    name: user.name,
    aliases: user.aliases,
    tier: user.tier,
    persona: user.persona,
    status: user.status,
    created_at: formatInstant(user.createdAt),
  };
}

/** @param filtered whether there may be others */
export function usersTable(users: readonly User[], filtered = false): Table<User> {
  return {
    rows: users,
    empty: filtered
      ? "Nobody of that kind. See everybody with: alpha users list"
      : "No users yet. Onboard the first with: alpha users add",
    columns: [
      { key: "id", header: "ID", priority: 3, truncate: true, text: (user) => user.key },
      {
        key: "email",
        header: "EMAIL",
        truncate: true,
        minWidth: 16,
        text: (user) => user.email ?? "-",
        value: (user) => user.email,
      },
      {
        key: "name",
        header: "NAME",
        priority: 5,
        truncate: true,
        text: (user) => user.name ?? "-",
        value: (user) => user.name,
      },
      { key: "tier", header: "TIER", text: (user) => user.tier },
      {
        key: "persona",
        header: "PERSONA",
        priority: 4,
        text: (user) => user.persona ?? "-",
        value: (user) => user.persona,
      },
      {
        key: "status",
        header: "STATUS",
        priority: 2,
        text: (user) => user.status,
        paint: (text, user, style) => style[STATUS_PAINT[user.status]](text),
      },
      {
        key: "created_at",
        header: "SINCE",
        priority: 6,
        text: (user) => formatInstant(user.createdAt).slice(0, 10),
        value: (user) => formatInstant(user.createdAt),
      },
    ],
  };
}

/** One tester who was onboarded, with what their tier gives them. */
export function addedJson(user: User, tier: Tier) {
  return { ...userJson(user), limits: tier.quotas.map(quotaJson), features: tier.features };
}

export function addedText(user: User, tier: Tier, dryRun: boolean, style: Style): string {
  const id = user.email === null ? "" : ` (id ${user.key})`;
  const added = style.ok(dryRun ? "Would add" : "Added");
  const lines = [
    `${added} ${style.emphasis(sanitize(user.email ?? user.key))}${sanitize(id)} on ${tier.key} (${sanitize(tier.label)}).`,
    `They may use: ${limitsSentence(tier.quotas)}.`,
  ];
  if (user.aliases.length > 0) lines.push(`Also known as: ${sanitize(user.aliases.join(", "))}.`);
  if (user.persona !== null) lines.push(`Expected to use it like: ${user.persona}.`);
  return `${lines.join("\n")}\n`;
}

export function addedManyText(
  users: readonly User[],
  dryRun: boolean,
  style: Style,
  width: number | null,
): string {
  const said = `${style.ok(dryRun ? "Would add" : "Added")} ${plural(users.length, "tester")}.`;
  return `${renderTable(usersTable(users), { width, style })}${said}\n`;
}

export function suspensionText(user: User, dryRun: boolean, style: Style): string {
  const who = style.emphasis(sanitize(user.email ?? user.key));
  if (user.status === "suspended") {
    return [
      `${style.warn(dryRun ? "Would suspend" : "Suspended")} ${who}: every call is refused from the next decision on.`,
      "Calls in progress may still settle; usage, tier and overrides are kept.",
      `Let them back in with: ${style.code(`alpha users resume ${sanitize(user.email ?? user.key)}`)}\n`,
    ].join("\n");
  }
  const resumed = style.ok(dryRun ? "Would resume" : "Resumed");
  return `${resumed} ${who} on ${user.tier}: calls are decided by their limits again from the next decision on.\n`;
}
