import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { Operation } from "../../src/domain/ledger-model.js";
import type { Quota } from "../../src/domain/meter.js";
import { INITIAL_TIERS } from "../../src/domain/tier.js";
import type { Store } from "../../src/engine/ports.js";
import {
  ask,
  change,
  DAY,
  HOUR,
  newUser,
  openFreshSqlite,
  populate,
  record,
  reserve,
  settle,
  T0,
  type TestDatabase,
} from "../support/store.js";

/*
 * A store keeps in memory what it has read. Two of them work on one file, in any order and also at the same time; after
 * each step both must say exactly what a third one says that was opened just now and knows nothing.
 */

const USERS = ["ada", "bob", "eve"];
const NAMES = [...USERS, "nobody"];

type Via = 0 | 1;
/** What a call does; `id` also tells which reservation it means. */
type Call = (at: number) => Operation;
type Operator = (tx: Parameters<Parameters<Store["write"]>[0]>[0], at: number) => Promise<unknown>;

type Step =
  | { readonly step: "calls"; readonly via: Via; readonly calls: readonly Call[]; readonly text: string }
  | {
      readonly step: "at once";
      readonly turns: readonly (readonly [Via, readonly Call[]])[];
      readonly text: string;
    }
  | { readonly step: "operator"; readonly via: Via; readonly work: Operator; readonly text: string }
  | { readonly step: "clock"; readonly by: number; readonly text: string };

const vias = fc.constantFrom<Via>(0, 1);
const users = fc.constantFrom(...USERS);
const ids = fc.integer({ min: 0, max: 5 }).map((n) => `r${n}`);

const calls: fc.Arbitrary<{ call: Call; text: string }> = fc.oneof(
  fc
    .record({ user: users, id: ids, tokens: fc.integer({ min: 0, max: 40 }) })
    .map(({ user, id, tokens }) => ({
      call: (at: number) => reserve(id, { tokens, images: tokens % 2, cost: tokens }, user, at),
      text: `reserve ${id} of ${user}: ${tokens}`,
    })),
  fc
    .record({ user: users, id: ids, input: fc.integer({ min: 0, max: 30 }), late: fc.boolean() })
    .map(({ user, id, input, late }) => ({
      call: (at: number) => settle(id, { user, input, hash: input, occurredAt: late ? at - DAY : at }, at),
      text: `settle ${id} of ${user}: ${input}${late ? ", late" : ""}`,
    })),
  fc
    .record({ user: users, n: fc.nat(9), input: fc.integer({ min: 0, max: 30 }) })
    .map(({ user, n, input }) => ({
      call: (at: number) =>
        record(`e${n}`, { user, input, hash: input, providerId: n < 3 ? `p${n}` : null, occurredAt: at }, at),
      text: `record e${n} of ${user}: ${input}`,
    })),
  fc.record({ user: users, id: ids }).map(({ user, id }) => ({
    call: (at: number): Operation => ({ op: "release", user, id, at }),
    text: `release ${id} of ${user}`,
  })),
  fc.record({ user: users, id: ids }).map(({ user, id }) => ({
    call: (at: number): Operation => ({ op: "extend", user, id, at, holdFor: HOUR }),
    text: `extend ${id} of ${user}`,
  })),
);
const batches = fc.array(calls, { minLength: 1, maxLength: 4 });

const STOP = {
  provider: null,
  model: null,
  feature: null,
  reason: null,
  actor: "olga",
  until: null,
} as const;

