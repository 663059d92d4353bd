import { expect, test } from "vitest";
import { pseudonymising } from "../../src/domain/pseudonym.js";
import { auditEntry, change, DAY, newUser, populate, record, reserve, T0, TODAY } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const none = { tokens: 0, images: 0, cost: 0, requests: 0 };
const quota = { kind: "quota", meter: "tokens", period: "day" } as const;

everyStore((fresh) => {
  test("an override replaces the one of the same quota or feature, and no other", async () => {
    const { store, rows } = await fresh();
    const [ada, bob] = await populate(store, "ada", "bob");
    const first = { ...quota, limit: 7, reason: "demo", until: T0 + DAY };
    const added = await change(store, async ({ users }) => {
      const one = await users.addOverride(ada!.id, first, T0);
      await users.addOverride(bob!.id, first, T0);
      await users.addOverride(ada!.id, { ...first, period: "month" }, T0);
      await users.addOverride(
        ada!.id,
        { kind: "feature", feature: "labs", granted: true, reason: null, until: null },
        T0,
      );
      return one;
    });
    expect(added).toEqual({ ...first, id: added.id, since: T0 });
    const unlimited = { ...quota, limit: null, reason: null, until: null };
    const labs = { kind: "feature", feature: "labs", granted: false, reason: null, until: null } as const;
    await change(store, async ({ users }) => {
      await users.addOverride(ada!.id, unlimited, T0 + 5);
      await users.addOverride(ada!.id, labs, T0 + 5);
    });
    const live = await store.read((tx) => tx.users.overrides(ada!.id));
    expect(live).toMatchObject([
      { period: "month", limit: 7 },
      { ...unlimited, since: T0 + 5 },
      { ...labs, since: T0 + 5 },
    ]);
    expect(await store.read((tx) => tx.users.overrides(bob!.id))).toMatchObject([{ limit: 7 }]);
    expect((await rows("override")).map((row) => row.valid_to)).toEqual([
      T0 + 5,
      null,
      null,
      T0 + 5,
      null,
      null,
    ]);
    await change(store, ({ users }) =>
      users.endOverrides(
        live.slice(1).map((each) => each.id),
        T0 + 9,
      ),
    );
    expect(await store.read((tx) => tx.users.overrides(ada!.id))).toMatchObject([{ period: "month" }]);
    // Ended ones keep the end that they had.
    await change(store, ({ users }) =>
      users.endOverrides(
        live.map((each) => each.id),
        T0 + 20,
      ),
    );
    expect((await rows("override")).map((row) => row.valid_to)).toEqual([
      T0 + 5,
      null,
      T0 + 20,
      T0 + 5,
      T0 + 9,
      T0 + 9,
    ]);
  });

  test("an override that had run out ended then, and not when it was replaced", async () => {
    const { store, rows } = await fresh();
    const [ada] = await populate(store, "ada");
    const override = { ...quota, limit: 7, reason: null, until: T0 + 10 };
    await change(store, (tx) => tx.users.addOverride(ada!.id, override, T0));
    await change(store, (tx) => tx.users.addOverride(ada!.id, { ...override, until: null }, T0 + DAY));
    expect((await rows("override")).map((row) => row.valid_to)).toEqual([T0 + 10, null]);
  });

  test("what is forgiven adds up, also at one instant, and the next decision counts it", async () => {
    const { store } = await fresh();
    const [ada] = await populate(store, "ada");
    await store.meter.commit([record("1", { input: 960, output: 0 })]);
    const request = { provider: "", model: "", feature: "", tokens: 1, images: 0, cost: 0, dearest: null };
    const ask = async () => (await store.meter.check("ada", request, T0)).code;
    expect(await ask()).toBe("quota-exhausted");
    const today = { period: "day", index: TODAY } as const;
    await change(store, async ({ users }) => {
      await users.forgive(ada!.id, today, { meter: "tokens", amount: 900 }, T0);
      await users.forgive(ada!.id, today, { meter: "tokens", amount: 40 }, T0);
      await users.forgive(ada!.id, today, { meter: "images", amount: 2 }, T0);
    });
    expect(await store.read((tx) => tx.users.forgiven(ada!.id, "day", TODAY))).toEqual({
      ...none,
      tokens: 940,
      images: 2,
    });
    expect(await ask()).toBe("ok");
  });

  test("windows, forgiveness and holds of everybody are what they are of each", async () => {
    const { store } = await fresh();
    const [ada, bob] = await populate(store, "ada", "bob", "idle");
    await store.meter.commit([
      record("1", { cost: 3 }),
      record("2", { cost: 4, user: "bob", occurredAt: T0 - DAY }),
      reserve("r1", { tokens: 7 }),
      reserve("r2", { tokens: 5 }),
      reserve("r3", { images: 1 }, "bob"),
    ]);
    const today = { period: "day", index: TODAY } as const;
    await change(store, async ({ users }) => {
      await users.forgive(ada!.id, today, { meter: "tokens", amount: 9 }, T0);
      await users.forgive(ada!.id, today, { meter: "cost", amount: 1 }, T0 + 1);
    });
    await store.read(async ({ users }) => {
      const everyone = [ada!.id, bob!.id];
      const windows = await users.everyWindowUsage("day", TODAY);
      const forgiven = await users.everyForgiven("day", TODAY);
      const held = await users.everyHeld(T0);
      expect([...windows.keys()]).toEqual([ada!.id]);
      expect([...forgiven.keys()]).toEqual([ada!.id]);
      expect([...held.keys()].sort()).toEqual(everyone);
      for (const id of everyone) {
        expect(windows.get(id) ?? none).toEqual(await users.windowUsage(id, "day", TODAY));
        expect(forgiven.get(id) ?? none).toEqual(await users.forgiven(id, "day", TODAY));
        expect(held.get(id) ?? none).toEqual(await users.held(id, T0));
      }
      expect(await users.everyHeld(T0 + DAY)).toEqual(new Map());
    });
  });

  test("a new email leaves the old one as an alias, whatever it was before", async () => {
    const { store } = await fresh();
    await populate(store);
    const ada = await change(store, (tx) =>
      tx.users.add(newUser("a@id.io", { email: "ada@x.io", aliases: ["ada@y.io"] }), T0),
    );
    const renamed = async (to: { email?: string; name?: string | null }) => {
      await change(store, (tx) => tx.users.rename(ada.id, to));
      return store.read((tx) => tx.users.find("a@id.io"));
    };
    expect(await renamed({ email: "ada@z.io", name: "Ada" })).toMatchObject({
      email: "ada@z.io",
      name: "Ada",
      aliases: ["ada@x.io", "ada@y.io"],
    });
    // An alias of theirs becomes the email, and so does the id.
    expect(await renamed({ email: "ada@y.io" })).toMatchObject({
      email: "ada@y.io",
      name: "Ada",
      aliases: ["ada@x.io", "ada@z.io"],
    });
    expect(await renamed({ email: "a@id.io", name: null })).toMatchObject({
      key: "a@id.io",
      email: "a@id.io",
      name: null,
      aliases: ["ada@x.io", "ada@y.io", "ada@z.io"],
    });
    expect(await renamed({ email: "ada@x.io" })).toMatchObject({ aliases: ["ada@y.io", "ada@z.io"] });
  });

  test("aliases come and go, and no other name goes with them", async () => {
    const { store } = await fresh();
    const [ada] = await populate(store, "ada");
    await change(store, (tx) => tx.users.addAlias(ada!.id, "key-1"));
    expect(await store.read((tx) => tx.users.find("key-1"))).toMatchObject({ id: ada!.id });
    await expect(change(store, (tx) => tx.users.addAlias(ada!.id, "key-1"))).rejects.toThrow();
    await change(store, async ({ users }) => {
      await users.removeAlias(ada!.id, "key-1");
      await users.removeAlias(ada!.id, "ada");
    });
    expect(await store.read((tx) => tx.users.names())).toEqual(["ada"]);
  });

  test("an erased user has one name, and what operators wrote is rewritten wherever they wrote it", async () => {
    const { store, rows } = await fresh();
    const [bob] = await populate(store, "bob");
    const ada = await change(store, (tx) =>
      tx.users.add(newUser("ada", { email: "ada@x.io", name: "Ada", aliases: ["key"] }), T0),
    );
    const stop = { action: "stop", tier: null, provider: null, model: null, feature: null } as const;
    const start = { at: T0, actor: "olga", file: "a.jsonl", format: "alpha" };
    await change(store, async ({ users, emergency, records }) => {
      await users.addOverride(ada.id, { ...quota, limit: 1, reason: "for Ada", until: null }, T0);
      await users.addOverride(bob!.id, { ...quota, limit: 1, reason: "as ada@x.io", until: null }, T0);
      const common = { ...stop, reason: "ada@x.io looped", actor: "olga", until: null };
      await emergency.start({ ...common, userId: ada.id }, T0);
      await emergency.start({ ...common, userId: null, reason: "Ada is a language" }, T0);
      await records.startImport({ ...start, options: '{"user":"ada"}' });
      await records.startImport({ ...start, options: '{"map":{"user":"ada"}}' });
      await records.startImport({ ...start, options: "{}" });
      for (let n = 0; n < 1_001; n += 1) await records.audited(auditEntry({ after: { n } }));
      await records.audited(
        auditEntry({ subject: "user:ada", after: { email: "ada@x.io" }, reason: "Ada!" }),
      );
    });
    const rewritten = await change(store, async ({ users }) => {
      const count = await users.rewriteRecords(pseudonymising("ada", ["ada@x.io", "Ada", "key"], "gone"));
      await users.erase(ada.id, "gone");
      return count;
    });
    // One audit entry, one stop, two overrides, two imports.
    expect(rewritten).toBe(6);
    expect(await store.read((tx) => tx.users.find("gone"))).toMatchObject({
      id: ada.id,
      key: "gone",
      email: null,
      name: null,
      aliases: [],
    });
    expect((await store.read((tx) => tx.users.names())).sort()).toEqual(["bob", "gone"]);
    expect((await rows("override")).map((row) => row.reason)).toEqual(["for gone", "as gone"]);
    expect((await rows("stop")).map((row) => row.reason)).toEqual(["gone looped", "Ada is a language"]);
    expect((await rows("import")).map((row) => row.options)).toEqual([
      '{"user":"gone"}',
      '{"map":{"user":"gone"}}',
      "{}",
    ]);
    const entries = await store.read((tx) => tx.records.audit({ subject: "user:gone" }));
    expect(entries).toMatchObject([{ before: null, after: { email: "gone" }, reason: "gone!" }]);
    expect(await store.read((tx) => tx.records.audit({ subject: "user:ada" }))).toEqual([]);
  });
});
