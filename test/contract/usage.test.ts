import { expect, test } from "vitest";
import type { CellGrouping, EventFilter, ListedEvent, UsageCell } from "../../src/engine/ports.js";
import { DAY, HOUR, populate, record, T0, type TestDatabase, TODAY } from "../support/store.js";
import { everyStore } from "./describe-store.js";

const KEPT: Record<CellGrouping, readonly (keyof UsageCell)[]> = {
  "user-day": ["userId", "day"],
  user: ["userId"],
  day: ["day"],
  kind: ["provider", "model", "feature"],
  "day-kind": ["day", "provider", "model", "feature"],
};
/** What used nothing costs nothing, whatever its model. */
const isUnpriced = ({ pricedBy, input, cacheRead, cacheWrite, output, images }: ListedEvent) =>
  pricedBy === "none" && input + cacheRead + cacheWrite + output + images > 0;
const ZERO: UsageCell = {
  userId: 0,
  day: 0,
  provider: "",
  model: "",
  feature: "",
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  output: 0,
  reasoning: 0,
  images: 0,
  requests: 0,
  cost: 0n,
  assumed: 0n,
  unpriced: 0,
};

/** Sixty events of three users, over five days and six kinds of call. */
async function sixty({ store }: TestDatabase): Promise<Map<string, number>> {
  const users = await populate(store, "ada", "bob", "cleo");
  const operations = Array.from({ length: 60 }, (_, n) =>
    record(`e${n}`, {
      user: ["ada", "bob", "cleo"][n % 3]!,
      occurredAt: T0 - (n % 5) * DAY,
      provider: ["openai", "google"][n % 2]!,
      model: ["a", "b"][(n >> 1) % 2]!,
      feature: n % 7 === 0 ? "" : "blog_writer",
      input: n,
      cacheRead: n % 4,
      cacheWrite: n % 3,
      output: 2 * n,
      reasoning: n,
      images: n % 2,
      cost: n % 6 === 0 ? null : 1_000 + n,
      status: n % 10 === 0 ? "timeout" : "ok",
      estimated: n % 9 === 0,
      providerId: n % 8 === 0 ? `p${n}` : null,
      importId: n < 20 ? 1 : null,
    }),
  );
  for (let at = 0; at < 60; at += 7) await store.meter.commit(operations.slice(at, at + 7));
  return new Map(users.map((user) => [user.key, user.id]));
}

function summed(events: readonly ListedEvent[], ids: ReadonlyMap<string, number>, group: CellGrouping) {
  const cells = new Map<string, UsageCell>();
  for (const event of events) {
    const full = { ...ZERO, ...event, userId: ids.get(event.user)!, day: Math.floor(event.occurredAt / DAY) };
    const key = KEPT[group].map((field) => full[field]).join("/");
    const cell = { ...(cells.get(key) ?? ZERO) };
    for (const field of KEPT[group]) Object.assign(cell, { [field]: full[field] });
    cells.set(key, {
      ...cell,
      input: cell.input + event.input,
      cacheRead: cell.cacheRead + event.cacheRead,
      cacheWrite: cell.cacheWrite + event.cacheWrite,
      output: cell.output + event.output,
      reasoning: cell.reasoning + event.reasoning,
      images: cell.images + event.images,
      requests: cell.requests + 1,
      cost: cell.cost + BigInt(event.cost),
      assumed: cell.assumed + BigInt(event.assumed),
      unpriced: cell.unpriced + (isUnpriced(event) ? 1 : 0),
    });
  }
  return byText([...cells.values()]);
}

