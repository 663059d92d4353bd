import { quotaName } from "../../domain/meter.js";
import type { Nearness } from "../../domain/nearness.js";
import type { User } from "../../domain/user.js";
import { formatInstant, localTime } from "../../domain/window.js";
import type { Table } from "../table.js";
import { amountText, fullText, limitValue, quotaStateJson } from "./quotas.js";
import { userJson } from "./users.js";

export interface NearView {
  readonly user: User;
  readonly nearness: Nearness;
}

export function nearJson({ user, nearness: { state, code, quota } }: NearView) {
  return {
    ...userJson(user),
    standing: { state, code, quota: quota === null ? null : quotaStateJson(quota) },
  };
}

const PAINT = { blocked: "bad", near: "warn", free: "ok" } as const;

/** Testers who are blocked or near a limit, and by what; `zone` null: times in RFC 3339 UTC. */
export function nearTable(rows: readonly NearView[], zone: string | null, empty: string): Table<NearView> {
  const amount = (key: "used" | "limit", header: string, priority: number) => ({
    key,
    header,
    priority,
    align: "right" as const,
    text: ({ nearness: { quota } }: NearView) =>
      quota === null ? "-" : amountText(quota.meter, key === "used" ? quota.used + quota.held : quota.limit),
    value: ({ nearness: { quota } }: NearView) =>
      quota === null ? null : limitValue(quota.meter, key === "used" ? quota.used + quota.held : quota.limit),
  });
  return {
    rows,
    empty,
    columns: [
      { key: "id", header: "ID", priority: 8, truncate: true, text: ({ user }) => user.key },
      {
        key: "email",
        header: "EMAIL",
        truncate: true,
        minWidth: 16,
        text: ({ user }) => user.email ?? user.key,
        value: ({ user }) => user.email,
      },
      { key: "tier", header: "TIER", priority: 5, text: ({ user }) => user.tier },
      {
        key: "state",
        header: "STATE",
        text: ({ nearness }) => nearness.state,
        paint: (text, { nearness }, style) => style[PAINT[nearness.state]](text),
      },
      {
        key: "by",
        header: "BY",
        text: ({ nearness: { quota, code } }) => (quota === null ? (REASON[code] ?? code) : quotaName(quota)),
      },
      amount("used", "USED", 4),
      amount("limit", "LIMIT", 3),
      {
        key: "full",
        header: "FULL",
        align: "right",
        text: ({ nearness: { quota } }) => (quota === null ? "-" : fullText(quota)),
        value: ({ nearness: { quota } }) =>
          quota === null || quota.limit === 0 ? null : (quota.used + quota.held) / quota.limit,
      },
      {
        key: "resets_at",
        header: "BACK",
        priority: 2,
        text: ({ nearness: { quota } }) => {
          if (quota === null || quota.resetsAt === null) return "-";
          return zone === null ? formatInstant(quota.resetsAt) : localTime(quota.resetsAt, zone);
        },
        value: ({ nearness: { quota } }) =>
          quota === null || quota.resetsAt === null ? null : formatInstant(quota.resetsAt),
      },
    ],
    notes: zone === null || rows.length === 0 ? [] : [`Times are in ${zone}.`],
  };
}

const REASON: Readonly<Record<string, string>> = {
  "user-suspended": "suspended",
  "emergency-stop": "emergency stop",
  "user-unknown": "removed",
};
