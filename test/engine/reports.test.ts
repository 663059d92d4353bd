import { describe, expect, it, onTestFinished } from "vitest";
import type { Rates } from "../../src/domain/price.js";
import type { PriceBook } from "../../src/domain/price-book.js";
import { type GroupRow, REPORT_GROUPINGS, totalOf } from "../../src/domain/report.js";
import type { UserReport } from "../../src/domain/report-users.js";
import { INITIAL_TIERS } from "../../src/domain/tier.js";
import { calendar, dayLabel } from "../../src/domain/window.js";
import type { Engine } from "../../src/engine/engine.js";
import { type ReportRequest, usageReport } from "../../src/engine/reports.js";
import { createIds } from "../../src/ids.js";
import {
  change,
  DAY,
  newUser,
  openFreshSqlite,
  type Row,
  record,
  T0,
  type TestDatabase,
} from "../support/store.js";

const USD = 1_000_000_000;

const GPT: Rates = {
  input: 2 * USD,
  cacheRead: 1 * USD,
  cacheWrite: 2 * USD,
  output: 8 * USD,
  image: null,
  request: null,
};
const prices: PriceBook = {
  name: "test",
  version: "1",
  describe: () => null,
  rates: ({ provider, model }) => (model === "gpt" && provider === "openai" ? GPT : null),
  dearest: () => null,
};

async function fresh(): Promise<TestDatabase> {
  const database = await openFreshSqlite();
  onTestFinished(() => database.drop());
  await change(database.store, async (tx) => {
    for (const tier of INITIAL_TIERS) await tx.tiers.save(tier, T0 - 400 * DAY);
  });
  return database;
}

function engineOn({ store }: TestDatabase, at = T0): Engine {
  return { store, now: () => at, ids: createIds(), actor: "olga", prices: async () => prices };
}

function report(database: TestDatabase, request: Partial<ReportRequest> = {}, at = T0) {
  return usageReport(engineOn(database, at), { by: "user", ...request });
}

async function byUser(
  database: TestDatabase,
  request: Partial<ReportRequest> = {},
  at = T0,
): Promise<UserReport> {
  return (await report(database, request, at)) as UserReport;
}

function onboard({ store }: TestDatabase, key: string, at: number, more: Parameters<typeof newUser>[1] = {}) {
  return change(store, (tx) => tx.users.add(newUser(key, more), at));
}

/** 300 events of four users around a change of the clocks in Berlin, some of them unpriced. */
async function busy(zone: string): Promise<TestDatabase> {
  const database = await fresh();
  await change(database.store, (tx) => tx.settings.set("time_zone", zone, T0 - 400 * DAY));
  const keys = ["ada", "bob", "cleo", "dan"];
  for (const [n, key] of keys.entries()) {
    await onboard(database, key, T0 - 60 * DAY, { tier: ["free", "free", "basic", "pro"][n]! });
  }
  const operations = Array.from({ length: 300 }, (_, n) =>
    record(`e${n}`, {
      user: keys[(n * n) % 4]!,
      occurredAt: Date.UTC(2026, 9, 20) + n * 3_700_000,
      provider: n % 3 === 0 ? "google" : "openai",
      model: ["a", "b", "", "gpt"][n % 4]!,
      feature: n % 5 === 0 ? "" : "blog_writer",
      input: n * 7,
      cacheRead: n % 4,
      cacheWrite: n % 3,
      output: n % 90,
      reasoning: n % 90,
      images: n % 2,
      cost: n % 6 === 0 ? null : 1_000_003 * n,
    }),
  );
  await database.store.meter.commit(operations);
  return database;
}

/** The ledger summed up by hand, of the events that lie in the days of a range. */
async function ledgerSums(
  database: TestDatabase,
  zone: string,
  from: string,
  until: string,
  keyOf: (row: Row) => string,
) {
  const days = calendar(zone);
  const kinds = new Map((await database.rows("call_kind")).map((row) => [row.id, row]));
  const users = new Map((await database.rows("users")).map((row) => [row.id, row]));
  const sums = new Map<string, Record<string, number>>();
  for (const event of await database.rows("usage_event")) {
    const day = dayLabel(days.dayOf(event.occurred_at as number));
    if (day < from || day >= until) continue;
    const { provider, model, feature } = kinds.get(event.call_kind_id)!;
    const key = keyOf({ provider, model, feature, day, user: users.get(event.user_id)!.key });
    const sum = sums.get(key) ?? { tokens: 0, images: 0, requests: 0, cost: 0, assumed: 0, unpriced: 0 };
    const number = (column: string) => event[column] as number;
    const tokens = number("input") + number("cache_read") + number("cache_write") + number("output");
    sum.tokens! += tokens;
    sum.images! += number("images");
    sum.requests! += 1;
    sum.cost! += number("cost");
    sum.assumed! += number("assumed");
    sum.unpriced! += event.priced_by === "none" && tokens + number("images") > 0 ? 1 : 0;
    sums.set(key, sum);
  }
  return Object.fromEntries(sums);
}

