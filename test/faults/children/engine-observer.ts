import { writeSync } from "node:fs";
import Sqlite from "better-sqlite3";

/*
 * Looks at a database again and again while others write, with a connection and statements of its own:
 * `observer PATH NOW DAY MONTH`. Each look is one read transaction. Told anything, it says what it has seen so far.
 */

type Amounts = Record<"tokens" | "images" | "cost" | "requests", number>;

/** What an observer has seen. */
export interface Observed {
  readonly looks: number;
  /** Looks that differed from the one before, in a sum or in which reservations are held. */
  readonly changes: number;
  /** The most that was settled and held at once, by `user/period/meter`. */
  readonly most: Readonly<Record<string, number>>;
}

const [path = "", now = "", day = "", month = ""] = process.argv.slice(2);
const raw = new Sqlite(path, { readonly: true });
const windows = raw.prepare<unknown[], Amounts & { user_id: number; period: "day" | "month" }>(
  `select * from usage_window
   where (period = 'day' and window_index = ?) or (period = 'month' and window_index = ?)`,
);
const holds = raw.prepare<unknown[], Amounts & { user_id: number; id: string }>(
  "select user_id, id, tokens, images, cost, requests from hold where expires_at > ?",
);
const METERS = ["tokens", "images", "cost", "requests"] as const;

let looks = 0;
let changes = 0;
let before = "";
const most: Record<string, number> = {};

const look = raw.transaction(() => {
  const sums: Record<string, number> = {};
  const add = (user: number, period: string, amounts: Amounts) => {
    for (const meter of METERS) {
      const key = `${user}/${period}/${meter}`;
      sums[key] = (sums[key] ?? 0) + amounts[meter];
    }
  };
  for (const row of windows.all(Number(day), Number(month))) add(row.user_id, row.period, row);
  const held = holds.all(Number(now));
  for (const row of held) for (const period of ["day", "month"]) add(row.user_id, period, row);
  return { sums, ids: held.map(({ id }) => id) };
});

function again(): void {
  const seen = look();
  looks += 1;
  for (const [key, sum] of Object.entries(seen.sums)) most[key] = Math.max(most[key] ?? 0, sum);
  const text = JSON.stringify(seen);
  if (text !== before) changes += 1;
  before = text;
  setImmediate(again);
}

process.on("message", (number) => {
  const seen: Observed = { looks, changes, most };
  writeSync(1, `${number} ${JSON.stringify(seen)}\n`);
});
again();
