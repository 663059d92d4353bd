import fc from "fast-check";
import { expect, test } from "vitest";
import { type Operation, partIdentity } from "../../src/domain/ledger-model.js";
import { INITIAL_TIERS, type Tier, withQuota } from "../../src/domain/tier.js";
import { type Simulated, type SimulationRequest, simulateTier } from "../../src/engine/simulate.js";
import { engineOn } from "../support/engine-on.js";
import {
  change,
  DAY,
  entry,
  HOUR,
  MINUTE,
  populate,
  record,
  reserve,
  settle,
  T0,
  type TestDatabase,
  TODAY,
} from "../support/store.js";
import { everyStore } from "./describe-store.js";

function simulate({ store }: TestDatabase, request: Partial<SimulationRequest> = {}, at = T0) {
  return simulateTier(engineOn(store, at), { tier: "free", change: { quotas: [] }, ...request });
}

const tokens = (limit: number | null) => ({
  change: { quotas: [{ meter: "tokens" as const, period: "day" as const, limit }] },
});

/** What it comes to for each user, in the words of the command. */
const told = ({ users }: Simulated) =>
  users.map(({ user, calls, refusedWas, refusedWould, refused, admitted, onlyCounted }) => ({
    user: user.key,
    calls,
    refused: refusedWas,
    wouldBe: refusedWould,
    newly: [refused.calls, refused.amounts.tokens],
    letIn: [admitted.calls, admitted.amounts.tokens],
    onlyCounted,
  }));

/** A call that asks for some tokens and uses others. */
function call(id: string, asked: number, used: number, at: number): Operation[] {
  return [
    reserve(id, { tokens: asked, cost: asked }, "ada", at),
    settle(id, { input: used, output: 0, cost: used, occurredAt: at + 1 }, at + 1),
  ];
}

/** Ada's event is priced anew, at $1.00 a million input tokens. */
function priced(event: number, at: number): Operation {
  const rates = {
    input: 1_000_000_000,
    cacheRead: 0,
    cacheWrite: 0,
    output: 0,
    image: null,
    request: null,
  };
  const correction = { to: "price", rates: { from: "book", rates } } as const;
  return { op: "correct", user: "ada", event, at, correction };
}

const key = (cell: { userId: number; day: number; code: string; meter: string }) =>
  `${cell.userId}/${cell.day}/${cell.code}/${cell.meter}`;

const TIERS: readonly Tier[] = INITIAL_TIERS.map((tier) => ({
  ...tier,
  quotas: withQuota(tier.quotas, { meter: "requests", period: "day", limit: 40 * tier.rank }),
}));

interface Step {
  readonly wait: number;
  readonly process: 0 | 1;
  readonly user: "ada" | "bob";
  readonly id: string;
  readonly does: "reserve" | "settle" | "release" | "record" | "tier" | "limit" | "block-at";
  readonly amount: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    wait: fc.constantFrom(0, 0, 1, MINUTE, 20 * MINUTE, 7 * HOUR),
    process: fc.constantFrom(0 as const, 1 as const),
    user: fc.constantFrom("ada" as const, "bob" as const),
    id: fc.constantFrom("a", "b", "c", "d"),
    does: fc.constantFrom(
      ...(["reserve", "reserve", "reserve", "reserve", "settle", "settle"] as const),
      ...(["release", "record", "tier", "limit", "block-at"] as const),
    ),
    amount: fc.constantFrom(0, 1, 90, 300, 500, 900),
  }),
  { minLength: 10, maxLength: 45, size: "max" },
);

