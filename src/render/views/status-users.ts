import { quotaName } from "../../domain/meter.js";
import { formatUsd } from "../../domain/money.js";
import { fullnessOf } from "../../domain/nearness.js";
import { actualCost } from "../../domain/report.js";
import { totalTokens } from "../../domain/usage.js";
import type { Style } from "../style.js";
import type { Column, Table } from "../table.js";
import { bar, count } from "../text.js";
import { fullText } from "./quotas.js";
import { nameOf, type StatusSort, type StatusUserView } from "./status-view.js";

const WEIGHT = { free: 0, near: 1, blocked: 2 } as const;

function fullness({ fullest }: StatusUserView): number {
  return fullest === null ? 0 : fullnessOf(fullest);
}

function byLimit(a: StatusUserView, b: StatusUserView): number {
  return WEIGHT[b.state] - WEIGHT[a.state] || fullness(b) - fullness(a);
}

function byCost(a: StatusUserView, b: StatusUserView): number {
  const [left, right] = [actualCost(a.sums), actualCost(b.sums)];
  return left === right ? 0 : left > right ? -1 : 1;
}

const ORDER: Readonly<Record<StatusSort, (a: StatusUserView, b: StatusUserView) => number>> = {
  cost: byCost,
  tokens: (a, b) => totalTokens(b.sums) - totalTokens(a.sums),
  calls: (a, b) => b.sums.requests - a.sums.requests,
  limit: byLimit,
};

/** Equal ones by name, so that a screen that is drawn again shows them where they were. */
export function sortedUsers(users: readonly StatusUserView[], sort: StatusSort): StatusUserView[] {
  const name = (a: StatusUserView, b: StatusUserView) =>
    nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0;
  return [...users].sort((a, b) => ORDER[sort](a, b) || byCost(a, b) || name(a, b));
}

/** Those who come first, and below them those near a limit or beyond it who do not, for at most half of the rows. */
function chosen(users: readonly StatusUserView[], sort: StatusSort, rows: number): StatusUserView[] {
  const all = sortedUsers(users, sort);
  if (all.length <= rows) return all;
  const limited = sortedUsers(
    users.filter(({ state }) => state !== "free"),
    "limit",
  ).slice(0, Math.floor(rows / 2));
  const kept = new Set(limited);
  for (const each of all) {
    if (kept.size >= rows) break;
    kept.add(each);
  }
  return all.filter((each) => kept.has(each));
}

const PAINT = { free: "ok", near: "warn", blocked: "bad" } as const;
const BAR_CELLS = 8;

export interface UsersShown {
  readonly sort: StatusSort;
  /** How many there is room for. */
  readonly rows: number;
  /** Whether bars are drawn. */
  readonly bars: boolean;
}

/** Who uses most today, and who is near a limit or beyond it. */
export function statusUsersTable(
  users: readonly StatusUserView[],
  { sort, rows, bars }: UsersShown,
): Table<StatusUserView> {
  const shown = chosen(users, sort, rows);
  const more = users.length - shown.length;
  const paint = (text: string, { state }: StatusUserView, style: Style) => style[PAINT[state]](text);
  const sortedBy = (key: StatusSort, header: string) => (key === sort ? `${header} ↓` : header);
  const drawn: Column<StatusUserView> = {
    key: "bar",
    header: "",
    priority: 4,
    text: (each) => bar(each.fullest === null ? null : fullness(each), BAR_CELLS),
    paint,
  };
  const someAssumed = shown.some(({ sums }) => sums.assumed > 0n);
  return {
    rows: shown,
    empty: "Nobody has used anything today.",
    columns: [
      { key: "user", header: "USER", truncate: true, minWidth: 16, text: nameOf },
      { key: "tier", header: "TIER", priority: 5, text: ({ user }) => user.tier },
      {
        key: "cost",
        header: sortedBy("cost", "TODAY"),
        align: "right",
        text: ({ sums }) => `${sums.assumed > 0n ? "~" : ""}${formatUsd(actualCost(sums))}`,
      },
      {
        key: "tokens",
        header: sortedBy("tokens", "TOKENS"),
        align: "right",
        text: ({ sums }) => count(totalTokens(sums)),
      },
      {
        key: "images",
        header: "IMAGES",
        align: "right",
        priority: 6,
        text: ({ sums }) => count(sums.images),
      },
      {
        key: "calls",
        header: sortedBy("calls", "CALLS"),
        align: "right",
        priority: 3,
        text: ({ sums }) => count(sums.requests),
      },
      {
        key: "fullest",
        header: "FULLEST",
        priority: 2,
        text: ({ fullest }) => (fullest === null ? "-" : quotaName(fullest)),
      },
      {
        key: "full",
        header: sortedBy("limit", "LIMIT"),
        align: "right",
        text: ({ fullest }) => (fullest === null ? "-" : fullText(fullest)),
        paint,
      },
      ...(bars ? [drawn] : []),
      {
        key: "state",
        header: "",
        text: ({ state, user }) => (user.status === "active" ? (state === "free" ? "" : state) : user.status),
        paint,
      },
    ],
    notes: [
      ...(more > 0
        ? [`${count(more)} more used something today, or ${more === 1 ? "is" : "are"} near a limit.`]
        : []),
      ...(someAssumed ? ["~ A part has no known price: assumed at the planning rates."] : []),
    ],
  };
}
