import { describe, expect, it } from "vitest";
import { planningPricing } from "../../../src/domain/estimate.js";
import { fitsOf } from "../../../src/domain/estimate-fit.js";
import { type GroupReport, NO_SUMS, type Sums, totalOf } from "../../../src/domain/report.js";
import {
  estimateTotals,
  NO_ACTIVITY,
  rowsByUser,
  type UserReport,
} from "../../../src/domain/report-users.js";
import { INITIAL_SETTINGS, planningRates } from "../../../src/domain/settings.js";
import { INITIAL_TIERS } from "../../../src/domain/tier.js";
import type { User } from "../../../src/domain/user.js";
import { calendar, parseDay } from "../../../src/domain/window.js";
import { toJson } from "../../../src/render/json.js";
import { render } from "../../../src/render/render.js";
import { createStyle } from "../../../src/render/style.js";
import { groupReportTable, reportJson } from "../../../src/render/views/report.js";
import { rangeNote, unpricedNote } from "../../../src/render/views/report-notes.js";
import { usersReportTable } from "../../../src/render/views/report-users.js";

const USD = 1_000_000_000;
const DAY = 86_400_000;
const T0 = Date.UTC(2026, 10, 22, 12);
const pricing = planningPricing(planningRates(INITIAL_SETTINGS));
const style = createStyle({ color: false });
const range = { from: parseDay("2026-11-01")!, to: parseDay("2026-12-01")! };
const frame = { at: T0, zone: "Europe/Berlin", range, today: parseDay("2026-11-22")!, monthEnd: range.to };

function sums(more: Partial<Sums>): Sums {
  return { ...NO_SUMS, ...more };
}

function user(id: number, email: string, more: Partial<User> = {}): User {
  return {
    id,
    key: `usr_${id}`,
    email,
    name: null,
    aliases: [],
    persona: null,
    tier: "free",
    status: "active",
    createdAt: T0 - 60 * DAY,
    ...more,
  };
}

const IMAGES = { provider: "openai", model: "gpt-image-1", events: 24, assumed: BigInt(1.8 * USD) };

function userReport(used: boolean): UserReport {
  const all = new Map<number, Sums>([
    [
      1,
      sums({
        input: 4_629,
        output: 4_570,
        images: 36,
        requests: 76,
        cost: 3_400_000n,
        assumed: IMAGES.assumed,
        unpriced: 24,
      }),
    ],
    [
      2,
      sums({
        input: 33_000,
        cacheRead: 9_000,
        output: 11_000,
        images: 0,
        requests: 310,
        cost: 12_345_678_900n,
      }),
    ],
    [3, sums({ input: 900, requests: 2, cost: 250_000_000n })],
  ]);
  const activity = new Map([
    [
      1,
      {
        ...NO_ACTIVITY,
        fullestDay: { tokens: 600, images: 5, cost: USD, requests: 9 },
        activeDays: 9,
        activeTokens: 9_199,
      },
    ],
    [
      2,
      {
        ...NO_ACTIVITY,
        fullestDay: { tokens: 8_200, images: 0, cost: USD, requests: 9 },
        activeDays: 9,
        activeTokens: 20_000,
      },
    ],
  ]);
  const users = [
    user(1, "ada@example.com", { persona: "casual" }),
    user(2, "a.very.long.address.indeed@department.example.com", { tier: "basic" }),
    user(3, "cleo@example.com", { status: "removed", tier: "pro", persona: "power" }),
    user(4, "dan@example.com", { createdAt: T0 - DAY, status: "suspended" }),
  ];
  const totals = used ? totalOf(all.values()) : NO_SUMS;
  const rows = rowsByUser({
    users: used ? users : [],
    tiers: INITIAL_TIERS,
    sums: used ? all : new Map(),
    activity,
    overrides: new Map([
      [
        1,
        [
          {
            id: 1,
            kind: "quota",
            meter: "tokens",
            period: "day",
            limit: 1_200,
            reason: null,
            since: 0,
            until: null,
          },
        ],
      ],
    ]),
    firstUse: new Map(),
    removedAt: new Map([[3, T0 - 10 * DAY]]),
    range,
    calendar: calendar("Europe/Berlin"),
    pricing,
    at: T0,
  });
  const pairs = rows.map((row) => ({ persona: row.estimate.persona, tier: row.user.tier }));
  return {
    ...frame,
    by: "user",
    rows,
    totals,
    unpriced: used ? [IMAGES] : [],
    estimates: estimateTotals(rows),
    computedAt: { rates: "planning", ...planningRates(INITIAL_SETTINGS) },
    fits: fitsOf(pairs, INITIAL_TIERS, pricing, 9_500),
    warnAt: 8_000,
    blockAt: 9_500,
  };
}

