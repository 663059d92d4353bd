import { expect, onTestFinished, test } from "vitest";
import { revokeOverrides } from "../../src/engine/override-revoke.js";
import { type AddOverrides, addOverrides, listOverrides } from "../../src/engine/overrides.js";
import { showUser } from "../../src/engine/standing.js";
import { setSuspended } from "../../src/engine/users.js";
import { engineOn } from "../support/engine-on.js";
import { ask, DAY, HOUR, openFreshSqlite, populate, record, T0 } from "../support/store.js";

async function prepared(...keys: string[]) {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  await populate(database.store, ...keys);
  return { ...database, engine: engineOn(database.store) };
}

const tokens = (limit: number | null) => ({ meter: "tokens", period: "day", limit }) as const;

test("an override holds from the next decision on, until its end, in every process", async () => {
  const { engine, store, open } = await prepared("ada");
  const other = await open();
  await store.meter.commit([record("1", { input: 960, output: 0 })]);
  const codeAt = async (at: number) => (await other.meter.check("ada", ask(), at)).code;
  expect(await codeAt(T0)).toBe("quota-exhausted");
  const done = await addOverrides(engine, {
    user: "ada",
    quotas: [tokens(5_000)],
    until: "2026-11-22T18:00:00Z",
    reason: " launch week ",
  });
  const override = { kind: "quota", ...tokens(5_000), reason: "launch week", until: T0 + 6 * HOUR };
  expect(done).toMatchObject({ added: [override], replaced: [], live: [override], unseen: [], needless: [] });
  expect(await codeAt(T0)).toBe("ok");
  expect(await codeAt(T0 + 6 * HOUR - 1)).toBe("ok");
  expect(await codeAt(T0 + 6 * HOUR)).toBe("quota-exhausted");
});

test("a day is its beginning in the accounting zone", async () => {
  const { engine, store } = await prepared("ada");
  await store.write((tx) => tx.settings.set("time_zone", "Europe/Berlin", T0 - DAY));
  const { added } = await addOverrides(engine, {
    user: "ada",
    quotas: [tokens(null)],
    until: "2026-12-01",
    reason: "x",
  });
  // Berlin is an hour ahead in winter.
  expect(added[0]?.until).toBe(Date.UTC(2026, 10, 30, 23));
});

test("features are granted and denied, and what looks like a slip is told", async () => {
  const { engine } = await prepared("ada");
  const done = await addOverrides(engine, {
    user: "ada",
    grant: ["labs", "blog_writer", "seo_analysis"],
    deny: ["basic_seo", "advanced_analytics"],
    reason: "trial",
  });
  // Free has blog_writer and basic_seo; the others are on higher tiers, but for labs, which is on none.
  expect(done).toMatchObject({ unseen: ["labs"], needless: ["blog_writer", "advanced_analytics"] });
  const shown = await showUser(engine, "ada");
  expect(shown.features).toEqual(["blog_writer", "labs", "seo_analysis"]);
  expect(shown.deniedFeatures).toEqual(["basic_seo", "advanced_analytics"]);
});

test("a new one replaces the one that is live, and one entry says all of it", async () => {
  const { engine, store } = await prepared("ada");
  await addOverrides(engine, { user: "ada", quotas: [tokens(5_000)], until: "2026-12-01", reason: "a" });
  engine.at = T0 + HOUR;
  const done = await addOverrides(engine, { user: "ada", quotas: [tokens(0)], grant: ["labs"], reason: "b" });
  expect(done).toMatchObject({ replaced: [{ limit: 5_000 }], live: [{ limit: 0 }, { feature: "labs" }] });
  expect(await store.read((tx) => tx.records.audit({ limit: 1 }))).toMatchObject([
    {
      action: "users.override",
      subject: "user:ada",
      before: {
        overrides: [
          {
            id: 1,
            kind: "quota",
            meter: "tokens",
            period: "day",
            limit: 5_000,
            since: "2026-11-22T12:00:00Z",
            until: "2026-12-01T00:00:00Z",
          },
        ],
      },
      after: {
        overrides: [
          { id: 2, limit: 0, until: null },
          { id: 3, kind: "feature", feature: "labs", granted: true },
        ],
      },
      reason: "b",
    },
  ]);
});

