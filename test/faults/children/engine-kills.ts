import { expect, onTestFinished } from "vitest";
import type { Quota } from "../../../src/domain/meter.js";
import { openLimits } from "../../../src/index.js";
import type { Spawn } from "../../support/processes.js";
import { DAY, MINUTE, T0 } from "../../support/store.js";
import { randomFrom, victimCall } from "./engine-calls.js";
import type { Setup } from "./engine-parent.js";

const AT_ONCE = 4;
const HOLD_TTL = 10 * MINUTE;
const PLENTY: Quota = { meter: "tokens", period: "day", limit: 1_000_000_000 };

/** What the victims work under: limits that nothing reaches, and guardrails that only tell. */
export const VICTIMS: Setup = {
  users: ["ada", "bob", "eve"],
  quotas: [PLENTY, { meter: "images", period: "month", limit: 1_000_000_000 }],
  more: async (tx) => {
    const action = "alert";
    await tx.emergency.setGuardrail({ meter: "tokens", period: "month", limit: 10_000, action }, T0);
    await tx.emergency.setGuardrail({ meter: "cost", period: "day", limit: 10_000_000_000, action }, T0);
  },
};

// biome-ignore lint/suspicious/noExplicitAny: each reader knows the columns that it asked for
type Query = (text: string) => Promise<readonly any[]>;

/** What victims have said before they were killed. */
export interface Confirmed {
  readonly counted: string[];
  readonly held: string[];
  /** Done again by the next victim. */
  readonly repeated: string[];
}

/** Kills so many victims, four at a time, and tells what they had confirmed. */
export async function killAll(spawn: Spawn, database: string, kills: number): Promise<Confirmed> {
  const lanes = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, lane) => killOneByOne(spawn, database, lane, kills / AT_ONCE)),
  );
  return {
    counted: lanes.flatMap(({ counted }) => counted),
    held: lanes.flatMap(({ held }) => held),
    repeated: lanes.flatMap(({ repeated }) => repeated),
  };
}

/** Kills one victim after the other, each at a moment of its own. */
async function killOneByOne(spawn: Spawn, database: string, lane: number, kills: number): Promise<Confirmed> {
  const random = randomFrom(lane + 1);
  const confirmed: Confirmed = { counted: [], held: [], repeated: [] };
  let retry: string[] = [];
  for (let round = 0; round < kills; round++) {
    const prefix = `${lane}-${round}`;
    const child = spawn(database, String(T0), prefix, ...retry);
    const calls = Math.floor(random() * 50);
    await child.line(() => child.lines.length > calls);
    // A line comes with the answer, and so always at the same point of the work: from there it goes on for a while.
    const until = performance.now() + random() * 4;
    while (performance.now() < until);
    child.kill();
    expect(await child.ended).toEqual({ code: null, errors: "" });
    const numbers = [0];
    for (const line of child.lines.slice(1)) {
      const [what, id = ""] = line.split(" ");
      (what === "counted" ? confirmed.counted : confirmed.held).push(id);
      if (id.startsWith(`${prefix}-`)) numbers.push(Number(id.slice(prefix.length + 1)));
    }
    // The next one repeats the last calls, of which some were written, some confirmed and some never begun.
    const first = Math.max(0, Math.max(...numbers) - 4);
    retry = [prefix, String(first)];
    confirmed.repeated.push(...Array.from({ length: 8 }, (_, n) => `${prefix}-${first + n}`));
  }
  return confirmed;
}

interface EventRow {
  readonly key: string;
  readonly user_id: number;
  readonly kind: number;
  readonly occurred_at: number;
  readonly input: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly output: number;
  readonly reasoning: number;
  readonly images: number;
  readonly cost: number;
}

const MEASURES = [
  "input",
  "cache_read",
  "cache_write",
  "output",
  "reasoning",
  "images",
  "requests",
  "cost",
] as const;

/** Adds up figures by key. */
class Sums {
  readonly sums: Record<string, number[]> = {};
  add(key: string, figures: readonly number[]): void {
    const before = this.sums[key];
    this.sums[key] = before === undefined ? [...figures] : figures.map((figure, n) => figure + before[n]!);
  }
}

const isoDay = (at: number) => new Date(at).toISOString().slice(0, 10);
const isoMonth = (at: number) => isoDay(at).slice(0, 7);

