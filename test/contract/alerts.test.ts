import { expect, test } from "vitest";
import type { Alert } from "../../src/domain/alert.js";
import { columnsOf, plainRecord } from "../support/import-columns.js";
import {
  change,
  DAY,
  HOUR,
  MINUTE,
  newUser,
  populate,
  record,
  reserve,
  T0,
  TODAY,
} from "../support/store.js";
import { everyStore } from "./describe-store.js";

function alert(more: Partial<Alert> = {}): Alert {
  return {
    kind: "threshold",
    userId: 0,
    period: "day",
    index: TODAY,
    meter: "tokens",
    threshold: 8_000,
    code: "",
    at: T0,
    ...more,
  };
}

everyStore((fresh) => {
  test("alerts are listed newest first, with whom they concern, by user and in pages", async () => {
    const { store } = await fresh();
    const [ada, bob] = await populate(store, "ada", "bob");
    const alerts = [
      alert({ userId: ada!.id }),
      alert({ userId: bob!.id, kind: "refusal", meter: "", threshold: 0, code: "quota-exhausted" }),
      alert({ userId: ada!.id, threshold: 9_500, at: T0 + MINUTE }),
      alert({ kind: "guardrail", meter: "cost", threshold: 10_000, code: "stop" }),
    ];
    await store.write((tx) => tx.records.addAlerts(alerts));
    await store.read(async (tx) => {
      const listed = await tx.alerts.list({ limit: 10 });
      expect(listed).toMatchObject([...alerts].reverse());
      expect(listed.map(({ user }) => user)).toEqual([null, "ada", "bob", "ada"]);
      expect(listed.every(({ printedAt }) => printedAt === null)).toBe(true);
      expect(await tx.alerts.list({ limit: 2 })).toEqual(listed.slice(0, 2));
      expect(await tx.alerts.list({ limit: 9, before: listed[1]!.number })).toEqual(listed.slice(2));
      expect(await tx.alerts.list({ limit: 9, userId: ada!.id })).toEqual([listed[1], listed[3]]);
    });
  });

  test("usage dated ahead tells of its window when it is written, once, by whichever way it comes", async () => {
    const { store } = await fresh();
    await populate(store, "ada", "bob");
    await change(store, (tx) => tx.users.add(newUser("cleo", { email: "cleo@example.com" }), T0));
    const ahead = { occurredAt: T0 + 13 * HOUR, cost: 0, output: 0 };
    const told = async () => {
      const alerts = await store.read((tx) => tx.alerts.list({ limit: 20 }));
      return alerts
        .map(({ user, period, index, meter, threshold, at }) => [user, period, index, meter, threshold, at])
        .reverse();
    };
    const eighty = (user: string, at = T0) => [user, "day", TODAY + 1, "tokens", 8_000, at];
    await store.meter.commit([record("1", { ...ahead, input: 700 })]);
    expect(await told()).toEqual([]);
    await store.meter.commit([record("2", { ...ahead, input: 100 }), record("3", { ...ahead, input: 50 })]);
    expect(await told()).toEqual([eighty("ada")]);
    // A later record of the same call says more.
    const later = { ...ahead, user: "bob", supersedes: true };
    await store.meter.commit([record("4", { ...later, input: 10 })]);
    await store.meter.commit([record("4", { ...later, input: 800, hash: 2 })]);
    expect((await told()).slice(1)).toEqual([eighty("bob")]);
    // An import, by two names, one record of which is late.
    const { occurredAt } = ahead;
    const plain = { user: "cleo", occurredAt, input: 400, output: 0 };
    const columns = columnsOf([
      plainRecord("5", { ...plain, occurredAt: T0 - DAY }),
      plainRecord("6", plain),
      plainRecord("7", { ...plain, user: "cleo@example.com" }),
      plainRecord("8", plain),
    ]);
    await store.meter.enterColumns(columns, 0, { at: T0, importId: 1, book: null });
    expect((await told()).slice(2)).toEqual([eighty("cleo"), [...eighty("cleo").slice(0, 4), 9_500, T0]]);
    // On the day itself only what is crossed then.
    await store.meter.commit([record("9", { input: 100, output: 0, occurredAt: T0 + DAY }, T0 + DAY)]);
    expect((await told()).slice(4)).toEqual([["ada", "day", TODAY + 1, "tokens", 9_500, T0 + DAY]]);
  });

  test("what is new is taken once, oldest first, and a dry run leaves it new", async () => {
    const { store } = await fresh();
    const taken = (at: number, dryRun = false) =>
      store.write((tx) => tx.alerts.takeNew(at), { dryRun }).then((all) => all.map(({ index }) => index));
    const countNew = () => store.read((tx) => tx.alerts.countNew());
    await store.write((tx) => tx.records.addAlerts([alert(), alert({ index: TODAY + 1 })]));
    expect(await countNew()).toBe(2);
    expect(await taken(T0, true)).toEqual([TODAY, TODAY + 1]);
    expect(await countNew()).toBe(2);
    expect(await taken(T0 + DAY)).toEqual([TODAY, TODAY + 1]);
    expect(await taken(T0 + DAY)).toEqual([]);
    await store.write((tx) => tx.records.addAlerts([alert(), alert({ index: TODAY + 2 })]));
    expect(await taken(T0 + 2 * DAY)).toEqual([TODAY + 2]);
    expect(await countNew()).toBe(0);
    const listed = await store.read((tx) => tx.alerts.list({ limit: 9 }));
    expect(listed.map(({ printedAt }) => printedAt)).toEqual([T0 + 2 * DAY, T0 + DAY, T0 + DAY]);
  });

  test("their numbers follow one another, however often the same is told", async () => {
    const { store } = await fresh();
    await populate(store, "ada", "bob");
    const refused = (id: string, user: string) => reserve(id, { tokens: 100_000, images: 100_000 }, user);
    const numbers = async () => {
      const alerts = await store.read((tx) => tx.alerts.list({ limit: 20 }));
      return alerts.map(({ number, user, kind }) => [number, user, kind]).reverse();
    };
    await store.meter.commit([refused("1", "bob")]);
    // For two reasons in one batch.
    const unknown = reserve("2", { tokens: 1, feature: "none" }, "ada");
    await store.meter.commit([unknown, refused("3", "ada"), refused("4", "bob")]);
    await store.meter.commit([refused("5", "bob"), refused("6", "ada")]);
    const trip = alert({ kind: "guardrail", meter: "cost", threshold: 10_000, code: "stop" });
    await store.write((tx) => tx.records.addAlerts([trip, trip]));
    await store.write((tx) => tx.records.addAlerts([trip, alert({ kind: "guardrail", index: TODAY + 1 })]));
    expect(await numbers()).toEqual([
      [1, "bob", "refusal"],
      [2, "ada", "refusal"],
      [3, null, "guardrail"],
      [4, null, "guardrail"],
    ]);
  });

  test("of two who take at once each alert goes to one", async () => {
    const { store, open } = await fresh();
    const other = await open();
    const alerts = Array.from({ length: 50 }, (_, n) => alert({ index: TODAY + n }));
    await store.write((tx) => tx.records.addAlerts(alerts));
    const both = await Promise.all([store, other].map((each) => each.write((tx) => tx.alerts.takeNew(T0))));
    expect(both.flat().map(({ number }) => number)).toHaveLength(50);
    expect(new Set(both.flat().map(({ number }) => number)).size).toBe(50);
    await other.close();
  });
});
