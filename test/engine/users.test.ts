import { expect, onTestFinished, test } from "vitest";
import { addUserRows } from "../../src/engine/onboard.js";
import { showUser } from "../../src/engine/standing.js";
import {
  type AddUser,
  addUser,
  addUsers,
  listUsers,
  moveUser,
  setSuspended,
} from "../../src/engine/users.js";
import { engineOn } from "../support/engine-on.js";
import { DAY, HOUR, openFreshSqlite, populate, record, reserve, T0, TODAY } from "../support/store.js";

async function prepared(...keys: string[]) {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  await populate(database.store, ...keys);
  return { ...database, engine: engineOn(database.store) };
}

const row = (line: number, input: AddUser, problem: string | null = null) => ({ line, input, problem });

test("a new tester starts on the default tier, is found under every name, and is in the audit", async () => {
  const { engine, store } = await prepared();
  const user = await addUser(engine, {
    email: " Ada@Example.com",
    name: " Ada ",
    aliases: ["key-1"],
    persona: "Active",
  });
  expect(user).toMatchObject({
    email: "ada@example.com",
    name: "Ada",
    tier: "free",
    persona: "active",
    status: "active",
  });
  for (const name of [user.key, "ADA@example.com", "key-1"]) {
    expect((await showUser(engine, name)).user).toEqual(user);
  }
  expect(await store.read((tx) => tx.records.audit({ limit: 9 }))).toMatchObject([
    { action: "users.add", actor: "olga", subject: `user:${user.key}`, before: null },
    {},
  ]);
});

