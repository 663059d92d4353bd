import { writeSync } from "node:fs";
import pg from "pg";
import type { Observed } from "./engine-observer.js";

/*
 * Looks at a database on a server again and again while others write, with a connection and a statement of its own:
 * `observer URL NOW DAY MONTH`. Each look is one statement, and so one snapshot.
 */

const METERS = ["tokens", "images", "cost", "requests"] as const;
type Row = Record<(typeof METERS)[number], string> & {
  readonly user_id: string;
  readonly period: "day" | "month" | null;
  readonly id: string | null;
};

const [url = "", now = "", day = "", month = ""] = process.argv.slice(2);
const raw = new pg.Client({ connectionString: url });
await raw.connect();

const LOOK = {
  name: "look",
  text: `select user_id, period, null as id, tokens, images, cost, requests from usage_window
      where (period = 'day' and window_index = $1) or (period = 'month' and window_index = $2)
    union all
    select user_id, null, id, tokens, images, cost, requests from hold where expires_at > $3
    order by 1, 2, 3`,
  values: [day, month, now],
};

let looks = 0;
let changes = 0;
let before = "";
const most: Record<string, number> = {};

async function look(): Promise<void> {
  const { rows } = await raw.query<Row>(LOOK);
  const sums: Record<string, number> = {};
  for (const row of rows) {
    // What is held counts in the day and in the month.
    for (const period of row.period === null ? ["day", "month"] : [row.period]) {
      for (const meter of METERS) {
        const key = `${row.user_id}/${period}/${meter}`;
        sums[key] = (sums[key] ?? 0) + Number(row[meter]);
      }
    }
  }
  looks += 1;
  for (const [key, sum] of Object.entries(sums)) most[key] = Math.max(most[key] ?? 0, sum);
  const text = JSON.stringify(rows);
  if (text !== before) changes += 1;
  before = text;
}

process.on("message", (number) => {
  const seen: Observed = { looks, changes, most };
  writeSync(1, `${number} ${JSON.stringify(seen)}\n`);
});
for (;;) await look();
