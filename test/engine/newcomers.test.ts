import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ImportOptions, importUsage } from "../../src/engine/ingest.js";
import { addUser } from "../../src/engine/users.js";
import { engineOn } from "../support/engine-on.js";
import { logged, logOf } from "../support/logs.js";
import { openFreshSqlite, populate, T0, type TestDatabase } from "../support/store.js";

let database: TestDatabase;

beforeEach(async () => {
  database = await openFreshSqlite();
  await populate(database.store, "ada");
});
afterEach(() => database.drop());

/** One record for each name; they state their cost, so that no price is asked for. */
function logNaming(
  names: readonly (string | null)[],
  more: { readonly size?: number; readonly name?: string } = {},
) {
  return logOf(
    names.map((user, index) => logged(`${more.name ?? ""}${index}`, { user, cost: 1 })),
    more,
  );
}

function run(logs: Parameters<typeof importUsage>[1], options: ImportOptions = {}, on = database) {
  return importUsage(engineOn(on.store), logs, { addUsers: true, ...options });
}

const users = () => database.store.read((tx) => tx.users.list());
const audited = async () =>
  (await database.store.read((tx) => tx.records.audit({ limit: 100 })))
    .filter(({ action }) => action === "users.add")
    .map(({ subject, actor, at, after }) => ({ subject, actor, at, after }))
    .reverse();

describe("whom a log names and nobody knows", () => {
  it("is onboarded onto the default tier, once, as an email or an id, with an audit entry each", async () => {
    const names = ["bob", "ada", "Eve@Example.com", "bob", "eve@example.com", "zoe"];
    const { addedUsers, total } = await run([logNaming(names), logNaming(["zoe", "max"], { name: "b" })]);
    expect(addedUsers).toEqual([
      { name: "bob", tier: "free" },
      { name: "eve@example.com", tier: "free" },
      { name: "zoe", tier: "free" },
      { name: "max", tier: "free" },
    ]);
    expect(total).toMatchObject({ records: 8, inserted: 8, rejected: 0 });
    const [, bob, eve] = await users();
    expect(bob).toMatchObject({ key: "bob", email: null, tier: "free", status: "active", createdAt: T0 });
    expect(eve).toMatchObject({ email: "eve@example.com", tier: "free" });
    expect(eve?.key).not.toBe("eve@example.com");
    expect(await audited()).toMatchObject([
      { subject: "user:bob", actor: "olga", at: T0, after: { key: "bob", tier: "free" } },
      { subject: `user:${eve?.key}`, after: { email: "eve@example.com" } },
      { subject: "user:zoe" },
      { subject: "user:max" },
    ]);
  });

  it("goes onto the tier that the setting says", async () => {
    await database.store.write(async (tx) => {
      await tx.settings.set("default_tier", "pro", T0);
    });
    expect((await run([logNaming(["bob"])])).addedUsers).toEqual([{ name: "bob", tier: "pro" }]);
  });

  it("is rejected under a name that no user can have, with the reason, and the rest goes on", async () => {
    const names = ["bob the builder", "-x", "bob"];
    const { logs, total, addedUsers } = await run([logNaming(names)]);
    expect(logs[0]?.rejects.map(({ field, reason }) => [field, reason])).toEqual([
      ["user", 'is unknown and cannot be added: "bob the builder" cannot be an id'],
      ["user", 'is unknown and cannot be added: "-x" cannot be an id'],
    ]);
    expect({ ...total, skippedBy: null }).toMatchObject({ inserted: 1, rejected: 2 });
    expect(addedUsers.map(({ name }) => name)).toEqual(["bob"]);
  });

  it("may be the user that --user names", async () => {
    const { addedUsers, total } = await run([logNaming(["x", null])], { user: "bob" });
    expect(addedUsers).toEqual([{ name: "bob", tier: "free" }]);
    expect(total.inserted).toBe(2);
  });

  it("is not onboarded for a log of which nothing can be counted", async () => {
    const known = logged("a", { cost: 1, providerId: "p" });
    await run([logOf([known])]);
    const dear = { model: "", input: Number.MAX_SAFE_INTEGER, output: 0 };
    const bad = [logged("a", { user: "bob", cost: 1 }), logged("dear", { user: "eve", ...dear })];
    const { logs, addedUsers } = await run([logOf(bad, { name: "bad.jsonl" })]);
    expect(logs[0]).toMatchObject({ number: null, error: { code: "failed" } });
    expect(addedUsers).toEqual([]);
    expect(await users()).toHaveLength(1);
  });

  it("is somebody whom another process adds at the same time, and nothing fails", async () => {
    const names = Array.from({ length: 60 }, (_, index) => `user-${index % 20}`);
    const other = await database.open();
    const [one, two] = await Promise.all([
      run([logNaming(names, { size: 3 })]),
      run([logNaming(names, { size: 5 })], {}, { ...database, store: other }),
    ]);
    expect(one.total.inserted + two.total.inserted).toBe(60);
    expect(one.total.bad + two.total.bad).toBe(0);
    expect(one.addedUsers.length + two.addedUsers.length).toBe(20);
    expect(await users()).toHaveLength(21);
    expect(await audited()).toHaveLength(20);
  });

  it("is found where somebody adds them between the look-up and the onboarding", async () => {
    const engine = engineOn(database.store);
    const raced = engineOn({
      ...database.store,
      location: "",
      meter: database.store.meter,
      read: database.store.read.bind(database.store),
      close: database.store.close.bind(database.store),
      // The first thing that the import writes is its own row; before the second, somebody else was quicker.
      write: async (work, options) => {
        if ((await users()).length === 1) await addUser(engine, { id: "bob", tier: "pro" });
        return database.store.write(work, options);
      },
    });
    const done = await importUsage(raced, [logNaming(["bob"])], { addUsers: true });
    expect(done).toMatchObject({ addedUsers: [], total: { inserted: 1, rejected: 0 } });
    expect((await users())[1]).toMatchObject({ key: "bob", tier: "pro" });
  });
});

