import { expect, test } from "vitest";
import type { Alert } from "../../src/domain/alert.js";
import { DAY, MINUTE, populate, T0, TODAY } from "../support/store.js";
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