test.each<[Partial<AddOverrides>, string, string]>([
  [{ quotas: [] }, "usage", "say what is to be different"],
  [{ reason: " " }, "usage", "needs a reason"],
  [{ grant: ["a"], deny: ["a"] }, "usage", "a cannot be granted and denied at once"],
  [{ grant: ["Labs!"] }, "usage", "cannot be the name of a feature"],
  [{ until: "soon" }, "usage", "neither a day nor an instant"],
  [{ until: "2026-11-22" }, "usage", '--until "2026-11-22" is over already'],
  [{ until: "2026-11-22T12:00:00Z" }, "usage", "is over already"],
  [{ user: "bo" }, "not-found", 'no user "bo"'],
])("what makes no sense is refused: %j", async (change, code, message) => {
  const { engine, rows } = await prepared("ada", "bob");
  await expect(
    addOverrides(engine, { user: "ada", quotas: [tokens(1)], reason: "x", ...change }),
  ).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  expect(await rows("override")).toEqual([]);
});

test("exactly the same again is refused; the same with another end is not", async () => {
  const { engine } = await prepared("ada");
  const input = { user: "ada", quotas: [tokens(9)], until: "2026-12-01", reason: "x" };
  await addOverrides(engine, input);
  await expect(addOverrides(engine, input)).rejects.toMatchObject({ code: "conflict" });
  expect((await addOverrides(engine, { ...input, until: "2026-12-02" })).replaced).toHaveLength(1);
});

test("overrides are revoked by quota or feature, as the option is called, or all; or the only one", async () => {
  const { engine, store } = await prepared("ada");
  const revoke = (what?: string[], all?: boolean) =>
    revokeOverrides(engine, {
      user: "ada",
      ...(what === undefined ? {} : { what }),
      ...(all === undefined ? {} : { all }),
    });
  const refused = (work: Promise<unknown>) => expect(work).rejects;
  await refused(revoke()).toMatchObject({ code: "conflict" });
  await addOverrides(engine, {
    user: "ada",
    quotas: [tokens(9), { meter: "cost", period: "month", limit: null }],
    grant: ["labs", "beta"],
    reason: "x",
  });
  await refused(revoke()).toMatchObject({
    code: "usage",
    message: "ada has 4 overrides: tokens/day, cost/month, labs, beta",
  });
  await refused(revoke(["labs", "tokens/dya"])).toMatchObject({
    code: "not-found",
    message: 'ada has no override of "tokens/dya"; did you mean tokens/day?',
  });
  await refused(revoke(["labs"], true)).toMatchObject({ code: "usage" });
  expect((await listOverrides(engine, "ada")).overrides).toHaveLength(4);

  expect(await revoke(["labs", "--daily-tokens", "monthly-cost"])).toMatchObject({
    revoked: [{ feature: "labs" }, { meter: "tokens" }, { meter: "cost" }],
    live: [{ feature: "beta" }],
  });
  expect(await revoke()).toMatchObject({ revoked: [{ feature: "beta" }], live: [] });
  expect((await store.read((tx) => tx.records.audit({ limit: 1 })))[0]).toMatchObject({
    action: "users.override-revoke",
    subject: "user:ada",
    before: { overrides: [{ id: 4, feature: "beta" }] },
    after: { overrides: [] },
  });
  await addOverrides(engine, { user: "ada", quotas: [tokens(9)], grant: ["labs"], reason: "x" });
  expect((await revoke([], true)).revoked).toHaveLength(2);
});

test("the list has what is live, with what the tier says instead", async () => {
  const { engine } = await prepared("ada", "bob", "cleo");
  await addOverrides(engine, { user: "cleo", quotas: [tokens(9)], grant: ["basic_seo"], reason: "x" });
  const month = { meter: "requests", period: "month", limit: 5 } as const;
  await addOverrides(engine, { user: "ada", quotas: [month], reason: "y", until: "2026-11-23" });
  await setSuspended(engine, true, { user: "cleo" });
  const listed = async (name?: string) =>
    (await listOverrides(engine, name)).overrides.map(({ user, otherwise }) => [user.key, otherwise]);
  expect(await listed()).toEqual([
    ["ada", null],
    ["cleo", 1_000],
    ["cleo", true],
  ]);
  expect(await listed("cleo")).toHaveLength(2);
  engine.at = T0 + DAY;
  expect(await listed()).toHaveLength(2);
  await expect(listOverrides(engine, "nobody-here")).rejects.toMatchObject({ code: "not-found" });
});