function modelReport(): GroupReport {
  const rows = [
    {
      key: "gpt-image-1",
      provider: "openai",
      testers: null,
      sums: sums({ images: 36, requests: 24, unpriced: 24, assumed: IMAGES.assumed }),
    },
    {
      key: "gpt-4o",
      provider: "azure",
      testers: null,
      sums: sums({
        input: 22_361_870,
        cacheRead: 5,
        output: 4_088_665,
        requests: 19_366,
        cost: 96_791_325_000n,
      }),
    },
    { key: "", provider: "", testers: null, sums: sums({ input: 10, requests: 1, cost: 1_000n }) },
  ];
  return { ...frame, by: "model", rows, totals: totalOf(rows.map((row) => row.sums)), unpriced: [IMAGES] };
}

describe("a report by user", () => {
  it.each([
    ["80", 80],
    ["120", 120],
    ["pipe", null],
  ] as const)("on %s", async (name, width) => {
    const text = render(usersReportTable(userReport(true), false), "table", { width, style });
    await expect(text).toMatchFileSnapshot(`golden/report-user-${name}.txt`);
    if (width !== null) for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(width);
  });

  it("on 80 columns keeps what matters most", () => {
    const [header] = render(usersReportTable(userReport(true), false), "table", { width: 80, style }).split(
      "\n",
    );
    expect(header!.split(/ +/)).toEqual(
      expect.arrayContaining(["USER", "TIER", "TOKENS", "IMAGES", "COST", "LIMIT", "PROJECTED"]),
    );
  });

  it("in Markdown and CSV", async () => {
    const markdown = render(usersReportTable(userReport(true), false), "markdown", { width: null, style });
    await expect(markdown).toMatchFileSnapshot("golden/report-user.md.txt");
    const csv = render(usersReportTable(userReport(true), true), "csv", { width: null, style });
    await expect(csv).toMatchFileSnapshot("golden/report-user.csv.txt");
  });

  it("as JSON", async () => {
    await expect(`${toJson(reportJson(userReport(true)))}\n`).toMatchFileSnapshot(
      "golden/report-user.json.txt",
    );
  });

  it("paints a limit that is nearly or wholly used up", () => {
    const text = render(usersReportTable(userReport(true), false), "table", {
      width: 120,
      style: createStyle({ color: true }),
    });
    expect(text).toContain("\u001b[31m100%");
    expect(text).toContain("\u001b[33m82%");
  });

  it("states nothing in the foot where nobody has a persona", () => {
    const { rows, estimates, ...rest } = userReport(true);
    const unknown = rows.filter((row) => row.estimate.persona === null);
    const report = { ...rest, rows: unknown, estimates: estimateTotals(unknown) };
    const text = render(usersReportTable(report, false), "table", { width: null, style });
    const foot = text.split("\n").find((line) => line.startsWith("total"))!;
    expect(foot).toMatch(/ - +- +\$0\.00 +n\/a$/);
  });

  it("of nobody is a sentence", () => {
    expect(render(usersReportTable(userReport(false), false), "table", { width: 80, style })).toBe(
      "Nobody was a tester then, and nothing was used.\n\n2026-11-01 to 2026-11-30 (30 days), accounting zone Europe/Berlin; day 22 is\nrunning.\n",
    );
  });
});

describe("a report by model", () => {
  it.each([
    ["80", 80],
    ["120", 120],
    ["pipe", null],
  ] as const)("on %s", async (name, width) => {
    const text = render(groupReportTable(modelReport()), "table", { width, style });
    await expect(text).toMatchFileSnapshot(`golden/report-model-${name}.txt`);
  });

  it("in Markdown and CSV", async () => {
    const table = groupReportTable(modelReport());
    const both = (["markdown", "csv"] as const).map((format) =>
      render(table, format, { width: null, style }),
    );
    await expect(both.join("\n")).toMatchFileSnapshot("golden/report-model.formats.txt");
  });

  it("as JSON has the same keys with rows and without", () => {
    const { rows, ...rest } = reportJson(modelReport()) as { rows: object[] };
    expect(rows[0]).toMatchObject({ model: "gpt-image-1", provider: "openai", unpriced_events: 24 });
    const empty = reportJson({ ...modelReport(), rows: [], totals: NO_SUMS, unpriced: [] });
    expect(Object.keys(empty)).toEqual([...Object.keys(rest), "rows"]);
    expect(empty).toMatchObject({ rows: [], unpriced: { events: 0, models: [] } });
  });
});