/** The totals that are kept, against the ledger's rows added up here, by dates written out. */
async function expectTotals(query: Query, events: readonly EventRow[]): Promise<void> {
  const days = new Sums();
  const windows = new Sums();
  const today = { tokens: 0, cost: 0 };
  const thisMonth = { tokens: 0, cost: 0 };
  for (const event of events) {
    const { user_id, kind, occurred_at, input, cache_read, cache_write, output, images, cost } = event;
    const tokens = input + cache_read + cache_write + output;
    days.add(
      `${user_id} ${isoDay(occurred_at)} ${kind}`,
      MEASURES.map((measure) => (measure === "requests" ? 1 : event[measure])),
    );
    for (const window of [isoDay(occurred_at), isoMonth(occurred_at)]) {
      windows.add(`${user_id} ${window}`, [tokens, images, cost, 1]);
    }
    for (const [sum, sameWindow] of [
      [today, isoDay(occurred_at) === isoDay(T0)],
      [thisMonth, isoMonth(occurred_at) === isoMonth(T0)],
    ] as const) {
      if (!sameWindow) continue;
      sum.tokens += tokens;
      sum.cost += cost;
    }
  }
  const keptDays = new Sums();
  for (const row of await query("select * from usage_day")) {
    const day = isoDay(row.day * DAY);
    keptDays.add(
      `${row.user_id} ${day} ${row.call_kind_id}`,
      MEASURES.map((measure) => row[measure]),
    );
  }
  expect(keptDays.sums).toEqual(days.sums);

  const keptWindows = new Sums();
  for (const row of await query("select * from usage_window")) {
    const { period, window_index: index, user_id, tokens, images, cost, requests } = row;
    const window =
      period === "day" ? isoDay(index * DAY) : isoMonth(Date.UTC(Math.floor(index / 12), index % 12, 15));
    keptWindows.add(`${user_id} ${window}`, [tokens, images, cost, requests]);
  }
  expect(keptWindows.sums).toEqual(windows.sums);

  const parts = await query("select * from guardrail_total join guardrail on guardrail.id = guardrail_id");
  const guarded = new Sums();
  for (const { meter, period, used } of parts) guarded.add(`${meter}/${period}`, [used]);
  expect(guarded.sums).toEqual({
    "cost/day": [today.cost],
    "tokens/month": [thisMonth.tokens],
  });
}

/** What was confirmed is in the ledger, once and with its content, and every total is what the ledger adds up to. */
export async function expectWhole(query: Query, confirmed: Confirmed): Promise<void> {
  const events: readonly EventRow[] = await query(
    `select event_key.id as key, call_kind_id as kind, usage_event.*
     from event_key join usage_event on usage_event.id = event_key.event_id`,
  );
  for (const table of ["usage_event", "event_key"]) {
    expect(await query(`select count(*) as count from ${table}`)).toEqual([{ count: events.length }]);
  }

  const found = new Map(events.map((event) => [event.key, event]));
  expect(found.size).toBe(events.length);
  expect(confirmed.counted.filter((id) => !found.has(id))).toEqual([]);
  for (const [id, event] of found) {
    const { usage } = victimCall(Number(id.split("-")[2]), T0);
    const { input, cacheRead: cache_read, cacheWrite: cache_write, output, reasoning, images } = usage;
    const { cost, occurredAt: occurred_at } = usage;
    expect(event).toMatchObject({
      input,
      cache_read,
      cache_write,
      output,
      reasoning,
      images,
      cost,
      occurred_at,
    });
  }
  await expectTotals(query, events);

  // A settle takes its hold away in the same transaction; to reserve again what was settled holds again.
  const holds = new Set<string>((await query("select id from hold")).map(({ id }) => id));
  const repeated = new Set(confirmed.repeated);
  expect([...holds].filter((id) => found.has(id) && !repeated.has(id))).toEqual([]);
  expect(confirmed.held.filter((id) => !holds.has(id) && !found.has(id))).toEqual([]);
  expect(await query("select * from guardrail_trip")).toHaveLength(1);
  expect(await query("select * from alert where kind = 'guardrail'")).toHaveLength(1);
}

/** Room comes back when the holds of the dead run out, and not from the living. */
export async function expectRoom(database: string): Promise<void> {
  let now = T0;
  const living = await openLimits({ database, now: () => now });
  onTestFinished(() => living.close());
  const probe = { user: "ada", tokens: 1, cost: 0 };
  const dead = (await living.check(probe)).held;
  expect(dead).toBeGreaterThan(0);
  const long = await living.reserve({ user: "ada", tokens: 500, cost: 0 });
  expect((await living.check(probe)).held).toBe(dead + 500);

  now = T0 + HOLD_TTL - 1;
  expect(await living.extend(long.reservation!.handle)).toBe(true);
  expect((await living.check(probe)).held).toBe(dead + 500);

  const { used } = await living.check(probe);
  const rest = { user: "ada", tokens: PLENTY.limit - used - 500, cost: 0 };
  expect((await living.reserve(rest)).decision.code).toBe("request-too-large");
  now = T0 + HOLD_TTL;
  expect((await living.check(probe)).held).toBe(500);
  // What is left beside the living hold can be had again, to the last token.
  expect((await living.reserve({ ...rest, tokens: rest.tokens + 1 })).decision.code).toBe(
    "request-too-large",
  );
  expect((await living.reserve(rest)).reservation).not.toBeNull();

  now = T0 + HOLD_TTL - 1 + HOLD_TTL;
  expect(await living.extend(long.reservation!.handle)).toBe(false);
}
