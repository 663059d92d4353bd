import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { eraseUser } from "../../src/engine/erasure.js";
import { forTester } from "../../src/engine/for-tester.js";
import { forgiveUsage } from "../../src/engine/forgiveness.js";
import { releaseHolds } from "../../src/engine/holds.js";
import { addAliases, removeAliases, renameUser } from "../../src/engine/names.js";
import { listNear } from "../../src/engine/nearness.js";
import { addOverrides } from "../../src/engine/overrides.js";
import { changePersona } from "../../src/engine/personas.js";
import { removeUser, restoreUser } from "../../src/engine/removal.js";
import { showUser } from "../../src/engine/standing.js";
import { addUser, setSuspended } from "../../src/engine/users.js";
import { engineOn } from "../support/engine-on.js";
import {
  ask,
  change,
  DAY,
  HOUR,
  openFreshSqlite,
  populate,
  record,
  reserve,
  T0,
  TODAY,
} from "../support/store.js";

async function prepared(...keys: string[]) {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  await populate(database.store, ...keys);
  return { ...database, engine: engineOn(database.store) };
}

test("after a reset a call is decided as if nothing had been used today, whatever was; the ledger stays", async () => {
  const { store, engine, rows } = await prepared("ada", "fresh");
  await fc.assert(
    fc.asyncProperty(fc.nat(3_000), fc.nat(9), fc.nat(1_200), async (input, images, tokens) => {
      await store.meter.commit([
        record(`e${(await rows("usage_event")).length}`, { input: input + 1, output: 0, images, cost: 0 }),
      ]);
      await forgiveUsage(engine, { user: "ada" });
      const code = async (user: string) => (await store.meter.check(user, ask({ tokens, images }), T0)).code;
      expect(await code("ada")).toBe(await code("fresh"));
    }),
    { numRuns: 20 },
  );
  const used = await store.read((tx) => tx.users.windowUsage(1, "day", TODAY));
  const events = await rows("usage_event");
  expect(used.requests).toBe(events.length);
  expect(used.tokens).toBe(events.reduce((sum, event) => sum + Number(event.input), 0));
});

test("a reset is of the running day, or of what the limits of a meter are for", async () => {
  const { store, engine } = await prepared("ada");
  await store.meter.commit([
    record("1", { input: 900, output: 0, cost: 9_600_000_000 }),
    record("2", { input: 70, output: 0, cost: 100_000_000, occurredAt: T0 - DAY }),
  ]);
  const reset = (more: object) => forgiveUsage(engine, { user: "ada", ...more }, { dryRun: true });
  expect((await reset({})).forgiven).toEqual([
    { meter: "tokens", period: "day", window: "2026-11-22", amount: 900 },
    { meter: "cost", period: "day", window: "2026-11-22", amount: 9_600_000_000 },
    { meter: "requests", period: "day", window: "2026-11-22", amount: 1 },
  ]);
  expect((await reset({ meter: "cost" })).forgiven).toEqual([
    { meter: "cost", period: "month", window: "2026-11", amount: 9_700_000_000 },
  ]);
  expect((await reset({ meter: "tokens", period: "month" })).forgiven).toMatchObject([{ amount: 970 }]);
  await expect(reset({ meter: "requests" })).rejects.toMatchObject({
    code: "conflict",
    message: "no limit of ada is for requests",
  });
  await expect(reset({ meter: "images" })).rejects.toMatchObject({ code: "conflict" });

  const done = await forgiveUsage(engine, { user: "ada", meter: "cost", reason: "our bug" });
  expect(done.quotas[2]).toMatchObject({ meter: "cost", used: 0, outcome: "allow" });
  await expect(forgiveUsage(engine, { user: "ada", meter: "cost" })).rejects.toMatchObject({
    message: "limits count no cost of ada this month: there is nothing to forgive",
  });
  // Only what came since.
  engine.at = T0 + HOUR;
  await store.meter.commit([record("3", { cost: 5, occurredAt: engine.at }, engine.at)]);
  expect((await forgiveUsage(engine, { user: "ada", meter: "cost" })).forgiven).toMatchObject([
    { amount: 5 },
  ]);
  expect((await store.read((tx) => tx.records.audit({ limit: 2 })))[1]).toMatchObject({
    action: "users.reset",
    subject: "user:ada",
    before: { counted: [{ meter: "cost", period: "month", window: "2026-11", amount: 9_700_000_000 }] },
    after: { counted: [{ amount: 0 }] },
    reason: "our bug",
  });
});