const operators: fc.Arbitrary<{ work: Operator; text: string }> = fc.oneof(
  fc
    .record({ action: fc.constantFrom("stop" as const, "throttle" as const), scoped: fc.boolean() })
    .map(({ action, scoped }) => ({
      work: (tx: Parameters<Operator>[0], at: number) =>
        tx.emergency.start({ ...STOP, action, userId: null, tier: scoped ? "basic" : null }, at),
      text: `${action}${scoped ? " on basic" : ""}`,
    })),
  fc.constant({
    work: async (tx: Parameters<Operator>[0], at: number) => {
      for (const { id } of await tx.emergency.active(at)) await tx.emergency.lift(id, at);
    },
    text: "lift",
  }),
  fc
    .record({
      user: users,
      tier: fc.constantFrom("free", "basic"),
      status: fc.constantFrom("active" as const, "active" as const, "suspended" as const, "removed" as const),
    })
    .map(({ user, tier, status }) => ({
      work: async (tx: Parameters<Operator>[0], at: number) =>
        tx.users.setMembership((await tx.users.find(user))!.id, { tier, status }, at),
      text: `${user}: ${status} on ${tier}`,
    })),
  fc.record({ key: fc.constantFrom("free", "basic"), limit: fc.nat(200) }).map(({ key, limit }) => ({
    work: async (tx: Parameters<Operator>[0], at: number) => {
      const quotas: Quota[] = [{ meter: "tokens", period: "day", limit }];
      await tx.tiers.save({ ...(await tx.tiers.find(key))!, quotas }, at);
    },
    text: `${key}: ${limit} tokens`,
  })),
  fc.integer({ min: 1_000, max: 10_000 }).map((warn) => ({
    work: (tx: Parameters<Operator>[0], at: number) => tx.settings.set("warn_at", warn, at),
    text: `warn_at ${warn}`,
  })),
  fc.record({ limit: fc.integer({ min: 20, max: 300 }), stop: fc.boolean() }).map(({ limit, stop }) => ({
    work: (tx: Parameters<Operator>[0], at: number) =>
      tx.emergency.setGuardrail(
        { meter: "tokens", period: "day", limit, action: stop ? "stop" : "throttle" },
        at,
      ),
    text: `guardrail ${limit}, ${stop ? "stop" : "throttle"}`,
  })),
  fc.constant({
    work: async (tx: Parameters<Operator>[0], at: number) => {
      const found = await tx.users.find("nobody");
      if (found === undefined) await tx.users.add(newUser("nobody"), at);
    },
    text: "nobody is added",
  }),
);

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(vias, batches).map(
      ([via, batch]): Step => ({
        step: "calls",
        via,
        calls: batch.map(({ call }) => call),
        text: `${via}: ${batch.map(({ text }) => text).join("; ")}`,
      }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.array(fc.tuple(vias, batches), { minLength: 2, maxLength: 4 }).map(
      (turns): Step => ({
        step: "at once",
        turns: turns.map(([via, batch]) => [via, batch.map(({ call }) => call)] as const),
        text: turns.map(([via, batch]) => `${via}: ${batch.map(({ text }) => text).join("; ")}`).join(" & "),
      }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(vias, operators).map(([via, { work, text }]): Step => {
      return { step: "operator", via, work, text: `${via}: ${text}` };
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(1, 9 * 60_000, 61 * 60_000, 13 * HOUR)
      .map((by): Step => ({ step: "clock", by, text: `clock + ${by}` })),
  },
);

/** What a store says about everybody, by checks one after the other and by a batch that is not written. */
async function said(store: Store, at: number): Promise<unknown> {
  const checked = [];
  for (const user of NAMES) {
    checked.push(await store.meter.check(user, ask({ tokens: 7, images: 1, cost: 7 }), at));
  }
  const next = await store.meter.preview(NAMES.map((user) => reserve("next", { tokens: 7 }, user, at)));
  return plain({ checked, next });
}

/** As data. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

async function withFresh<T>(database: TestDatabase, work: (fresh: Store) => Promise<T>): Promise<T> {
  const fresh = await database.open();
  try {
    return await work(fresh);
  } finally {
    await fresh.close();
  }
}

async function run(
  database: TestDatabase,
  stores: readonly [Store, Store],
  plan: readonly Step[],
): Promise<void> {
  let at = T0;
  for (const step of plan) {
    if (step.step === "clock") at += step.by;
    else if (step.step === "operator") await change(stores[step.via], (tx) => step.work(tx, at));
    else if (step.step === "calls") {
      const operations = step.calls.map((call) => call(at));
      const expected = await withFresh(database, (fresh) => fresh.meter.preview(operations));
      expect(plain(await stores[step.via].meter.commit(operations))).toEqual(plain(expected));
    } else await atOnce(database, stores, step.turns, at);
    const expected = await withFresh(database, (fresh) => said(fresh, at));
    for (const store of stores) expect(await said(store, at)).toEqual(expected);
  }
}

/** The batches begin one right after the other, with a check behind each: as if each had waited for the one before. */
async function atOnce(
  database: TestDatabase,
  stores: readonly [Store, Store],
  turns: readonly (readonly [Via, readonly Call[]])[],
  at: number,
): Promise<void> {
  const batches = turns.map(([via, batch]) => ({ via, operations: batch.map((call) => call(at)) }));
  const all = batches.flatMap(({ operations }) => operations);
  const expected = await withFresh(database, (fresh) => fresh.meter.preview(all));
  const began = batches.map(({ via, operations }) => {
    const committed = stores[via].meter.commit(operations);
    const checked = stores[via].meter.check("ada", ask(), at);
    return Promise.all([committed, checked]);
  });
  const outcomes = (await Promise.all(began)).flatMap(([committed]) => committed);
  // Of two stores either may come first.
  if (new Set(batches.map(({ via }) => via)).size === 1) expect(plain(outcomes)).toEqual(plain(expected));
}

test("what two stores on one file remember is what the file says, after every step of either", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 14 }), async (plan) => {
      const database = await openFreshSqlite();
      try {
        await populate(database.store, ...USERS);
        await change(database.store, async (tx) => {
          const quotas: Quota[] = [
            { meter: "tokens", period: "day", limit: 200 },
            { meter: "cost", period: "month", limit: 20_000 },
          ];
          await tx.tiers.save({ ...INITIAL_TIERS[0]!, quotas }, T0);
        });
        await run(database, [database.store, await database.open()], plan);
      } catch (error) {
        throw new Error(`after ${plan.map(({ text }) => text).join("\n")}`, { cause: error });
      } finally {
        await database.drop();
      }
    }),
    { numRuns: 60 },
  );
}, 180_000);