describe("reports by tier, provider, feature and day", () => {
  it.each(["tier", "provider", "feature", "day"] as const)("by %s", (by) => {
    const testers = by === "tier" ? 2 : null;
    const rows = [
      {
        key: "k",
        provider: null,
        testers,
        sums: sums({ input: 3, output: 4, requests: 1, cost: 5_000_000_000n }),
      },
    ];
    const table = groupReportTable({ ...frame, by, rows, totals: rows[0]!.sums, unpriced: [] });
    const csv = render(table, "csv", { width: null, style });
    const more = by === "tier" ? [",testers", ",2"] : ["", ""];
    expect(csv).toBe(
      `${by}${more[0]},input_tokens,cached_input_tokens,output_tokens,tokens,images,requests,cost_usd,assumed_usd,unpriced_events\nk${more[1]},3,0,4,7,0,1,5,0,0\n`,
    );
    expect(reportJson({ ...frame, by, rows, totals: rows[0]!.sums, unpriced: [] }).rows[0]).toMatchObject({
      [by]: "k",
      tokens: 7,
    });
  });
});

describe("unpriced usage", () => {
  const said = (events: number, assumed: bigint, models: number) =>
    unpricedNote({
      totals: sums({ unpriced: events, assumed }),
      unpriced: Array.from({ length: models }, (_, n) => ({
        provider: "p",
        model: `m${n}`,
        events: 1,
        assumed: 10_000_000n,
      })),
    })[0];

  it("is said in every form", () => {
    for (const table of [usersReportTable(userReport(true), false), groupReportTable(modelReport())]) {
      for (const format of ["table", "markdown"] as const) {
        const text = render<never>(table as never, format, { width: null, style });
        expect(text).toContain("24 events are unpriced and no part of COST; assumed to cost $1.80");
        expect(text).toContain("openai/gpt-image-1");
      }
    }
    for (const table of [usersReportTable(userReport(true), true), groupReportTable(modelReport())]) {
      const [header, ...rows] = render<never>(table as never, "csv", { width: null, style })
        .trim()
        .split("\n");
      const column = header!.split(",").indexOf("unpriced_events");
      expect(rows.map((row) => row.split(",")[column])).toContain("24");
    }
    expect(reportJson(userReport(true)).unpriced).toMatchObject({ events: 24 });
  });

  it("is a sentence that counts", () => {
    expect(said(0, 0n, 0)).toBeUndefined();
    expect(said(1, 0n, 1)).toBe(
      "* 1 event is unpriced and no part of COST, nor is any cost assumed for it: p/m0 (1 event, $0.01).",
    );
    expect(said(5, 50_000_000n, 5)).toBe(
      "* 5 events are unpriced and no part of COST; assumed to cost $0.05, shown apart: p/m0 (1 event, $0.01), p/m1 (1 event, $0.01), p/m2 (1 event, $0.01) and 2 more models.",
    );
  });
});

describe("the days of a report", () => {
  it.each([
    ["2026-10-01", "2026-11-01", "2026-10-01 to 2026-10-31 (31 days), accounting zone Europe/Berlin."],
    [
      "2026-11-01",
      "2026-12-01",
      "2026-11-01 to 2026-11-30 (30 days), accounting zone Europe/Berlin; day 22 is running.",
    ],
    ["2026-11-22", "2026-11-23", "2026-11-22, accounting zone Europe/Berlin; it is running."],
    [
      "2026-12-01",
      "2027-01-01",
      "2026-12-01 to 2026-12-31 (31 days), accounting zone Europe/Berlin; it has not begun.",
    ],
  ])("from %s to %s", (from, to, note) => {
    const days = { from: parseDay(from)!, to: parseDay(to)! };
    expect(rangeNote({ ...frame, range: days, totals: NO_SUMS, unpriced: [] })).toBe(note);
  });
});
