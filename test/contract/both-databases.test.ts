import fc from "fast-check";
import { expect, inject, onTestFinished, test } from "vitest";
import type { Operation } from "../../src/domain/ledger-model.js";
import type { PriceBook } from "../../src/domain/price-book.js";
import { emergencyOff, emergencyOn, emergencyStatus } from "../../src/engine/emergency.js";
import { forgiveUsage } from "../../src/engine/forgiveness.js";
import { clearGuardrails, setGuardrails, showGuardrails } from "../../src/engine/guardrails.js";
import { initialise } from "../../src/engine/init.js";
import { revokeOverrides } from "../../src/engine/override-revoke.js";
import { addOverrides } from "../../src/engine/overrides.js";
import type { Store } from "../../src/engine/ports.js";
import { setPrice } from "../../src/engine/price-changes.js";
import { usageReport } from "../../src/engine/reports.js";
import { resetDaily } from "../../src/engine/reset.js";
import { showUser } from "../../src/engine/standing.js";
import { setTier } from "../../src/engine/tiers.js";
import { addUsers, listUsers, moveUser, setSuspended } from "../../src/engine/users.js";
import { verifyTotals } from "../../src/engine/verify.js";
import { AlphaError } from "../../src/errors.js";
import { openPostgres } from "../../src/store/postgres/open.js";
import { engineOn, type TestEngine } from "../support/engine-on.js";
import { connectRaw, createDatabase, dropDatabase } from "../support/postgres.js";
import { socketUrl } from "../support/postgres-server.js";
import { ask, entry, HOUR, MINUTE, openFreshSqlite } from "../support/store.js";

/*
 * The same random days on both databases: calls, an operator's changes and what is asked about them. Every answer and every
 * total has to be the same, although the server lives in another zone than this process, and sessions in yet another.
 */

const USERS = ["ada", "bob", "cleo"];
/** Sums beyond what a number holds are made by a few of these. */
const HUGE = 4_000_000_000_000_000;

const user = fc.constantFrom(...USERS, "ada@example.com", "nobody");
const id = fc.constantFrom("a", "b", "c", "d", "e", "f");
const model = fc.constantFrom("known", "unknown", "");
const tokens = fc.constantFrom(0, 1, 60, 400, 800, 5_000);
const images = fc.constantFrom(0, 0, 1, 4);
const cost = fc.constantFrom(null, 0, 1, 5_000_000, 2_000_000_000, HUGE);
const usage = fc
  .record({
    user,
    model,
    input: tokens,
    output: tokens,
    images,
    cost,
    feature: fc.constantFrom("", "blog_writer"),
    huge: fc.constantFrom(...Array(12).fill({}), { input: HUGE }, { images: HUGE }, { requests: HUGE }),
  })
  // At planning rates so much would cost more than can be counted.
  .map(({ huge, ...rest }) => ({
    ...rest,
    ...huge,
    cost: "input" in huge || "images" in huge ? (rest.cost ?? 0) : rest.cost,
  }));

type Call = (at: number) => Operation;

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ user, id, again: fc.boolean(), model, tokens, images, cost }).map(
      ({ user, id, again, ...wanted }) =>
        (at: number): Operation => ({
          op: "reserve",
          user,
          id,
          ...(again ? { source: "test" } : {}),
          request: ask({ provider: "openai", ...wanted }),
          at,
          holdFor: null,
        }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.record({ id, usage }).map(
      ({ id, usage }) =>
        (at: number): Operation => ({
          op: "settle",
          entry: entry(id, { ...usage, hash: usage.input, occurredAt: at }),
          at,
        }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ id, usage, ago: fc.constantFrom(0, HOUR, 30 * HOUR, 40 * 24 * HOUR, -20 * HOUR) })
      .map(
        ({ id, usage, ago }) =>
          (at: number): Operation => ({
            op: "record",
            entry: entry(`log-${id}`, { ...usage, hash: usage.output, occurredAt: at - ago }),
            at,
          }),
      ),
  },
  fc.record({ user, id }).map(
    ({ user, id }) =>
      (at: number): Operation => ({ op: "release", user, id, at }),
  ),
);

/** What is done, or asked, at one moment. */
interface Step {
  readonly words: string;
  run(engine: TestEngine): Promise<unknown>;
}