test("a persona is given, changed and taken away, told before and after, and limits nothing", async () => {
  const { engine, store } = await prepared("ada");
  const persona = async () => (await store.read((tx) => tx.users.find("ada")))?.persona;
  const limits = async () => (await showUser(engine, "ada")).quotas;
  const before = await limits();
  const given = { user: "ada", persona: " Power ", reason: "writes all day" };
  expect(await changePersona(engine, given, { dryRun: true })).toMatchObject({ user: { persona: "power" } });
  expect(await persona()).toBeNull();
  expect(await changePersona(engine, given)).toMatchObject({
    user: { persona: "power" },
    before: { persona: null },
  });
  expect(await limits()).toEqual(before);
  expect(await store.read((tx) => tx.records.audit({ limit: 1 }))).toMatchObject([
    {
      action: "users.persona",
      subject: "user:ada",
      before: { persona: null },
      after: { persona: "power" },
      reason: "writes all day",
    },
  ]);
  const refused = (input: string) => expect(changePersona(engine, { user: "ada", persona: input })).rejects;
  await refused("power").toMatchObject({ code: "conflict", message: "ada has the persona power already" });
  await refused("powr").toMatchObject({ code: "usage", message: 'no persona "powr"; did you mean power?' });
  await changePersona(engine, { user: "ada", persona: "none" });
  expect(await persona()).toBeNull();
  await refused("none").toMatchObject({ code: "conflict", message: "ada has no persona" });
});

test("a rename keeps the old email as an alias, takes no name of others, and is found at once", async () => {
  const { engine, store } = await prepared("bob");
  await addUser(engine, { id: "ada", email: "ada@x.io", aliases: ["key"] });
  expect(await renameUser(engine, { user: "key", email: " Ada@Y.io ", name: " Ada " })).toMatchObject({
    user: { key: "ada", email: "ada@y.io", name: "Ada", aliases: ["ada@x.io", "key"] },
    before: { email: "ada@x.io", name: null },
  });
  for (const name of ["ada@x.io", "ada@y.io", "key", "ada"]) {
    expect((await store.meter.check(name, ask(), T0)).code).toBe("ok");
  }
  const refused = (input: object) => expect(renameUser(engine, { user: "ada", ...input })).rejects;
  await refused({}).toMatchObject({ code: "usage" });
  await refused({ email: "nope" }).toMatchObject({ code: "usage" });
  await refused({ email: "ada@y.io" }).toMatchObject({ code: "conflict" });
  await addAliases(engine, { user: "bob", aliases: ["bob@x.io"] });
  await refused({ email: "bob@x.io" }).toMatchObject({ message: '"bob@x.io" is already a name of bob' });
  expect((await renameUser(engine, { user: "ada", name: "" })).user).toMatchObject({
    name: null,
    email: "ada@y.io",
  });
  expect((await renameUser(engine, { user: "ada", email: "ada@x.io" })).user.aliases).toEqual([
    "ada@y.io",
    "key",
  ]);
});

test("aliases are added and removed all or none, and only aliases are removed", async () => {
  const { engine, rows } = await prepared("ada", "bob");
  const add = (aliases: string[]) => addAliases(engine, { user: "ada", aliases });
  const remove = (aliases: string[]) => removeAliases(engine, { user: "ada", aliases });
  expect((await add(["Key", "key", "A@X.io"])).user.aliases).toEqual(["Key", "a@x.io", "key"]);
  const before = await rows("user_name");
  await expect(add(["new", "bob"])).rejects.toMatchObject({ message: "there is already a user bob" });
  await expect(add(["new", "ada"])).rejects.toMatchObject({ message: '"ada" is already a name of ada' });
  await expect(add(["-x"])).rejects.toMatchObject({ code: "usage" });
  await expect(remove(["key", "keyy"])).rejects.toMatchObject({
    message: expect.stringContaining("mean key?"),
  });
  await expect(remove(["ada"])).rejects.toMatchObject({ message: expect.stringContaining("an id stays") });
  await expect(remove(["bob"])).rejects.toMatchObject({ code: "not-found" });
  expect(await rows("user_name")).toEqual(before);
  expect((await remove(["key", "A@x.io"])).user.aliases).toEqual(["Key"]);
});

