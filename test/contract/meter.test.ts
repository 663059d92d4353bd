import { expect, test } from "vitest";
import type { Decision } from "../../src/domain/decide.js";
import type { Operation, OperationOutcome } from "../../src/domain/ledger-model.js";
import type { Store } from "../../src/engine/ports.js";
import { ask, DAY, entry, MINUTE, populate, record, reserve, settle, T0, TODAY } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const statuses = (outcomes: readonly OperationOutcome[]) =>
  outcomes.map((outcome) => (outcome.op === "reserve" ? outcome.decision.code : outcome.status));

async function commit(store: Store, ...operations: Operation[]): Promise<string[]> {
  return statuses(await store.meter.commit(operations));
}

async function check(store: Store, tokens = 1, user = "ada", at = T0): Promise<Decision> {
  return store.meter.check(user, ask({ tokens }), at);
}

everyStore((fresh) => {
  test("a reservation is held, settled into usage, and gone", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    expect(await commit(store, reserve("r", { tokens: 700 }))).toEqual(["ok"]);
    expect(await check(store, 200)).toMatchObject({ outcome: "warn", used: 0, held: 700, remaining: 300 });
    expect(await commit(store, settle("r", { input: 400, output: 100 }))).toEqual(["inserted"]);
    expect(await check(store, 200)).toMatchObject({ outcome: "allow", used: 500, held: 0, remaining: 500 });
    expect(await rows("hold")).toEqual([]);
    expect(await rows("usage_event")).toMatchObject([{ input: 400, output: 100, cost: 1_000, status: null }]);
  });

  test("a reservation is kept by id: again it is one, released or expired it is none", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada", "bob");
    const extend: Operation = { op: "extend", user: "ada", id: "r", at: T0, holdFor: 60 * MINUTE };
    const release: Operation = { op: "release", user: "ada", id: "r", at: T0 };
    await commit(store, reserve("r", { tokens: 90 }), reserve("r", { tokens: 1 }, "bob"));
    await commit(store, reserve("r", { tokens: 90 }));
    expect(await check(store)).toMatchObject({ held: 90 });
    expect(await check(store, 1, "ada", T0 + 10 * MINUTE)).toMatchObject({ held: 0 });
    expect(await commit(store, extend)).toEqual(["extended"]);
    expect(await check(store, 1, "ada", T0 + 60 * MINUTE - 1)).toMatchObject({ held: 90 });
    expect(await commit(store, release, release, extend)).toEqual(["released", "not-held", "not-held"]);
    expect(await rows("hold")).toMatchObject([{ id: "r", tokens: 1 }]);
  });

  test("the same entry counts once, in one batch or in another; other content is a conflict", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada", "bob");
    expect(await commit(store, record("1"), record("1"))).toEqual(["inserted", "duplicate"]);
    const again = [record("1"), settle("1"), record("1", { hash: 2 }), record("1", { user: "bob" })];
    expect(await commit(store, ...again)).toEqual(["duplicate", "duplicate", "conflict", "conflict"]);
    expect(await commit(store, record("1", { source: "other" }))).toEqual(["inserted"]);
    expect(await rows("usage_event")).toHaveLength(2);
    expect(await check(store)).toMatchObject({ used: 30 });
  });

  test("an id whose usage is in the ledger reserves nothing more, in its batch, later and on another connection", async () => {
    const { store, open, rows } = await fresh();
    await populate(store, "ada", "bob");
    const again = (id: string, user = "ada") => ({ ...reserve(id, {}, user), source: "test" }) as Operation;
    expect(await commit(store, again("r"), settle("r"), again("r"), again("s"))).toEqual([
      "ok",
      "inserted",
      "already-settled",
      "ok",
    ]);
    expect(await commit(store, record("2"), again("2"))).toEqual(["inserted", "already-settled"]);
    const other = await open();
    expect(await commit(other, again("r"), again("r", "bob"), again("t", "bob"))).toEqual([
      "already-settled",
      "already-settled",
      "ok",
    ]);
    expect(statuses(await other.meter.preview([again("r"), again("u")]))).toEqual(["already-settled", "ok"]);
    expect(await check(store)).toMatchObject({ used: 30, held: 10 });
    expect((await rows("hold")).map(({ id }) => id)).toEqual(["s", "t"]);
    expect([...(await rows("refusal")), ...(await rows("refused_call")), ...(await rows("alert"))]).toEqual(
      [],
    );
  });

  test("a call reserved again under an id that was settled counts once, and takes no other down", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada", "bob");
    await commit(store, reserve("r"), settle("r"));
    const both = [settle("r", { hash: 2 }), record("2", { user: "bob" })];
    for (const outcome of ["conflict", "duplicate"]) {
      await commit(store, reserve("r"));
      const [first, other] = outcome === "conflict" ? both : [settle("r"), record("3", { user: "bob" })];
      expect(await commit(store, first!, other!)).toEqual([outcome, "inserted"]);
    }
    expect(await rows("usage_event")).toHaveLength(3);
    expect(await rows("hold")).toEqual([]);
    expect(await check(store)).toMatchObject({ used: 15, held: 0 });
  });

  test.each([["input"], ["images"], ["cost"], ["requests"]])(
    "a window whose %s cannot be counted exactly any more takes nothing more",
    async (field) => {
      const { store, rows } = await fresh();
      await populate(store, "ada", "bob");
      const most = (id: string, more = {}) => record(id, { [field]: Number.MAX_SAFE_INTEGER - 20, ...more });
      const tomorrow = { occurredAt: T0 + 13 * 60 * MINUTE };
      expect(await commit(store, most("1"), most("2", { user: "bob" }))).toEqual(["inserted", "inserted"]);
      expect(await commit(store, record("3", { input: 0, output: 0, cost: 0, requests: 3 }))).toEqual([
        "inserted",
      ]);
      const refused = { code: "failed", message: expect.stringContaining("too large to be counted exactly") };
      for (const entered of [most("4"), most("5", tomorrow)]) {
        await expect(
          store.meter.commit([
            record("6", { user: "bob", requests: 0, input: 0, output: 0, cost: 0 }),
            entered,
          ]),
        ).rejects.toMatchObject(refused);
      }
      expect((await rows("usage_event")).length).toBe(3);
    },
  );

  test("a provider's id counts once across sources", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    const twin = (source: string, id: string) => record(id, { source, providerId: "resp_1" });
    expect(await commit(store, twin("live", "1"), twin("log", "2"))).toEqual(["inserted", "duplicate"]);
    expect(await commit(store, twin("export", "3"))).toEqual(["duplicate"]);
    expect(await check(store)).toMatchObject({ used: 15 });
    const [event] = await store.read((tx) => tx.usage.events({ limit: 9 }));
    expect(event).toMatchObject({ source: "live", id: "1", providerId: "resp_1" });
    // The other ids are known now, also to a record that leaves the provider's out.
    expect(await commit(store, record("2", { source: "log" }))).toEqual(["duplicate"]);
  });

  test("a preview answers as the commit would and writes nothing", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    await commit(store, record("1"));
    const operations = [
      record("1"),
      record("2"),
      reserve("r", { tokens: 5_000 }),
      reserve("s", { tokens: 800 }),
    ];
    const tables = ["usage_event", "event_key", "usage_window", "usage_day", "hold", "refusal", "alert"];
    const all = () => Promise.all(tables.map(rows));
    const before = await all();
    const previewed = await store.meter.preview(operations);
    expect(await all()).toEqual(before);
    expect(statuses(previewed)).toEqual(["duplicate", "inserted", "request-too-large", "near-limit"]);
    expect(await store.meter.commit(operations)).toEqual(previewed);
  });

  test("nobody's usage is not recorded, and nobody is let in", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    const user = "eve";
    expect(await commit(store, record("1", { user }), reserve("r", {}, user))).toEqual([
      "user-unknown",
      "user-unknown",
    ]);
    expect((await check(store, 1, user)).code).toBe("user-unknown");
    expect([...(await rows("usage_event")), ...(await rows("hold"))]).toEqual([]);
  });

  test("each operation of a batch sees the ones before it, by whatever name", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    await store.write((tx) => tx.users.add({ ...BOB, aliases: ["Bobby"] }, T0));
    const half = { tokens: 500 };
    expect(await commit(store, reserve("1", half), reserve("2", half), reserve("3", half))).toEqual([
      "ok",
      "near-limit",
      "quota-exhausted",
    ]);
    expect(
      await commit(
        store,
        reserve("1", half, "bob"),
        reserve("2", half, "BOB@example.com"),
        reserve("3", half, "Bobby"),
      ),
    ).toEqual(["ok", "near-limit", "quota-exhausted"]);
  });

  test("batches that are asked for at once are decided one after the other", async () => {
    const { store, open } = await fresh();
    const other = await open();
    await populate(store, "ada");
    const asked = Array.from({ length: 20 }, (_, n) =>
      commit(n % 2 === 0 ? store : other, reserve(`r${n}`, { tokens: 100 })),
    );
    const codes = (await Promise.all(asked)).flat();
    expect(codes.filter((code) => code === "ok" || code === "near-limit")).toHaveLength(10);
    expect(await check(store)).toMatchObject({ held: 1_000, outcome: "block" });
  });

  test("a check writes nothing, not even a refusal", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    expect((await check(store, 5_000)).code).toBe("request-too-large");
    expect([...(await rows("refusal")), ...(await rows("alert")), ...(await rows("hold"))]).toEqual([]);
  });

  test("a check answers for whom it is asked", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    expect((await check(store, 1)).code).toBe("ok");
    expect((await check(store, 1, "eve")).code).toBe("user-unknown");
    expect((await check(store, 1_001)).code).toBe("request-too-large");
    expect(await store.meter.commit([])).toEqual([]);
  });

  test("refusals are counted per day, code and meter; the first of a day is one alert", async () => {
    const { store, rows } = await fresh();
    const [ada] = await populate(store, "ada");
    await commit(store, reserve("a", { tokens: 2_000 }), reserve("b", { tokens: 2_000 }));
    await commit(store, reserve("c", { tokens: 2_000 }), reserve("d", { images: 9 }));
    await commit(store, reserve("e", { tokens: 2_000 }, "ada", T0 + DAY));
    const common = { user_id: ada!.id, code: "request-too-large" };
    expect(await rows("refusal")).toEqual([
      { ...common, day: TODAY, meter: "images", count: 1 },
      { ...common, day: TODAY, meter: "tokens", count: 3 },
      { ...common, day: TODAY + 1, meter: "tokens", count: 1 },
    ]);
    const alerts = (await rows("alert")).map((row) => [row.kind, row.meter, row.window_index]);
    expect(alerts).toEqual([
      ["refusal", "", TODAY],
      ["refusal", "", TODAY + 1],
    ]);
  });

  test("each threshold alerts once a window, and late usage in a closed window never", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    const use = (id: string, input: number, occurredAt = T0) =>
      commit(store, record(id, { input, output: 0, occurredAt, cost: 0 }));
    const alerts = async () =>
      (await rows("alert")).map((row) => [row.meter, row.period, row.window_index, row.threshold]);
    await use("1", 799);
    expect(await alerts()).toEqual([]);
    await use("2", 1);
    await use("3", 100);
    await use("4", 100);
    await use("5", 500);
    await use("late", 5_000, T0 - DAY);
    expect(await alerts()).toEqual([
      ["tokens", "day", TODAY, 8_000],
      ["tokens", "day", TODAY, 9_500],
    ]);
  });

  test("holds expire with the setting, and cost without a price is assumed and told apart", async () => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    await store.write(async (tx) => {
      await tx.settings.set("hold_ttl", MINUTE, T0);
      await tx.records.audited(AUDIT);
    });
    await commit(store, reserve("r"));
    expect(await rows("hold")).toMatchObject([{ created_at: T0, expires_at: T0 + MINUTE }]);
    await commit(store, record("1", { cost: null }), record("2", { cost: null, rates: BOOK }));
    expect((await rows("usage_event")).map((row) => [row.cost, row.assumed, row.priced_by])).toEqual([
      [0, 1_500_000, "none"],
      [40, 0, "book"],
    ]);
  });

  test("a background commit is as good as any", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    for (const id of ["1", "2", "3"]) {
      expect(statuses(await store.meter.commit([record(id)], { background: true }))).toEqual(["inserted"]);
    }
    expect(await check(store)).toMatchObject({ used: 45 });
  });

  test.each<[string, object]>([
    ["a fractional amount", { input: 0.5 }],
    ["no number at all", { output: Number.NaN }],
    ["a text for a number", { images: "two" }],
  ])("%s fails the whole batch, and the next one works", async (_, wrong) => {
    const { store, rows } = await fresh();
    await populate(store, "ada");
    await commit(store, reserve("held"));
    const tables = [
      "usage_event",
      "event_key",
      "event_source",
      "call_kind",
      "usage_window",
      "usage_day",
      "hold",
    ];
    const all = () => Promise.all([...tables, "refusal", "alert"].map(rows));
    const before = await all();
    const bad = { op: "record", entry: { ...entry("bad", { model: "new" }), ...wrong }, at: T0 } as Operation;
    const good = record("good", { model: "newer", source: "another", input: 900 });
    await expect(
      store.meter.commit([good, settle("held"), reserve("r", { tokens: 9_999 }), bad]),
    ).rejects.toThrow();
    expect(await all()).toEqual(before);
    expect(await commit(store, good, settle("held"), record("new", { model: "new" }))).toEqual([
      "inserted",
      "inserted",
      "inserted",
    ]);
    const cells = await store.read((tx) => tx.usage.cells({ from: TODAY, to: TODAY + 1 }, "kind"));
    expect(cells.map((cell) => cell.model).sort()).toEqual(["gpt-4o", "new", "newer"]);
  });
});

const AUDIT = {
  at: T0,
  actor: "olga",
  action: "a.b",
  subject: "c:d",
  before: null,
  after: null,
  reason: null,
};
const BOB = { key: "bob", email: "bob@example.com", name: null, persona: null, tier: "free" };
const BOOK = {
  from: "book" as const,
  rates: {
    input: 1_000_000,
    cacheRead: null,
    cacheWrite: null,
    output: 6_000_000,
    image: null,
    request: null,
  },
};