function plain({
  input,
  cacheRead,
  cacheWrite,
  output,
  images,
  requests,
  cost,
  assumed,
  unpriced,
}: GroupRow["sums"]) {
  const tokens = input + cacheRead + cacheWrite + output;
  return { tokens, images, requests, cost: Number(cost), assumed: Number(assumed), unpriced };
}

const TIER_OF: Record<string, string> = { ada: "free", bob: "free", cleo: "basic", dan: "pro" };
const KEY_OF: Record<(typeof REPORT_GROUPINGS)[number], (row: Row) => string> = {
  user: (row) => String(row.user),
  tier: (row) => TIER_OF[String(row.user)]!,
  model: (row) => `${row.provider}/${row.model}`,
  provider: (row) => String(row.provider),
  feature: (row) => String(row.feature),
  day: (row) => String(row.day),
};

describe("a report equals the ledger summed up event by event", () => {
  // Berlin's clocks fall back on 25 October; Lord Howe's have moved on by half an hour.
  it.each(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"])("in %s", async (zone) => {
    const database = await busy(zone);
    for (const [from, until, request] of [
      ["2026-10-01", "2026-11-01", { month: "2026-10" }],
      ["2026-10-25", "2026-10-26", { since: "2026-10-25", until: "2026-10-26" }],
      ["2026-10-24", "2026-11-23", { since: "2026-10-24" }],
      ["0001-01-01", "2026-10-27", { until: "2026-10-27" }],
      ["2026-11-01", "2026-12-01", {}],
    ] as const) {
      const whole = (await ledgerSums(database, zone, from, until, () => "all")).all;
      for (const by of REPORT_GROUPINGS) {
        const found = await report(database, { by, ...request });
        const rows = found.rows.map((row) => {
          if ("user" in row) return [row.user.key, plain(row.sums)] as const;
          return [by === "model" ? `${row.provider}/${row.key}` : row.key, plain(row.sums)] as const;
        });
        const used = rows.filter(([, sums]) => sums.requests > 0);
        expect(Object.fromEntries(used)).toEqual(await ledgerSums(database, zone, from, until, KEY_OF[by]));
        expect(plain(found.totals)).toEqual(whole);
        expect(totalOf(found.rows.map((row) => row.sums))).toEqual(found.totals);
        expect(found.unpriced.reduce((sum, each) => sum + each.events, 0)).toBe(found.totals.unpriced);
        expect(found.unpriced.reduce((sum, each) => sum + each.assumed, 0n)).toBe(found.totals.assumed);
      }
    }
  });

  it("and so do the fullest days", async () => {
    const zone = "Europe/Berlin";
    const database = await busy(zone);
    const days = await ledgerSums(
      database,
      zone,
      "2026-10-20",
      "2026-11-01",
      (row) => `${row.user} ${row.day}`,
    );
    const { rows } = await byUser(database, { since: "2026-10-20", until: "2026-11-01" });
    expect(rows).toHaveLength(4);
    for (const { user, quotas } of rows) {
      const own = Object.entries(days).flatMap(([key, sums]) =>
        key.startsWith(`${user.key} `) ? [sums] : [],
      );
      const most = (meter: "tokens" | "images") => Math.max(0, ...own.map((sums) => sums[meter]!));
      const cost = own.reduce((sum, each) => sum + each.cost! + each.assumed!, 0);
      expect(quotas.map((quota) => quota.used)).toEqual([most("tokens"), most("images"), cost]);
    }
  });

  it("beyond the safe integers", async () => {
    const database = await fresh();
    for (const key of ["ada", "bob"]) {
      await onboard(database, key, T0 - DAY);
      await database.store.meter.commit([record(key, { user: key, cost: Number.MAX_SAFE_INTEGER })]);
    }
    for (const by of REPORT_GROUPINGS) {
      const { totals } = await report(database, { by });
      expect(totals.cost).toBe(2n * BigInt(Number.MAX_SAFE_INTEGER));
    }
  });
});

