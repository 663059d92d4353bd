import { expect, onTestFinished, test } from "vitest";
import {
  addTier,
  listTiers,
  removeTier,
  setTier,
  showTier,
  type TierChange,
} from "../../src/engine/tiers.js";
import { engineOn } from "../support/engine-on.js";
import { HOUR, openFreshSqlite, populate, record, T0 } from "../support/store.js";

async function prepared(...keys: string[]) {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  await populate(database.store, ...keys);
  return { ...database, engine: engineOn(database.store) };
}

const tokens = (limit: number | null): TierChange => ({
  quotas: [{ meter: "tokens", period: "day", limit }],
});

test("tiers are listed by rank, with their users and the one where testers start", async () => {
  const { engine } = await prepared("ada", "bob");
  expect(await listTiers(engine)).toMatchObject([
    { key: "free", users: 2, isDefault: true },
    { key: "basic", users: 0, isDefault: false },
    { key: "pro" },
  ]);
  await expect(showTier(engine, "fre")).rejects.toMatchObject({
    code: "not-found",
    message: expect.stringContaining("did you mean free?"),
  });
});

test("a tier without a rank goes to the top; what is not limited is unlimited", async () => {
  const { engine, store } = await prepared();
  const change = {
    label: "Team",
    features: ["b", "a"],
    quotas: [{ meter: "images", period: "day", limit: 0 } as const],
  };
  await addTier(engine, "team", { ...change, reason: "agency" });
  expect(await showTier(engine, "team")).toMatchObject({
    label: "Team",
    rank: 4,
    features: ["a", "b"],
    quotas: [{ meter: "images", period: "day", limit: 0 }],
  });
  expect(await store.read((tx) => tx.records.audit({ limit: 1 }))).toMatchObject([
    { action: "tiers.add", subject: "tier:team", reason: "agency" },
  ]);
});

test.each<[string, TierChange, string]>([
  ["free", {}, "conflict"],
  ["Team", {}, "usage"],
  ["team", { rank: 2 }, "conflict"],
  ["team", { rank: 0 }, "usage"],
  ["team", { label: " " }, "usage"],
  ["team", { features: ["a b"] }, "usage"],
  ["team", tokens(-1), "usage"],
  ["team", tokens(1.5), "usage"],
])("a tier that makes no sense is refused: %s %j", async (key, change, code) => {
  const { engine, rows } = await prepared();
  await expect(addTier(engine, key, change)).rejects.toMatchObject({ code });
  expect(await rows("tier")).toHaveLength(3);
});

test("setting a tier tells whom it affects, and whom a lowered limit blocks at once", async () => {
  const { engine, store, insert } = await prepared("ada", "bob", "eve", "over", "idle");
  await store.meter.commit([
    record("1", { user: "ada", input: 470, output: 5 }),
    record("2", { user: "bob", input: 474, output: 0 }),
    // Blocked already, so the change does nothing to her.
    record("3", { user: "eve", input: 990, output: 0 }),
    record("4", { user: "over", input: 480, output: 0 }),
  ]);
  await insert("override", {
    user_id: 4,
    kind: "quota",
    meter: "tokens",
    period: "day",
    limit_amount: 9_000,
    granted: null,
    reason: null,
    valid_from: T0 - HOUR,
    expires_at: null,
  });
  const set = await setTier(engine, "free", {
    ...tokens(500),
    addFeatures: ["x"],
    removeFeatures: ["basic_seo"],
  });
  expect(set).toMatchObject({
    users: 5,
    from: T0,
    change: {
      quotas: [{ meter: "tokens", period: "day", from: 1_000, to: 500 }],
      gained: ["x"],
      lost: ["basic_seo"],
    },
    usedUp: [{ meter: "tokens", period: "day", limit: 500, users: 1 }],
  });
  expect((await setTier(engine, "free", tokens(null))).usedUp).toEqual([]);
  // Once unlimited, even she was not blocked before.
  expect((await setTier(engine, "free", tokens(0))).usedUp).toMatchObject([{ limit: 0, users: 3 }]);
});

test("a change that changes nothing or contradicts is refused, and a dry run changes nothing", async () => {
  const { engine, rows } = await prepared();
  const before = await rows("tier_version");
  await setTier(engine, "free", tokens(1), { dryRun: true });
  for (const [change, code] of [
    [tokens(1_000), "conflict"],
    [{ rank: 3 }, "conflict"],
    [{ removeFeatures: ["nope"] }, "not-found"],
    [tokens(-5), "usage"],
  ] as const) {
    await expect(setTier(engine, "free", change)).rejects.toMatchObject({ code });
  }
  expect(await rows("tier_version")).toEqual(before);
});

test("a tier that is in use, or where testers start, cannot be removed", async () => {
  const { engine } = await prepared("ada");
  await expect(removeTier(engine, "free")).rejects.toMatchObject({ code: "conflict" });
  await removeTier(engine, "pro");
  expect((await listTiers(engine)).map((tier) => tier.key)).toEqual(["free", "basic"]);
  await engine.store.write((tx) => tx.users.setMembership(1, { tier: "basic", status: "active" }, T0));
  await expect(removeTier(engine, "basic")).rejects.toMatchObject({ message: "1 user is on basic" });
});