it("a dry run says what the import then does, and adds nobody", async () => {
  const drafts = fc.array(
    fc.record({
      id: fc.constantFrom("a", "b", "c", "d", "e", "f"),
      user: fc.constantFrom("ada", "bob", "Bob", "eve@example.com", "EVE@example.com", "no one", null),
      output: fc.integer({ min: 1, max: 2 }),
      providerId: fc.constantFrom(null, "p1", "p2"),
    }),
    { minLength: 1, maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(drafts, fc.integer({ min: 1, max: 4 }), async (all, size) => {
      const fresh = await openFreshSqlite();
      try {
        await populate(fresh.store, "ada");
        const log = () =>
          logOf(
            all.map(({ id, ...draft }) => logged(id, { cost: 1, ...draft })),
            { size },
          );
        const before = await fresh.rows("users");
        const tried = await run([log(), log()], { dryRun: true }, fresh);
        expect(await fresh.rows("users")).toEqual(before);
        expect(await fresh.rows("import")).toEqual([]);
        const done = await run([log(), log()], {}, fresh);
        expect(tried.total).toEqual(done.total);
        expect(tried.addedUsers).toEqual(done.addedUsers);
        expect(await fresh.rows("users")).toHaveLength(1 + done.addedUsers.length);
      } finally {
        await fresh.drop();
      }
    }),
    { numRuns: 25 },
  );
});

it("stops where a log names more new users than can be meant", async () => {
  const many = Array.from({ length: 10_002 }, (_, index) => `session-${index}`);
  const { addedUsers, total, logs } = await run([logNaming(many, { size: 10_002 })], { dryRun: true });
  expect(addedUsers).toHaveLength(10_000);
  expect(total).toMatchObject({ inserted: 10_000, rejected: 2 });
  expect(logs[0]?.rejects[0]?.reason).toContain("names more than 10,000 new users");
}, 60_000);