describe("rows", () => {
  it("are there for testers without usage, and for tiers and days without it", async () => {
    const database = await fresh();
    await onboard(database, "ada", T0 - 3 * DAY);
    await onboard(database, "late", T0);
    expect((await byUser(database)).rows.map((row) => row.user.key)).toEqual(["ada", "late"]);
    const october = await byUser(database, { month: "2026-10" });
    expect(october.rows).toEqual([]);
    expect((await report(database, { by: "tier" })).rows).toMatchObject([
      { key: "free", testers: 2 },
      { key: "basic", testers: 0 },
      { key: "pro", testers: 0 },
    ]);
    const days = await report(database, { by: "day", since: "2026-11-20" });
    expect((days.rows as GroupRow[]).map((row) => row.key)).toEqual([
      "2026-11-20",
      "2026-11-21",
      "2026-11-22",
    ]);
    expect((await report(database, { by: "model" })).rows).toEqual([]);
  });

  it("of an open range begin with what is known first", async () => {
    const database = await fresh();
    const empty = await report(database, { by: "day", until: "2026-11-05" });
    expect(empty.rows).toEqual([]);
    expect(dayLabel(empty.range.from)).toBe("2026-11-04");
    await onboard(database, "ada", T0);
    await database.store.meter.commit([record("1", { occurredAt: Date.UTC(2026, 10, 2) })]);
    const { rows, range } = await report(database, { by: "day", until: "2026-11-05" });
    expect((rows as GroupRow[]).map((row) => row.key)).toEqual(["2026-11-02", "2026-11-03", "2026-11-04"]);
    expect(dayLabel(range.from)).toBe("2026-11-02");
    // Nor are there millennia of quiet days before it.
    const ever = await report(database, { by: "day", since: "0001-01-01", until: "2026-11-05" });
    expect(ever.rows).toEqual(rows);
  });

  it("keep users who were removed, while they have usage", async () => {
    const database = await fresh();
    for (const key of ["ada", "bob"]) {
      const user = await onboard(database, key, T0 - 20 * DAY, { persona: "casual" });
      await change(database.store, (tx) =>
        tx.users.setMembership(user.id, { tier: "free", status: "removed" }, T0 - 10 * DAY),
      );
    }
    await database.store.meter.commit([record("1", { occurredAt: T0 - 15 * DAY, cost: 5 })]);
    const { rows } = await byUser(database);
    expect(rows).toMatchObject([
      { user: { key: "ada", status: "removed" }, estimate: { days: 11, actual: 5n, projected: 5n } },
    ]);
    expect((await report(database, { by: "tier" })).rows[0]).toMatchObject({ key: "free", testers: 0 });
  });

  it("come dearest first, assumed cost included", async () => {
    const database = await fresh();
    for (const key of ["ada", "bob", "cleo"]) await onboard(database, key, T0 - DAY);
    await database.store.meter.commit([
      record("1", { user: "bob", cost: 7 }),
      record("2", { user: "cleo", cost: null, images: 2 }),
    ]);
    expect((await byUser(database)).rows.map((row) => row.user.key)).toEqual(["cleo", "bob", "ada"]);
  });
});