everyStore((fresh) => {
  test("with the limits as they were it refuses exactly what was refused", async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const database = await fresh();
        const { store } = database;
        await populate(store, "ada", "bob");
        const meters = [store.meter, (await database.open()).meter];
        let at = T0;
        for (const [index, { wait, process, user, id, does, amount }] of all.entries()) {
          at += wait;
          const meter = meters[process]!;
          const used = { user, input: amount, occurredAt: at };
          if (does === "reserve") await meter.commit([reserve(id, { tokens: amount }, user, at)]);
          else if (does === "settle") await meter.commit([settle(id, used, at)]);
          else if (does === "release") await meter.commit([{ op: "release", user, id, at }]);
          else if (does === "record") await meter.commit([record(`log ${index}`, used, at)]);
          else {
            await change(store, async (tx) => {
              const tier = TIERS[index % 3]!;
              const found = (await tx.users.find(user))!;
              if (does === "tier")
                await tx.users.setMembership(found.id, { tier: tier.key, status: "active" }, at);
              else if (does === "block-at") await tx.settings.set("block_at", 9_000 + amount, at);
              else {
                const quotas = withQuota(tier.quotas, { meter: "tokens", period: "day", limit: amount });
                await tx.tiers.save({ ...tier, quotas }, at);
              }
            });
          }
        }
        const until = { since: "2026-11-01", until: "2027-06-01" };
        const counted = await store.read((tx) => tx.replay.refusals("free", { from: 0, to: 99_999 }));
        const expected = new Map(counted.map((each) => [key(each), each.count]));
        // Each was made on one of the tiers; everybody began on free.
        const was = new Map<string, number>();
        const would = new Map<string, number>();
        for (const tier of ["free", "basic", "pro"]) {
          const { live } = await simulate(database, { ...until, tier }, at);
          for (const each of live.refusals) {
            was.set(key(each), (was.get(key(each)) ?? 0) + each.was);
            would.set(key(each), (would.get(key(each)) ?? 0) + each.would);
          }
          expect(
            live.users.every((user) => user.refused.calls + user.admitted.calls + user.onlyCounted === 0),
          ).toBe(true);
        }
        expect(was).toEqual(expected);
        expect(would).toEqual(expected);
        refused += counted.length;
        await database.drop();
      }),
      { numRuns: 12 },
    );
    expect(refused).toBeGreaterThan(6);
  }, 60_000);

  test("other limits refuse and let in others, worked out by hand", async () => {
    const database = await fresh();
    await populate(database.store, "ada", "bob");
    // Free has 1,000 tokens a day and blocks from 950: 400 are used, then 500, then 60; the last call finds 960.
    await database.store.meter.commit(call("1", 400, 400, T0));
    await database.store.meter.commit(call("2", 400, 500, T0 + MINUTE));
    await database.store.meter.commit(call("3", 100, 60, T0 + 2 * MINUTE));
    await database.store.meter.commit([reserve("4", { tokens: 10 }, "ada", T0 + 3 * MINUTE)]);
    const ada = { user: "ada", calls: 4, refused: 1, onlyCounted: 0 };
    // 500 block from 475: the second does not fit and saves its 500, so that the third and the fourth do.
    expect(told((await simulate(database, tokens(500))).live)).toEqual([
      { ...ada, wouldBe: 1, newly: [1, 500], letIn: [1, 10] },
    ]);
    expect(told((await simulate(database, tokens(2_000))).live)).toEqual([
      { ...ada, wouldBe: 0, newly: [0, 0], letIn: [1, 10] },
    ]);
    expect(told((await simulate(database, tokens(0))).live)).toEqual([
      { ...ada, wouldBe: 4, newly: [3, 960], letIn: [0, 0] },
    ]);
    // Their limits were not changed, and they made no calls.
    expect((await simulate(database, { ...tokens(0), tier: "pro" })).testers).toBe(0);
    const none = await simulate(database, { ...tokens(500), since: "2026-11-23", until: "2026-11-30" });
    expect([none.testers, none.live.users]).toEqual([2, []]);
  });

  test("what is in flight holds, and usage of a refused call is corrected with it", async () => {
    const database = await fresh();
    await populate(database.store, "ada");
    const { store } = database;
    await store.meter.commit([
      reserve("a", { tokens: 300 }, "ada", T0),
      reserve("b", { tokens: 300 }, "ada", T0 + 1),
    ]);
    const usage = { input: 200, output: 0, cost: null, occurredAt: T0 + 2 };
    await store.meter.commit([settle("b", usage, T0 + 2)]);
    await store.meter.commit([settle("a", { ...usage, occurredAt: T0 + 3 }, T0 + 3)]);
    const [b] = await store.read((tx) => tx.usage.events({ limit: 9 })).then((events) => events.reverse());
    await store.meter.commit([priced(b!.number, T0 + 4)]);
    // The first holds 300 of 500 when the second asks for as many. 200 tokens at $1.00 a million cost 200,000 nanos.
    const [ada] = (await simulate(database, tokens(500))).live.users;
    expect(ada?.refused).toEqual({
      calls: 1,
      amounts: { tokens: 200, images: 0, cost: 200_000, requests: 1 },
      first: T0 + 1,
    });
  });

  test("the parts of a refused call are not counted, and what it still holds is", async () => {
    const database = await fresh();
    await populate(database.store, "ada");
    const part = (number: number, used: number, at: number): Operation => ({
      op: "settle",
      entry: {
        ...entry("p", { input: used, output: 0, cost: 0, occurredAt: at }),
        ...partIdentity("test", "p", number),
      },
      at,
      part: { source: "test", hold: "p", number, holdFor: null },
    });
    const commit = (operations: Operation[]) => database.store.meter.commit(operations);
    await commit([reserve("p", { tokens: 600 }, "ada", T0)]);
    await commit([part(1, 100, T0 + 1)]);
    await commit([part(2, 150, T0 + 2)]);
    await commit(call("q", 300, 300, T0 + 3));
    await commit([settle("p", { input: 50, output: 0, cost: 0, occurredAt: T0 + 9 }, T0 + 9)]);
    const [below] = (await simulate(database, tokens(500))).live.users;
    expect([below?.refused.calls, below?.refused.amounts.tokens]).toEqual([1, 300]);
    // 100 and 150 are used and 350 still held when 300 more are asked for: 900 do not fit into 880.
    const [above] = (await simulate(database, tokens(880))).live.users;
    expect([above?.refused.calls, above?.refused.amounts.tokens]).toEqual([1, 300]);
    expect((await simulate(database, tokens(900))).live.users[0]?.refused.calls).toBe(0);
  });

  test("usage that was only recorded is judged by when it occurred, apart from calls that asked", async () => {
    const database = await fresh();
    await populate(database.store, "ada");
    const log = (id: string, at: number) =>
      record(id, { input: 400, output: 0, cost: 0, occurredAt: at }, T0 + HOUR);
    await database.store.meter.commit([log("third", T0 + 3), log("first", T0 + 1), log("second", T0 + 2)]);
    const { live, recorded } = await simulate(database, tokens(500));
    expect(live.users).toEqual([]);
    // Of 1,000 a day two fit and the third does not; of 500 the first alone.
    expect(told(recorded)).toEqual([
      { user: "ada", calls: 3, refused: 1, wouldBe: 2, newly: [1, 400], letIn: [0, 0], onlyCounted: 0 },
    ]);
    expect(recorded.users[0]?.refused.first).toBe(T0 + 2);
  });

  test("a call that takes fewer tokens does, and one that said nothing counts as an average call", async () => {
    const database = await fresh();
    await populate(database.store, "ada");
    const { meter } = database.store;
    await meter.commit(call("1", 400, 300, T0));
    await meter.commit(call("2", 600, 660, T0 + MINUTE));
    await meter.commit([
      reserve("most", { tokens: null, maxTokens: 4_000, images: 0 }, "ada", T0 + 2 * MINUTE),
    ]);
    await meter.commit([reserve("silent", { tokens: null, images: null }, "ada", T0 + 3 * MINUTE)]);
    // 960 of 2,000 are used: the 1,040 that are left are granted, and the next call finds 2,000.
    expect(told((await simulate(database, tokens(2_000))).live)).toMatchObject([
      { refused: 2, wouldBe: 1, letIn: [1, 1_040] },
    ]);
    // Where all 4,000 are granted, the average of 300 and 660 comes to it.
    const [ada] = (await simulate(database, tokens(null))).live.users;
    expect([ada?.refusedWould, ada?.admitted.amounts.tokens, ada?.guessed]).toEqual([0, 4_480, 1]);
  });

  test("overrides stay laid over the tier that is tried, and other tiers stay as they are", async () => {
    const database = await fresh();
    await populate(database.store, "ada", "bob");
    await database.insert("override", {
      user_id: 1,
      kind: "quota",
      meter: "tokens",
      period: "day",
      limit_amount: 5_000,
      valid_from: T0 - DAY,
    });
    await change(database.store, (tx) =>
      tx.users.setMembership(2, { tier: "basic", status: "active" }, T0 + HOUR),
    );
    const ofBob = (id: string, at: number): Operation[] => [
      reserve(id, { tokens: 500 }, "bob", at),
      settle(id, { user: "bob", input: 500, output: 0, occurredAt: at + 1 }, at + 1),
    ];
    await database.store.meter.commit(call("1", 700, 700, T0));
    await database.store.meter.commit([...ofBob("2", T0), ...ofBob("3", T0 + 2 * HOUR)]);
    expect(told((await simulate(database, tokens(10))).live)).toMatchObject([
      { user: "bob", calls: 1, wouldBe: 1, newly: [1, 500] },
      { user: "ada", calls: 1, wouldBe: 0 },
    ]);
  });

  test("calls made on another tier are not told of, and what they used counts in the windows", async () => {
    const database = await fresh();
    const { store } = database;
    await populate(store, "ada");
    const move = (tier: string, at: number) =>
      change(store, (tx) => tx.users.setMembership(1, { tier, status: "active" }, at));
    // 300 tokens on free; then 300 on basic, where 20,000 are refused; then 300 on free, and 200 that do not fit.
    await store.meter.commit(call("1", 300, 300, T0));
    await move("basic", T0 + HOUR);
    await store.meter.commit([
      ...call("2", 300, 300, T0 + 2 * HOUR),
      reserve("3", { tokens: 20_000 }, "ada", T0 + 2 * HOUR + 2),
    ]);
    await move("free", T0 + 3 * HOUR);
    await store.meter.commit([
      ...call("4", 300, 300, T0 + 4 * HOUR),
      reserve("5", { tokens: 200 }, "ada", T0 + 4 * HOUR + 2),
    ]);
    const ada = { user: "ada", onlyCounted: 0 };
    expect(told((await simulate(database)).live)).toEqual([
      { ...ada, calls: 3, refused: 1, wouldBe: 1, newly: [0, 0], letIn: [0, 0] },
    ]);
    // Of 800 the 600 before leave 200: the third does not fit, and what it leaves is enough for the last.
    expect(told((await simulate(database, tokens(800))).live)).toEqual([
      { ...ada, calls: 3, refused: 1, wouldBe: 1, newly: [1, 300], letIn: [1, 200] },
    ]);
    // Without what basic lets through the last of free fits: that was not made on basic, either.
    expect(told((await simulate(database, { ...tokens(1), tier: "basic" })).live)).toEqual([
      { ...ada, calls: 2, refused: 1, wouldBe: 2, newly: [1, 300], letIn: [0, 0] },
    ]);
    // The same, had nobody asked.
    const log = (id: string, at: number) =>
      record(id, { input: 300, output: 0, cost: 0, occurredAt: at }, T0 + 9 * HOUR);
    await store.meter.commit([
      log("first", T0 + 1),
      log("second", T0 + 2 * HOUR),
      log("third", T0 + 4 * HOUR),
    ]);
    expect((await simulate(database)).recorded.users.map(({ calls }) => calls)).toEqual([2]);
  });

  test("what a call on another tier would have used is not told of, nor what corrects it", async () => {
    const database = await fresh();
    const { store } = database;
    await populate(store, "ada");
    await store.meter.commit([reserve("1", { tokens: 9_800 }, "ada", T0)]);
    await change(store, (tx) => tx.users.setMembership(1, { tier: "basic", status: "active" }, T0 + 1));
    await store.meter.commit(call("2", 300, 300, T0 + 2));
    const [second] = await store.read((tx) => tx.usage.events({ limit: 1 }));
    await store.meter.commit([priced(second!.number, T0 + 9)]);
    // With 9,800 used on free there is no room on basic, whose 10,000 block from 9,500.
    const { live } = await simulate(database, tokens(50_000));
    expect(told(live)).toEqual([
      { user: "ada", calls: 1, refused: 1, wouldBe: 0, newly: [0, 0], letIn: [1, 9_800], onlyCounted: 0 },
    ]);
    expect(live.users[0]?.refused.amounts.cost).toBe(0);
  });

  test("refusals beyond the first thousand of a day stay refused", async () => {
    const database = await fresh();
    await populate(database.store, "ada");
    await database.store.meter.commit(
      Array.from({ length: 1_003 }, (_, n) => reserve(`${n}`, { tokens: 2_000 }, "ada", T0 + n)),
    );
    expect(told((await simulate(database)).live)).toMatchObject([
      { refused: 1_003, wouldBe: 1_003, onlyCounted: 3 },
    ]);
    // 2,000 tokens fit once.
    expect(told((await simulate(database, tokens(2_500))).live)).toMatchObject([
      { refused: 1_003, wouldBe: 1_002, letIn: [1, 2_000], onlyCounted: 3 },
    ]);
  });

  test("refusals of which only the number is known are told of the tier on which the last was kept", async () => {
    const database = await fresh();
    const { store } = database;
    await populate(store, "ada");
    const refused = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) =>
        reserve(`${from + n}`, { tokens: 20_000 }, "ada", T0 + from + n),
      );
    await store.meter.commit(refused(0, 500));
    await change(store, (tx) => tx.users.setMembership(1, { tier: "basic", status: "active" }, T0 + 500));
    await store.meter.commit(refused(500, 1_003));
    const on = async (tier: string) => told((await simulate(database, { tier })).live);
    expect(await on("free")).toMatchObject([{ calls: 500, refused: 500, wouldBe: 500, onlyCounted: 0 }]);
    expect(await on("basic")).toMatchObject([{ calls: 503, refused: 503, wouldBe: 503, onlyCounted: 3 }]);
    // Where none was kept, the day is left to the tier on which it began.
    const counted = { user_id: 1, code: "quota-disabled", meter: "images", count: 7 };
    await database.insert("refusal", { ...counted, day: TODAY - 1 });
    await database.insert("refusal", { ...counted, day: TODAY + 1 });
    expect(await on("free")).toMatchObject([{ calls: 507, onlyCounted: 7 }]);
    expect(await on("basic")).toMatchObject([{ calls: 510, onlyCounted: 10 }]);
  });

  test("what was let go of cannot be replayed", async () => {
    const database = await fresh();
    await populate(database.store, "ada");
    const sums = { events: 0, requests: 0, tokens: 0, images: 0, cost: 0, assumed: 0 };
    await database.insert("sealed_month", { month: 2026 * 12 + 9, sealed_at: T0, actor: "olga", ...sums });
    await expect(simulate(database, { since: "2026-10-15" })).rejects.toMatchObject({
      message: "the events up to 2026-10 were let go of",
      hint: "simulate what is still there: --since 2026-11-01",
    });
    expect((await simulate(database)).testers).toBe(1);
  });
});