const step = (words: string, run: Step["run"]): Step => ({ words, run });

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .array(call, { minLength: 1, maxLength: 6 })
      .map((calls) => step("calls", ({ at, store }) => store.meter.commit(calls.map((each) => each(at))))),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({ user, tokens, model })
      .map((wanted) =>
        step("check", async ({ at, store }) =>
          store.meter.check(wanted.user, ask({ tokens: wanted.tokens, model: wanted.model }), at),
        ),
      ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(MINUTE, 11 * MINUTE, 7 * HOUR, 25 * HOUR).map((time) =>
      step("time passes", async (engine) => {
        engine.at += time;
      }),
    ),
  },
  fc
    .record({
      user,
      direction: fc.constantFrom("promote" as const, "demote" as const),
      clearOverrides: fc.boolean(),
    })
    .map(({ direction, ...input }) => step(direction, (engine) => moveUser(engine, direction, input))),
  fc
    .record({ user, suspended: fc.boolean() })
    .map(({ user, suspended }) => step("suspend", (engine) => setSuspended(engine, suspended, { user }))),
  fc
    .record({
      user,
      limit: fc.constantFrom(0, 500, 3_000, null),
      until: fc.constantFrom(undefined, "2026-11-24"),
    })
    .map(({ user, limit, until }) =>
      step("override", (engine) =>
        addOverrides(engine, {
          user,
          quotas: [{ meter: "tokens", period: "day", limit }],
          reason: "asked",
          ...(until === undefined ? {} : { until }),
        }),
      ),
    ),
  user.map((user) => step("revoke", (engine) => revokeOverrides(engine, { user, all: true }))),
  user.map((user) => step("forgive", (engine) => forgiveUsage(engine, { user }))),
  fc
    .constantFrom(300, 2_000, null)
    .map((limit) =>
      step("tier", (engine) =>
        setTier(engine, "free", { quotas: [{ meter: "tokens", period: "day", limit }] }),
      ),
    ),
  fc
    .record({
      throttle: fc.boolean(),
      user: fc.constantFrom(undefined, "bob"),
      forMs: fc.constantFrom(undefined, HOUR),
    })
    .map(({ throttle, user, forMs }) =>
      step("stop", (engine) =>
        emergencyOn(engine, {
          throttle,
          ...(user === undefined ? {} : { user }),
          ...(forMs === undefined ? {} : { forMs }),
        }),
      ),
    ),
  fc.constant(step("lift", (engine) => emergencyOff(engine, {}))),
  fc
    .record({
      meter: fc.constantFrom("cost" as const, "tokens" as const),
      period: fc.constantFrom("day" as const, "month" as const),
      limit: fc.constantFrom(1_000, 20_000_000_000),
      action: fc.constantFrom("alert" as const, "throttle" as const, "stop" as const),
    })
    .map(({ action, ...limit }) =>
      step("guardrail", (engine) => setGuardrails(engine, { limits: [limit], action })),
    ),
  fc.constant(step("no guardrails", (engine) => clearGuardrails(engine, { names: [] }))),
  fc.constantFrom(1_000_000_000, 7_500_000_000).map((input) =>
    step("price", (engine) =>
      setPrice(engine, {
        model: "un*",
        rates: { input, cacheRead: null, cacheWrite: null, output: input, image: 40_000_000, request: null },
      }),
    ),
  ),
  fc.constant(step("reset", (engine) => resetDaily(engine))),
  user.map((user) => step("show", (engine) => showUser(engine, user))),
);

const EVERYTHING: readonly Step[] = [
  step("users", (engine) => listUsers(engine)),
  ...USERS.map((user) => step(user, (engine) => showUser(engine, user))),
  step("stops", (engine) => emergencyStatus(engine)),
  step("guardrails", (engine) => showGuardrails(engine)),
  ...(["user", "tier", "model", "provider", "feature", "day"] as const).map((by) =>
    step(`report by ${by}`, (engine) => usageReport(engine, { by, since: "2026-10-01" })),
  ),
  step("events", ({ store }) => store.read((tx) => tx.usage.events({ limit: 1_000 }))),
  step("alerts", ({ store }) => store.read((tx) => tx.alerts.list({ limit: 1_000 }))),
  step("audit", ({ store }) => store.read((tx) => tx.records.audit({}))),
  step("reset", ({ store }) => store.read((tx) => tx.records.lastReset())),
];

const NO_BOOK: PriceBook = {
  name: "test",
  version: "1",
  rates: () => null,
  dearest: () => null,
  describe: () => null,
};

/** The answer, or what was refused and why. */
async function answerOf(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AlphaError)) throw error;
    return { code: error.code, message: error.message, hint: error.hint };
  }
}

async function begun(store: Store): Promise<TestEngine> {
  const engine: TestEngine = Object.assign(engineOn(store), { prices: async () => NO_BOOK });
  await initialise(engine, { timeZone: "America/Sao_Paulo" });
  await addUsers(
    engine,
    USERS.map((key) => ({ id: key, email: `${key}@example.com` })),
  );
  return engine;
}

async function onSqlite(): Promise<TestEngine> {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  return begun(database.store);
}

/** With sessions in another zone than this process, the server and the accounting have. */
async function onPostgres(): Promise<TestEngine> {
  const name = await createDatabase();
  const raw = await connectRaw(name);
  await raw.query(`alter database ${name} set timezone to 'Pacific/Chatham'`);
  await raw.end();
  const store = await openPostgres({ url: socketUrl(inject("postgres"), name), waitMs: 5_000 });
  onTestFinished(async () => {
    await store.close();
    dropDatabase(name);
  });
  return begun(store);
}

test("gives the same answers and totals for the same random days", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 40 }), async (taken) => {
      const engines = [await onSqlite(), await onPostgres()] as const;
      const compare = async ({ words, run }: Step) => {
        const [one, other] = await Promise.all(engines.map((engine) => answerOf(() => run(engine))));
        expect(other, words).toEqual(one);
      };
      for (const each of taken) await compare(each);
      for (const each of EVERYTHING) await compare(each);
      for (const engine of engines) expect((await verifyTotals(engine)).differences).toEqual([]);
    }),
    { numRuns: 30, endOnFailure: true },
  );
}, 120_000);
