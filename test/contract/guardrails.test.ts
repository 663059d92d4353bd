import { beforeEach, describe, expect, test } from "vitest";
import type { Guardrail } from "../../src/domain/guardrail.js";
import type { Store } from "../../src/engine/ports.js";
import {
  ask,
  change,
  DAY,
  HOUR,
  populate,
  record,
  reserve,
  settle,
  T0,
  type TestDatabase,
} from "../support/store.js";
import { everyStore } from "./describe-store.js";

everyStore((fresh) => {
  let database: TestDatabase;
  let store: Store;

  beforeEach(async () => {
    database = await fresh();
    store = database.store;
    await populate(store, "ada", "bob");
    // Nothing but the guardrail is to refuse anything.
    await change(store, async (tx) => {
      for (const tier of await tx.tiers.list()) await tx.tiers.save({ ...tier, quotas: [] }, T0);
    });
    return () => database.drop();
  });

  const guard = (more: Partial<Guardrail> = {}) =>
    change(store, (tx) =>
      tx.emergency.setGuardrail({ meter: "tokens", period: "day", limit: 100, action: "stop", ...more }, T0),
    );
  const stops = (at = T0) => store.read((tx) => tx.emergency.active(at));
  const reserveTokens = async (id: string, tokens: number, user = "ada", at = T0) => {
    const [outcome] = await store.meter.commit([reserve(id, { tokens }, user, at)]);
    return outcome?.op === "reserve" ? outcome.decision.code : undefined;
  };

  describe("a guardrail", () => {
    test("counts what all users settled and hold, and refuses what would go beyond", async () => {
      await guard();
      await store.meter.commit([
        record("a", { output: 0, input: 40 }),
        record("b", { output: 0, input: 20, user: "bob" }),
      ]);
      expect(await reserveTokens("r1", 30)).toBe("ok");
      expect(await reserveTokens("r2", 10, "bob")).toBe("ok");
      expect(await reserveTokens("r3", 1, "bob")).toBe("emergency-stop");
      expect(await stops()).toMatchObject([{ action: "stop", actor: "guardrail", scope: {} }]);
    });

    test("counts what was used before it was set", async () => {
      await store.meter.commit([record("a", { output: 0, input: 95 })]);
      await guard();
      expect(await reserveTokens("r1", 6)).toBe("emergency-stop");
    });

    test("trips when settled usage reaches it, for the rest of the same batch too", async () => {
      await guard();
      const [, next] = await store.meter.commit([
        record("a", { output: 0, input: 100 }),
        reserve("r", { tokens: 1 }, "bob"),
      ]);
      expect(next).toMatchObject({ decision: { code: "emergency-stop" } });
    });

    test("leaves an alert, an audit entry and a trip, once a window", async () => {
      await guard({ action: "alert" });
      for (const id of ["a", "b", "c"]) await store.meter.commit([record(id, { output: 0, input: 100 })]);
      expect(await stops()).toEqual([]);
      expect((await database.rows("alert")).filter((row) => row.kind === "guardrail")).toMatchObject([
        { user_id: 0, meter: "tokens", period: "day", code: "alert" },
      ]);
      expect(await database.rows("guardrail_trip")).toHaveLength(1);
      expect(await store.read((tx) => tx.records.audit({ limit: 1 }))).toMatchObject([
        { actor: "guardrail", action: "guardrails.trip", subject: "guardrail:tokens/day" },
      ]);
    });

    test("lifted, it stays lifted until the window ends", async () => {
      await guard();
      await store.meter.commit([record("a", { output: 0, input: 100 })]);
      const [stop] = await stops();
      await change(store, (tx) => tx.emergency.lift(stop?.id ?? 0, T0));
      expect(await reserveTokens("r1", 500)).toBe("ok");
      await store.meter.commit([settle("r1", { output: 0, input: 500 })]);
      expect(await stops()).toEqual([]);
      expect(await reserveTokens("r2", 101, "ada", T0 + DAY)).toBe("emergency-stop");
    });

    test("set to another limit, it watches anew", async () => {
      await guard();
      await store.meter.commit([record("a", { output: 0, input: 100 })]);
      const [stop] = await stops();
      await change(store, (tx) => tx.emergency.lift(stop?.id ?? 0, T0));
      await guard({ limit: 150 });
      expect(await reserveTokens("r1", 50)).toBe("ok");
      expect(await reserveTokens("r2", 1)).toBe("emergency-stop");
    });

    test("put back as it ended, it is tripped where it was, and otherwise watches anew", async () => {
      await guard();
      await store.meter.commit([record("a", { output: 0, input: 100 })]);
      const [stop] = await stops();
      await change(store, (tx) => tx.emergency.lift(stop?.id ?? 0, T0));
      const putBack = (endedAt: number, more: Partial<Guardrail> = {}) =>
        change(store, async (tx) => {
          const [present] = await tx.emergency.guardrails();
          await tx.emergency.clearGuardrail(present?.id ?? 0, T0 + HOUR);
          const guardrail = { meter: "tokens", period: "day", limit: 100, action: "stop", ...more } as const;
          await tx.emergency.setGuardrail(guardrail, T0 + HOUR, endedAt);
        });
      await putBack(T0 + HOUR);
      expect(await reserveTokens("r1", 50)).toBe("ok");
      await putBack(T0 + HOUR, { limit: 120 });
      expect(await reserveTokens("r2", 1)).toBe("emergency-stop");
      const [another] = await stops();
      await change(store, (tx) => tx.emergency.lift(another?.id ?? 0, T0));
      // No such guardrail ended then.
      await putBack(T0);
      expect(await reserveTokens("r3", 1)).toBe("emergency-stop");
    });

    test("never trips for late usage of a closed window", async () => {
      await guard();
      await store.meter.commit([record("a", { output: 0, input: 1_000, occurredAt: T0 - DAY })]);
      expect(await stops()).toEqual([]);
      expect(await reserveTokens("r1", 100)).toBe("ok");
    });

    test("gives room back for what is released, and for what expires", async () => {
      await guard();
      expect(await reserveTokens("r1", 60)).toBe("ok");
      await store.meter.commit([{ op: "release", user: "ada", id: "r1", at: T0 }]);
      expect(await reserveTokens("r2", 100)).toBe("ok");
      expect(await reserveTokens("r3", 100, "bob", T0 + HOUR)).toBe("ok");
    });

    test("does not count a retried reservation twice", async () => {
      await guard();
      expect(await reserveTokens("r1", 60)).toBe("ok");
      expect(await reserveTokens("r1", 60)).toBe("ok");
      expect(await reserveTokens("r2", 40)).toBe("ok");
    });

    test("throttles where that is its action", async () => {
      await guard({ action: "throttle" });
      await store.meter.commit([record("a", { output: 0, input: 100 })]);
      expect(await stops()).toMatchObject([{ action: "throttle" }]);
      expect(await reserveTokens("r1", 600)).toBe("ok");
      expect(await reserveTokens("r2", 400)).toBe("emergency-limit");
    });

    test("is looked at by a check as by a reservation", async () => {
      await guard();
      const check = async (tokens: number) => (await store.meter.check("ada", ask({ tokens }), T0)).code;
      expect(await check(100)).toBe("ok");
      expect(await check(101)).toBe("emergency-stop");
      expect(await stops()).toEqual([]);
    });

    test("is exact over two stores that take turns", async () => {
      await guard();
      const other = await database.open();
      const codes: (string | undefined)[] = [];
      for (let n = 0; n < 12; n += 1) {
        const [outcome] = await (n % 2 === 0 ? store : other).meter.commit([
          reserve(`r${n}`, { tokens: 10 }),
        ]);
        codes.push(outcome?.op === "reserve" ? outcome.decision.code : undefined);
      }
      await other.close();
      expect(codes.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => "ok"));
      expect(codes.slice(10)).toEqual(["emergency-stop", "emergency-stop"]);
    });
  });

  test("the totals of a guardrail are what the users' totals come to", async () => {
    await guard({ limit: 10_000 });
    for (let n = 0; n < 20; n += 1) {
      await store.meter.commit([record(`e${n}`, { output: 0, input: n, user: n % 3 === 0 ? "bob" : "ada" })]);
    }
    const used = (await database.rows("usage_window")).filter((row) => row.period === "day");
    const sum = used.reduce((total, row) => total + Number(row.tokens), 0);
    expect(sum).toBe(190);
    const parts = await database.rows("guardrail_total");
    expect(parts.reduce((total, row) => total + Number(row.used), 0)).toBe(sum);
  });
});
