import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { Quota } from "../../src/domain/meter.js";
import { openLimits } from "../../src/index.js";
import { program, type Spawn } from "../support/processes.js";
import { DAY, MINUTE, T0 } from "../support/store.js";
import { victimCall } from "./children/engine-calls.js";
import { databaseWith } from "./children/engine-parent.js";

const KILLS = 208;
const AT_ONCE = 4;
const HOLD_TTL = 10 * MINUTE;
const PLENTY: Quota = { meter: "tokens", period: "day", limit: 1_000_000_000 };

const victims = program(new URL("children/engine-victim.ts", import.meta.url));

/** Numbers from 0 up to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Lane {
  readonly counted: string[];
  readonly held: string[];
  /** Done again by the next victim. */
  readonly repeated: string[];
}

/** Kills one victim after the other, each at a moment of its own. */
async function killOneByOne(spawn: Spawn, path: string, lane: number): Promise<Lane> {
  const random = randomFrom(lane + 1);
  const confirmed: Lane = { counted: [], held: [], repeated: [] };
  let retry: string[] = [];
  for (let round = 0; round < KILLS / AT_ONCE; round++) {
    const prefix = `${lane}-${round}`;
    const child = spawn(path, String(T0), prefix, ...retry);
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
function expectTotals(raw: Sqlite.Database, events: readonly EventRow[]): void {
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
  for (const row of raw.prepare<[], Record<string, number>>("select * from usage_day").all()) {
    const day = isoDay(row.day! * DAY);
    keptDays.add(
      `${row.user_id} ${day} ${row.call_kind_id}`,
      MEASURES.map((measure) => row[measure]!),
    );
  }
  expect(keptDays.sums).toEqual(days.sums);

  const keptWindows = new Sums();
  const rows = raw
    .prepare<[], Record<string, number> & { period: string }>("select * from usage_window")
    .all();
  for (const { period, window_index: index = 0, user_id, tokens, images, cost, requests } of rows) {
    const window =
      period === "day" ? isoDay(index * DAY) : isoMonth(Date.UTC(Math.floor(index / 12), index % 12, 15));
    keptWindows.add(`${user_id} ${window}`, [tokens!, images!, cost!, requests!]);
  }
  expect(keptWindows.sums).toEqual(windows.sums);

  const guarded = raw
    .prepare(
      `select meter, period, used from guardrail_total join guardrail on guardrail.id = guardrail_id
       order by meter, period`,
    )
    .all();
  expect(guarded).toEqual([
    { meter: "cost", period: "day", used: today.cost },
    { meter: "tokens", period: "month", used: thisMonth.tokens },
  ]);
}

function expectWhole(path: string, confirmed: Lane): void {
  const raw = new Sqlite(path);
  onTestFinished(() => void raw.close());
  expect(raw.pragma("integrity_check", { simple: true })).toBe("ok");
  const events = raw
    .prepare<[], EventRow>(
      `select event_key.id as key, call_kind_id as kind, usage_event.*
       from event_key join usage_event on usage_event.id = event_key.event_id`,
    )
    .all();
  expect(raw.prepare("select count(*) from usage_event").pluck().get()).toBe(events.length);
  expect(raw.prepare("select count(*) from event_key").pluck().get()).toBe(events.length);

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
  expectTotals(raw, events);

  // A settle takes its hold away in the same transaction; to reserve again what was settled holds again.
  const holds = new Set(raw.prepare<[], string>("select id from hold").pluck().all());
  const repeated = new Set(confirmed.repeated);
  expect([...holds].filter((id) => found.has(id) && !repeated.has(id))).toEqual([]);
  expect(confirmed.held.filter((id) => !holds.has(id) && !found.has(id))).toEqual([]);
  expect(raw.prepare("select count(*) from guardrail_trip").pluck().get()).toBe(1);
  expect(raw.prepare("select count(*) from alert where kind = 'guardrail'").pluck().get()).toBe(1);
}

/** Room comes back when the holds of the dead run out, and not from the living. */
async function expectRoom(path: string): Promise<void> {
  let now = T0;
  const living = await openLimits({ database: path, now: () => now });
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

test(`killed ${KILLS} times while they reserve, extend, settle and record, they lose nothing that was confirmed`, async () => {
  const path = await databaseWith({
    users: ["ada", "bob", "eve"],
    quotas: [PLENTY, { meter: "images", period: "month", limit: 1_000_000_000 }],
    more: async (tx) => {
      const action = "alert";
      await tx.emergency.setGuardrail({ meter: "tokens", period: "month", limit: 10_000, action }, T0);
      await tx.emergency.setGuardrail({ meter: "cost", period: "day", limit: 10_000_000_000, action }, T0);
    },
  });
  const spawn = await victims.start();
  const lanes = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, lane) => killOneByOne(spawn, path, lane)),
  );
  const confirmed: Lane = {
    counted: lanes.flatMap(({ counted }) => counted),
    held: lanes.flatMap(({ held }) => held),
    repeated: lanes.flatMap(({ repeated }) => repeated),
  };
  expect(confirmed.counted.length).toBeGreaterThan(KILLS * 5);
  expectWhole(path, confirmed);
  await expectRoom(path);
}, 300_000);
