import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { Decision } from "../../src/domain/decide.js";
import { formatInstant } from "../../src/domain/window.js";
import { emergencyOff, emergencyOn } from "../../src/engine/emergency.js";
import { explainUser } from "../../src/engine/explain.js";
import { initialise } from "../../src/engine/init.js";
import { LimitsEngine, type LimitsRequest, type ReservationHandle } from "../../src/engine/limits.js";
import { setTier } from "../../src/engine/tiers.js";
import { addUsers, moveUser, setSuspended } from "../../src/engine/users.js";
import { engineOn, type TestEngine } from "../support/engine-on.js";
import { change, DAY, MINUTE, openFreshSqlite, T0 } from "../support/store.js";

interface Told {
  readonly at: number;
  readonly request: LimitsRequest;
  readonly decision: Decision;
}

/** A world with testers, a product that asks and settles, and an operator who changes things in between. */
class World {
  readonly told: Told[] = [];
  readonly #inFlight: ReservationHandle[] = [];
  readonly #limits: LimitsEngine;

  constructor(readonly engine: TestEngine) {
    this.#limits = new LimitsEngine(engine);
  }

  async ask(request: LimitsRequest): Promise<void> {
    const { at } = this.engine;
    const { decision, reservation } = await this.#limits.reserve(request);
    this.told.push({ at, request, decision });
    if (reservation !== null) this.#inFlight.push(reservation.handle);
  }

  /** The call that runs longest goes on, if its hold has not run out. */
  async extend(): Promise<void> {
    const [handle] = this.#inFlight;
    if (handle !== undefined) await this.#limits.extend(handle, 20 * MINUTE);
  }

  /** Also late: what runs longest may hold nothing any more. */
  async settle(tokens: number): Promise<void> {
    const handle = this.#inFlight.shift();
    if (handle !== undefined) await this.#limits.settle(handle, { input: tokens, cost: tokens * 1_000_000 });
  }

  async settleAll(): Promise<void> {
    while (this.#inFlight.length > 0) await this.settle(10);
  }

  record(user: string, tokens: number): Promise<unknown> {
    return this.#limits.record(user, { input: tokens, images: 1, cost: tokens });
  }

  /** An operator's change, unless it makes no sense now. */
  async change(what: (engine: TestEngine) => Promise<unknown>): Promise<void> {
    await what(this.engine).catch((error: { code?: string }) => {
      if (error.code !== "conflict") throw error;
    });
  }
}

const users = fc.constantFrom("ada", "bob");
const requests: fc.Arbitrary<LimitsRequest> = fc
  .record({
    user: users,
    tokens: fc.constantFrom(undefined, 10, 100, 300, 1_200),
    images: fc.constantFrom(undefined, undefined, 1),
    cost: fc.constantFrom(undefined, 1_000_000, 4_000_000_000),
    feature: fc.constantFrom(undefined, "blog_writer", "seo_analysis"),
  })
  .map(
    (request) =>
      Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) as never,
  );

type Step = (world: World) => Promise<unknown>;
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: requests.map(
      (request): Step =>
        (world) =>
          world.ask(request),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.constantFrom(0, 40, 290).map(
      (tokens): Step =>
        (world) =>
          world.settle(tokens),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.extend()) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(6 * MINUTE, 11 * MINUTE).map(
      (time): Step =>
        async ({ engine }) => {
          engine.at += time;
        },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(users, fc.constantFrom(5, 200)).map(
      ([user, n]): Step =>
        (world) =>
          world.record(user, n),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom<(engine: TestEngine, user: string) => Promise<unknown>>(
        (engine, user) => moveUser(engine, "promote", { user }),
        (engine, user) => moveUser(engine, "demote", { user }),
        (engine, user) => setSuspended(engine, true, { user }),
        (engine, user) => setSuspended(engine, false, { user }),
        (engine) => emergencyOn(engine, { feature: "blog_writer" }),
        (engine, user) => emergencyOn(engine, { user, throttle: true, forMs: 2 * MINUTE }),
        (engine) => emergencyOff(engine, {}),
        (engine) => setTier(engine, "free", { quotas: [{ meter: "tokens", period: "day", limit: 400 }] }),
        (engine) =>
          change(engine.store, (tx) =>
            tx.emergency.setGuardrail(
              { meter: "tokens", period: "day", limit: 1_500, action: "throttle" },
              engine.at,
            ),
          ),
      )
      .chain((what) =>
        users.map(
          (user): Step =>
            (world) =>
              world.change((engine) => what(engine, user)),
        ),
      ),
  },
);

test("what was decided is explained later as it was decided", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 30, size: "max" }), async (stream) => {
      const { store, drop } = await openFreshSqlite();
      try {
        const engine = engineOn(store, T0 - DAY);
        await initialise(engine, { timeZone: "Europe/Berlin" });
        await addUsers(engine, [{ id: "ada" }, { id: "bob", tier: "basic" }]);
        const world = new World(engine);
        engine.at = T0;
        for (const step of stream) {
          // No two things in one instant, and no hold that ends at one.
          engine.at += 7_001;
          await step(world);
        }
        engine.at += 7_000;
        await world.settleAll();
        engine.at += DAY;
        for (const { at, request, decision } of world.told) {
          const { explanation } = await explainUser(engine, request, formatInstant(at));
          expect(explanation.decision).toEqual(decision);
        }
      } finally {
        await drop();
      }
    }),
    { numRuns: 25 },
  );
});

test("the past of a sealed month is refused, since what was used by then is not known any more", async () => {
  const { store, insert, drop } = await openFreshSqlite();
  onTestFinished(drop);
  const engine = engineOn(store, T0 - 60 * DAY);
  await initialise(engine, { timeZone: "UTC" });
  await addUsers(engine, [{ id: "ada" }]);
  engine.at = T0;
  const october = Date.UTC(2026, 9, 31, 23, 59);
  const sums = { events: 0, requests: 0, tokens: 0, images: 0, cost: 0, assumed: 0 };
  await insert("sealed_month", { month: 2026 * 12 + 9, sealed_at: T0, actor: "olga", ...sums });
  const at = (instant: number) => explainUser(engine, { user: "ada" }, formatInstant(instant));
  await expect(at(october)).rejects.toThrow("the events of 2026-10 were let go of");
  expect(await at(october + MINUTE)).toMatchObject({ past: true, explanation: { decision: { code: "ok" } } });
});