test("what all hold is not counted too low when a hold runs out between two calls of one batch", async () => {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  const { store } = database;
  await populate(store, ...USERS);
  await change(store, async (tx) => {
    await tx.tiers.save({ ...INITIAL_TIERS[0]!, quotas: [] }, T0);
    await tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit: 100, action: "stop" }, T0);
  });
  const short: Operation = { ...reserve("short", { tokens: 60 }), holdFor: 1_000 } as Operation;
  await store.meter.commit([short, reserve("long", { tokens: 40 }, "bob")]);
  await store.meter.commit([
    settle("short", { input: 0, output: 0, occurredAt: T0 + 999 }, T0 + 999),
    reserve("next", { tokens: 60 }, "eve", T0 + 1_001),
  ]);
  const [outcome] = await store.meter.commit([reserve("beyond", { tokens: 1 }, "eve", T0 + 1_002)]);
  expect(outcome).toMatchObject({ decision: { code: "emergency-stop" } });
});

test("what was asked for later does not overtake a settle whose event the ledger turns out to have", async () => {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  const { meter } = database.store;
  await populate(database.store, ...USERS);
  await meter.commit([settle("call", { input: 1, hash: 1 })]);
  await meter.commit([reserve("call", { tokens: 5 })]);
  const settled = meter.commit([settle("call", { input: 1, hash: 1 })]);
  const extended = meter.commit([{ op: "extend", user: "ada", id: "call", at: T0, holdFor: HOUR }]);
  expect(plain(await Promise.all([settled, extended]))).toMatchObject([
    [{ op: "settle", status: "duplicate" }],
    [{ op: "extend", status: "not-held" }],
  ]);
});
