import { expect, test } from "vitest";
import type { UserFilter } from "../../src/engine/ports.js";
import { change, DAY, MINUTE, newUser, populate, record, reserve, T0, TODAY } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const ADA = newUser("T-01", {
  email: "ada@example.com",
  name: "Ada",
  aliases: ["Key-Hash", "ada-laptop"],
  persona: "power",
  tier: "basic",
});

everyStore((fresh) => {
  test("a user is found by id, email and alias", async () => {
    const { store } = await fresh();
    await populate(store);
    const added = await change(store, (tx) => tx.users.add(ADA, T0));
    expect(added).toEqual({
      id: added.id,
      key: "T-01",
      email: "ada@example.com",
      name: "Ada",
      aliases: ["Key-Hash", "ada-laptop"],
      persona: "power",
      tier: "basic",
      status: "active",
      createdAt: T0,
    });
    const found = await store.read((tx) =>
      Promise.all(["T-01", "ada@example.com", "Key-Hash", "ada-laptop"].map((name) => tx.users.find(name))),
    );
    expect(found).toEqual([added, added, added, added]);
  });

  test("emails are found in any case, ids and aliases as they are", async () => {
    const { store } = await fresh();
    await populate(store);
    const added = await change(store, (tx) => tx.users.add(ADA, T0));
    await store.read(async ({ users }) => {
      expect(await users.find(" ADA@Example.Com ")).toEqual(added);
      expect(await users.find("ADA-Laptop")).toEqual(added);
      expect(await users.find("t-01")).toBeUndefined();
      expect(await users.find("key-hash")).toBeUndefined();
      expect(await users.find("nobody")).toBeUndefined();
      expect(await users.find("")).toBeUndefined();
    });
  });

  test("as typed wins over lower case", async () => {
    const { store } = await fresh();
    await populate(store, "bob");
    const shouting = await change(store, (tx) => tx.users.add(newUser("x", { aliases: ["BOB"] }), T0));
    expect((await store.read((tx) => tx.users.find("BOB")))?.id).toBe(shouting.id);
    expect((await store.read((tx) => tx.users.find("bob")))?.key).toBe("bob");
    expect((await store.read((tx) => tx.users.find("Bob")))?.key).toBe("bob");
  });

  test("an email as the id is one name", async () => {
    const { store } = await fresh();
    await populate(store);
    await change(store, (tx) => tx.users.add(newUser("a@b.example", { email: "a@b.example" }), T0));
    expect(await store.read((tx) => tx.users.names())).toEqual(["a@b.example"]);
  });

  test("a name that is taken is refused, whatever it names, and nothing stays behind", async () => {
    const { store, rows } = await fresh();
    await populate(store);
    await change(store, (tx) => tx.users.add(ADA, T0));
    const before = [await rows("users"), await rows("user_name"), await rows("membership")];
    for (const taken of [
      newUser("T-01"),
      newUser("new", { email: "ada@example.com" }),
      newUser("new", { aliases: ["T-01"] }),
      newUser("Key-Hash"),
    ]) {
      await expect(change(store, (tx) => tx.users.add(taken, T0))).rejects.toThrow();
    }
    expect([await rows("users"), await rows("user_name"), await rows("membership")]).toEqual(before);
  });

  test("every name is listed for suggestions", async () => {
    const { store } = await fresh();
    await populate(store, "bob");
    await change(store, (tx) => tx.users.add(ADA, T0));
    const names = await store.read((tx) => tx.users.names());
    expect(names.sort()).toEqual(["Key-Hash", "T-01", "ada-laptop", "ada@example.com", "bob"]);
  });

  test("a change of membership keeps the history", async () => {
    const { store, rows } = await fresh();
    const [ada] = await populate(store, "ada");
    await change(store, (tx) => tx.users.setMembership(ada!.id, { tier: "pro", status: "active" }, T0));
    await change(store, (tx) =>
      tx.users.setMembership(ada!.id, { tier: "pro", status: "suspended" }, T0 + 5),
    );
    expect(await store.read((tx) => tx.users.find("ada"))).toMatchObject({
      tier: "pro",
      status: "suspended",
    });
    expect(await rows("membership")).toMatchObject([
      { status: "active", valid_from: T0 - 10 * DAY, valid_to: T0 },
      { status: "active", valid_from: T0, valid_to: T0 + 5 },
      { status: "suspended", valid_from: T0 + 5, valid_to: null },
    ]);
  });

  test("a removed user is found but not listed, and no longer counted", async () => {
    const { store } = await fresh();
    const [ada] = await populate(store, "ada", "bob");
    await change(store, (tx) => tx.users.setMembership(ada!.id, { tier: "free", status: "removed" }, T0));
    await store.read(async ({ users, tiers }) => {
      expect(await users.find("ada")).toMatchObject({ status: "removed" });
      expect((await users.list()).map((user) => user.key)).toEqual(["bob"]);
      expect((await users.list({ removed: true })).map((user) => user.key)).toEqual(["ada", "bob"]);
      expect((await users.list({ status: "removed" })).map((user) => user.key)).toEqual(["ada"]);
      expect(await tiers.userCounts()).toEqual(new Map([["free", 1]]));
    });
  });

  test("the list is in the order of adding and filters by tier, status and text", async () => {
    const { store } = await fresh();
    const [zoe] = await populate(store, "zoe", "bob");
    await change(store, async (tx) => {
      await tx.users.add(ADA, T0);
      await tx.users.setMembership(zoe!.id, { tier: "free", status: "suspended" }, T0);
    });
    const keys = (filter?: UserFilter) =>
      store.read(async (tx) => (await tx.users.list(filter)).map((user) => user.key));
    expect(await keys()).toEqual(["zoe", "bob", "T-01"]);
    expect(await keys({ tier: "free" })).toEqual(["zoe", "bob"]);
    expect(await keys({ tier: "free", status: "active" })).toEqual(["bob"]);
    expect(await keys({ status: "suspended" })).toEqual(["zoe"]);
    expect(await keys({ search: "KEY-h" })).toEqual(["T-01"]);
    expect(await keys({ search: "Example.com" })).toEqual(["T-01"]);
    expect(await keys({ search: "%" })).toEqual([]);
  });

  test("overrides are listed while they live, and cleared together", async () => {
    const { store, insert, rows } = await fresh();
    const [ada, bob] = await populate(store, "ada", "bob");
    const common = { reason: "demo", valid_from: T0, valid_to: null, expires_at: T0 + DAY };
    const quota = { kind: "quota", meter: "tokens", period: "day" };
    await insert("override", { ...common, ...quota, user_id: ada!.id, limit_amount: 7 });
    await insert("override", { ...common, user_id: ada!.id, kind: "feature", feature: "seo", granted: 0 });
    await insert("override", { ...common, ...quota, user_id: bob!.id, limit_amount: null });
    const live = await store.read((tx) => tx.users.overrides(ada!.id));
    expect(live).toEqual([
      expect.objectContaining({ ...quota, limit: 7, reason: "demo", since: T0, until: T0 + DAY }),
      expect.objectContaining({ kind: "feature", feature: "seo", granted: false }),
    ]);
    expect(await change(store, (tx) => tx.users.clearOverrides(ada!.id, T0 + 9))).toEqual(live);
    await store.read(async ({ users }) => {
      expect(await users.overrides(ada!.id)).toEqual([]);
      expect(await users.overrides(bob!.id)).toMatchObject([{ limit: null }]);
    });
    expect((await rows("override")).map((row) => row.valid_to)).toEqual([T0 + 9, T0 + 9, null]);
    expect(await change(store, (tx) => tx.users.clearOverrides(ada!.id, T0 + 10))).toEqual([]);
  });

  test("what is held and forgiven, and since when tier and status are what they are", async () => {
    const { store, insert } = await fresh();
    const [ada] = await populate(store, "ada");
    const { id } = ada!;
    const none = { tokens: 0, images: 0, cost: 0, requests: 0 };
    await store.meter.commit([reserve("1", { tokens: 7 }), reserve("2", { images: 2, cost: 9 })]);
    const window = { user_id: id, period: "day", window_index: TODAY, meter: "tokens" };
    await insert("forgiveness", { ...window, forgiven_at: 1, amount: 30 });
    await insert("forgiveness", { ...window, forgiven_at: 2, amount: 4 });
    await change(store, async ({ users }) => {
      await users.setMembership(id, { tier: "pro", status: "active" }, T0 - 9);
      await users.setMembership(id, { tier: "pro", status: "suspended" }, T0 - 5);
      await users.setMembership(id, { tier: "pro", status: "active" }, T0 - 2);
    });
    await store.read(async ({ users }) => {
      expect(await users.held(id, T0)).toEqual({ tokens: 17, images: 2, cost: 9, requests: 2 });
      expect(await users.held(id, T0 + 10 * MINUTE)).toEqual(none);
      expect(await users.forgiven(id, "day", TODAY)).toEqual({ ...none, tokens: 34 });
      expect(await users.forgiven(id, "month", TODAY)).toEqual(none);
      expect(await users.since(id)).toEqual({ tier: T0 - 9, status: T0 - 2 });
    });
  });

  test("window usages are those of everybody who is on the tier", async () => {
    const { store } = await fresh();
    const [ada, bob, cleo] = await populate(store, "ada", "bob", "cleo", "idle");
    await store.meter.commit(["ada", "bob", "cleo"].map((user) => record(user, { user, cost: 3 })));
    await change(store, async ({ users }) => {
      await users.setMembership(bob!.id, { tier: "pro", status: "active" }, T0);
      await users.setMembership(cleo!.id, { tier: "free", status: "removed" }, T0);
    });
    await store.read(async ({ users }) => {
      const used = { tokens: 15, images: 0, cost: 3, requests: 1 };
      expect(await users.windowUsages("free", "day", TODAY)).toEqual(new Map([[ada!.id, used]]));
      expect(await users.windowUsages("pro", "day", TODAY)).toEqual(new Map([[bob!.id, used]]));
      expect(await users.windowUsages("free", "day", TODAY + 1)).toEqual(new Map());
    });
  });

  test("window usage is what limits count, by day and month, and nothing in a fresh window", async () => {
    const { store } = await fresh();
    const [ada] = await populate(store, "ada");
    await store.meter.commit([
      record("1", { images: 2, cost: null }),
      record("2", { occurredAt: T0 - DAY, cost: 70 }),
    ]);
    const november = 2026 * 12 + 10;
    await store.read(async ({ users }) => {
      expect(await users.windowUsage(ada!.id, "day", TODAY)).toEqual({
        tokens: 15,
        images: 2,
        cost: 101_500_000,
        requests: 1,
      });
      expect(await users.windowUsage(ada!.id, "month", november)).toEqual({
        tokens: 30,
        images: 2,
        cost: 101_500_070,
        requests: 2,
      });
      const none = { tokens: 0, images: 0, cost: 0, requests: 0 };
      expect(await users.windowUsage(ada!.id, "day", TODAY + 1)).toEqual(none);
      expect(await users.windowUsage(ada!.id, "month", november + 1)).toEqual(none);
    });
  });
});
