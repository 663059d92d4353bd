import { expect, test } from "vitest";
import { quotaName } from "../../src/domain/meter.js";
import { INITIAL_SETTINGS } from "../../src/domain/settings.js";
import { INITIAL_TIERS, type Tier } from "../../src/domain/tier.js";
import { change, DAY, populate, T0 } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const TEAM: Tier = {
  key: "team",
  label: "Team",
  rank: 2,
  quotas: [
    { meter: "tokens", period: "month", limit: Number.MAX_SAFE_INTEGER },
    { meter: "tokens", period: "day", limit: 0 },
    { meter: "requests", period: "day", limit: 40 },
  ],
  features: ["seo", "blog_writer"],
};

const BY_NAME = (tier: Tier | undefined) =>
  tier && {
    ...tier,
    quotas: [...tier.quotas].sort((a, b) => `${a.meter}${a.period}`.localeCompare(`${b.meter}${b.period}`)),
    features: [...tier.features].sort(),
  };

everyStore((fresh) => {
  test("tiers are read back as saved, by rank", async () => {
    const { store } = await fresh();
    await change(store, async (tx) => {
      for (const tier of [...INITIAL_TIERS].reverse()) await tx.tiers.save(tier, T0);
    });
    const listed = await store.read((tx) => tx.tiers.list());
    expect(listed.map(BY_NAME)).toEqual(INITIAL_TIERS.map(BY_NAME));
    expect(await store.read((tx) => tx.tiers.find("gold"))).toBeUndefined();
  });

  test("limits of 0 and of the largest exact integer survive; features and quotas may be none", async () => {
    const { store } = await fresh();
    await change(store, async (tx) => {
      await tx.tiers.save(TEAM, T0);
      await tx.tiers.save({ key: "bare", label: "Bare", rank: 9, quotas: [], features: [] }, T0);
    });
    await store.read(async ({ tiers }) => {
      expect(BY_NAME(await tiers.find("team"))).toEqual(BY_NAME(TEAM));
      expect(await tiers.find("bare")).toEqual({
        key: "bare",
        label: "Bare",
        rank: 9,
        quotas: [],
        features: [],
      });
    });
  });

  test("quotas come in one order, by meter and period, whatever the order of saving", async () => {
    const { store } = await fresh();
    for (const quotas of [TEAM.quotas, [...TEAM.quotas].reverse()]) {
      await change(store, (tx) => tx.tiers.save({ ...TEAM, quotas }, T0));
      const read = (await store.read((tx) => tx.tiers.find("team")))!.quotas;
      expect(read.map(quotaName)).toEqual(["tokens/day", "tokens/month", "requests/day"]);
    }
  });

  test("saving a tier again replaces what it says and keeps what it said", async () => {
    const { store, rows } = await fresh();
    await change(store, (tx) => tx.tiers.save(TEAM, T0));
    await change(store, (tx) =>
      tx.tiers.save({ ...TEAM, label: "Teams", quotas: [], features: [] }, T0 + DAY),
    );
    expect(await store.read((tx) => tx.tiers.list())).toEqual([
      { key: "team", label: "Teams", rank: 2, quotas: [], features: [] },
    ]);
    expect(await rows("tier")).toHaveLength(1);
    const [first, second] = await rows("tier_version");
    expect(first).toMatchObject({ label: "Team", valid_from: T0, valid_to: T0 + DAY });
    expect(second).toMatchObject({ label: "Teams", valid_from: T0 + DAY, valid_to: null });
    expect((await rows("tier_quota")).map((row) => row.tier_version_id)).toEqual([
      first!.id,
      first!.id,
      first!.id,
    ]);
    expect(await rows("tier_feature")).toHaveLength(2);
  });

  test("a removed tier is gone, its history is not, and its key may be used again", async () => {
    const { store, rows } = await fresh();
    await change(store, (tx) => tx.tiers.save(TEAM, T0));
    await change(store, (tx) => tx.tiers.remove("team", T0 + 1));
    expect(await store.read((tx) => tx.tiers.find("team"))).toBeUndefined();
    expect(await rows("tier_version")).toMatchObject([{ valid_from: T0, valid_to: T0 + 1 }]);
    await change(store, (tx) => tx.tiers.save({ ...TEAM, label: "Again" }, T0 + 2));
    expect((await store.read((tx) => tx.tiers.find("team")))?.label).toBe("Again");
    expect(await rows("tier_version")).toMatchObject([{ valid_to: T0 + 1 }, { valid_to: null }]);
  });

  test("removing one tier leaves the others", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    await change(store, (tx) => tx.tiers.remove("pro", T0));
    await store.read(async ({ tiers }) => {
      expect((await tiers.list()).map((tier) => tier.key)).toEqual(["free", "basic"]);
      expect(await tiers.userCounts()).toEqual(new Map([["free", 1]]));
    });
  });

  test("settings are the initial ones until they are set, each by itself", async () => {
    const { store } = await fresh();
    expect(await store.read((tx) => tx.settings.current())).toEqual(INITIAL_SETTINGS);
    await change(store, async (tx) => {
      await tx.settings.set("time_zone", "Europe/Berlin", T0);
      await tx.settings.set("warn_at", 7_550, T0);
      await tx.settings.set("unpriced", "block", T0);
    });
    const expected = { ...INITIAL_SETTINGS, time_zone: "Europe/Berlin", warn_at: 7_550, unpriced: "block" };
    expect(await store.read((tx) => tx.settings.current())).toEqual(expected);
    expect(await store.meter.settings()).toEqual(expected);
  });

  test("a setting that is set again keeps what it was", async () => {
    const { store, rows } = await fresh();
    await change(store, (tx) => tx.settings.set("emergency_cost", 1, T0));
    await change(store, (tx) => tx.settings.set("emergency_cost", 2, T0 + 1));
    expect((await store.read((tx) => tx.settings.current())).emergency_cost).toBe(2);
    expect(await rows("setting")).toMatchObject([
      { key: "emergency_cost", value: "1", valid_from: T0, valid_to: T0 + 1 },
      { key: "emergency_cost", value: "2", valid_from: T0 + 1, valid_to: null },
    ]);
  });
});
