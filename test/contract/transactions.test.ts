import { expect, test } from "vitest";
import type { Store } from "../../src/engine/ports.js";
import { auditEntry, change, newUser, populate, T0 } from "../support/store.js";
import { everyStore } from "./describe-store.js";

/** Reads a number, lets others have their turn, and writes the next one. */
async function increment(store: Store): Promise<void> {
  await store.write(async ({ settings }) => {
    const { emergency_tokens } = await settings.current();
    await new Promise(setImmediate);
    await settings.set("emergency_tokens", emergency_tokens + 1, T0);
  });
}

const counter = (store: Store) => store.read(async (tx) => (await tx.settings.current()).emergency_tokens);

everyStore((fresh) => {
  test("what was written is read by every store once it is committed", async () => {
    const { store, open } = await fresh();
    const other = await open();
    await populate(store, "ada");
    expect(await other.read((tx) => tx.users.names())).toEqual(["ada"]);
  });

  test("an error rolls everything back, comes through as it is, and the next write works", async () => {
    const { store } = await fresh();
    await populate(store);
    const wrong = new Error("no");
    await expect(
      store.write(async (tx) => {
        await tx.users.add(newUser("ada"), T0);
        await tx.settings.set("emergency_tokens", 1, T0);
        await tx.records.audited(auditEntry({ subject: "user:ada" }));
        throw wrong;
      }),
    ).rejects.toBe(wrong);
    await store.read(async ({ users, records }) => {
      expect(await users.names()).toEqual([]);
      expect(await records.audit({ limit: 9, subject: "user:ada" })).toEqual([]);
    });
    await change(store, (tx) => tx.users.add(newUser("ada"), T0));
    expect(await store.read((tx) => tx.users.names())).toEqual(["ada"]);
  });

  test("an error in a read leaves the store usable", async () => {
    const { store } = await fresh();
    await expect(store.read(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await store.read((tx) => tx.users.names())).toEqual([]);
  });

  test("a dry run returns what would be, sees its own writes, and changes nothing", async () => {
    const { store, rows } = await fresh();
    await populate(store, "bob");
    const tables = ["users", "user_name", "membership", "audit_entry", "generation", "setting"];
    const all = () => Promise.all(tables.map(rows));
    const before = await all();
    const result = await store.write(
      async (tx) => {
        const added = await tx.users.add(newUser("ada", { tier: "pro" }), T0);
        await tx.settings.set("emergency_tokens", 1, T0);
        await tx.records.audited(auditEntry());
        return { added, names: await tx.users.names(), settings: await tx.settings.current() };
      },
      { dryRun: true },
    );
    expect(result.added).toMatchObject({ key: "ada", tier: "pro" });
    expect(result.names.sort()).toEqual(["ada", "bob"]);
    expect(result.settings.emergency_tokens).toBe(1);
    expect(await all()).toEqual(before);
  });

  test("a dry run that fails, fails", async () => {
    const { store } = await fresh();
    const failing = store.write(() => Promise.reject(new Error("no")), { dryRun: true });
    await expect(failing).rejects.toThrow("no");
  });

  test("a read is one snapshot, from its beginning, while another store commits", async () => {
    const { store, open } = await fresh();
    const other = await open();
    await populate(store, "ada");
    await store.read(async ({ users, tiers }) => {
      await change(other, (tx) => tx.users.add(newUser("bob"), T0));
      expect(await users.names()).toEqual(["ada"]);
      await change(other, (tx) => tx.users.add(newUser("cleo"), T0));
      expect(await users.names()).toEqual(["ada"]);
      expect(await tiers.userCounts()).toEqual(new Map([["free", 1]]));
    });
    expect(await store.read((tx) => tx.users.names())).toHaveLength(3);
  });

  test("two writers on two stores lose nothing", async () => {
    const { store, open } = await fresh();
    const other = await open();
    const before = await counter(store);
    await Promise.all(Array.from({ length: 40 }, (_, n) => increment(n % 2 === 0 ? store : other)));
    expect(await counter(store)).toBe(before + 40);
  });

  test("concurrent writers, readers and metering on one store do not fall into one transaction", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    const failing = store.write(async (tx) => {
      await tx.settings.set("emergency_tokens", 7, T0);
      await new Promise(setImmediate);
      throw new Error("no");
    });
    const results = await Promise.allSettled([
      failing,
      store.meter.commit([{ op: "reserve", user: "ada", id: "r", request: ASK, at: T0, holdFor: null }]),
      increment(store),
      counter(store),
    ]);
    expect(results.map((result) => result.status)).toEqual([
      "rejected",
      "fulfilled",
      "fulfilled",
      "fulfilled",
    ]);
    expect(await counter(store)).toBe(1_001);
    const released = await store.meter.commit([{ op: "release", user: "ada", id: "r", at: T0 }]);
    expect(released).toEqual([{ op: "release", status: "released" }]);
  });

  test("the location says where the database is", async () => {
    const { store } = await fresh();
    expect(store.location).not.toBe("");
  });

  test("a closed store may be closed again and does nothing more", async () => {
    const { store } = await fresh();
    const { meter } = store;
    await store.close();
    await store.close();
    await expect(store.read((tx) => tx.users.names())).rejects.toThrow();
    await expect(meter.settings()).rejects.toThrow();
  });
});

const ASK = { provider: "", model: "", feature: "", tokens: 1, images: 0, cost: 0, dearest: null };
