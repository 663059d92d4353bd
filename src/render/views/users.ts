import type { User } from "../../domain/user.js";
import { formatInstant } from "../../domain/window.js";
import type { Table } from "../table.js";

const STATUS_PAINT = { active: "ok", suspended: "warn", removed: "muted" } as const;

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

export function usersTable(users: readonly User[]): Table<User> {
  return {
    rows: users,
    empty: "No users yet. Onboard the first with: alpha users add",
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