describe("limits", () => {
  it("are as full as the fullest day of the range and the month, by what is in force now", async () => {
    const database = await fresh();
    const ada = await onboard(database, "ada", T0 - 60 * DAY);
    await database.store.meter.commit([
      record("1", { occurredAt: T0 - 9 * DAY, input: 500, output: 100, images: 2, cost: USD }),
      record("2", { occurredAt: T0 - 9 * DAY, input: 300, output: 0, cost: USD }),
      record("3", { occurredAt: T0, input: 90, output: 10, images: 4, cost: null }),
      record("4", { occurredAt: T0 - 40 * DAY, input: 990, output: 0, cost: 9 * USD }),
    ]);
    await database.insert("override", {
      user_id: ada.id,
      kind: "quota",
      meter: "tokens",
      period: "day",
      limit_amount: 1_800,
      valid_from: T0 - DAY,
    });
    await database.insert("override", {
      user_id: ada.id,
      kind: "quota",
      meter: "images",
      period: "day",
      limit_amount: 900,
      valid_from: T0 - DAY,
      valid_to: T0 - 1,
    });
    const [row] = (await byUser(database)).rows;
    // Assumed: 100 tokens and 4 images at the planning rates, $0.21.
    expect(row!.quotas).toEqual([
      {
        meter: "tokens",
        period: "day",
        limit: 1_800,
        source: "override",
        used: 900,
        running: 100,
        ratio: 0.5,
      },
      { meter: "images", period: "day", limit: 5, source: "tier", used: 4, running: 4, ratio: 0.8 },
      {
        meter: "cost",
        period: "month",
        limit: 10 * USD,
        source: "tier",
        used: 2.21 * USD,
        running: 2.21 * USD,
        ratio: 0.221,
      },
    ]);
    expect(row!.fullest).toBe(row!.quotas[1]);
    // What runs is told of any range.
    const [october] = (await byUser(database, { month: "2026-10" })).rows;
    expect(october!.quotas.map(({ used, running }) => [used, running])).toEqual([
      [990, 100],
      [0, 4],
      [9 * USD, 2.21 * USD],
    ]);
    const [both] = (await byUser(database, { since: "2026-10-01" })).rows;
    expect(both!.quotas.map(({ used }) => used)).toEqual([990, 4, 9 * USD]);
    // A month's limit is about the whole month, also where the range is a part of it.
    const [part] = (await byUser(database, { since: "2026-11-14", until: "2026-11-15" })).rows;
    expect(part!.quotas.map(({ used }) => used)).toEqual([0, 0, 2.21 * USD]);
  });

  it("of 0 and none at all have no ratio", async () => {
    const database = await fresh();
    const off = {
      key: "off",
      label: "Off",
      rank: 9,
      quotas: [{ meter: "images", period: "day", limit: 0 }],
      features: [],
    };
    await change(database.store, async (tx) => {
      await tx.tiers.save(off as never, T0);
      await tx.tiers.save({ ...off, key: "open", rank: 10, quotas: [] }, T0);
    });
    await onboard(database, "ada", T0, { tier: "off" });
    await onboard(database, "bob", T0, { tier: "open" });
    const { rows } = await byUser(database);
    expect(rows.map((row) => row.quotas.map((quota) => quota.ratio))).toEqual([[null], []]);
    expect(rows.map((row) => row.fullest)).toEqual([null, null]);
  });
});