test("whoever was removed is refused, stays in the ledger, keeps their names, and can be brought back", async () => {
  const { engine, store } = await prepared("bob");
  await addUser(engine, { id: "ada", email: "ada@x.io", tier: "basic" });
  await addOverrides(engine, { user: "ada", grant: ["labs"], reason: "x" });
  await store.meter.commit([record("1"), reserve("r")]);
  const code = async () => (await store.meter.check("ada@x.io", ask(), T0)).code;
  expect(await removeUser(engine, { user: "ada", reason: "left" })).toMatchObject({
    user: { status: "removed" },
    inProgress: 1,
  });
  expect(await code()).toBe("user-unknown");
  await expect(removeUser(engine, { user: "ada" })).rejects.toMatchObject({
    message: "ada@x.io was removed",
    hint: "bring them back with: alpha users add ada@x.io --restore",
  });
  await expect(addUser(engine, { email: "ada@x.io" })).rejects.toMatchObject({
    hint: "bring them back with: alpha users add ada@x.io --restore",
  });
  await expect(restoreUser(engine, { user: "bob" })).rejects.toMatchObject({
    message: "bob was not removed",
  });

  expect(await restoreUser(engine, { user: "ada@x.io" })).toMatchObject({
    user: { key: "ada", status: "active", tier: "basic" },
    formerTier: null,
    overrides: [{ feature: "labs" }],
  });
  expect(await code()).toBe("ok");
  expect((await showUser(engine, "ada")).quotas[0]).toMatchObject({ used: 15 });
});

test("a tester whose tier is no more is shown, and brought back onto the default tier or one that is named", async () => {
  const { engine, store } = await prepared("ada");
  await removeUser(engine, { user: "ada" });
  await change(store, async ({ tiers }) => {
    const free = (await tiers.find("free"))!;
    await tiers.remove("free", T0);
    await tiers.save({ ...free, key: "basic" }, T0);
  });
  expect((await showUser(engine, "ada")).tier).toMatchObject({ key: "free", quotas: [] });
  await expect(restoreUser(engine, { user: "ada" })).rejects.toMatchObject({ message: 'no tier "free"' });
  expect(await restoreUser(engine, { user: "ada", tier: "pro" })).toMatchObject({ user: { tier: "pro" } });
  await removeUser(engine, { user: "ada" });
  await change(store, (tx) => tx.tiers.remove("pro", T0));
  await change(store, (tx) => tx.settings.set("default_tier", "basic", T0));
  expect(await restoreUser(engine, { user: "ada" })).toMatchObject({
    user: { tier: "basic" },
    formerTier: "pro",
  });
});

test("whoever was erased is a pseudonym, their totals stay, and nobody can bring them back", async () => {
  const { engine, store, rows } = await prepared("bob");
  await addUser(engine, {
    id: "ada",
    email: "ada@x.io",
    name: "Ada L.",
    aliases: ["key-1"],
    persona: "power",
  });
  await addAliases(engine, { user: "ada", aliases: ["former-key"] });
  await removeAliases(engine, { user: "ada", aliases: ["former-key"] });
  await addOverrides(engine, { user: "ada", grant: ["labs"], reason: "Ada L. asked" });
  await store.meter.commit([record("1"), reserve("r")]);
  await expect(eraseUser(engine, { user: "ada" })).rejects.toMatchObject({
    code: "conflict",
    message: "ada@x.io has a call in progress, whose usage would not be counted",
  });
  await releaseHolds(engine, { user: "ada" });
  const before = [await rows("usage_event"), await rows("usage_window"), await rows("usage_day")];
  const done = await eraseUser(engine, { user: "key-1", reason: "ada@x.io wrote to us" });
  expect(done).toMatchObject({ user: { email: "ada@x.io" }, names: 4 });
  expect(done.pseudonym).toMatch(/^erased-u_[0-9a-z]{10}$/);
  expect([await rows("usage_event"), await rows("usage_window"), await rows("usage_day")]).toEqual(before);
  const everything = JSON.stringify(
    await Promise.all(["users", "user_name", "audit_entry", "override", "stop", "import"].map(rows)),
  );
  for (const name of ["ada", "Ada L", "key-1", "former-key", "x.io"]) expect(everything).not.toContain(name);
  expect(everything).toContain(`"subject":"user:${done.pseudonym}"`);
  expect(await store.read((tx) => tx.users.overrides(done.user.id))).toEqual([]);

  const shown = await showUser(engine, done.pseudonym);
  expect(shown.user).toMatchObject({ status: "removed", email: null, name: null, persona: "power" });
  await expect(restoreUser(engine, { user: done.pseudonym })).rejects.toMatchObject({
    message: `${done.pseudonym} was erased: nothing is known of who that was`,
  });
  await expect(eraseUser(engine, { user: done.pseudonym })).rejects.toMatchObject({ code: "conflict" });
  // The names are free for whoever comes.
  expect(await addUser(engine, { email: "ada@x.io" })).toMatchObject({ status: "active" });
});

