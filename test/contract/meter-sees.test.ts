import { beforeEach, describe, expect, test } from "vitest";
import type { Store, Writing } from "../../src/engine/ports.js";
import { ask, change, newUser, populate, record, reserve, T0, type TestDatabase } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const STOP = {
  action: "stop",
  userId: null,
  tier: null,
  provider: null,
  model: null,
  feature: null,
  reason: null,
  actor: "olga",
  until: null,
} as const;

/** What is changed, on another store, and the code that the next decision has then. Before it is `ok`. */
const CHANGES: [string, (tx: Writing, ada: number) => Promise<unknown>, string][] = [
  ["a stop", (tx) => tx.emergency.start(STOP, T0), "emergency-stop"],
  ["a stop on the user's tier", (tx) => tx.emergency.start({ ...STOP, tier: "free" }, T0), "emergency-stop"],
  ["a stop on another tier", (tx) => tx.emergency.start({ ...STOP, tier: "pro" }, T0), "ok"],
  [
    "a suspension",
    (tx, ada) => tx.users.setMembership(ada, { tier: "free", status: "suspended" }, T0),
    "user-suspended",
  ],
  [
    "a removal",
    (tx, ada) => tx.users.setMembership(ada, { tier: "free", status: "removed" }, T0),
    "user-unknown",
  ],
  [
    "a removal, of the tier too",
    async (tx, ada) => {
      await tx.users.setMembership(ada, { tier: "free", status: "removed" }, T0);
      await tx.tiers.remove("free", T0);
    },
    "user-unknown",
  ],
  [
    "a lowered tier",
    async (tx) => {
      const free = (await tx.tiers.find("free"))!;
      await tx.tiers.save({ ...free, quotas: [{ meter: "tokens", period: "day", limit: 5 }] }, T0);
    },
    "quota-exhausted",
  ],
  ["a changed setting", (tx) => tx.settings.set("warn_at", 1, T0), "near-limit"],
  [
    "a feature taken from the tier",
    async (tx) => tx.tiers.save({ ...(await tx.tiers.find("free"))!, features: [] }, T0),
    "feature-not-in-tier",
  ],
];

everyStore((fresh) => {
  describe("a change through another store is seen by the next decision", () => {
    let database: TestDatabase;
    let other: Store;
    let ada: number;
    const code = async () => {
      const decision = await database.store.meter.check("ada", ask({ feature: "blog_writer" }), T0);
      return decision.code;
    };
    const reserved = async (id: string) => {
      const [outcome] = await database.store.meter.commit([reserve(id, { feature: "blog_writer" })]);
      return outcome?.op === "reserve" && outcome.decision.code;
    };

    beforeEach(async () => {
      database = await fresh();
      other = await database.open();
      ada = (await populate(database.store, "ada"))[0]!.id;
      expect(await code()).toBe("ok");
      expect(await reserved("before")).toBe("ok");
    });

    test.each(CHANGES)("%s", async (_, work, expected) => {
      await change(other, (tx) => work(tx, ada));
      expect(await code()).toBe(expected);
      expect(await reserved("after")).toBe(expected);
    });

    test("a lifted stop", async () => {
      const { id } = await change(other, (tx) => tx.emergency.start(STOP, T0));
      expect(await reserved("stopped")).toBe("emergency-stop");
      await change(other, (tx) => tx.emergency.lift(id, T0));
      expect(await reserved("lifted")).toBe("ok");
    });

    test("an override that was cleared", async () => {
      const override = { kind: "feature", feature: "blog_writer", granted: 0, valid_from: T0 };
      await database.insert("override", { ...override, user_id: ada });
      await change(other, async () => undefined);
      expect(await code()).toBe("feature-not-in-tier");
      await change(other, (tx) => tx.users.clearOverrides(ada, T0));
      expect(await code()).toBe("ok");
    });

    test("a user who was unknown", async () => {
      const bob = () => database.store.meter.check("bob", ask(), T0);
      expect((await bob()).code).toBe("user-unknown");
      await change(other, (tx) => tx.users.add(newUser("bob"), T0));
      expect((await bob()).code).toBe("ok");
    });

    test("what was forgiven", async () => {
      await database.store.meter.commit([record("1", { input: 990, output: 0 })]);
      expect(await code()).toBe("quota-exhausted");
      const window = { period: "day", window_index: Math.floor(T0 / 86_400_000), meter: "tokens" };
      await database.insert("forgiveness", { ...window, user_id: ada, forgiven_at: T0, amount: 990 });
      await change(other, async () => undefined);
      expect(await code()).toBe("ok");
    });

    test("usage and holds of another process", async () => {
      await other.meter.commit([reserve("theirs", { tokens: 800 }), record("1", { input: 180, output: 0 })]);
      expect(await code()).toBe("quota-exhausted");
      expect(await reserved("mine")).toBe("quota-exhausted");
    });

    test("usage of a removed user is still recorded", async () => {
      await change(other, async (tx) => {
        await tx.users.setMembership(ada, { tier: "free", status: "removed" }, T0);
        await tx.tiers.remove("free", T0);
      });
      expect(await database.store.meter.commit([record("late")])).toMatchObject([{ status: "inserted" }]);
    });
  });
});