describe("estimates", () => {
  const use = (user: string, day: number, tokens: number) =>
    record(`${user}${day}`, {
      user,
      occurredAt: Date.UTC(2026, 10, day, 10),
      input: tokens,
      output: 0,
      cost: USD,
    });

  it("are pro rata since onboarding, by days of the accounting zone", async () => {
    const database = await fresh();
    await change(database.store, (tx) => tx.settings.set("time_zone", "Asia/Kathmandu", T0 - 400 * DAY));
    // 23:00 in UTC on the 12th is the 13th in Kathmandu, where it now is the 22nd: ten days.
    await onboard(database, "ada", Date.UTC(2026, 10, 12, 23), { persona: "active" });
    const [row] = (await byUser(database)).rows;
    expect(row!.estimate).toMatchObject({
      days: 10,
      tokens: 20_000,
      images: 100,
      stated: 20 * USD,
      computed: 7 * USD,
    });
  });

  it("infer a persona on the third active day, and mark it", async () => {
    const database = await fresh();
    await onboard(database, "ada", T0 - 20 * DAY);
    await onboard(database, "bob", T0 - 20 * DAY, { persona: "power" });
    // A day without tokens, the 17th, is no active one.
    await database.store.meter.commit([
      use("ada", 17, 0),
      use("ada", 18, 2_100),
      use("ada", 19, 1_500),
      use("bob", 19, 10),
    ]);
    const personas = async (request: Partial<ReportRequest> = {}) =>
      Object.fromEntries(
        (await byUser(database, request)).rows.map(({ user, estimate }) => [
          user.key,
          `${estimate.persona}${estimate.inferred ? "?" : ""}`,
        ]),
      );
    expect(await personas()).toEqual({ ada: "null", bob: "power" });
    await database.store.meter.commit([use("ada", 20, 3_000)]);
    expect(await personas()).toEqual({ ada: "active?", bob: "power" });
    // A single day is too short to know somebody: the days before it count too, those after it do not.
    expect(await personas({ since: "2026-11-22", until: "2026-11-23" })).toEqual({
      ada: "active?",
      bob: "power",
    });
    expect(await personas({ since: "2026-11-19", until: "2026-11-20" })).toEqual({
      ada: "null",
      bob: "power",
    });
  });

  it("are projected from the third day on", async () => {
    const database = await fresh();
    for (const [key, day] of [
      ["one", 22],
      ["two", 21],
      ["three", 20],
    ] as const) {
      await onboard(database, key, Date.UTC(2026, 10, day, 1));
    }
    await database.store.meter.commit(["one", "two", "three"].map((user) => use(user, 22, 10)));
    const { rows, estimates } = await byUser(database);
    expect(Object.fromEntries(rows.map((row) => [row.user.key, row.estimate.projected]))).toEqual({
      one: null,
      two: null,
      // $1 over 3 of 11 days.
      three: 3_666_666_667n,
    });
    expect(estimates).toMatchObject({ projected: 3_666_666_667n, withoutProjection: 2, withoutPersona: 3 });
    const later = await byUser(database, { month: "2026-11" }, T0 + 30 * DAY);
    expect(later.rows.map((row) => row.estimate.projected)).toEqual([
      1_000_000_000n,
      1_000_000_000n,
      1_000_000_000n,
    ]);
  });

  it("begin with the first use of somebody whose log was imported from before they were onboarded", async () => {
    const database = await fresh();
    await onboard(database, "ada", T0, { persona: "casual" });
    await database.store.meter.commit([use("ada", 13, 10)]);
    const [row] = (await byUser(database)).rows;
    expect(row!.estimate).toMatchObject({ days: 10, stated: 5 * USD, projected: 1_800_000_000n });
    expect(
      (await byUser(database, { since: "2026-11-16", until: "2026-11-18" })).rows[0]!.estimate.days,
    ).toBe(2);
  });

  it("compute at a model's price, split as the range's usage was", async () => {
    const database = await fresh();
    await onboard(database, "ada", T0, { persona: "casual" });
    const half = await byUser(database, { atModel: "openai/gpt" });
    expect(half.rows[0]!.estimate.computed).toBe(250 * 2_000 + 250 * 8_000 + 0.1 * USD);
    await database.store.meter.commit([record("1", { input: 100, cacheRead: 200, output: 100 })]);
    const { computedAt, rows } = await byUser(database, { atModel: "openai/gpt" });
    expect(rows[0]!.estimate.computed).toBe(375 * 2_000 + 125 * 8_000 + 0.1 * USD);
    expect(computedAt).toEqual({
      rates: "model",
      model: "openai/gpt",
      split: { from: "usage", input: 300, output: 100 },
      input: 2 * USD,
      output: 8 * USD,
      perImage: 0.05 * USD,
      imagesPlanned: true,
    });
    await expect(byUser(database, { atModel: "gpd" })).rejects.toThrow(
      'no price is known for the model "gpd"',
    );
    await expect(report(database, { by: "day", atModel: "gpt" })).rejects.toMatchObject({ code: "usage" });
  });

  it("say where they do not fit, for the pairs that occur", async () => {
    const database = await fresh();
    await onboard(database, "ada", T0, { persona: "casual" });
    await onboard(database, "bob", T0, { persona: "power", tier: "basic" });
    const { fits } = await byUser(database);
    expect(fits.personas.map(({ persona, tier }) => `${persona}/${tier}`)).toEqual([
      "casual/free",
      "power/basic",
    ]);
    expect(fits.tiers.map(({ tier }) => tier)).toEqual(["free", "basic"]);
  });
});

describe("a report that makes no sense is refused", () => {
  it.each([
    [{ month: "2026-13" }, '--month "2026-13" is not a month'],
    [{ since: "2026-02-30" }, '--since "2026-02-30" is not a day'],
    [{ since: "2026-11-05", until: "2026-11-05" }, "the range holds no day"],
    [{ since: "2026-11-06", until: "2026-11-05" }, "the range holds no day"],
    [{ month: "2026-11", since: "2026-11-05" }, "--month names all of a month"],
  ])("%o", async (request, message) => {
    const database = await fresh();
    const refused = report(database, request);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toMatchObject({ code: "usage" });
  });
});