test("who was removed without an email can be erased and restored", async () => {
  const { engine } = await prepared("ada", "bob");
  await removeUser(engine, { user: "ada" });
  await removeUser(engine, { user: "bob" });
  expect((await restoreUser(engine, { user: "bob" })).user.key).toBe("bob");
  expect((await eraseUser(engine, { user: "ada" }, { dryRun: true })).names).toBe(1);
  expect((await showUser(engine, "ada")).user.key).toBe("ada");
});

test("who is blocked comes first, then who is nearer; stops for one model block nobody here", async () => {
  const { engine, store, rows } = await prepared("half", "near", "full", "out", "late");
  await store.meter.commit([
    record("1", { user: "half", input: 500, output: 0 }),
    record("2", { user: "near", input: 800, output: 0 }),
    record("3", { user: "full", input: 940, output: 0 }),
    reserve("r", { tokens: 10 }, "full"),
    record("4", { user: "late", input: 990, output: 0, occurredAt: T0 - DAY }),
  ]);
  await setSuspended(engine, true, { user: "out" });
  const listed = async (blocked: boolean, near: boolean, filter = {}) =>
    (await listNear(engine, { blocked, near }, filter)).users.map(({ user }) => user.key);
  expect(await listed(true, true)).toEqual(["full", "out", "near"]);
  expect(await listed(true, false)).toEqual(["full", "out"]);
  expect(await listed(false, true)).toEqual(["near"]);
  expect(await listed(true, true, { status: "active" })).toEqual(["full", "near"]);
  expect(await listed(true, true, { tier: "pro" })).toEqual([]);
  await expect(listed(true, true, { tier: "gold" })).rejects.toMatchObject({ code: "not-found" });

  const stop = { action: "stop", userId: null, tier: null, provider: null, feature: null } as const;
  const common = { ...stop, reason: null, actor: "olga", until: null };
  await change(store, (tx) => tx.emergency.start({ ...common, model: "gpt-4o" }, T0));
  expect(await listed(true, true)).toEqual(["full", "out", "near"]);
  await change(store, (tx) => tx.emergency.start({ ...common, model: null, tier: "free" }, T0));
  expect(await listed(true, false)).toHaveLength(5);
  expect(await rows("stop")).toHaveLength(2);
});

test("everybody's standing is what each one's own is", async () => {
  const { engine, store } = await prepared("ada", "bob");
  await store.meter.commit([
    record("1", { input: 930, output: 0 }),
    record("2", { user: "bob", images: 5 }),
    reserve("r", { tokens: 20 }),
  ]);
  await forgiveUsage(engine, { user: "ada" });
  await addOverrides(engine, {
    user: "bob",
    quotas: [{ meter: "images", period: "day", limit: 6 }],
    reason: "x",
  });
  const { users } = await listNear(engine, { blocked: true, near: true });
  expect(users.map(({ user }) => user.key)).toEqual(["bob"]);
  const own = (await showUser(engine, "bob")).quotas.find((quota) => quota.meter === "images");
  expect(users[0]?.nearness.quota).toEqual(own);
});

test("a tester is told what holds for them, and nothing of those who are gone", async () => {
  const { engine, store } = await prepared("ada");
  await store.meter.commit([record("1", { input: 960, output: 0 })]);
  expect(await forTester(engine, "ada")).toMatchObject({
    tier: { label: "Free Alpha" },
    decision: { code: "quota-exhausted", resetsAt: T0 + 12 * HOUR },
    features: ["basic_seo", "blog_writer"],
  });
  await removeUser(engine, { user: "ada" });
  await expect(forTester(engine, "ada")).rejects.toMatchObject({ message: "ada was removed" });
});