test.each<[AddUser, string, string]>([
  [{}, "usage", "needs an email address or an id"],
  [{ email: "ada" }, "usage", "not an email address"],
  [{ id: "a b" }, "usage", "cannot be an id"],
  [{ id: "-x" }, "usage", "cannot be an id"],
  [{ id: "x", aliases: [""] }, "usage", "cannot be an alias"],
  [{ id: "x", aliases: ["x"] }, "usage", '"x" is given twice'],
  [{ id: "bob" }, "conflict", "there is already a user bob"],
  [{ id: "x", aliases: ["bob"] }, "conflict", "there is already a user bob"],
  [{ id: "x", tier: "fre" }, "not-found", "did you mean free?"],
  [{ id: "x", persona: "powr" }, "usage", "did you mean power?"],
])("a tester who makes no sense is refused: %j", async (input, code, message) => {
  const { engine, rows } = await prepared("bob");
  const before = await rows("users");
  await expect(addUser(engine, input)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
  expect(await rows("users")).toEqual(before);
});

test("a list is added whole, or every fault of it is told and nobody is added", async () => {
  const { engine, rows } = await prepared("bob");
  const list = [
    row(2, { email: "nope", tier: "gold" }),
    row(3, { email: "c@x.io", id: "c" }),
    row(4, {}, "has 2 fields where the header has 6"),
    row(5, { email: "C@X.io", id: "bob", aliases: ["c"] }),
  ];
  await expect(addUserRows(engine, list, "users.csv")).rejects.toMatchObject({
    code: "failed",
    message: [
      "3 rows of users.csv cannot be added, so nobody was:",
      '  line 2: "nope" is not an email address; no tier "gold"',
      "  line 4: has 2 fields where the header has 6",
      '  line 5: there is already a user bob; "c@x.io" stands on line 3 already',
    ].join("\n"),
  });
  expect(await rows("users")).toHaveLength(1);
  expect(await addUserRows(engine, [row(2, { id: "c" }), row(3, { id: "d" })], "users.csv")).toHaveLength(2);
  expect((await listUsers(engine)).map((user) => user.key)).toEqual(["bob", "c", "d"]);
});

test("a failing database is not taken for a fault of the list", async () => {
  const { engine, store } = await prepared();
  await store.close();
  await expect(addUserRows(engine, [row(2, { id: "c" })], "users.csv")).rejects.not.toMatchObject({
    message: expect.stringContaining("line 2"),
  });
});

test("many are all or none, and a dry run is none", async () => {
  const { engine, rows } = await prepared();
  await expect(addUsers(engine, [{ id: "a" }, { id: "a" }])).rejects.toMatchObject({ code: "conflict" });
  expect(await addUsers(engine, [{ id: "a" }], { dryRun: true })).toHaveLength(1);
  expect(await rows("users")).toEqual([]);
});

test("showing a user tells settled, forgiven and held usage of the running windows, and the live overrides", async () => {
  const { engine, store, insert } = await prepared("ada");
  await store.meter.commit([
    record("1", { input: 400, output: 100 }),
    record("2", { input: 300, output: 0, occurredAt: T0 - DAY }),
    reserve("r", { tokens: 50 }),
  ]);
  await insert("forgiveness", {
    user_id: 1,
    period: "day",
    window_index: TODAY,
    meter: "tokens",
    forgiven_at: T0,
    amount: 200,
  });
  const override = { user_id: 1, reason: "launch", valid_from: T0 - HOUR, granted: null, limit_amount: null };
  await insert("override", {
    ...override,
    kind: "quota",
    meter: "images",
    period: "day",
    limit_amount: 9,
    expires_at: T0 + 1,
  });
  await insert("override", {
    ...override,
    kind: "quota",
    meter: "tokens",
    period: "day",
    limit_amount: 7,
    expires_at: T0,
  });
  await insert("override", { ...override, kind: "feature", feature: "beta", granted: 1, expires_at: null });
  await insert("override", {
    ...override,
    kind: "feature",
    feature: "basic_seo",
    granted: 0,
    expires_at: null,
  });

  const shown = await showUser(engine, "ada");
  expect(shown.quotas).toMatchObject([
    {
      meter: "tokens",
      period: "day",
      used: 300,
      held: 50,
      limit: 1_000,
      remaining: 650,
      source: "tier",
      resetsAt: T0 + 12 * HOUR,
    },
    { meter: "images", period: "day", used: 0, limit: 9, source: "override" },
    { meter: "cost", period: "month", used: 2_000 },
  ]);
  expect(shown.features).toEqual(["blog_writer", "beta"]);
  expect(shown.deniedFeatures).toEqual(["basic_seo"]);
  expect(shown.overrides).toHaveLength(3);
});

test("since when somebody is on a tier survives a suspension", async () => {
  const { engine } = await prepared("ada");
  await moveUser(engine, "promote", { user: "ada" });
  engine.at = T0 + HOUR;
  await setSuspended(engine, true, { user: "ada" });
  expect(await showUser(engine, "ada")).toMatchObject({ since: { tier: T0, status: T0 + HOUR } });
  engine.at = T0 + 2 * HOUR;
  await setSuspended(engine, false, { user: "ada" });
  await moveUser(engine, "demote", { user: "ada" });
  expect(await showUser(engine, "ada")).toMatchObject({
    since: { tier: T0 + 2 * HOUR, status: T0 + 2 * HOUR },
  });
});

test("a promotion keeps usage and overrides, and tells what is gained and lost", async () => {
  const { engine, store, insert } = await prepared("ada");
  await store.meter.commit([record("1", { input: 900, output: 60 })]);
  await insert("override", {
    user_id: 1,
    kind: "quota",
    meter: "images",
    period: "day",
    limit_amount: 7,
    granted: null,
    reason: null,
    valid_from: T0 - HOUR,
    expires_at: null,
  });
  const moved = await moveUser(engine, "promote", { user: "ada", reason: "good tester" });
  expect(moved).toMatchObject({
    from: { key: "free" },
    to: { key: "basic" },
    change: { gained: ["content_planning", "seo_analysis"], lost: ["basic_seo"] },
    keptOverrides: [{ meter: "images", limit: 7 }],
    clearedOverrides: [],
  });
  expect(moved.before[0]).toMatchObject({ meter: "tokens", limit: 1_000, used: 960, outcome: "block" });
  expect(moved.after[0]).toMatchObject({ meter: "tokens", limit: 10_000, used: 960, outcome: "allow" });
  expect(moved.after[1]).toMatchObject({ meter: "images", limit: 7, source: "override" });

  const cleared = await moveUser(engine, "promote", { user: "ada", to: "pro", clearOverrides: true });
  expect(cleared).toMatchObject({ keptOverrides: [], clearedOverrides: [{ limit: 7 }] });
  expect(cleared.after[1]).toMatchObject({ meter: "images", limit: 200, source: "tier" });
  expect((await store.read((tx) => tx.records.audit({ limit: 2 })))[1]).toMatchObject({
    action: "users.promote",
    before: { tier: "free" },
    after: { tier: "basic" },
    reason: "good tester",
  });
});

test("moves that make no sense are refused and change nothing", async () => {
  const { engine, rows } = await prepared("ada");
  const before = await rows("membership");
  const refused = (direction: "promote" | "demote", to?: string) =>
    expect(moveUser(engine, direction, { user: "ada", ...(to === undefined ? {} : { to }) })).rejects;
  await refused("demote").toMatchObject({
    code: "conflict",
    message: "ada is already on free, the lowest tier",
  });
  await refused("promote", "free").toMatchObject({ code: "conflict", message: "ada is already on free" });
  await refused("demote", "pro").toMatchObject({
    code: "conflict",
    hint: "use: alpha users promote ada --to pro",
  });
  await refused("promote", "gold").toMatchObject({ code: "not-found" });
  await moveUser(engine, "promote", { user: "ada" }, { dryRun: true });
  await expect(setSuspended(engine, false, { user: "ada" })).rejects.toMatchObject({ code: "conflict" });
  expect(await rows("membership")).toEqual(before);
});

test("a suspension holds from the next decision on, in a process that has decided before", async () => {
  const { engine, open } = await prepared("ada");
  const other = await open();
  const ask = async () => {
    const request = { provider: "", model: "", feature: "", tokens: 1, images: 0, cost: 0, dearest: null };
    return (await other.meter.check("ada", request, T0)).code;
  };
  expect(await ask()).toBe("ok");
  await setSuspended(engine, true, { user: "ada", reason: "shared the key" });
  expect(await ask()).toBe("user-suspended");
  await setSuspended(engine, false, { user: "ada" });
  expect(await ask()).toBe("ok");
});