function byText(cells: readonly UsageCell[]): UsageCell[] {
  const text = (cell: UsageCell) => Object.values(cell).join("/");
  return [...cells].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

everyStore((fresh) => {
  test.each(Object.keys(KEPT) as CellGrouping[])(
    "cells by %s equal the sums of the ledger, in any range of days",
    async (group) => {
      const database = await fresh();
      const ids = await sixty(database);
      for (const [from, to] of [
        [TODAY - 10, TODAY + 1],
        [TODAY - 2, TODAY],
        [TODAY, TODAY],
        [TODAY + 1, TODAY + 9],
      ] as const) {
        await database.store.read(async ({ usage }) => {
          const events = (await usage.events({ limit: 100 })).filter((event) => {
            const day = Math.floor(event.occurredAt / DAY);
            return day >= from && day < to;
          });
          expect(byText(await usage.cells({ from, to }, group))).toEqual(summed(events, ids, group));
        });
      }
    },
  );

  test("sums of money stay exact beyond the safe integers", async () => {
    const { store } = await fresh();
    await populate(store, "ada", "bob");
    const cost = Number.MAX_SAFE_INTEGER;
    await store.meter.commit([record("1", { cost }), record("2", { user: "bob", cost })]);
    const cells = await store.read((tx) => tx.usage.cells({ from: TODAY, to: TODAY + 1 }, "day"));
    expect(cells[0]!.cost).toBe(2n * BigInt(cost));
  });

  test("an event is listed with everything that was recorded", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    const usage = { input: 1, cacheRead: 2, cacheWrite: 3, output: 4, reasoning: 4, images: 5 };
    const more = { providerId: "resp_1", status: "timeout", estimated: true, importId: 8, cost: null };
    await store.meter.commit([record("e-1", { ...usage, ...more, occurredAt: T0 - 5 }, T0 + 5)]);
    const [event] = await store.read((tx) => tx.usage.events({ limit: 1 }));
    expect(event).toEqual({
      ...usage,
      number: event!.number,
      user: "ada",
      email: null,
      source: "test",
      id: "e-1",
      providerId: "resp_1",
      occurredAt: T0 - 5,
      recordedAt: T0 + 5,
      provider: "openai",
      model: "gpt-4o",
      feature: "blog_writer",
      requests: 1,
      cost: 0,
      assumed: 251_000_000,
      pricedBy: "none",
      status: "timeout",
      estimated: true,
      importId: 8,
      corrects: null,
    });
  });

  test.each<[string, Partial<EventFilter>, (event: ListedEvent) => boolean]>([
    ["provider", { provider: "google" }, (event) => event.provider === "google"],
    ["model", { model: "b" }, (event) => event.model === "b"],
    ["no feature", { feature: "" }, (event) => event.feature === ""],
    ["since, inclusive", { since: T0 - DAY }, (event) => event.occurredAt >= T0 - DAY],
    ["until, exclusive", { until: T0 - DAY }, (event) => event.occurredAt < T0 - DAY],
    ["unpriced", { unpriced: true }, isUnpriced],
    ["import", { importId: 1 }, (event) => event.importId === 1],
    [
      "several at once",
      { provider: "openai", model: "a", until: T0 },
      (event) => event.provider === "openai" && event.model === "a" && event.occurredAt < T0,
    ],
  ])("events are filtered by %s", async (_, filter, wanted) => {
    const database = await fresh();
    await sixty(database);
    await database.store.read(async ({ usage }) => {
      const all = await usage.events({ limit: 100 });
      const expected = all.filter(wanted);
      expect(expected.length).toBeGreaterThan(0);
      expect(expected.length).toBeLessThan(all.length);
      expect(await usage.events({ ...filter, limit: 100 })).toEqual(expected);
    });
  });

  test("events are filtered by user and paged, newest first, without gap or repetition", async () => {
    const database = await fresh();
    const ids = await sixty(database);
    await database.store.read(async ({ usage }) => {
      const userId = ids.get("bob")!;
      const all = await usage.events({ userId, limit: 100 });
      expect(all.map((event) => event.id)).toEqual(Array.from({ length: 20 }, (_, n) => `e${58 - 3 * n}`));
      const paged: ListedEvent[] = [];
      for (;;) {
        const last = paged.at(-1);
        const page = await usage.events({ userId, limit: 7, ...(last && { before: last.number }) });
        if (page.length === 0) break;
        paged.push(...page);
      }
      expect(paged).toEqual(all);
    });
  });

  test("hours that two sources share are told by user, for one source only where a call has no provider's id", async () => {
    const database = await fresh();
    const { store } = database;
    const [ada, bob] = await populate(store, "ada", "bob");
    const log = { actor: "ann", file: "log", options: "{}" };
    const importId = await store.write((tx) => tx.records.startImport({ at: T0, format: "litellm", ...log }));
    const at = (hour: number) => T0 - hour * HOUR;
    await store.meter.commit([
      record("l1", { occurredAt: at(1), providerId: "p1" }),
      record("l2", { occurredAt: at(2) }),
      record("l3", { occurredAt: at(3) }),
      record("g1", { occurredAt: at(1), providerId: "q1", importId, source: "litellm" }),
      record("g2", { occurredAt: at(2), providerId: "q2", importId, source: "litellm" }),
      record("m1", { occurredAt: at(2), user: "bob", providerId: "p3" }),
      record("h1", { occurredAt: at(2), user: "bob", importId, source: "litellm" }),
    ]);
    const shared = (wanted: object) =>
      store.read((tx) => tx.usage.overlaps.sharedHours({ since: at(9), until: T0, ...wanted }));
    const hour = (user: typeof ada, hours: number) => ({
      userId: user?.id,
      hour: at(hours) / HOUR,
      calls: 2,
      sources: ["litellm", "live"],
    });
    const sorted = async (wanted: object) =>
      [...(await shared(wanted))].sort((a, b) => a.userId - b.userId || a.hour - b.hour);
    expect(await sorted({})).toEqual([hour(ada, 2), hour(ada, 1), hour(bob, 2)]);
    expect(await sorted({ source: "litellm" })).toEqual([hour(ada, 2), hour(bob, 2)]);
    expect(await shared({ source: "litellm", userIds: [bob?.id] })).toEqual([hour(bob, 2)]);
    expect(await shared({ source: "helicone" })).toEqual([]);
  });

  test("a page may be longer than a statement takes parameters", async () => {
    const { store } = await fresh();
    await populate(store, "ada");
    const many = 40_000;
    await store.meter.commit(Array.from({ length: many }, (_, n) => record(`e${n}`)));
    const events = await store.read((tx) => tx.usage.events({ limit: many }));
    expect(events).toHaveLength(many);
    expect(events.every((event, n) => event.id === `e${many - 1 - n}`)).toBe(true);
  }, 20_000);
});
